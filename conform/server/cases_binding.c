#include <string.h>

#include "cases.h"
#include "tap.h"

/* SOAP, WS-Addressing, exchange patterns, WS-MakeConnection (SGP.02 annex B; fact book chapter 5). */

#define ANONYMOUS "http://docs.oasis-open.org/ws-rx/wsmc/200702/anonymous?id="
#define WSMC      "http://docs.oasis-open.org/ws-rx/wsmc/200702"

static struct message *eis_with(struct stage *s, const struct wish *w)
{
    return ask_with(s, w, OP1, SM_SR, "ES4-GetEIS", "<Eid>%s</Eid>", card_eid(s, CARD));
}

static void with_meter(struct stage *s) { scene_profile(s, CARD, METER, "Disabled"); }

static void nobody_asks(struct stage *s)
{
    with_meter(s);
    const struct wish w = { .from = role_url(s, OP1, "ES4-GetEIS") };
    struct message *m = eis_with(s, &w);
    need_refused(s, m, "a message without EntityId");
    need(s, !node_at(m, "Eis", 0), "the EIS is told to nobody");
}

static void another_asks(struct stage *s)
{
    with_meter(s);
    const struct wish w = { .from = textf(s, "%s?EntityId=%s", role_url(s, OP1, "ES4-GetEIS"), role_oid(s, START)) };
    need_refused(s, eis_with(s, &w), "the name of another");
    const struct wish async = { .from = w.from };
    struct message *m = ask_with(s, &async, OP1, SM_SR, "ES4-EnableProfile", EID_ICCID, card_eid(s, CARD), card_iccid(s, CARD));
    need_refused(s, m, "a call in the name of another");
    const struct wish es2 = { .from = textf(s, "%s?EntityId=%s", role_url(s, OP1, "ES2-GetEIS"), role_oid(s, OP2)) };
    m = ask_with(s, &es2, OP1, SM_DP, "ES2-GetEIS", "<Eid>%s</Eid><Smsr-id>%s</Smsr-id>", card_eid(s, CARD), server_oid(s, SM_SR));
    need_refused(s, m, "the name of another at the SM-DP");
}

static const char *percent(struct stage *s, const char *text)
{
    const char *out = "";
    for (; *text; text++)
        out = *text == '.' ? textf(s, "%s%%2E", out) : textf(s, "%s%c", out, *text);
    return out;
}

static void parameters(struct stage *s)
{
    with_meter(s);
    const char *url = role_url(s, OP1, "ES4-GetEIS"), *oid = role_oid(s, OP1);
    const struct wish ways[] = {
        { .from = textf(s, "%s?EntityName=Some&amp;EntityId=%s", url, oid), .join = "&amp;" },
        { .from = textf(s, "%s?EntityName=Some?EntityId=%s", url, oid), .join = "?" },
        { .from = textf(s, "%s?EntityId=%s ?EntityName=Some", url, oid), .join = "?" },
        { .from = textf(s, "%s?EntityId=%s", url, percent(s, oid)), .transaction = "a%3Fb%26c" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct message *m = eis_with(s, &ways[i]);
        if (strcmp(m->status, "EXECUTED_SUCCESS"))
            fail(s, "%s: %s", ways[i].from, m->status);
    }
}

static bool has(const struct message *m, const char *text) { return memmem(m->octets.ptr, m->octets.len, text, strlen(text)); }

static void reply_to(struct stage *s)
{
    with_meter(s);
    const char *url = textf(s, "%s/elsewhere", role_url(s, OP1, "ES4-AuditEIS")), *id;
    const struct wish w = { .reply_to = url, .message_id = textf(s, "//%s/%s-odd%%20id?TransactionId=x-%s?MessageDate=2026-01-02T03:04:05Z",
                                                                 role_oid(s, OP1), s->run_id, s->run_id) };
    struct message *m = say(s, &w, OP1, SM_SR, "ES4-AuditEIS", &id, "<Eid>%s</Eid>", card_eid(s, CARD));
    need(s, m->http == 202 && !m->octets.len, "HTTP %d first", m->http);
    m = must_callback(s, OP1, id, 15000);
    need_success(s, m);
    need(s, strstr(m->path, "/elsewhere"), "it comes to %s", m->path);
    need(s, has(m, textf(s, ">%s</", id)), "RelatesTo is not the MessageID octet for octet");
    need(s, strstr(m->message_id, textf(s, "TransactionId=x-%s", s->run_id)), "the TransactionId is lost: %s", m->message_id);
}

static void no_reply_to(struct stage *s)
{
    with_meter(s);
    const struct wish w = { .reply_to = "" };
    need_success(s, ask_with(s, &w, OP1, SM_SR, "ES4-AuditEIS", "<Eid>%s</Eid>", card_eid(s, CARD)));
}

static void reply_to_others(struct stage *s)
{
    with_meter(s);
    struct tap *t = tap_of(s);
    const struct wish w = { .reply_to = "https://127.0.0.1:1/x" };
    tap_forget(t);
    struct message *m = say(s, &w, OP1, SM_SR, "ES4-EnableProfile", NULL, EID_ICCID, card_eid(s, CARD), order_iccid(s, METER));
    need_refused(s, m, "a ReplyTo to a host of others");
    stage_wait(s, QUIET_MS);
    need(s, tap_sent(t) == 0, "it is carried out all the same");
    need_state(s, CARD, METER, "Disabled");
}

/* ---- WS-MakeConnection ---- */

static struct message *poll(struct stage *s, enum role by, const char *uri)
{
    static const struct wish none = { 0 };
    char *text = message_text(s, &none, by, SM_SR, WSMC "/MakeConnection",
                              textf(s, "<wsmc:MakeConnection xmlns:wsmc=\"" WSMC "\"><wsmc:Address>%s</wsmc:Address>"
                                       "</wsmc:MakeConnection>", uri));
    return post(s, by, SM_SR, "/esim-messaging/3/ES4/ES4SmSrService", span_text(text));
}

static const char *ask_anonymously(struct stage *s, const char **ret_id)
{
    const char *uri = textf(s, ANONYMOUS "%s-%u", s->run_id, ++s->number);
    const struct wish w = { .reply_to = uri };
    struct message *m = say(s, &w, OP1, SM_SR, "ES4-AuditEIS", ret_id, "<Eid>%s</Eid>", card_eid(s, CARD));
    need(s, m->http == 202, "an anonymous ReplyTo is answered with HTTP %d %s", m->http, m->status);
    return uri;
}

static struct message *fetch(struct stage *s, const char *uri)
{
    for (int i = 0; i < 100; i++) {
        struct message *m = poll(s, OP1, uri);
        if (m->http != 202)
            return m;
        stage_wait(s, 100);
    }
    fail(s, "nothing comes for %s", uri);
}

static void fetched(struct stage *s)
{
    with_meter(s);
    const char *id, *uri = ask_anonymously(s, &id);
    struct message *m = poll(s, OP1, uri);
    need(s, m->http == 202 && !m->octets.len, "the first poll is answered with HTTP %d", m->http);
    m = fetch(s, uri);
    need(s, m->http == 200 && !strcmp(m->name, "ES4-AuditEISResponse"), "HTTP %d %s", m->http, m->name);
    need_success(s, m);
    need(s, !strcmp(m->relates_to, id), "it relates to %s", m->relates_to);
    need(s, !strcmp(m->to, uri), "it is for %s", m->to);
    need(s, has(m, "MessagePending") && has(m, "pending=\"false\""), "MessagePending is not false");
    m = poll(s, OP1, uri);
    need(s, m->http == 202, "it comes a second time: HTTP %d", m->http);
}

static void fetched_by_another(struct stage *s)
{
    with_meter(s);
    const char *id, *uri = ask_anonymously(s, &id);
    stage_wait(s, 1500);
    struct message *m = poll(s, OP2, uri);
    need(s, m->http >= 400, "another's poll is answered with HTTP %d %s", m->http, m->name);
    m = fetch(s, uri);
    need(s, m->http == 200 && !strcmp(m->relates_to, id), "the message is gone");
}

/* ---- envelopes and namespaces ---- */

static char *with(struct stage *s, const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);
    if (!at)
        fail(s, "the runner's message has no %s", old);
    return textf(s, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

static char *good(struct stage *s)
{
    return request_text(s, NULL, OP1, SM_SR, "ES4-GetEIS", textf(s, "<Eid>%s</Eid>", card_eid(s, CARD)));
}

static void soap_1_1(struct stage *s)
{
    with_meter(s);
    struct message *m = post_text(s, OP1, SM_SR, with(s, good(s), "http://www.w3.org/2003/05/soap-envelope",
                                                      "http://schemas.xmlsoap.org/soap/envelope/"));
    need(s, m->http == 400 || m->http == 500, "HTTP %d", m->http);
    need(s, has(m, "VersionMismatch"), "no VersionMismatch: %s", m->status);
}

static void namespaces(struct stage *s)
{
    with_meter(s);
    char *text = with(s, with(s, good(s), "<ES4-GetEISRequest", "<ES4-GetEverythingRequest"), "</ES4-GetEISRequest", "</ES4-GetEverythingRequest");
    struct message *m = post_text(s, OP1, SM_SR, text);
    need(s, m->http >= 400 || !strcmp(m->status, "FAILED 1.3.2/3.1"), "an unknown function: HTTP %d %s", m->http, m->status);
    s->schema_off = true; /* the schemas are of /3 */
    const struct wish four = { .ns = "4" }, one = { .ns = "1", .no_base = true };
    m = eis_with(s, &four);
    need_success(s, m);
    need(s, strstr(m->ns, "esim-messaging/4"), "/4 is answered in %s", m->ns);
    m = ask_with(s, &one, OP1, SM_SR, "ES4-GetEIS", "<functionCallIdentifier>%s-one</functionCallIdentifier><eid>%s</eid>", s->run_id,
                 card_eid(s, CARD));
    need(s, has(m, "EXECUTED_SUCCESS"), "/1 is answered with HTTP %d %s", m->http, m->status);
    need(s, strstr(m->ns, "esim-messaging/1"), "/1 is answered in %s", m->ns);
}

static void must_understand(struct stage *s)
{
    with_meter(s);
    char *text = with(s, with(s, good(s), "<wsa:To>", "<wsa:To env:mustUnderstand=\"true\">"), "<wsa:Action>",
                      "<wsa:Action env:mustUnderstand=\"1\">");
    need_success(s, post_text(s, OP1, SM_SR, text));
    text = with(s, good(s), "<wsa:To>", "<x:Own xmlns:x=\"urn:x\" env:mustUnderstand=\"true\">1</x:Own><wsa:To>");
    struct message *m = post_text(s, OP1, SM_SR, text);
    need(s, m->http >= 400 && has(m, "MustUnderstand"), "a header nobody understands: HTTP %d %s", m->http, m->status);
}

static const struct server_case cases[] = {
    CASE(92, "binding", "5.4", "a message without EntityId", nobody_asks),
    CASE(93, "binding", "2.5", "an EntityId that is not the certificate's", another_asks),
    CASE(94, "binding", "5.4", "parameters joined by ? and by &, and percent-encoded", parameters),
    CASE(95, "binding", "5.7", "202, then the callback to ReplyTo, RelatesTo exact", reply_to),
    CASE(96, "binding", "5.4", "without ReplyTo the callback comes all the same", no_reply_to),
    CASE(97, "binding", "5.4", "a ReplyTo to a host that is not the caller's", reply_to_others),
    CASE(98, "binding", "5.8", "an answer is fetched by MakeConnection", fetched),
    WAITS(99, "binding", "5.8", "another cannot fetch it", fetched_by_another),
    CASE(100, "binding", "5.9", "a SOAP 1.1 envelope", soap_1_1),
    CASE(101, "binding", "5.2", "unknown functions, and the namespaces /4 and /1", namespaces),
    CASE(108, "binding", "5.9", "mustUnderstand on To and Action", must_understand),
};
const struct server_group server_binding_group = { cases, ARRAY_LEN(cases) };
