#include "canonical.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>

#include "lib/codec/xml_canonical.h"

#define FORM_EXTRA 512u /* octets that a form may be longer than its document, before libxml2 is asked */

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
    for (xmlNodePtr n = child && root ? root->children : NULL; n; n = n->next)
        if (n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, child))
            return n;
    return root;
}

static bool write_form(xmlDocPtr doc, xmlNodePtr target, enum canonical_method method, xmlBufferPtr out)
{
    static const int modes[] = { XML_C14N_1_0, XML_C14N_1_1, XML_C14N_EXCLUSIVE_1_0 };
    xmlOutputBufferPtr sink = target ? xmlOutputBufferCreateBuffer(out, NULL) : NULL;
    if (!sink)
        return false;
    bool good = xmlC14NExecute(doc, inside, target, modes[method], NULL, 0, sink) >= 0;
    return xmlOutputBufferClose(sink) >= 0 && good;
}

enum err canonical_by_libxml2(struct span xml, const char *child, enum canonical_method method, struct arena *a,
                              struct span *ret)
{
    int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NODICT;
    xmlDocPtr doc = xmlReadMemory((const char *)xml.ptr, (int)xml.len, "", NULL, options);
    xmlBufferPtr out = xmlBufferCreate();
    bool good = doc && out && write_form(doc, target_of(doc, child), method, out);
    struct span form = SPAN_NONE;
    if (good)
        form = arena_copy(a, (struct span){ xmlBufferContent(out), (size_t)xmlBufferLength(out) });
    xmlBufferFree(out);
    xmlFreeDoc(doc);
    if (good && form.len)
        *ret = form;
    return !good ? ERR_BAD_VALUE : form.len ? ERR_NONE : ERR_NO_SPACE;
}

enum err canonical_form(struct span xml, const char *child, enum canonical_method method, struct arena *a,
                        struct span *ret)
{
    struct writer w = wr_arena(a, xml.len + FORM_EXTRA);
    if (!xml_canonical(xml, child, method == CANONICAL_EXCLUSIVE ? XML_EXCLUSIVE : XML_INCLUSIVE, &w))
        return canonical_by_libxml2(xml, child, method, a, ret);
    *ret = wr_span(&w);
    return ERR_NONE;
}
