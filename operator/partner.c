/* operator/partner.c: is the configuration good? Its partners, and what a connection to one is worth: configuration, our
 * certificate, theirs, the endpoint, a harmless call in each namespace. */
#include <stdarg.h>
#include <stdio.h>

#include "commands.h"
#include "explain.h"
#include "lib/pki/x509.h"
#include "show.h"

#define DAY_MS (24ull * 3600 * 1000)

enum op_exit op_partner_list(struct op_session *s, const struct op_arguments *a)
{
    (void)a;
    for (size_t i = 0; i < s->config.partner_count; i++) {
        const struct op_partner *p = &s->config.partners[i];
        if (s->json)
            op_show_partner_json(p);
        else
            printf("%-16s %-6s %-28s %s\n", p->name, p->is_smdp ? "SM-DP" : "SM-SR", p->oid.text, p->url);
    }
    return OP_OK;
}

/* What every partner would refuse us for; *s->detail stays empty when there is nothing. */
static void judge_own(struct op_session *s, const struct x509 *own)
{
    struct clock *clock = loop_clock(s->loop);
    struct oid oid;
    uint64_t from, to, now = clock->now_ms(clock);
    x509_validity(own, &from, &to);
    if (x509_oid(own, &oid) == ERR_NONE && !oid_eq(&oid, &s->config.oid))
        snprintf(s->detail, sizeof s->detail, "[tls] certificate: it is for %s, but [operator] oid is %s", oid.text, s->config.oid.text);
    else if (now < from || now > to)
        snprintf(s->detail, sizeof s->detail, "[tls] certificate: it is %s", now < from ? "not valid yet" : "expired");
}

enum op_exit op_config_check(struct op_session *s, const struct op_arguments *a)
{
    struct x509 *own = NULL;
    (void)a;
    if (x509_load(config_text(s->config.file, "tls", "certificate"), &own) == ERR_NONE)
        judge_own(s, own);
    x509_free(own);
    if (*s->detail)
        return OP_LOCAL;
    if (s->json)
        printf("{\"result\":\"ok\",\"partners\":%zu}\n", s->config.partner_count);
    else
        printf("the configuration is good: %zu partner%s, TLS files read\n", s->config.partner_count,
               s->config.partner_count == 1 ? "" : "s");
    return OP_OK;
}

/* --- the report ------------------------------------------------------------------------------------------------ */

enum side { GOOD, OURS, THEIRS, EITHER, NOTE };
struct test {
    struct op_session *s;
    const struct op_partner *partner;
    uint32_t timeout_s;
    bool failed, done, own_wrong; /* own_wrong: our certificate is not ours by its OID */
    struct http_answer answer; /* its texts and spans are in the arena */
    char oid[TLS_OID_MAX];     /* of their certificate */
    struct span certificate;
    char detail[IO_DETAIL_MAX];
};

static void tell(struct test *t, enum side side, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void tell(struct test *t, enum side side, const char *what, const char *format, ...)
{
    static const char *const sides[] = { "ok", "ours", "theirs", "either", "note" };
    char text[OP_DETAIL_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    t->failed |= side != GOOD && side != NOTE;
    if (t->s->json)
        op_show_check_json(what, sides[side], text);
    else
        printf("%-5s %-12s %s%s\n", side == GOOD ? "ok" : side == NOTE ? "note" : "WRONG", what, text,
               side == OURS     ? " (our side)"
               : side == THEIRS ? " (their side)"
               : side == EITHER ? " (ours or theirs)"
                                : "");
}

static uint64_t now_ms(struct test *t)
{
    struct clock *clock = loop_clock(t->s->loop);
    return clock->now_ms(clock);
}

/* --- certificates ---------------------------------------------------------------------------------------------- */

static void check_dates(struct test *t, const struct x509 *x, enum side side, const char *what)
{
    uint64_t from, to, now = now_ms(t);
    x509_validity(x, &from, &to);
    if (now < from || now > to)
        tell(t, side, what, "the certificate is %s", now < from ? "not valid yet" : "expired");
    else if (to - now < 30 * DAY_MS)
        tell(t, NOTE, what, "the certificate ends in %llu days", (unsigned long long)((to - now) / DAY_MS));
}

static void check_own(struct test *t)
{
    struct x509 *x = NULL;
    struct oid oid;
    if (x509_load(config_text(t->s->config.file, "tls", "certificate"), &x) != ERR_NONE) {
        tell(t, OURS, "certificate", "ours cannot be read");
        return;
    }
    if (x509_oid(x, &oid) != ERR_NONE)
        tell(t, NOTE, "certificate", "ours has no OID: the partner must know us by its common name");
    else if (!oid_eq(&oid, &t->s->config.oid))
        tell(t, OURS, "certificate", "ours is for %s, but [operator] oid is %s", oid.text, t->s->config.oid.text),
            t->own_wrong = true;
    else
        tell(t, GOOD, "certificate", "ours is for %s, as [operator] oid", oid.text);
    check_dates(t, x, OURS, "certificate");
    x509_free(x);
}

static void check_theirs(struct test *t)
{
    struct x509 *x = NULL;
    if (!t->certificate.len)
        tell(t, NOTE, "TLS", "there is none: url begins with http://");
    else if (!*t->oid)
        tell(t, NOTE, "TLS", "connected; their certificate names no OID");
    else if (!oid_is(&t->partner->oid, t->oid))
        tell(t, EITHER, "TLS", "their certificate is for %s, but [partner %s] oid is %s", t->oid, t->partner->name,
             t->partner->oid.text);
    else
        tell(t, GOOD, "TLS", "connected; their certificate is for %s", t->oid);
    if (t->certificate.len && x509_read(t->certificate, &x) == ERR_NONE)
        check_dates(t, x, THEIRS, "TLS");
    x509_free(x);
}

/* --- a harmless call ------------------------------------------------------------------------------------------- */

static void on_answer(void *context, const struct http_answer *answer)
{
    struct test *t = context;
    t->answer = *answer;
    t->answer.body = arena_copy(&t->s->arena, answer->body);
    snprintf(t->detail, sizeof t->detail, "%s", answer->detail);
    if (answer->peer) {
        snprintf(t->oid, sizeof t->oid, "%s", answer->peer->oid);
        t->certificate = arena_copy(&t->s->arena, answer->peer->certificate);
    }
    t->done = true;
}

static bool encode(struct test *t, enum es_function function, enum es_namespace ns, const char **ret_url,
                   struct span *ret)
{
    struct op_session *s = t->s;
    const struct op_partner *p = t->partner;
    struct es_eid_request *body = ARENA_NEW(&s->arena, struct es_eid_request);
    struct es_message m = { .function = function, .kind = ES_REQUEST, .body = body, .dialect = p->dialect };
    if (!body)
        return false;
    body->base.call_id = op_unique(s);
    body->smsr_id = p->oid; /* an SM-DP is no SM-SR: it says so */
    m.dialect.ns = ns;
    *ret_url = op_service_url(s, p->url, function, p->is_smdp ? ES_ROLE_SMDP : ES_ROLE_SMSR);
    m.wsa.from = (struct wsa_endpoint){ .address = span_text(op_service_url(s, s->url, function, ES_ROLE_OPERATOR)),
                                        .entity_id = s->config.oid };
    m.wsa.to = (struct wsa_endpoint){ .address = span_text(*ret_url), .entity_id = p->oid };
    return eid_with_check_digits(SPAN_LIT("890000000000000000000000000000"), &body->eid) == ERR_NONE &&
           wsa_message_id_make(&s->arena, &s->config.oid, op_unique(s), body->base.call_id, SPAN_NONE, now_ms(t),
                               p->dialect.ampersand ? '&' : '?', &m.wsa.message_id) == ERR_NONE &&
           es_encode(&m, &s->arena, ret) == ERR_NONE;
}

/* GetEIS of an eUICC that nobody has: an answer of any kind tells a lot and changes nothing. */
static bool ask(struct test *t, enum es_namespace ns)
{
    enum es_function function = t->partner->is_smdp ? ES2_GET_EIS : ES4_GET_EIS;
    const char *url = NULL;
    struct span soap;
    t->done = false;
    t->answer = (struct http_answer){ .err = ERR_EXPIRED };
    snprintf(t->detail, sizeof t->detail, "no answer");
    if (!encode(t, function, ns, &url, &soap)) {
        tell(t, OURS, "call", "the message cannot be made");
        return false;
    }
    struct http_call call = { .url = url,
                              .content_type = "application/soap+xml; charset=utf-8",
                              .body = soap,
                              .answer_timeout_ms = t->timeout_s * 1000,
                              .done = on_answer,
                              .context = t };
    op_explain_out(t->s, url, soap);
    if (guard_secure(&t->partner->send.token, t->s->client_tls, soap, t->s->rng, now_ms(t), &t->s->arena, &call.body) != ERR_NONE) {
        tell(t, OURS, "security", "the WS-Security header cannot be made");
        return false;
    }
    if (http_client_send(t->s->client, &call) != ERR_NONE) {
        tell(t, OURS, "url", "%s is no URL that can be called", url);
        return false;
    }
    while (!t->done)
        loop_round(t->s->loop, 50);
    op_explain_in(t->s, "answer", t->answer.body);
    return true;
}

static bool check_connection(struct test *t)
{
    switch (t->answer.err) {
    case ERR_NONE:
        check_theirs(t);
        return true;
    case ERR_VERIFY:
        tell(t, EITHER, "TLS", "%s: compare [tls] trust with their root, and our root with theirs", t->detail);
        return false;
    case ERR_EXPIRED:
        tell(t, THEIRS, "endpoint", "%s: a firewall, a wrong port, or the service hangs", t->detail);
        return false;
    default:
        if (t->answer.sent && *t->oid) { /* they were there, and went */
            tell(t, EITHER, "TLS", "%s, right behind the handshake: they refuse our certificate? Their root must be ours; their log knows",
                 t->detail);
            return false;
        }
        tell(t, EITHER, "endpoint", "%s: %s", t->detail,
             strstr(t->detail, "wrong version number") ? "what answers there does not speak TLS: check url and port"
                                                       : "check url, name and port, and whether they run");
        return false;
    }
}

static void judge_status(struct test *t, const struct status *st)
{
    switch (st->reason) {
    case REASON_REQUESTER_UNKNOWN:
        tell(t, t->own_wrong ? OURS : THEIRS, "call", "they do not know our OID %s, or not with this certificate",
             t->s->config.oid.text);
        return;
    case REASON_REQUESTER_NOT_ALLOWED:
        tell(t, THEIRS, "call", "they know us, but not as an operator, or not for GetEIS");
        return;
    case REASON_FUNCTION_UNSUPPORTED:
        tell(t, EITHER, "call", "they do not serve operators here as an %s: check kind and url", t->partner->is_smdp ? "SM-DP" : "SM-SR");
        return;
    case REASON_VERSION_UNSUPPORTED:
        tell(t, EITHER, "call", "they do not take our version of esim-messaging: see namespaces");
        return;
    case REASON_PROVIDER_UNAVAILABLE:
        tell(t, THEIRS, "call", "they are overloaded, or we call more often than they allow");
        return;
    default:
        tell(t, GOOD, "call", "GetEIS of an eUICC that does not exist is answered: %s %s/%s", exec_status_xml(st->exec),
             st->subject, st->code);
    }
}

static void judge_message(struct test *t, const struct es_message *m)
{
    if (m->kind == ES_SOAP_FAULT) {
        const struct soap_fault *f = m->body;
        if (f->subcode >= SOAP_INVALID_SECURITY) {
            bool sent = t->partner->send.token.kind != WSSE_NONE;
            tell(t, OURS, "security", "%s: %.*s: %s", soap_subcode_text(f->subcode), (int)f->reason.len, (const char *)f->reason.ptr,
                 sent ? "compare send_user, send_password_file and the clocks" : "they want WS-Security: set send_security");
            return;
        }
        tell(t, EITHER, "call", "a SOAP fault: %s: %.*s", soap_fault_code_text(f->code), (int)f->reason.len,
             (const char *)f->reason.ptr);
        return;
    }
    if (!oid_eq(&m->wsa.from.entity_id, &t->partner->oid))
        tell(t, EITHER, "OID", "they call themselves %s, but [partner %s] oid is %s", m->wsa.from.entity_id.text,
             t->partner->name, t->partner->oid.text);
    if (es_response_of(m))
        judge_status(t, &es_response_of(m)->status);
    else
        tell(t, THEIRS, "call", "the answer is no response");
}

static void judge_answer(struct test *t)
{
    struct es_message m;
    struct es_fault fault;
    int status = t->answer.status;
    if (status == 403 || status == 401)
        tell(t, THEIRS, "call", "HTTP %d: they do not let our certificate in; exchange OID and certificate", status);
    else if (status == 404 || status == 405)
        tell(t, EITHER, "endpoint", "HTTP %d: not the path of their service; give the whole URL", status);
    else if (!t->answer.body.len)
        tell(t, THEIRS, "call", "HTTP %d without a message", status);
    else if (es_decode(t->answer.body, &t->s->arena, &m, &fault) != ERR_NONE)
        tell(t, THEIRS, "call", "HTTP %d, and what comes cannot be read: %s", status, fault.text);
    else
        judge_message(t, &m);
}

/* Which namespaces are answered in kind. */
static void check_namespaces(struct test *t)
{
    static const char *const names[] = { [ES_NS_3] = "/3", [ES_NS_1] = "/1", [ES_NS_4] = "/4" };
    char good[32] = "";
    for (int ns = 0; ns < ES_NAMESPACE_COUNT; ns++) {
        struct es_message m;
        struct es_fault fault;
        if (ask(t, (enum es_namespace)ns) && t->answer.err == ERR_NONE && t->answer.body.len &&
            es_decode(t->answer.body, &t->s->arena, &m, &fault) == ERR_NONE && m.kind == ES_RESPONSE &&
            m.dialect.ns == (enum es_namespace)ns && es_response_of(&m)->status.reason != REASON_VERSION_UNSUPPORTED)
            snprintf(good + strlen(good), sizeof good - strlen(good), " %s", names[ns]);
    }
    tell(t, *good ? GOOD : THEIRS, "namespaces", *good ? "answered in kind:%s" : "none is answered in kind%s", good);
}

static void check_endpoint(struct test *t)
{
    if (!t->s->config.url && !strncmp(t->s->config.address, "127.", 4) && !strstr(t->partner->url, "//127.") &&
        !strstr(t->partner->url, "//localhost"))
        tell(t, OURS, "callbacks", "%s cannot be reached from outside: set listen and url in [operator]", t->s->url);
    else
        tell(t, NOTE, "callbacks", "answers are expected at %s: the partner must be able to reach it", t->s->url);
}

enum op_exit op_partner_test(struct op_session *s, const struct op_arguments *a)
{
    struct test t = { .s = s, .partner = op_partner_find(&s->config, a->word),
                      .timeout_s = a->timeout_s ? a->timeout_s : 10 };
    if (!t.partner) {
        snprintf(s->detail, sizeof s->detail, "%s: there is no such partner in the configuration", a->word);
        return OP_USAGE;
    }
    check_own(&t);
    if (!ask(&t, t.partner->dialect.ns))
        return OP_LOCAL;
    if (!check_connection(&t))
        return OP_UNREACHABLE;
    judge_answer(&t);
    if (!t.failed)
        check_namespaces(&t);
    check_endpoint(&t);
    return t.failed ? OP_FAILED : OP_OK;
}
