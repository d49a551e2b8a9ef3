#include "libxml2_canonical.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>

static void say_nothing(void *context, const char *format, ...) { (void)context, (void)format; }

/* Is the node inside the element? A namespace node has no parent of its own. */
static int inside(void *element, xmlNodePtr node, xmlNodePtr parent)
{
    xmlNodePtr n = node && node->type != XML_NAMESPACE_DECL ? node : parent;
    if (n == node && n && n->type == XML_ATTRIBUTE_NODE)
        n = n->parent;
    for (; n; n = n->parent)
        if (n == element)
            return 1;
    return 0;
}

static xmlNodePtr target_of(xmlDocPtr doc, const char *child)
{
    xmlNodePtr root = xmlDocGetRootElement(doc);
    if (!child)
        return root;
    for (xmlNodePtr n = root ? root->children : NULL; n; n = n->next)
        if (n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, child))
            return n;
    return NULL;
}

#define LIST_MAX 64

/* Ends each word of the text; the list ends with NULL. */
static void words_of(char *text, xmlChar *ret[LIST_MAX])
{
    size_t count = 0;
    for (char *rest = NULL, *word = strtok_r(text, " ", &rest); word && count + 1 < LIST_MAX;
         word = strtok_r(NULL, " ", &rest))
        ret[count++] = (xmlChar *)word;
    ret[count] = NULL;
}

static bool write_form(xmlDocPtr doc, xmlNodePtr target, enum canonical_method method, xmlChar **prefixes,
                       xmlBufferPtr out)
{
    static const int modes[] = { XML_C14N_1_0, XML_C14N_1_1, XML_C14N_EXCLUSIVE_1_0 };
    xmlOutputBufferPtr sink = target ? xmlOutputBufferCreateBuffer(out, NULL) : NULL;
    if (!sink)
        return false;
    bool good = xmlC14NExecute(doc, inside, target, modes[method], prefixes, 0, sink) >= 0;
    return xmlOutputBufferClose(sink) >= 0 && good;
}

bool libxml2_canonical(struct span xml, const char *child, enum canonical_method method, const char *prefixes,
                       struct span *ret)
{
    char text[1024];
    xmlChar *list[LIST_MAX];
    snprintf(text, sizeof text, "%s", prefixes ? prefixes : "");
    words_of(text, list);
    int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    xmlSetGenericErrorFunc(NULL, say_nothing);
    xmlDocPtr doc = xmlReadMemory((const char *)xml.ptr, (int)xml.len, "", NULL, options);
    xmlBufferPtr out = xmlBufferCreate();
    bool good = doc && out && write_form(doc, target_of(doc, child), method, list[0] ? list : NULL, out);
    size_t len = good ? (size_t)xmlBufferLength(out) : 0;
    uint8_t *copy = good ? malloc(len + 1) : NULL;
    if (copy) {
        memcpy(copy, xmlBufferContent(out), len);
        *ret = (struct span){ copy, len };
    }
    xmlBufferFree(out);
    xmlFreeDoc(doc);
    return copy != NULL;
}
