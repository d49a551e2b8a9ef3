#include "server.h"

#include <stdio.h>

#include "answer.h"
#include "channel/pace.h"
#include "eis.h"
#include "lib/base/mutant.h"
#include "lib/engine/call.h"
#include "lib/model/unconfirmed.h"
#include "rights.h"

/* ---- answers in the same HTTP exchange */

static struct span sync_answer(struct turn *t, const struct call_event *c, struct es_response *body,
                               struct status status)
{
    if (!body)
        body = es_response_new(t->arena, c->message.function, &status, t->now_ms, t->now_ms);
    if (!body)
        return SPAN_NONE;
    body->status = status;
    body->start_ms = body->end_ms = t->now_ms;
    if (status.reason == REASON_VALIDITY_REFUSED) {
        uint32_t asked = ((const struct es_request *)c->message.body)->validity_s;
        guard_validity(c->partner ? &c->partner->guard : NULL, asked, SMSR_VALIDITY_MIN_S, SMSR_VALIDITY_MAX_S,
                       &body->acceptable_validity_s);
    }
    return smsr_answer_build(t, &c->message, body);
}

static void log_refusal(struct turn *t, const struct call_event *c, const struct status *s)
{
    const struct es_function_info *info = es_function_info(c->message.function);
    if (!status_ok(s))
        turn_log(t, LOG_WARN_, "%s-%s of %s: %s %s/%s %s", info->interface, info->name,
                 c->partner ? c->partner->name : "a stranger", exec_status_xml(s->exec), s->subject, s->code,
                 s->detail);
}

/* Answered at once and remembered by nobody: the caller is not who it should be, or asks for what nobody may. */
static void turn_away(struct turn *t, const struct call_event *c, struct status status)
{
    struct span soap = sync_answer(t, c, NULL, status);
    log_refusal(t, c, &status);
    t->counts.alarms[SMSR_ALARM_TURNED_AWAY]++;
    outbox_reply(t->out, t->event->reply, soap.len ? 200 : 500, soap);
}

/* ---- who are you, may you */

static const struct server *server_of(enum es_function function)
{
    static const struct server *const all[] = { &smsr_es1_server, &smsr_es3_server, &smsr_es4_server,
                                                &smsr_es4a_server, &smsr_es7_server };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i]->number == es_function_info(function)->number)
            return all[i];
    return NULL;
}

static const struct server_row *row_of(const struct server *s, enum es_function function)
{
    for (size_t i = 0; s && i < s->row_count; i++)
        if (s->rows[i].function == function)
            return &s->rows[i];
    return NULL;
}

static struct status admit(const struct call_event *c, const struct server *server, const struct server_row *row)
{
    const struct es_message *m = &c->message;
    uint32_t validity_s = ((const struct es_request *)m->body)->validity_s, fine_s;
    if (!c->partner || (!oid_eq(&m->wsa.from.entity_id, &c->partner->oid) && !MUTANT(takes_any_entity_id)))
        return status_failed(REASON_REQUESTER_UNKNOWN, m->wsa.from.entity_id.text,
                             "not the entity of the TLS connection");
    if (server && !(c->partner->kinds & server->kinds))
        return status_failed(REASON_REQUESTER_NOT_ALLOWED, c->partner->oid.text,
                             "its role may not call this interface");
    if (!row)
        return status_failed(REASON_FUNCTION_UNSUPPORTED, "", "not a function of this SM-SR");
    if (!guard_validity(&c->partner->guard, validity_s, SMSR_VALIDITY_MIN_S, SMSR_VALIDITY_MAX_S, &fine_s))
        return status_failed(REASON_VALIDITY_REFUSED, "", "%u s is too %s; %u s would be fine", validity_s,
                             validity_s < fine_s ? "short" : "long", fine_s);
    return status_success();
}

/* ---- one call, one answer */

struct known_call {
    const struct call_event *c;
    const struct server_row *row;
    char call_id[SMSR_CALL_ID_MAX + 1];
    const char *requester;
    const char *url; /* of the callback; NULL for a SYNC function */
    struct call call;
};

static struct operation *running(struct turn *t, const struct known_call *k)
{
    for (size_t i = 0; t->e && i < t->e->operation_count; i++) {
        struct operation *op = &t->e->operations[i];
        if (op->n && op->change != ROW_GONE && oid_is(&op->requester, k->requester) && !strcmp(op->call_id, k->call_id))
            return op;
    }
    return NULL;
}

static void answer_again(struct turn *t, const struct known_call *k)
{
    const struct es_message *request = &k->c->message;
    struct operation *op = k->call.state == CALL_RUNNING ? running(t, k) : NULL;
    struct span answer = k->call.state == CALL_ANSWERED ? smsr_answer_again(t, request, k->call.answer) : SPAN_NONE;
    if (!k->url) {
        outbox_reply(t->out, t->event->reply, k->call.answer_status, answer);
        return;
    }
    outbox_reply(t->out, t->event->reply, 202, SPAN_NONE);
    if (op)
        smsr_context_add(t, op, request, k->url);
    else if (k->call.state == CALL_ANSWERED)
        smsr_callback_post(t, smsr_context_of(t, request, k->url), request->function, k->call_id, answer);
}

/* While another SM-SR takes the eUICC over, nothing else may change it (fact book 2.6). */
static bool is_locked(struct turn *t, const struct server_row *row)
{
    return t->e && !row->of_change && !row->only_reads && !MUTANT(no_lock_in_a_change) && smsr_operation_change(t->e);
}

static struct status locked(const struct turn *t)
{
    return status_failed(REASON_EUICC_BUSY, t->e->eid_text, "an SM-SR change is under way");
}

static void run_sync(struct turn *t, const struct known_call *k)
{
    struct es_response *body = NULL;
    struct status status = is_locked(t, k->row) ? locked(t) : k->row->run(t, k->c, &body);
    if (t->need_rows)
        return;
    struct span soap = sync_answer(t, k->c, status_ok(&status) ? body : NULL, status);
    log_refusal(t, k->c, &status);
    if (!k->row->only_reads) {
        call_open(t->w, k->requester, k->call_id, t->event->line, SPAN_OF(k->c->digest), SPAN_NONE, t->now_ms,
                  t->now_ms);
        call_answer(t->w, k->requester, k->call_id, 200, soap);
    }
    outbox_reply(t->out, t->event->reply, soap.len ? 200 : 500, soap);
}

static struct operation *operation_of(struct turn *t, const struct known_call *k, uint64_t deadline_ms)
{
    struct operation *op = smsr_operation_add(t->e);
    if (!op)
        return NULL;
    op->procedure = k->row->procedure;
    op->step = &op->procedure->steps[0];
    op->function = k->row->function;
    op->requester = k->c->partner->oid;
    snprintf(op->call_id, sizeof op->call_id, "%s", k->call_id);
    op->context = smsr_context_of(t, &k->c->message, k->url);
    op->started_ms = t->now_ms;
    op->deadline_ms = deadline_ms;
    return op;
}

/* What comes before it may change that: the profile's state, or, when its ISD-P is still to be made, that it is not there. */
static bool may_pass(const struct turn *t, const struct operation *op)
{
    if (op->status.reason == REASON_PROFILE_STATE)
        return true;
    for (size_t i = 0; i < t->e->operation_count && op->status.reason == REASON_ICCID_UNKNOWN; i++) {
        const struct operation *other = &t->e->operations[i];
        if (other != op && other->n && other->change != ROW_GONE && other->procedure == &SMSR_CREATE_ISDP &&
            iccid_eq(&other->iccid, &op->iccid))
            return true;
    }
    return false;
}

/* Refused at once when it can be told at once; else it waits its turn, and is checked again then. */
static void run_callback(struct turn *t, const struct known_call *k)
{
    uint32_t validity_s = ((const struct es_request *)k->c->message.body)->validity_s;
    uint32_t default_s = k->row->of_change ? t->config->change_s : t->config->validity_s;
    uint64_t deadline = smsr_pace_deadline(t, k->c->partner, t->now_ms + 1000ull * (validity_s ? validity_s : default_s));
    bool idle = !smsr_operation_head(t->e) || k->row->of_change;
    struct operation *op = operation_of(t, k, deadline);
    if (!op) {
        turn_away(t, k->c, status_failed(REASON_EUICC_BUSY, t->e->eid_text, "too many operations wait already"));
        return;
    }
    call_open(t->w, k->requester, k->call_id, t->event->line, SPAN_OF(k->c->digest), op->context, t->now_ms, deadline);
    outbox_reply(t->out, t->event->reply, 202, SPAN_NONE);
    if (is_locked(t, k->row))
        op->status = locked(t);
    else if (!t->e->known && !k->row->of_change)
        op->status = status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "not registered at this SM-SR");
    else
        op->status = k->row->fill(t, k->c, op);
    if (!t->need_rows && status_ok(&op->status) && op->procedure->step_count == 1) { /* that was all */
        smsr_operation_end(t, op);
        return;
    }
    if (status_ok(&op->status) && (!idle || !t->e->present)) /* else smsr_operation_start_next checks it now */
        op->status = op->procedure->check(t, op);
    if (t->need_rows || status_ok(&op->status) || (!idle && may_pass(t, op)))
        return;
    smsr_operation_end(t, op);
}

static struct known_call call_of(const struct call_event *c, const struct server_row *row)
{
    const struct es_request *request = c->message.body;
    struct known_call k = { .c = c, .row = row, .requester = c->partner->oid.text };
    snprintf(k.call_id, sizeof k.call_id, "%.*s", (int)request->call_id.len, (const char *)request->call_id.ptr);
    return k;
}

void smsr_call_foresee(struct turn *t, const struct call_event *c)
{
    const struct server_row *row = row_of(server_of(c->message.function), c->message.function);
    if (!row || !c->partner)
        return;
    struct known_call k = call_of(c, row);
    if (!row->only_reads)
        (void)!call_load(t->rows, k.requester, k.call_id, &k.call);
    if (row->run == smsr_get_eis)
        smsr_eis_foresee(t, row->function);
    else if (row->procedure == &SMSR_AUDIT && es_function_info(row->function)->number == ES_IF_ES4)
        smsr_plma_foresee(t);
}

static bool known(struct turn *t, struct known_call *k, const struct call_event *c, const struct server_row *row)
{
    *k = call_of(c, row);
    if (row->only_reads || MUTANT(no_call_is_a_repeat))
        return true;
    if (!call_load(t->rows, k->requester, k->call_id, &k->call))
        t->need_rows = true;
    return !t->need_rows;
}

/* Not more calls at a time than were agreed. */
static bool has_room(struct turn *t, const struct smsr_partner *p, struct status *ret)
{
    size_t running = 0;
    if (p->guard.in_flight && !call_running(t->rows, p->oid.text, &running))
        t->need_rows = true;
    *ret = status_failed(REASON_PROVIDER_UNAVAILABLE, "", "%zu calls of %s wait already", running, p->name);
    return !t->need_rows && (!p->guard.in_flight || running < p->guard.in_flight);
}

void smsr_call(struct turn *t, const struct call_event *c)
{
    const struct server *server = server_of(c->message.function);
    const struct server_row *row = row_of(server, c->message.function);
    struct status status = admit(c, server, row);
    struct known_call k;
    if (!status_ok(&status)) {
        turn_away(t, c, status);
        return;
    }
    if (!known(t, &k, c, row))
        return;
    if (row->procedure && k.call.state == CALL_UNKNOWN && !has_room(t, c->partner, &status)) {
        if (!t->need_rows)
            turn_away(t, c, status);
        return;
    }
    if (row->procedure && !(k.url = smsr_callback_url(t, c->partner, &c->message))) {
        turn_away(t, c,
                  status_failed(REASON_REQUESTER_NOT_ALLOWED, "", "ReplyTo names a host that is not the caller's"));
    } else if (k.call.state != CALL_UNKNOWN && !MUTANT(any_call_is_a_repeat) && !span_eq(k.call.digest, SPAN_OF(c->digest))) {
        turn_away(t, c, status_failed(REASON_CALL_ID_REUSED, "", "the identifier was used for another call"));
    } else if (k.call.state != CALL_UNKNOWN) {
        answer_again(t, &k);
    } else if (row->run) {
        run_sync(t, &k);
    } else {
        run_callback(t, &k);
    }
    t->counts.calls++;
}
