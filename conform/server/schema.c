#include "schema.h"

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform/verdict.h"
#include "lib/es/wsdl.h"

struct schema {
    xmlSchemaPtr own, set;
    char fault[200];
    bool unknown; /* the schema has no such element */
};

#if LIBXML_VERSION >= 21200
typedef const xmlError *fault_ref;
#else
typedef xmlErrorPtr fault_ref;
#endif

static void on_fault(void *context, fault_ref error)
{
    struct schema *s = context;
    if (error->code == XML_SCHEMAV_CVC_ELT_1)
        s->unknown = true;
    if (!s->fault[0])
        snprintf(s->fault, sizeof s->fault, "%.190s", error->message ? error->message : "not valid");
    s->fault[strcspn(s->fault, "\n")] = '\0';
}

static void silent(void *context, const char *format, ...) { (void)context, (void)format; }

static xmlSchemaPtr schema_parse(xmlSchemaParserCtxtPtr parser)
{
    if (!parser)
        return NULL;
    xmlSchemaSetParserErrors(parser, silent, silent, NULL);
    xmlSchemaPtr schema = xmlSchemaParse(parser);
    xmlSchemaFreeParserCtxt(parser);
    return schema;
}

static xmlSchemaPtr own_schema(void)
{
    struct arena a;
    struct span xsd;
    arena_init(&a, 2 * WSDL_MAX);
    xmlSchemaPtr schema = NULL;
    if (es_xsd(&a, &xsd) == ERR_NONE)
        schema = schema_parse(xmlSchemaNewMemParserCtxt((const char *)xsd.ptr, (int)xsd.len));
    arena_release(&a);
    return schema;
}

enum err schema_new(const char *folder, struct schema **ret, char *detail)
{
    char path[1024];
    struct schema *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NO_MEMORY;
    xmlInitParser();
    snprintf(path, sizeof path, "%s/validate.xsd", folder ? folder : "");
    s->own = own_schema();
    s->set = folder ? schema_parse(xmlSchemaNewParserCtxt(path)) : NULL;
    if (s->own && (s->set || !folder)) {
        *ret = s;
        return ERR_NONE;
    }
    snprintf(detail, BED_DETAIL_MAX, "%s is no schema", s->own ? path : "our own");
    schema_free(s);
    return ERR_BAD_VALUE;
}

void schema_free(struct schema *s)
{
    if (!s)
        return;
    xmlSchemaFree(s->own);
    xmlSchemaFree(s->set);
    free(s);
}

static const char *fault_of(struct schema *s, xmlSchemaPtr schema, xmlDocPtr doc)
{
    xmlSchemaValidCtxtPtr valid = xmlSchemaNewValidCtxt(schema);
    s->fault[0] = '\0';
    s->unknown = false;
    if (!valid)
        return NULL;
    xmlSchemaSetValidStructuredErrors(valid, on_fault, s);
    int result = xmlSchemaValidateDoc(valid, doc);
    xmlSchemaFreeValidCtxt(valid);
    return result == 0 ? NULL : s->fault;
}

const char *schema_check(struct schema *s, struct _xmlNode *body)
{
    xmlDocPtr doc = xmlNewDoc(BAD_CAST "1.0");
    xmlNodePtr copy = doc ? xmlDocCopyNode(body, doc, 1) : NULL;
    if (!copy) {
        xmlFreeDoc(doc);
        return "no memory";
    }
    xmlDocSetRootElement(doc, copy);
    xmlReconciliateNs(doc, copy);
    const char *fault = fault_of(s, s->own, doc);
    if (!fault && s->set) {
        fault = fault_of(s, s->set, doc);
        if (s->unknown) /* of v4: the set is older */
            fault = NULL;
    }
    xmlFreeDoc(doc);
    return fault;
}
