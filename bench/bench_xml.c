/* SOAP messages decoded into their typed and checked bodies, against libxml2 making a bare tree of the same octets (shared
 * figure P11). */
#include "bench.h"

#include <libxml/parser.h>

#include "eum/register.h"
#include "lib/es/message.h"

#define ARENA_MAX_ (4u << 20)

struct xml_work {
    struct span soap;
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

static void tree(void *context, unsigned repeats)
{
    struct xml_work *w = context;
    while (repeats--) {
        xmlDocPtr doc = xmlReadMemory((const char *)w->soap.ptr, (int)w->soap.len, NULL, NULL,
                                      XML_PARSE_NONET | XML_PARSE_COMPACT | XML_PARSE_HUGE);
        bench_must(doc ? ERR_NONE : ERR_BAD_VALUE, "libxml2");
        xmlFreeDoc(doc);
    }
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
    struct xml_work w = { soap };
    bench_run(&(struct bench){ name, "messages/s", 1, decode, tree, "ours, typed and checked / libxml2's bare tree", &w,
                               "P11", 1.0 });
}

void bench_xml(struct span eis, struct span package)
{
    struct arena a;
    struct es_request base = { .call_id = SPAN_LIT("0123456789ABCDEF") };
    struct es_profile_request enable = { .base = base };
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
    arena_release(&a);
}
