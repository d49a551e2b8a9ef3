/* What es_decode refuses and what it tolerates, message by message. */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>

#define HEADER                                                                                                         \
    "<w:From><w:Address>https://op.example/cb?EntityId=1.3.6.1.4.1.99.3</w:Address></w:From>"                          \
    "<w:To>https://sr.example/x?EntityId=1.3.6.1.4.1.99.2</w:To><w:MessageID>//op/1</w:MessageID>"                     \
    "<w:Action>http://gsma.com/ES4/PlatformManagement/ES4-EnableProfile</w:Action>"
#define ENVELOPE(header, body)                                                                                         \
    "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' xmlns:w='http://www.w3.org/2005/08/addressing'"     \
    " xmlns:r='http://namespaces.gsma.org/esim-messaging/3'><s:Header>" header "</s:Header><s:Body>" body              \
    "</s:Body></s:Envelope>"
#define BASE           "<r:FunctionCallIdentifier>call-1</r:FunctionCallIdentifier>"
#define EID            "<r:Eid>89049032118123456789012300000109</r:Eid>"
#define ICCID          "<r:Iccid>8949000000000000018</r:Iccid>"
#define ENABLE(inside) ENVELOPE(HEADER, "<r:ES4-EnableProfileRequest>" inside "</r:ES4-EnableProfileRequest>")

static char eid_digits[33];

/* The test's EID gets its check digits here. */
static struct span with_eid(struct arena *a, const char *text)
{
    char *copy = arena_printf(a, "%s", text);
    for (char *p = copy; (p = strstr(p, "89049032118123456789012300000109")); p += 32)
        memcpy(p, eid_digits, 32);
    return span_text(copy);
}

static enum es_fault_kind decoded(struct arena *a, const char *text, struct es_message *m, struct es_fault *fault)
{
    enum err err = es_decode(with_eid(a, text), a, m, fault);
    assert_int_equal(err == ERR_NONE, fault->kind == ES_FAULT_NONE);
    return fault->kind;
}

struct refusal {
    const char *name, *text;
    enum es_fault_kind kind;
    enum reason reason;
    const char *said;
};
static const struct refusal refusals[] = {
    { "nothing", "", ES_FAULT_MALFORMED, 0, "empty" },
    { "no XML", "hello", ES_FAULT_MALFORMED, 0, "" },
    { "not SOAP", "<a/>", ES_FAULT_MALFORMED, 0, "no SOAP 1.2 envelope" },
    { "SOAP 1.1", "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body/></s:Envelope>",
      ES_FAULT_SOAP_VERSION, 0, "SOAP 1.1" },
    { "DOCTYPE", "<!DOCTYPE a [<!ENTITY b 'c'>]>" ENABLE(BASE EID ICCID), ES_FAULT_DOCTYPE, 0, "DOCTYPE" },
    { "entity", ENABLE(BASE EID "<r:Iccid>&b;</r:Iccid>"), ES_FAULT_MALFORMED, 0, "entity" },
    { "instruction", "<?xml-stylesheet href='x'?>" ENABLE(BASE EID ICCID), ES_FAULT_MALFORMED, 0, "instruction" },
    { "UTF-16", "\xFF\xFE<", ES_FAULT_MALFORMED, 0, "UTF-8" },
    { "Latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?>" ENABLE(BASE EID ICCID), ES_FAULT_MALFORMED, 0, "UTF-8" },
    { "bad UTF-8", ENABLE("<r:FunctionCallIdentifier>\xC0\x80</r:FunctionCallIdentifier>" EID ICCID),
      ES_FAULT_MALFORMED, 0, "UTF-8" },
    { "no body", ENVELOPE(HEADER, ""), ES_FAULT_UNKNOWN_BODY, 0, "empty" },
    { "two bodies",
      ENVELOPE(HEADER, "<r:ES4-EnableProfileRequest>" BASE EID ICCID "</r:ES4-EnableProfileRequest><r:x/>"),
      ES_FAULT_MALFORMED, 0, "more than one" },
    { "unknown function", ENVELOPE(HEADER, "<r:ES4-FlyToTheMoonRequest/>"), ES_FAULT_UNKNOWN_BODY, 0, "FlyToTheMoon" },
    { "unknown namespace", ENVELOPE(HEADER, "<x:ES4-EnableProfileRequest xmlns:x='urn:x'/>"), ES_FAULT_UNKNOWN_BODY, 0,
      "no function" },
    { "notification as request", ENVELOPE(HEADER, "<r:ES4-HandleProfileEnabledNotificationRequest/>"),
      ES_FAULT_UNKNOWN_BODY, 0, "" },
    { "no EntityId",
      ENVELOPE("<w:From><w:Address>https://op.example/</w:Address></w:From><w:To>x</w:To>"
               "<w:MessageID>1</w:MessageID><w:Action>a</w:Action>",
               "<r:ES4-EnableProfileRequest>" BASE EID ICCID "</r:ES4-EnableProfileRequest>"),
      ES_FAULT_HEADER_MISSING, 0, "EntityId" },
    { "no header", ENVELOPE("", "<r:ES4-EnableProfileRequest>" BASE EID ICCID "</r:ES4-EnableProfileRequest>"),
      ES_FAULT_HEADER_MISSING, 0, "From" },
    { "EntityId is no OID",
      ENVELOPE("<w:From><w:Address>https://op.example/?EntityId=me</w:Address></w:From>", "<r:x/>"),
      ES_FAULT_HEADER_INVALID, 0, "From" },
    { "must understand", ENVELOPE(HEADER "<x:Magic xmlns:x='urn:x' s:mustUnderstand='1'/>", "<r:x/>"),
      ES_FAULT_MUST_UNDERSTAND, 0, "Magic" },
    { "Eid missing", ENABLE(BASE ICCID), ES_FAULT_INVALID_BODY, REASON_ELEMENT_MISSING, "Eid" },
    { "Iccid missing", ENABLE(BASE EID), ES_FAULT_INVALID_BODY, REASON_ELEMENT_MISSING, "Iccid" },
    { "call identifier missing", ENABLE(EID ICCID), ES_FAULT_INVALID_BODY, REASON_ELEMENT_MISSING,
      "FunctionCallIdentifier" },
    { "a second Iccid", ENABLE(BASE EID ICCID ICCID), ES_FAULT_INVALID_BODY, REASON_FORMAT_INVALID, "twice" },
    { "unknown child", ENABLE(BASE EID ICCID "<r:Colour>red</r:Colour>"), ES_FAULT_INVALID_BODY, REASON_FORMAT_INVALID,
      "Colour" },
    { "child of another namespace", ENABLE(BASE EID "<x:Iccid xmlns:x='urn:x'>8949000000000000018</x:Iccid>"),
      ES_FAULT_INVALID_BODY, REASON_FORMAT_INVALID, "Iccid" },
    { "EID with a wrong check digit", ENABLE(BASE "<r:Eid>89049032118123456789012300000100</r:Eid>" ICCID),
      ES_FAULT_INVALID_BODY, REASON_EID_INVALID, "Eid" },
    { "EID too short", ENABLE(BASE "<r:Eid>8904</r:Eid>" ICCID), ES_FAULT_INVALID_BODY, REASON_EID_INVALID, "Eid" },
    { "ICCID with letters", ENABLE(BASE EID "<r:Iccid>89490000000000000zz</r:Iccid>"), ES_FAULT_INVALID_BODY,
      REASON_FORMAT_INVALID, "Iccid" },
    { "validity of zero", ENABLE(BASE "<r:ValidityPeriod>0</r:ValidityPeriod>" EID ICCID), ES_FAULT_INVALID_BODY,
      REASON_FORMAT_INVALID, "ValidityPeriod" },
    { "validity out of range", ENABLE(BASE "<r:ValidityPeriod>99999999999999999999</r:ValidityPeriod>" EID ICCID),
      ES_FAULT_INVALID_BODY, REASON_FORMAT_INVALID, "ValidityPeriod" },
    { "text between elements", ENABLE(BASE EID "x" ICCID), ES_FAULT_INVALID_BODY, REASON_FORMAT_INVALID, "text" },
    { "element in a text", ENABLE(BASE EID "<r:Iccid><r:b/></r:Iccid>"), ES_FAULT_INVALID_BODY, REASON_FORMAT_INVALID,
      "Iccid" },
    { "trailing element", ENABLE(BASE EID ICCID) "<a/>", ES_FAULT_MALFORMED, 0, "follows" },
};

static void refused_with_the_reason(void **state)
{
    const struct refusal *c = *state;
    struct arena a;
    struct es_message m, answer;
    struct es_fault fault;
    struct span soap;
    int http_status = 0;
    arena_init(&a, 8u << 20);
    if (decoded(&a, c->text, &m, &fault) != c->kind || !strstr(fault.text, c->said))
        fail_msg("fault %d: %s", fault.kind, fault.text);
    if (c->kind == ES_FAULT_INVALID_BODY)
        assert_int_equal(fault.status.reason, c->reason);
    assert_ok(es_answer_fault(&m, &fault, &a, &answer, &http_status));
    assert_int_equal(http_status, c->kind == ES_FAULT_INVALID_BODY ? 200 : 400);
    if (c->kind == ES_FAULT_INVALID_BODY) { /* an answer of the function, to who asked */
        assert_string_equal(answer.wsa.to.entity_id.text, "1.3.6.1.4.1.99.3");
        assert_span_equal(answer.wsa.relates_to, SPAN_LIT("//op/1"));
        assert_int_equal(es_response_of(&answer)->status.exec, EXECUTED_FAILED);
        answer.wsa.message_id.raw = SPAN_LIT("//sr/2");
    }
    assert_ok(es_encode(&answer, &a, &soap));
    assert_ok(es_decode(soap, &a, &m, &fault));
    assert_int_equal(m.kind, answer.kind);
    arena_release(&a);
}

static const struct {
    const char *name, *text;
} tolerated[] = {
    { "as it should be", ENABLE(BASE EID ICCID) },
    { "another order", ENABLE(ICCID EID BASE) },
    { "white space and comments",
      "\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?>\n<!-- a -->\n" ENABLE(
          "\n " BASE "<!-- b -->\r\n\t" EID "<r:Iccid>\n 8949000000000000018 \n</r:Iccid>") "\n<!-- c -->\n" },
    { "CDATA and references",
      ENABLE("<r:FunctionCallIdentifier><![CDATA[call]]>&#45;&#x31;</r:FunctionCallIdentifier>" EID ICCID) },
    { "ICCID with filler", ENABLE(BASE EID "<r:Iccid>8949000000000000018F</r:Iccid>") },
    { "mixed prefixes",
      ENVELOPE(HEADER, "<a:ES4-EnableProfileRequest xmlns:a='http://namespaces.gsma.org/esim-messaging/3'>" BASE EID
                       "<Iccid xmlns='http://namespaces.gsma.org/esim-messaging/3'>8949000000000000018</Iccid>"
                       "</a:ES4-EnableProfileRequest>") },
    { "names of /1",
      ENVELOPE(HEADER,
               "<ES4-EnableProfileRequest xmlns='http://namespaces.gsma.org/esim-messaging/1'>"
               "<functionCallIdentifier>call-1</functionCallIdentifier><eid>89049032118123456789012300000109</eid>"
               "<iccid>8949000000000000018</iccid></ES4-EnableProfileRequest>") },
    { "/4",
      ENVELOPE(HEADER,
               "<ES4-EnableProfileRequest xmlns='http://namespaces.gsma.org/esim-messaging/4'>"
               "<FunctionCallIdentifier>call-1</FunctionCallIdentifier><Eid>89049032118123456789012300000109</Eid>"
               "<Iccid>8949000000000000018</Iccid></ES4-EnableProfileRequest>") },
    { "header in an odd namespace, mustUnderstand on To and Action",
      ENVELOPE("<m:From "
               "xmlns:m='http://www.w3.org/2007/05/addressing/metadata'><m:Address>https://op.example/cb?EntityName=O "
               "?EntityId=1.3.6.1.4.1.99.3</m:Address><m:Metadata>x</m:Metadata></m:From>"
               "<w:To s:mustUnderstand='true'>https://sr.example/x&amp;y?EntityId=1.3.6.1.4.1.99.2</w:To>"
               "<w:MessageID>//op/1</w:MessageID><w:Action s:mustUnderstand='true'>whatever</w:Action>"
               "<w:FaultTo><w:Address>x</w:Address></w:FaultTo><x:Other xmlns:x='urn:x'><x:a/></x:Other>",
               "<r:ES4-EnableProfileRequest>" BASE EID ICCID "</r:ES4-EnableProfileRequest>") },
};

static void tolerance(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tolerated); i++) {
        struct arena a;
        struct es_message m;
        struct es_fault fault;
        struct eid eid;
        char text[EID_TEXT_SIZE];
        arena_init(&a, 8u << 20);
        if (decoded(&a, tolerated[i].text, &m, &fault) != ES_FAULT_NONE)
            fail_msg("%s: %s", tolerated[i].name, fault.text);
        const struct es_profile_request *body = m.body;
        assert_int_equal(m.function, ES4_ENABLE_PROFILE);
        assert_span_equal(body->base.call_id, SPAN_LIT("call-1"));
        assert_string_equal(body->iccid.digits, "8949000000000000018");
        assert_true(es_message_eid(&m, &eid));
        assert_string_equal(eid_text(&eid, text), eid_digits);
        assert_string_equal(m.wsa.from.entity_id.text, "1.3.6.1.4.1.99.3");
        arena_release(&a);
    }
}

/* Every message, cut at every octet, is refused; nothing of it is taken. */
static void every_cut_is_refused(void **state)
{
    (void)state;
    struct arena a, inner;
    struct span soap;
    struct es_message m;
    struct es_fault fault;
    arena_init(&a, 8u << 20);
    struct es_message full = sample_message(&a, ES1_REGISTER_EIS, ES_REQUEST, SAMPLE_MINIMAL);
    assert_ok(es_encode(&full, &a, &soap));
    for (size_t len = 0; len < soap.len; len++) {
        uint8_t *cut = malloc(len ? len : 1); /* its own block: a read beyond it shows in a sanitizer */
        memcpy(cut, soap.ptr, len);
        arena_init(&inner, 8u << 20);
        assert_true(es_decode((struct span){ cut, len }, &inner, &m, &fault) != ERR_NONE);
        arena_release(&inner);
        free(cut);
    }
    arena_release(&a);
}

static void ceilings_hold(void **state)
{
    (void)state;
    struct arena a;
    struct es_message m;
    struct es_fault fault;
    arena_init(&a, 64u << 20);
    uint8_t *big = calloc(1, SOAP_MESSAGE_MAX + 1);
    assert_fails(es_decode((struct span){ big, SOAP_MESSAGE_MAX + 1 }, &a, &m, &fault), ERR_TOO_LONG);
    assert_int_equal(fault.kind, ES_FAULT_TOO_BIG);
    free(big);
    char deep[4096] = "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Header>";
    for (int i = 0; i < 40; i++)
        strcat(deep, "<a>");
    assert_int_equal(decoded(&a, deep, &m, &fault), ES_FAULT_TOO_BIG);
    char many[4096] = "<a";
    for (int i = 0; i < 40; i++)
        sprintf(many + strlen(many), " b%d='1'", i);
    strcat(many, "/>");
    assert_int_equal(decoded(&a, many, &m, &fault), ES_FAULT_TOO_BIG);

    struct arena small; /* an arena that is full is our fault, not the partner's */
    struct span soap;
    struct es_message full = sample_message(&a, ES1_REGISTER_EIS, ES_REQUEST, SAMPLE_FULL);
    assert_ok(es_encode(&full, &a, &soap));
    arena_init(&small, 2000);
    assert_fails(es_decode(soap, &small, &m, &fault), ERR_NO_SPACE);
    assert_int_equal(fault.kind, ES_FAULT_NO_MEMORY);
    arena_release(&small);
    arena_release(&a);
}

static void a_partial_eis_is_taken_in_answers_only(void **state)
{
    (void)state;
    static const char eis[] = "<r:Eis><r:EumSignedInfo>" EID "</r:EumSignedInfo><r:ProfileInfo>" ICCID
                              "<r:Future>1</r:Future></r:ProfileInfo><r:Later/></r:Eis>";
    struct arena a;
    struct es_message m;
    struct es_fault fault;
    struct span soap;
    char text[4096];
    arena_init(&a, 8u << 20);
    snprintf(text, sizeof text,
             ENVELOPE(HEADER, "<r:ES4-GetEISResponse><r:FunctionExecutionStatus><r:Status>"
                              "EXECUTED_SUCCESS</r:Status></r:FunctionExecutionStatus>%s</r:ES4-GetEISResponse>"),
             eis);
    assert_int_equal(decoded(&a, text, &m, &fault), ES_FAULT_NONE);
    const struct es_eis_response *answer = m.body;
    assert_true(answer->eis->partial);
    assert_int_equal(answer->eis->profile_count, 1);
    assert_ok(es_encode(&m, &a, &soap));
    assert_ok(es_decode(soap, &a, &m, &fault));
    snprintf(text, sizeof text, ENVELOPE(HEADER, "<r:ES1-RegisterEISRequest>" BASE "%s</r:ES1-RegisterEISRequest>"),
             eis);
    assert_int_equal(decoded(&a, text, &m, &fault), ES_FAULT_INVALID_BODY);
    assert_int_equal(fault.status.reason, REASON_ELEMENT_MISSING);
    arena_release(&a);
}

static void query_parameters_in_all_spellings(void **state)
{
    (void)state;
    static const char *const uris[] = {
        "https://h/p?EntityId=1.2.3?EntityName=A%20%26B?UserName=u",
        "https://h/p?EntityId=1.2.3&EntityName=A %26B&UserName=u",
        "https://h/p?UserName=u ?EntityName=A%20%26B &EntityId=1%2E2.3",
        "https://h/p?x=1&EntityId=1.2.3?EntityName=A%20%26B?UserName=u",
    };
    struct arena a;
    struct wsa_endpoint e;
    arena_init(&a, 1u << 20);
    for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
        assert_ok(wsa_endpoint_decode(span_text(uris[i]), &a, &e));
        assert_span_equal(e.address, SPAN_LIT("https://h/p"));
        assert_string_equal(e.entity_id.text, "1.2.3");
        assert_span_equal(e.entity_name, SPAN_LIT("A &B"));
        assert_span_equal(e.user_name, SPAN_LIT("u"));
    }
    WRITER_ON_STACK(w, 200);
    wsa_endpoint_encode(&w, &e, '&');
    assert_span_equal(wr_span(&w), SPAN_LIT("https://h/p?EntityId=1.2.3&EntityName=A%20%26B&UserName=u"));
    assert_fails(wsa_endpoint_decode(SPAN_LIT("x?EntityName=%0"), &a, &e), ERR_BAD_VALUE);
    assert_fails(wsa_endpoint_decode(SPAN_LIT("x?EntityName=%00"), &a, &e), ERR_BAD_VALUE);
    assert_fails(wsa_endpoint_decode(SPAN_LIT("x?EntityId=1..2"), &a, &e), ERR_BAD_VALUE);
    assert_span_equal(wsa_origin(SPAN_LIT("https://h:1/p?q")), SPAN_LIT("https://h:1"));
    arena_release(&a);
}

int main(void)
{
    struct eid eid;
    assert_ok(eid_with_check_digits(SPAN_LIT("890490321181234567890123000001"), &eid));
    eid_text(&eid, eid_digits);
    const struct CMUnitTest others[] = {
        cmocka_unit_test(tolerance),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(ceilings_hold),
        cmocka_unit_test(a_partial_eis_is_taken_in_answers_only),
        cmocka_unit_test(query_parameters_in_all_spellings),
    };
    struct CMUnitTest tests[ARRAY_LEN(refusals)];
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        tests[i] = (struct CMUnitTest){ refusals[i].name, refused_with_the_reason, NULL, NULL,
                                        (void *)(uintptr_t)&refusals[i] };
    return cmocka_run_group_tests_name("refused", tests, NULL, NULL) |
           cmocka_run_group_tests_name("taken", others, NULL, NULL);
}
