#include "sample.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <stdlib.h>

static const char signature[] =
    "<rps:EumSignature xmlns:rps=\"http://namespaces.gsma.org/esim-messaging/3\""
    " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>"
    "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>"
    "<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/>"
    "<ds:Reference><ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>"
    "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>"
    "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    "<ds:SignatureValue>AAAA</ds:SignatureValue></rps:EumSignature>";

static void fill(struct arena *a, const struct xml_table *t, uint8_t *out, enum sample how, unsigned *seed);

static struct span octets(struct arena *a, size_t len, unsigned seed)
{
    uint8_t *p = arena_alloc(a, len);
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(seed * 31 + i * 7 + 1);
    return (struct span){ p, len };
}

static uint64_t in_range(const struct xml_field *f, uint64_t n)
{
    n = n < f->min ? f->min : n;
    return f->max && n > f->max ? f->max : n;
}

static void fill_value(struct arena *a, const struct xml_field *f, void *out, enum sample how, unsigned *seed)
{
    unsigned n = ++*seed;
    struct subscription_address *address = out;
    switch (f->type) {
    case XML_TEXT:
        *(struct span *)out = span_text(arena_printf(a, "t <&>\"' %u \xC3\xA9", n));
        break;
    case XML_HEX:
        *(struct span *)out = octets(a, f->max ? f->max : 5 + n % 40, n);
        break;
    case XML_EID:
        assert_ok(eid_with_check_digits(span_text(arena_printf(a, "890490321181234567890123%06u", n)), out));
        break;
    case XML_ICCID:
        assert_ok(iccid_from_text(span_text(arena_printf(a, "8949000000000%06u", n)), out));
        break;
    case XML_OID:
        assert_ok(oid_from_text(span_text(arena_printf(a, "1.3.6.1.4.1.%u", n)), out));
        break;
    case XML_AID:
        *(struct aid *)out = aid_isdp(ISDP_TAR_FIRST + n);
        break;
    case XML_TAR:
        memcpy(out, octets(a, 3, n).ptr, 3);
        break;
    case XML_BOOL:
        *(bool *)out = true;
        break;
    case XML_U8:
        *(uint8_t *)out = (uint8_t)in_range(f, n % 100);
        break;
    case XML_U32:
        *(uint32_t *)out = (uint32_t)in_range(f, n * 1000);
        break;
    case XML_U64:
        *(uint64_t *)out = in_range(f, n * 100000ull);
        break;
    case XML_HEX8:
        *(uint8_t *)out = 0x88;
        break;
    case XML_HEX16:
        *(uint16_t *)out = 0x0200;
        break;
    case XML_TIME:
        *(uint64_t *)out = 1767323045000u + n * 1001;
        break;
    case XML_VERSION:
        assert_ok(eis_version_from_text(span_text(arena_printf(a, "3.2.%u", n)), out));
        break;
    case XML_STATE:
        *(enum profile_state *)out = n % 2 ? PROFILE_ENABLED : PROFILE_DISABLED;
        break;
    case XML_IMSI:
        snprintf(address->imsi, sizeof address->imsi, "26201%09u", n);
        break;
    case XML_MSISDN:
        snprintf(address->msisdn, sizeof address->msisdn, "4917%08u", n);
        break;
    case XML_ENUM:
        *(int *)out = 1 + (int)(n % (f->max - 1));
        break;
    case XML_POL2:
        ((struct pol2 *)out)->rules = how == SAMPLE_FULL ? (1u << POL2_RULES_MAX) - 1 : 0;
        break;
    case XML_STATUS:
        *(struct status *)out =
            how == SAMPLE_FULL ? status_failed(REASON_EID_UNKNOWN, "8949", "no <such> card %u", n) : status_success();
        break;
    case XML_RAW:
        *(struct span *)out = SPAN_LIT(signature);
        break;
    default:
        fill(a, f->table, out, how, seed);
    }
}

static void fill_items(struct arena *a, const struct xml_field *f, uint8_t *out, enum sample how, unsigned *seed)
{
    size_t count = how == SAMPLE_FULL ? 2 : 1, size = field_size(f);
    uint8_t *items = arena_array(a, size, count);
    for (size_t i = 0; i < count; i++)
        fill_value(a, f, items + i * size, how, seed);
    memcpy(out + f->offset, &items, sizeof items);
    memcpy(out + f->aux, &count, sizeof count);
}

static void fill(struct arena *a, const struct xml_table *t, uint8_t *out, enum sample how, unsigned *seed)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct xml_field *f = &t->fields[i];
        if (how == SAMPLE_MINIMAL && !(f->flags & (REQUIRED | FULL | ZERO_FILLED)))
            continue;
        if (f->flags & HAS)
            *(bool *)(out + f->aux) = true;
        if (f->flags & REPEATED) {
            fill_items(a, f, out, how, seed);
        } else if (f->flags & POINTER) {
            void *item = arena_alloc(a, f->table->size);
            memcpy(out + f->offset, &item, sizeof item);
            fill(a, f->table, item, how, seed);
        } else {
            fill_value(a, f, out + f->offset, how, seed);
        }
    }
}

void *sample_body(struct arena *a, enum es_function function, enum es_kind kind, enum sample how)
{
    unsigned seed = 0;
    const struct xml_table *t = es_table(function, kind);
    uint8_t *body = arena_alloc(a, t->size);
    fill(a, t, body, how, &seed);
    if (function == ES7_AUTHENTICATE_SMSR && kind == ES_REQUEST && how == SAMPLE_MINIMAL) { /* one of two is needed */
        struct es7_authenticate_smsr *either = (void *)body;
        either->has_eid = true;
        assert_ok(eid_with_check_digits(SPAN_LIT("890490321181234567890123000001"), &either->eid));
    }
    return body;
}

struct es_message sample_message(struct arena *a, enum es_function function, enum es_kind kind, enum sample how)
{
    struct es_message m = { .function = function, .kind = kind, .body = sample_body(a, function, kind, how) };
    m.wsa.from.address = SPAN_LIT("https://sm-dp.example/esim-messaging/3/ES3/ES3SmDpService");
    assert_ok(oid_from_text(SPAN_LIT("1.3.6.1.4.1.99.1"), &m.wsa.from.entity_id));
    m.wsa.to.address = SPAN_LIT("https://sm-sr.example/esim-messaging/3/ES3/ES3SmSrService");
    assert_ok(oid_from_text(SPAN_LIT("1.3.6.1.4.1.99.2"), &m.wsa.to.entity_id));
    if (how == SAMPLE_FULL) {
        m.wsa.from.entity_name = SPAN_LIT("A & B? 100% <DP>");
        m.wsa.from.user_name = SPAN_LIT("someone");
        m.wsa.reply_to.address = SPAN_LIT("https://sm-dp.example/back");
    }
    assert_ok(wsa_message_id_make(a, &m.wsa.from.entity_id, SPAN_LIT("7f6c1d2e-0001"), SPAN_LIT("tx 42"), SPAN_NONE,
                                  1767323045000u, '?', &m.wsa.message_id));
    if (kind == ES_RESPONSE)
        m.wsa.relates_to = SPAN_LIT("//1.3.6.1.4.1.99.2/aa?TransactionId=1&MessageDate=2026-01-02T03:04:05Z");
    return m;
}

/* --- the schemas ----------------------------------------------------------------------------------------------- */

struct schema {
    xmlSchemaPtr compiled;
    xmlSchemaValidCtxtPtr valid;
    char words[1000];
};

static const char wrapper[] =
    "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">"
    "<xs:import namespace=\"http://www.w3.org/2003/05/soap-envelope\" schemaLocation=\"import/soap-12.xsd\"/>"
    "<xs:import namespace=\"http://www.w3.org/2005/08/addressing\" schemaLocation=\"import/ws-addr.xsd\"/>"
    "<xs:import namespace=\"http://namespaces.gsma.org/esim-messaging/3\" schemaLocation=\"validate.xsd\"/>"
    "</xs:schema>";
static const char xml_xsd[] =
    "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\""
    " targetNamespace=\"http://www.w3.org/XML/1998/namespace\">"
    "<xs:attribute name=\"lang\" type=\"xs:language\"/><xs:attribute name=\"base\" type=\"xs:anyURI\"/></xs:schema>";

/* Files only; the one schema that the set names by URL is the few lines above. */
static xmlParserInputPtr local_only(const char *url, const char *id, xmlParserCtxtPtr context)
{
    (void)id;
    if (strstr(url, "w3.org") && strstr(url, "xml.xsd"))
        return xmlNewIOInputStream(context,
                                   xmlParserInputBufferCreateMem(xml_xsd, sizeof xml_xsd - 1, XML_CHAR_ENCODING_UTF8),
                                   XML_CHAR_ENCODING_UTF8);
    return strstr(url, "://") ? NULL : xmlNewInputFromFile(context, url);
}

static void hear(void *context, const char *format, ...)
{
    struct schema *s = context;
    size_t used = strlen(s->words);
    va_list args;
    va_start(args, format);
    vsnprintf(s->words + used, sizeof s->words - used, format, args);
    va_end(args);
}

struct schema *schema_open(void)
{
    const char *path = shared_path("data/esim-messaging/xsd/validate.xsd");
    if (!path)
        return NULL;
    struct schema *s = calloc(1, sizeof *s);
    char url[1024];
    snprintf(url, sizeof url, "%.*swrapper.xsd", (int)(strlen(path) - strlen("validate.xsd")), path);
    xmlSetExternalEntityLoader(local_only);
    xmlDocPtr doc = xmlReadMemory(wrapper, sizeof wrapper - 1, url, NULL, 0);
    xmlSchemaParserCtxtPtr parser = xmlSchemaNewDocParserCtxt(doc);
    xmlSchemaSetParserErrors(parser, hear, hear, s);
    s->compiled = xmlSchemaParse(parser);
    if (!s->compiled)
        fail_msg("the schemas do not compile: %s", s->words);
    s->valid = xmlSchemaNewValidCtxt(s->compiled);
    xmlSchemaSetValidErrors(s->valid, hear, hear, s);
    return s;
}

void schema_check(struct schema *s, struct span soap, const char *what)
{
    s->words[0] = '\0';
    xmlDocPtr doc = xmlReadMemory((const char *)soap.ptr, (int)soap.len, "message", NULL, XML_PARSE_NONET);
    if (!doc)
        fail_msg("%s is not well formed: %.*s", what, (int)soap.len, (const char *)soap.ptr);
    int result = xmlSchemaValidateDoc(s->valid, doc);
    xmlFreeDoc(doc);
    if (result != 0)
        fail_msg("%s is not valid: %s\n%.*s", what, s->words, (int)soap.len, (const char *)soap.ptr);
}

struct span sample_replaced(struct arena *a, struct span s, const char *from, const char *to)
{
    const uint8_t *at = memmem(s.ptr, s.len, from, strlen(from));
    if (!at)
        fail_msg("%s is not there", from);
    size_t before = (size_t)(at - s.ptr);
    return span_text(arena_printf(a, "%.*s%s%.*s", (int)before, (const char *)s.ptr, to,
                                  (int)(s.len - before - strlen(from)), (const char *)at + strlen(from)));
}
