/* Signatures of WS-Security, by a message that Apache WSS4J signed. */
#include "lib/codec/datetime.h"
#include "lib/es/dsig.h"
#include "lib/es/wsse.h"
#include "lib/pki/x509.h"
#include "sample.h"
#include "tests/support/wss4j_message.h"

static struct span recorded(struct arena *a)
{
    struct writer w = wr_arena(a, 16384);
    for (size_t i = 0; i < ARRAY_LEN(wss4j_pieces); i++)
        wr_text(&w, wss4j_pieces[i]);
    return wr_span(&w);
}

static struct x509 *certificate_of(const struct es_message *m)
{
    uint8_t der[2048];
    size_t len = 0;
    struct x509 *x = NULL;
    assert_ok(dsig_base64_read(m->security->certificate, der, sizeof der, &len));
    assert_ok(x509_read((struct span){ der, len }, &x));
    return x;
}

/* The fault over the message that was recorded, with one change, so many seconds later; ES_FAULT_NONE: it is taken. */
static struct es_fault fault_over(const char *from, const char *to, uint32_t later_s)
{
    struct arena a;
    struct es_message m;
    struct es_fault fault, decoding;
    uint64_t now_ms = 0;
    struct wsse_rule rule = { .kind = WSSE_X509 };
    arena_init(&a, 1u << 20);
    assert_ok(es_decode(recorded(&a), &a, &m, &fault));
    rule.certificate = certificate_of(&m);
    assert_ok(datetime_read(SPAN_LIT(WSS4J_SIGNED_AT), &now_ms));
    struct span soap = sample_replaced(&a, recorded(&a), from, to);
    if (es_decode(soap, &a, &m, &decoding) != ERR_NONE)
        fault = decoding;
    else if (wsse_check(&rule, NULL, &m, soap, now_ms + later_s * 1000ull, &fault))
        assert_int_equal(fault.kind, ES_FAULT_NONE);
    else
        assert_int_not_equal(fault.kind, ES_FAULT_NONE);
    wsse_rule_done(&rule);
    arena_release(&a);
    return fault;
}

static void check(const char *from, const char *to, enum es_fault_kind want, const char *words)
{
    struct es_fault fault = fault_over(from, to, 0);
    if (fault.kind != want || !strstr(fault.text, words))
        fail_msg("%s for %s: fault %d, %s", to, from, (int)fault.kind, fault.text);
}

static void a_recorded_signature_is_taken(void **state)
{
    (void)state;
    check("G1", "G1", ES_FAULT_NONE, "");
    check("<e:Header>", "<e:Header><y:Other xmlns:y='urn:y'/>", ES_FAULT_NONE, "");
    check(" standalone=\"no\"", "", ES_FAULT_NONE, "");
    check("&#13;", "\n", ES_FAULT_NONE, "");                                      /* within base64 */
    check("<e:Envelope ", "<e:Envelope xmlns:other='urn:z' ", ES_FAULT_NONE, ""); /* on no list */
}

static void a_timestamp_is_over_in_time(void **state)
{
    (void)state;
    assert_int_equal(fault_over("G1", "G1", 345).kind, ES_FAULT_NONE); /* clocks differ */
    assert_int_equal(fault_over("G1", "G1", 360).kind, ES_FAULT_SECURITY_EXPIRED);
}

static void what_is_not_as_signed_is_refused(void **state)
{
    static const char wrong[] = "the signature is wrong";
    (void)state;
    check("ValidityPeriod>60", "ValidityPeriod>61", ES_FAULT_SECURITY_FAILED, wrong);
    check("2.999.60.10<", "2.999.60.11<", ES_FAULT_SECURITY_FAILED, wrong);
    check("03:43:22.669Z", "03:53:22.669Z", ES_FAULT_SECURITY_FAILED, wrong);
    check("tag:x,2005:y", "tag:x,2005:z", ES_FAULT_SECURITY_FAILED, wrong);
    check("?b=c%20d", "?b=c%20e", ES_FAULT_SECURITY_FAILED, wrong);
    check("PrefixList=\"#default e wsa x\"", "PrefixList=\"#default e wsa\"", ES_FAULT_SECURITY_FAILED, wrong);
    check("PrefixList=\"#default wsa x\"", "PrefixList=\"wsa x\"", ES_FAULT_SECURITY_FAILED, wrong);
    check("PrefixList=\"#default e x\"", "PrefixList=\"#default e x wsu\"", ES_FAULT_SECURITY_FAILED, wrong);
    check("e:mustUnderstand", "x:mustUnderstand", ES_FAULT_NONE, ""); /* of a header that is not signed */
}

#define LIST                                                                                                           \
    "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"#default e x\"/>"

static void what_is_not_taken_is_said(void **state)
{
    (void)state;
    check(LIST "</ds:Transform>", LIST LIST "</ds:Transform>", ES_FAULT_SECURITY_FAILED, "two lists");
    check("xmlenc#sha256", "xmldsig#sha1", ES_FAULT_SECURITY_FAILED, "an algorithm that is not taken");
    check("PrefixList=\"#default wsa x\"", "PrefixList=\"#default wsa:x\"", ES_FAULT_SECURITY_FAILED,
          "something else than prefixes");
    check("2001/10/xml-exc-c14n#\">", "2006/12/xml-c14n11\">", ES_FAULT_SECURITY_FAILED, "in an inclusive form");
    check("</ds:Transform>", "</ds:Transform><ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
          ES_FAULT_SECURITY_FAILED, "more than one Transform");
    check("http://h.example:8080/", "http://user@h.example:8080/", ES_FAULT_SECURITY_FAILED,
          "whose canonical form is not taken");
    check("http://h.example:8080/a", "a", ES_FAULT_SECURITY_FAILED, "whose canonical form is not taken");
    check("URI=\"#TS-", "URI=\"#TX-", ES_FAULT_SECURITY_FAILED, "not acted on");
    check("<e:Header>", "<e:Header><y:Security xmlns:y='urn:y'/>", ES_FAULT_SECURITY_INVALID,
          "a second header Security");
    check("#X509v3\" wsu", "#X509PKIPathv1\" wsu", ES_FAULT_SECURITY_INVALID, "not valid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_signature_is_taken),
        cmocka_unit_test(a_timestamp_is_over_in_time),
        cmocka_unit_test(what_is_not_as_signed_is_refused),
        cmocka_unit_test(what_is_not_taken_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
