#include "call.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "explain.h"
#include "poll.h"
#include "show.h"

#define POLL_MS     200u /* how often the inbox is looked at when another process has the endpoint */
#define FETCH_MS    500u /* how often the answer is fetched when there is no endpoint */
#define WAIT_MORE_S 30u

struct op_running {
    struct op_session *s;
    const struct op_call *call;
    struct op_result *result;
    struct es_message request;
    struct span soap;
    const char *url;
    unsigned tries;
    bool open, accepted, ended; /* the HTTP exchange runs; 202; there is a result */
    uint64_t started_ms, again_at_ms, deadline_ms, seen, poll_at_ms;
    struct poller *poller;
};

static uint64_t now_ms(struct op_session *s)
{
    struct clock *clock = loop_clock(s->loop);
    return clock->now_ms(clock);
}

static void end(struct op_running *r, enum op_exit exit, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void end(struct op_running *r, enum op_exit exit, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    r->ended = true;
    r->result->exit = exit;
    vsnprintf(r->result->text, sizeof r->result->text, format, args);
    va_end(args);
}

static enum op_exit exit_of(const struct status *status)
{
    static const enum op_exit exits[EXEC_STATUS_COUNT] = { OP_OK, OP_WARNING, OP_FAILED, OP_EXPIRED };
    return exits[status->exec];
}

/* Keeps the message beyond the exchange it came in. */
static void answered(struct op_running *r, struct span soap)
{
    struct es_fault fault;
    struct span copy = arena_copy(&r->s->arena, soap);
    enum err err = copy.len ? es_decode(copy, &r->s->arena, &r->result->answer, &fault) : ERR_NO_SPACE;
    if (err != ERR_NONE) {
        end(r, OP_PROTOCOL, "the answer cannot be read: %s", copy.len ? fault.text : err_text(err));
        return;
    }
    es_codes_take(&r->result->answer, &r->call->partner->codes);
    const struct es_response *response = es_response_of(&r->result->answer);
    if (r->result->answer.kind == ES_SOAP_FAULT) {
        const struct soap_fault *f = r->result->answer.body;
        end(r, OP_PROTOCOL, "the partner refuses the message: %s %s: %.*s", soap_fault_code_text(f->code),
            soap_subcode_text(f->subcode), (int)f->reason.len, (const char *)f->reason.ptr);
    } else if (!response || r->result->answer.function != r->call->function) {
        end(r, OP_PROTOCOL, "the partner answers with something else");
    } else {
        r->result->has_answer = true;
        end(r, exit_of(&response->status), "%s", "");
    }
}

/* By RelatesTo; some partners leave it out: then by transaction, which is the call's identifier. The answer to a repeat
 * is the stored one: it relates to the first message of the same transaction. */
static bool is_answer(const struct op_running *r, const struct es_message *m)
{
    const struct wsa_message_id *id = &r->request.wsa.message_id;
    struct wsa_message_id first = { 0 };
    if (m->kind != ES_RESPONSE || m->function != r->call->function)
        return false;
    if (m->wsa.relates_to.len && (span_eq(m->wsa.relates_to, id->raw) || !r->call->repeat))
        return span_eq(m->wsa.relates_to, id->raw);
    if (m->wsa.relates_to.len && wsa_message_id_decode(m->wsa.relates_to, &r->s->arena, &first) == ERR_NONE &&
        span_eq(first.transaction_id, id->transaction_id))
        return true;
    return m->wsa.message_id.transaction_id.len && span_eq(m->wsa.message_id.transaction_id, id->transaction_id);
}

bool op_call_offer(struct op_running *r, const struct es_message *m, struct span soap)
{
    bool ours = !r->ended && is_answer(r, m);
    if (ours)
        answered(r, soap);
    return ours;
}

static void on_message(void *context, const struct es_message *m, struct span soap)
{
    struct op_running *r = context;
    if (!op_call_offer(r, m, soap))
        op_show_message(r->s, m);
}

static bool on_row(void *context, const struct inbox_row *row)
{
    struct op_running *r = context;
    struct arena a;
    struct es_message m;
    struct es_fault fault;
    r->seen = row->number;
    arena_init(&a, OP_ARENA_MAX);
    if (!r->ended && es_decode(row->soap, &a, &m, &fault) == ERR_NONE && is_answer(r, &m)) {
        op_explain_in(r->s, "the answer is in the inbox", row->soap);
        answered(r, row->soap);
    }
    arena_release(&a);
    return !r->ended;
}

/* --- the request ----------------------------------------------------------------------------------------------- */

static void on_status(struct op_running *r, const struct http_answer *answer)
{
    if (answer->status == 202 || answer->status == 204 || (answer->status == 200 && !answer->body.len)) {
        r->accepted = true;
        op_explain(r->s, "accepted (%d): the answer comes as a message of its own", answer->status);
        if (es_function_info(r->call->function)->pattern == ES_SYNC)
            end(r, OP_PROTOCOL, "the partner accepts the call and gives no answer");
    } else if (answer->body.len) {
        op_trace(r->s, "in", answer->body);
        answered(r, answer->body);
    } else if (answer->status == 403 || answer->status == 401) {
        end(r, OP_UNREACHABLE, "%s does not let us in (HTTP %d): it must know our OID %s and our certificate",
            r->call->partner->name, answer->status, r->s->config.oid.text);
    } else {
        end(r, OP_PROTOCOL, "%s answers with HTTP status %d", r->call->partner->name, answer->status);
    }
}

static void on_http(void *context, const struct http_answer *answer)
{
    struct op_running *r = context;
    bool failed = answer->err != ERR_NONE || answer->status == 503;
    bool useful = answer->err != ERR_VERIFY && answer->err != ERR_DENIED;
    r->open = false;
    if (r->ended)
        return; /* the callback was faster */
    if (answer->err == ERR_NONE) {
        char what[64];
        snprintf(what, sizeof what, "HTTP %d", answer->status);
        op_explain_in(r->s, what, answer->body);
    }
    if (failed && useful && r->tries < OP_CALL_TRIES) {
        op_explain(r->s, "%s: trying again", answer->err == ERR_NONE ? "the partner is busy" : answer->detail);
        r->again_at_ms = now_ms(r->s) + 1000u * r->tries * r->tries;
        return;
    }
    if (answer->err == ERR_VERIFY)
        end(r, OP_UNREACHABLE, "%s (%s): the TLS certificate is refused: %s", r->call->partner->name, r->url,
            answer->detail);
    else if (answer->err != ERR_NONE)
        end(r, answer->sent ? OP_NO_ANSWER : OP_UNREACHABLE, "%s (%s): %s", r->call->partner->name, r->url,
            answer->detail);
    else
        on_status(r, answer);
}

static void post(struct op_running *r)
{
    WRITER_ON_STACK(type, 320);
    wr_text(&type, "application/soap+xml; charset=utf-8; action=\"");
    es_action(&type, r->call->function, ES_REQUEST);
    wr_text(&type, "\"");
    wr_u8(&type, 0);
    struct op_session *s = r->s;
    struct span soap;
    enum err err = guard_secure(&r->call->partner->send.token, s->client_tls, r->soap, s->rng, now_ms(s), &s->arena, &soap);
    struct http_call http = {
        .url = r->url, .content_type = (const char *)type.buf, .body = soap, .done = on_http, .context = r
    };
    if (es_function_info(r->call->function)->pattern == ES_SYNC)
        http.answer_timeout_ms = r->call->wait_s ? r->call->wait_s * 1000 : 90000;
    r->again_at_ms = 0;
    r->tries++;
    if (err == ERR_NONE)
        err = http_client_send(r->s->client, &http);
    if (err != ERR_NONE)
        end(r, OP_LOCAL, "%s: %s: %s", r->call->partner->name, r->url, err_text(err));
}

const char *op_service_url(struct op_session *s, const char *base, enum es_function function, enum es_role at)
{
    struct span uri = span_text(base), origin = wsa_origin(uri);
    bool bare = uri.len <= origin.len + 1;
    return bare ? arena_printf(&s->arena, "%.*s%s", (int)origin.len, base,
                               es_service_path(es_function_info(function)->number, at))
                : base;
}

static void fill_request(struct op_running *r)
{
    struct op_session *s = r->s;
    const struct op_call *call = r->call;
    struct es_message *m = &r->request;
    struct es_request *base = call->body;
    *m = (struct es_message){
        .function = call->function, .kind = ES_REQUEST, .body = call->body, .dialect = call->partner->dialect
    };
    if (!base->call_id.len)
        base->call_id = op_unique(s);
    if (!base->validity_s && es_function_info(call->function)->pattern == ES_CALLBACK)
        base->validity_s = s->config.validity_s;
    r->url = op_service_url(s, call->partner->url, call->function, es_function_info(call->function)->provider);
    m->wsa.from.address = span_text(op_service_url(s, s->url, call->function, ES_ROLE_OPERATOR));
    m->wsa.from.entity_id = s->config.oid;
    m->wsa.from.entity_name = span_text(s->config.name);
    m->wsa.to.address = span_text(r->url);
    m->wsa.to.entity_id = call->partner->oid;
    if (es_function_info(call->function)->pattern == ES_CALLBACK)
        m->wsa.reply_to.address = call->partner->poll ? poll_uri(s, call->partner) : m->wsa.from.address;
}

static bool encode_request(struct op_running *r)
{
    struct op_session *s = r->s;
    struct es_message *m = &r->request;
    fill_request(r);
    enum err err = wsa_message_id_make(&s->arena, &s->config.oid, op_unique(s), ((const struct es_request *)m->body)->call_id,
                                       SPAN_NONE, now_ms(s), m->dialect.ampersand ? '&' : '?', &m->wsa.message_id);
    if (err == ERR_NONE)
        err = es_encode(m, &s->arena, &r->soap);
    r->result->call_id = ((const struct es_request *)m->body)->call_id;
    r->result->message_id = m->wsa.message_id.raw;
    if (err != ERR_NONE)
        end(r, OP_LOCAL, "the request cannot be made: %s", err_text(err));
    return err == ERR_NONE;
}

/* Where another process has the endpoint, and for a repeat: its answer may have come long ago, and comes but once. */
static bool looks_into_inbox(const struct op_running *r)
{
    return r->s->inbox && (r->call->repeat ? r->accepted : !r->s->server);
}

static void look_into_inbox(struct op_running *r, uint64_t now)
{
    struct op_session *s = r->s;
    r->poll_at_ms = now + POLL_MS;
    if (!s->server && !s->shared && !r->call->partner->poll && op_session_listen(s)) /* who had the endpoint is gone */
        op_explain(s, "listening ourselves now");
    if (inbox_each(s->inbox, r->seen, on_row, r) != ERR_NONE)
        end(r, OP_LOCAL, "the inbox cannot be read");
}

/* Without an endpoint the answer is fetched; `osprey listen --poll` may be faster: then it is in the inbox. */
static void fetch(struct op_running *r)
{
    if (r->poller && r->accepted && !r->ended && poller_tick(r->poller) != ERR_NONE)
        end(r, OP_LOCAL, "the inbox cannot be written");
}

bool op_call_turn(struct op_running *r)
{
    uint64_t now = now_ms(r->s);
    if (r->ended)
        return !r->open;
    if (now >= r->deadline_ms)
        end(r, OP_NO_ANSWER, "no answer within the time: the outcome is not known (osprey audit asks the eUICC)");
    else if (r->accepted && r->call->no_wait)
        end(r, OP_OK, "%s", "");
    else if (r->again_at_ms && now >= r->again_at_ms)
        post(r);
    else if (looks_into_inbox(r) && now >= r->poll_at_ms)
        look_into_inbox(r, now);
    fetch(r);
    r->result->took_ms = now_ms(r->s) - r->started_ms;
    return r->ended && !r->open;
}

/* Lets our own acknowledgement leave, or the partner sends its answer again to nobody. */
static void let_go(struct op_session *s)
{
    for (int i = 0; s->server && i < 5; i++)
        loop_round(s->loop, 10);
}

static void leave(struct op_running *r)
{
    op_explain_out(r->s, r->url, r->soap);
    op_trace(r->s, "out", r->soap);
    if (r->call->partner->poll && !r->s->shared)
        r->poller = poller_new(r->s, r->call->partner, FETCH_MS);
    post(r);
}

struct op_running *op_call_start(struct op_session *s, const struct op_call *call, struct op_result *ret)
{
    struct op_running *r = ARENA_NEW(&s->arena, struct op_running);
    *ret = (struct op_result){ .exit = OP_LOCAL };
    if (!r)
        return NULL;
    *r = (struct op_running){ .s = s, .call = call, .result = ret, .started_ms = now_ms(s) };
    if (!encode_request(r))
        return r;
    const struct es_request *base = call->body;
    uint64_t wait_s = call->wait_s ? call->wait_s : (base->validity_s ? base->validity_s : 90) + WAIT_MORE_S;
    r->deadline_ms = r->started_ms + wait_s * 1000;
    r->seen = s->inbox && !s->server && !call->repeat ? inbox_last(s->inbox) : 0;
    ret->soap = r->soap;
    ret->url = r->url;
    if (call->dry_run)
        end(r, OP_OK, "%s", "");
    else
        leave(r);
    return r;
}

void op_call_run(struct op_session *s, const struct op_call *call, struct op_result *ret)
{
    struct op_running *r = op_call_start(s, call, ret);
    if (!r)
        return;
    s->on_message = on_message;
    s->context = r;
    while (op_call_turn(r), !r->ended) { /* a callback may be faster than the exchange it answers */
        op_show_waiting(s, ret->took_ms);
        loop_round(s->loop, 50);
    }
    op_show_waiting_over(s);
    poller_last(r->poller);
    if (r->accepted)
        let_go(s);
    s->on_message = NULL;
}
