/* operator/endpoint.c: what partners send us: callbacks and notifications. Each is stored before it is acknowledged,
 * and a second copy is acknowledged without effect. */
#include <stdio.h>

#include "explain.h"
#include "lib/es/wsse.h"
#include "session.h"

#define ENDPOINT_ARENA_MAX (32u * 1024 * 1024)

static void reply(struct op_session *s, struct reply_ref ref, int status, struct span body)
{
    struct http_reply r = { .status = status, .body = body };
    if (body.len)
        r.content_type = "application/soap+xml; charset=utf-8";
    op_trace(s, "out", body);
    http_server_reply(s->server, ref, &r);
}

static void reply_fault(struct op_session *s, struct reply_ref ref, const struct es_message *m,
                        const struct es_fault *fault, struct arena *a)
{
    struct es_message answer;
    struct span body = SPAN_NONE;
    int status = 500;
    if (es_answer_fault(m, fault, a, &answer, &status) == ERR_NONE)
        answer.wsa.message_id.raw = SPAN_LIT("//fault");
    if (status != 500 && es_encode(&answer, a, &body) != ERR_NONE)
        status = 500;
    reply(s, ref, status, body);
}

/* The certificate says who it is, the message must say the same, and we must know it. */
bool op_is_partner(const struct op_session *s, const struct peer *peer, const struct es_message *m)
{
    const struct op_partner *p = op_partner_by_oid(&s->config, m->wsa.from.entity_id.text);
    return p && peer && peer->authenticated && !strcmp(peer->oid, m->wsa.from.entity_id.text);
}

static void refuse_function(struct es_fault *fault)
{
    *fault = (struct es_fault){ .kind = ES_FAULT_UNKNOWN_BODY };
    snprintf(fault->text, sizeof fault->text, "an operator takes callbacks and notifications only");
}

static enum err keep(struct op_session *s, const struct es_message *m, struct span soap)
{
    return s->inbox ? inbox_put(s->inbox, m, soap, s->loop ? loop_clock(s->loop)->now_ms(loop_clock(s->loop)) : 0)
                    : ERR_NONE;
}

enum err op_take(struct op_session *s, const struct es_message *m, struct span soap)
{
    enum err err = keep(s, m, soap);
    if (err == ERR_NONE && s->on_message)
        s->on_message(s->context, m, soap);
    return err;
}

static void take(struct op_session *s, const struct es_message *m, struct span soap, struct reply_ref ref)
{
    enum err err = keep(s, m, soap);
    reply(s, ref, err == ERR_IO ? 503 : 202, SPAN_NONE); /* not kept: the partner shall try again */
    if (err == ERR_NONE && s->on_message)
        s->on_message(s->context, m, soap);
}

void op_on_request(void *session, const struct http_request *request, struct reply_ref ref)
{
    struct op_session *s = session;
    struct arena a;
    struct es_message m;
    struct es_fault fault;
    if (!span_eq(request->method, SPAN_LIT("POST"))) {
        reply(s, ref, 405, SPAN_NONE);
        return;
    }
    arena_init(&a, ENDPOINT_ARENA_MAX);
    op_trace(s, "in", request->body);
    enum err err = es_decode(request->body, &a, &m, &fault);
    if (err == ERR_NONE && m.kind != ES_RESPONSE && m.kind != ES_NOTIFICATION) {
        refuse_function(&fault);
        err = ERR_NOT_FOUND;
    }
    if (err == ERR_NONE && !wsse_check(&(struct wsse_rule){ .kind = WSSE_NONE }, NULL, &m, request->body, 0, &fault))
        err = ERR_UNSUPPORTED; /* callbacks and notifications carry none */
    if (m.wsa.from.entity_id.text[0] && !op_is_partner(s, request->peer, &m))
        reply(s, ref, 403, SPAN_NONE);
    else if (err != ERR_NONE)
        reply_fault(s, ref, &m, &fault, &a);
    else {
        op_explain_in(s, "a message arrives", request->body);
        take(s, &m, request->body, ref);
    }
    arena_release(&a);
}
