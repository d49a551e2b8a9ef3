/* SOAP messages decoded into their typed and checked bodies, against libxml2 making a bare tree of the same octets (shared
 * figure P11), and making a tree and validating it by our own schema. */
#include "bench.h"

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>

#include "eum/register.h"
#include "lib/es/message.h"
#include "lib/es/wsdl.h"

#define ARENA_MAX_ (4u << 20)

struct xml_work {
    struct span soap;
    xmlSchemaPtr schema;
};

static void decode(void *context, unsigned repeats)
{
    struct xml_work *w = context;
    struct arena a;
    arena_init(&a, ARENA_MAX_);
    while (repeats--) {
        struct es_message m;
        struct es_fault fault;
        BENCH_MUST(es_decode(w->soap, &a, &m, &fault));
        arena_release(&a);
    }
}

static xmlDocPtr tree_of(struct span soap)
{
    xmlDocPtr doc = xmlReadMemory((const char *)soap.ptr, (int)soap.len, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_COMPACT | XML_PARSE_HUGE);
    bench_must(doc ? ERR_NONE : ERR_BAD_VALUE, "libxml2");
    return doc;
}

static void tree(void *context, unsigned repeats)
{
    struct xml_work *w = context;
    while (repeats--)
        xmlFreeDoc(tree_of(w->soap));
}

/* Envelope, Header, Body, and the message in it, which the schema knows. */
static xmlNodePtr message_of(xmlDocPtr doc)
{
    xmlNodePtr body = xmlLastElementChild(xmlDocGetRootElement(doc));
    return body ? xmlFirstElementChild(body) : NULL;
}

static void validated_tree(void *context, unsigned repeats)
{
    struct xml_work *w = context;
    while (repeats--) {
        xmlDocPtr doc = tree_of(w->soap);
        xmlSchemaValidCtxtPtr valid = xmlSchemaNewValidCtxt(w->schema);
        bench_must(valid && xmlSchemaValidateOneElement(valid, message_of(doc)) == 0 ? ERR_NONE : ERR_BAD_VALUE, "XSD validation");
        xmlSchemaFreeValidCtxt(valid);
        xmlFreeDoc(doc);
    }
}

static xmlSchemaPtr schema_of(struct arena *a)
{
    struct span xsd;
    BENCH_MUST(es_xsd(a, &xsd));
    xmlSchemaParserCtxtPtr parser = xmlSchemaNewMemParserCtxt((const char *)xsd.ptr, (int)xsd.len);
    xmlSchemaPtr schema = parser ? xmlSchemaParse(parser) : NULL;
    bench_must(schema ? ERR_NONE : ERR_BAD_VALUE, "our schema");
    xmlSchemaFreeParserCtxt(parser);
    return schema;
}

static struct oid oid_of(const char *text)
{
    struct oid oid;
    BENCH_MUST(oid_from_text(span_text(text), &oid));
    return oid;
}

static struct span request(struct arena *a, enum es_function function, const void *body)
{
    struct es_message m = { .function = function, .kind = ES_REQUEST, .body = body };
    struct span soap;
    m.wsa.from = (struct wsa_endpoint){ .address = SPAN_LIT("https://127.0.0.1:8444/esim-messaging/3/ES3/ES3SmDpService"),
                                        .entity_id = oid_of("2.999.4") };
    m.wsa.reply_to = m.wsa.from;
    m.wsa.to = (struct wsa_endpoint){ .address = SPAN_LIT("https://127.0.0.1:8443/esim-messaging/3/ES3/ES3SmSrService"),
                                      .entity_id = oid_of("2.999.2") };
    BENCH_MUST(wsa_message_id_make(a, &m.wsa.from.entity_id, SPAN_LIT("0123456789ABCDEF0123456789ABCDEF"), SPAN_NONE, SPAN_NONE, 0, '?',
                                   &m.wsa.message_id));
    BENCH_MUST(es_encode(&m, a, &soap));
    return soap;
}

static void run(const char *name, struct span soap)
{
    struct xml_work w = { soap, NULL };
    bench_run(&(struct bench){ name, "messages/s", 1, decode, tree, "ours, typed and checked / libxml2's bare tree", &w,
                               "P11", 1.0 });
}

void bench_xml(struct span eis, struct span package)
{
    struct arena a;
    struct es_request base = { .call_id = SPAN_LIT("0123456789ABCDEF") };
    struct es_profile_request enable = { .base = base };
    struct es_eid_request get = { .base = base };
    struct es3_send_data data = { .base = base, .data = package };
    struct eum_register registration = { .eum_id = oid_of("2.999.3"), .smsr_id = oid_of("2.999.2"), .url = "https://127.0.0.1:8443",
                                         .eis = eis, .unique = SPAN_LIT("0123456789ABCDEF0123456789ABCDEF") };
    struct span soap;
    arena_init(&a, ARENA_MAX_);
    BENCH_MUST(eid_from_text(SPAN_LIT("89001012012341234000000000000175"), &enable.eid));
    BENCH_MUST(iccid_from_text(SPAN_LIT("8999970000000000019"), &enable.iccid));
    data.eid = enable.eid;
    data.sd_aid = AID_ISDR;
    run("SOAP decode: ES3.EnableProfile", request(&a, ES3_ENABLE_PROFILE, &enable));
    run("SOAP decode: ES3.SendData of the package", request(&a, ES3_SEND_DATA, &data));
    BENCH_MUST(eum_register_encode(&registration, &a, &soap, NULL));
    run("SOAP decode: ES1.RegisterEIS", soap);
    get.eid = enable.eid;
    struct xml_work bare = { request(&a, ES4_GET_EIS, &get), schema_of(&a) };
    bench_run(&(struct bench){ "SOAP message parsed and validated, bare: ES4.GetEIS", "messages/s", 1, validated_tree, NULL, NULL, &bare, NULL, 0 });
    xmlSchemaFree(bare.schema);
    arena_release(&a);
}
