/* The documents of wsdl.h: the schema takes every message that we write and refuses what the decoder refuses; the
 * services name messages that exist. libxml2 is the judge. */
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/es/wsdl.h"
#include "sample.h"

static struct arena memory;
static xmlSchemaPtr compiled;
static char words[2000];

static void hear(void *context, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void hear(void *context, const char *format, ...)
{
    size_t used = strlen(words);
    va_list args;
    (void)context;
    va_start(args, format);
    vsnprintf(words + used, sizeof words - used, format, args);
    va_end(args);
}

static xmlDocPtr parse(struct span xml)
{
    return xmlReadMemory((const char *)xml.ptr, (int)xml.len, "", NULL, XML_PARSE_NONET | XML_PARSE_NOERROR);
}

static int make_schema(void **state)
{
    (void)state;
    struct span xsd;
    arena_init(&memory, 64u << 20);
    assert_ok(es_xsd(&memory, &xsd));
    xmlDocPtr doc = parse(xsd);
    assert_non_null(doc);
    xmlSchemaParserCtxtPtr parser = xmlSchemaNewDocParserCtxt(doc);
    xmlSchemaSetParserErrors(parser, hear, hear, NULL);
    compiled = xmlSchemaParse(parser);
    xmlSchemaFreeParserCtxt(parser);
    if (!compiled)
        fail_msg("our schema does not compile: %s", words);
    return 0;
}

static xmlNodePtr element_of(xmlNodePtr parent, const char *name)
{
    for (xmlNodePtr n = parent->children; n; n = n->next)
        if (n->type == XML_ELEMENT_NODE && (!name || !strcmp((const char *)n->name, name)))
            return n;
    return NULL;
}

/* 0: the body of this envelope is valid. */
static int validate(struct span soap)
{
    xmlDocPtr envelope = parse(soap), body = xmlNewDoc((const xmlChar *)"1.0");
    assert_non_null(envelope);
    xmlNodePtr root = element_of(element_of(xmlDocGetRootElement(envelope), "Body"), NULL);
    xmlDocSetRootElement(body, xmlDocCopyNode(root, body, 1));
    xmlSchemaValidCtxtPtr v = xmlSchemaNewValidCtxt(compiled);
    words[0] = '\0';
    xmlSchemaSetValidErrors(v, hear, hear, NULL);
    int result = xmlSchemaValidateDoc(v, body);
    xmlSchemaFreeValidCtxt(v);
    xmlFreeDoc(body);
    xmlFreeDoc(envelope);
    return result;
}

static struct span encode(struct arena *a, enum es_function f, enum es_kind kind, enum sample how)
{
    struct es_message m = sample_message(a, f, kind, how);
    struct span soap;
    m.dialect.v4 = how == SAMPLE_FULL;
    assert_ok(es_encode(&m, a, &soap));
    return soap;
}

static void every_message_is_valid(void **state)
{
    (void)state;
    unsigned count = 0;
    for (int f = 1; f < ES_FUNCTION_COUNT; f++)
        for (int kind = ES_REQUEST; kind <= ES_NOTIFICATION; kind++)
            for (int how = SAMPLE_FULL; how <= SAMPLE_MINIMAL && es_table((enum es_function)f, (enum es_kind)kind); how++) {
                struct arena a;
                arena_init(&a, 64u << 20);
                struct span soap = encode(&a, (enum es_function)f, (enum es_kind)kind, (enum sample)how);
                if (validate(soap) != 0)
                    fail_msg("%s-%s: %s", es_function_info((enum es_function)f)->interface,
                             es_function_info((enum es_function)f)->name, words);
                arena_release(&a);
                count++;
            }
    assert_true(count > 200);
}

/* One octet of the message changed: schema and decoder say no. */
static void refused(enum es_function f, const char *from, const char *to)
{
    struct arena a;
    struct es_message m;
    struct es_fault fault;
    arena_init(&a, 8u << 20);
    struct span soap = encode(&a, f, ES_REQUEST, SAMPLE_FULL);
    uint8_t *at = memmem(soap.ptr, soap.len, from, strlen(from));
    if (!at || strlen(from) != strlen(to))
        fail_msg("%s is not in the message", from);
    memcpy(at, to, strlen(to));
    if (validate(soap) == 0)
        fail_msg("the schema takes %s for %s", to, from);
    assert_int_not_equal(es_decode(soap, &a, &m, &fault), ERR_NONE);
    arena_release(&a);
}

static void what_the_decoder_refuses_is_not_valid(void **state)
{
    (void)state;
    refused(ES4_ENABLE_PROFILE, "<rps:Iccid>89", "<rps:Iccid>79");
    refused(ES2_DOWNLOAD_PROFILE, "<rps:EnableProfile>true", "<rps:EnableProfile>tree");
    refused(ES4_ENABLE_PROFILE, "<rps:Eid>8", "<rps:Eid>x");
}

/* Every message a service names is an element of its own schema, and each function of the provider is there. */
static void services_are_whole(void **state)
{
    (void)state;
    unsigned services = 0, operations = 0;
    for (int i = 0; i < ES_INTERFACE_COUNT; i++)
        for (int at = 0; at < ES_ROLE_COUNT; at++) {
            struct arena a;
            struct span wsdl;
            arena_init(&a, 2 * WSDL_MAX);
            if (es_wsdl_of((enum es_interface)i, (enum es_role)at, "https://a.example:1&2", &a, &wsdl) != ERR_NONE) {
                arena_release(&a);
                continue;
            }
            xmlDocPtr doc = parse(wsdl);
            assert_non_null(doc);
            xmlFreeDoc(doc);
            services++;
            for (int f = 1; f < ES_FUNCTION_COUNT; f++) {
                const struct es_function_info *info = es_function_info((enum es_function)f);
                char text[200];
                if ((int)info->number != i || (int)info->provider != at)
                    continue;
                operations++;
                snprintf(text, sizeof text, "<wsdl:operation name=\"%s\">", info->name);
                assert_non_null(memmem(wsdl.ptr, wsdl.len, text, strlen(text)));
                snprintf(text, sizeof text, "<xs:element name=\"%s-%s%s\">", info->interface, info->name,
                         info->pattern == ES_NOTIFY ? "" : "Request");
                assert_non_null(memmem(wsdl.ptr, wsdl.len, text, strlen(text)));
            }
            arena_release(&a);
        }
    assert_true(services >= 9);
    assert_int_equal(operations, ES_FUNCTION_COUNT - 1);
}

static void a_path_finds_its_service(void **state)
{
    (void)state;
    struct arena a;
    struct span wsdl;
    arena_init(&a, 4 * WSDL_MAX);
    assert_ok(es_wsdl(SPAN_LIT("/esim-messaging/3/ES2/ES2SmDpService"), ES_ROLE_SMDP, "https://dp.example", &a, &wsdl));
    assert_non_null(memmem(wsdl.ptr, wsdl.len, "https://dp.example/esim-messaging/3/ES2/ES2SmDpService", 54));
    assert_int_equal(es_wsdl(SPAN_LIT("/esim-messaging/3/ES2/ES2SmDpService"), ES_ROLE_SMSR, "", &a, &wsdl), ERR_NOT_FOUND);
    assert_int_equal(es_wsdl(SPAN_LIT("/"), ES_ROLE_SMDP, "", &a, &wsdl), ERR_NOT_FOUND);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_valid),
        cmocka_unit_test(what_the_decoder_refuses_is_not_valid),
        cmocka_unit_test(services_are_whole),
        cmocka_unit_test(a_path_finds_its_service),
    };
    return cmocka_run_group_tests(tests, make_schema, NULL);
}
