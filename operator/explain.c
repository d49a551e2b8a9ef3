#include "explain.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdarg.h>
#include <stdio.h>

void op_explain(const struct op_session *s, const char *format, ...)
{
    if (!s->explain)
        return;
    va_list args;
    va_start(args, format);
    fputs("· ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

/* Long values, like profile packages, are cut: this is for reading. */
#define EXPLAIN_VALUE_MAX 200

static void shorten(xmlNodePtr node)
{
    for (; node; node = node->next) {
        if (node->type == XML_TEXT_NODE && node->content && strlen((char *)node->content) > EXPLAIN_VALUE_MAX) {
            char text[EXPLAIN_VALUE_MAX + 64];
            snprintf(text, sizeof text, "%.*s… (%zu characters)", EXPLAIN_VALUE_MAX, (char *)node->content,
                     strlen((char *)node->content));
            xmlNodeSetContent(node, (xmlChar *)text);
        }
        shorten(node->children);
    }
}

void op_print_xml(FILE *out, struct span soap)
{
    xmlChar *text = NULL;
    int len = 0;
    xmlDocPtr doc = xmlReadMemory((const char *)soap.ptr, (int)soap.len, "", NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOBLANKS | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (doc) {
        shorten(xmlDocGetRootElement(doc));
        xmlDocDumpFormatMemory(doc, &text, &len, 1);
        fwrite(text, 1, (size_t)len, out);
        xmlFree(text);
        xmlFreeDoc(doc);
    } else {
        fwrite(soap.ptr, 1, soap.len < 2000 ? soap.len : 2000, out);
        fputc('\n', out);
    }
}

void op_explain_out(const struct op_session *s, const char *url, struct span soap)
{
    if (!s->explain)
        return;
    fprintf(stderr, "→ POST %s\n", url);
    op_print_xml(stderr, soap);
}

void op_explain_in(const struct op_session *s, const char *what, struct span soap)
{
    if (!s->explain)
        return;
    fprintf(stderr, "← %s\n", what);
    if (soap.len)
        op_print_xml(stderr, soap);
}
