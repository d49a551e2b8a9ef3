#include "es2_server.h"

#include <stdio.h>

#include "lib/codec/hex.h"
#include "lib/engine/call.h"
#include "lib/es/es2.h"
#include "lib/model/unconfirmed.h"
#include "messages.h"
#include "procedures/procedure.h"

#define REPEATS_MAX 4u /* messages of one call that are answered beside the first */

/* ---- answers at once */

static bool fine_validity(const struct call_event *c, uint32_t *ret_fine_s)
{
    uint32_t asked_s = ((const struct es_request *)c->message.body)->validity_s;
    return guard_validity(c->partner ? &c->partner->guard : NULL, asked_s, SMDP_VALIDITY_MIN_S, ES_VALIDITY_MAX, ret_fine_s);
}

static void reply_status(struct turn *t, const struct call_event *c, struct status status)
{
    const struct es_function_info *info = es_function_info(c->message.function);
    struct es_response *body = es_response_new(t->arena, c->message.function, &status, t->now_ms, t->now_ms);
    turn_log(t, LOG_WARN_, "%s-%s of %s: %s %s/%s %s", info->interface, info->name,
             c->partner ? c->partner->name : "a stranger", exec_status_xml(status.exec), status.subject, status.code,
             status.detail);
    if (body && status.reason == REASON_VALIDITY_REFUSED)
        fine_validity(c, &body->acceptable_validity_s);
    struct span soap = body ? smdp_answer_build(t, &c->message, body) : SPAN_NONE;
    outbox_reply(t->out, t->event->reply, soap.len ? 200 : 500, soap);
}

static const struct oid *smsr_of(const struct es_message *m)
{
    switch (m->function) {
    case ES2_DOWNLOAD_PROFILE:
        return &((const struct es2_download_profile *)m->body)->smsr_id;
    case ES2_GET_EIS:
        return &((const struct es_eid_request *)m->body)->smsr_id;
    case ES2_AUDIT_EIS:
        return &((const struct es_audit_request *)m->body)->smsr_id;
    case ES2_UPDATE_POLICY_RULES:
        return &((const struct es_pol2_request *)m->body)->smsr_id;
    case ES2_UPDATE_SUBSCRIPTION_ADDRESS:
        return &((const struct es_address_request *)m->body)->smsr_id;
    case ES2_SET_PLMA:
        return &((const struct es_set_plma_request *)m->body)->smsr_id;
    case ES2_GET_PLMA:
        return &((const struct es_get_plma_request *)m->body)->smsr_id;
    case ES2_SET_ONC:
        return &((const struct es_set_onc_request *)m->body)->smsr_id;
    case ES2_GET_ONC:
        return &((const struct es_get_onc_request *)m->body)->smsr_id;
    default:
        return &((const struct es_profile_request *)m->body)->smsr_id;
    }
}

/* Who are you, may you. */
static struct status admit(struct turn *t, const struct call_event *c)
{
    const struct es_message *m = &c->message;
    uint32_t fine_s;
    if (!c->partner || !oid_eq(&m->wsa.from.entity_id, &c->partner->oid))
        return status_failed(REASON_REQUESTER_UNKNOWN, m->wsa.from.entity_id.text,
                             "not the entity of the TLS connection");
    if (!(c->partner->kinds & SMDP_OPERATOR) || es_function_info(m->function)->number != ES_IF_ES2)
        return status_failed(REASON_REQUESTER_NOT_ALLOWED, c->partner->oid.text, "only operators may, and only ES2");
    if (!smdp_procedure_of(m->function) || !t->eid)
        return status_failed(REASON_FUNCTION_UNSUPPORTED, "", "not a function of this SM-DP");
    if (!fine_validity(c, &fine_s))
        return status_failed(REASON_VALIDITY_REFUSED, "", "%u s would be fine", fine_s);
    return status_success();
}

/* ---- jobs */

static uint64_t deadline_of(const struct turn *t, const struct es_message *m)
{
    uint32_t asked = ((const struct es_request *)m->body)->validity_s;
    if (!asked)
        asked = m->function == ES2_DOWNLOAD_PROFILE                 ? t->config->validity_s
                : es_function_info(m->function)->pattern == ES_SYNC ? SMDP_SYNC_VALIDITY_S
                                                                    : SMDP_CALLBACK_VALIDITY_S;
    return t->now_ms + 1000ull * asked;
}

static struct job *job_new(struct turn *t, const struct call_event *c, const char *call_id)
{
    uint8_t unique[8];
    char text[2 * sizeof unique + 1];
    if (t->job_count >= t->job_room)
        return NULL;
    struct job *j = &t->jobs[t->job_count++];
    t->env->rng->fill(t->env->rng, unique, sizeof unique);
    *j = (struct job){ .fresh = true,
                       .requester = c->partner->oid,
                       .function = c->message.function,
                       .request = c->soap,
                       .started_ms = t->now_ms,
                       .deadline_ms = deadline_of(t, &c->message),
                       .reply = t->event->reply,
                       .procedure = smdp_procedure_of(c->message.function),
                       .status = status_success() };
    j->smsr = *smsr_of(&c->message);
    snprintf(j->id, sizeof j->id, "%s-%s", t->eid, hex_text(SPAN_OF(unique), text, sizeof text));
    snprintf(j->call_id, sizeof j->call_id, "%s", call_id);
    return j;
}

static void open_job(struct turn *t, const struct call_event *c, const char *call_id)
{
    bool callback = es_function_info(c->message.function)->pattern == ES_CALLBACK;
    struct job *j = job_new(t, c, call_id);
    if (!j) {
        reply_status(t, c, status_failed(REASON_EUICC_BUSY, t->eid, "too many functions wait already"));
        return;
    }
    const struct smdp_partner *smsr = smdp_partner_by_oid(t->smdp, j->smsr.text);
    j->status = smsr && (smsr->kinds & SMDP_SMSR)
                    ? j->procedure->check(t, j, &c->message)
                    : status_failed(REASON_SMSR_UNKNOWN, j->smsr.text, "no such SM-SR here");
    if (t->need_rows)
        return;
    call_open(t->w, j->requester.text, call_id, t->event->line, SPAN_OF(c->digest), SPAN_NONE, t->now_ms,
              j->deadline_ms);
    if (callback)
        outbox_reply(t->out, t->event->reply, 202, SPAN_NONE);
    if (!status_ok(&j->status))
        smdp_job_end(t, j);
    t->smdp->counts.calls++;
}

/* ---- repeats */

/* The same message once more: its answer goes to where it came from last. */
static bool is_same_message(struct turn *t, struct job *j, const struct es_message *m)
{
    struct es_message before;
    struct es_fault fault;
    if (es_decode(j->request, t->arena, &before, &fault) != ERR_NONE ||
        !span_eq(before.wsa.message_id.raw, m->wsa.message_id.raw))
        return false;
    j->reply = t->event->reply;
    j->changed = true;
    return true;
}

/* Another message for a call that runs: both are answered. */
static void attach(struct turn *t, const struct call_event *c, const char *call_id)
{
    const struct job *main = NULL;
    size_t repeats = 0;
    for (size_t i = 0; i < t->job_count; i++) {
        struct job *j = &t->jobs[i];
        if (j->gone || !oid_eq(&j->requester, &c->partner->oid) || strcmp(j->call_id, call_id) != 0)
            continue;
        if (is_same_message(t, j, &c->message))
            return;
        repeats += (j->flags & JOB_REPEAT) != 0;
        main = j->flags & JOB_REPEAT ? main : j;
    }
    struct job *r = main && repeats < REPEATS_MAX ? job_new(t, c, call_id) : NULL;
    if (!r)
        return;
    r->procedure = &SMDP_REPEAT;
    r->flags = JOB_REPEAT;
    r->deadline_ms = main->deadline_ms;
}

static void answer_again(struct turn *t, const struct call_event *c, const char *call_id, const struct call *call)
{
    bool sync = es_function_info(c->message.function)->pattern == ES_SYNC;
    if (call->state == CALL_RUNNING) {
        attach(t, c, call_id);
        if (!sync)
            outbox_reply(t->out, t->event->reply, 202, SPAN_NONE);
        return;
    }
    struct span answer = smdp_answer_again(t, &c->message, call->answer);
    if (sync) {
        outbox_reply(t->out, t->event->reply, call->answer_status, answer);
        return;
    }
    outbox_reply(t->out, t->event->reply, 202, SPAN_NONE);
    smdp_callback_post(t, smdp_callback_url(t, c->partner, &c->message), c->message.function, call_id, answer);
}

/* Not more calls at a time than were agreed. */
static bool has_room(struct turn *t, const struct smdp_partner *p, struct status *ret)
{
    size_t running = 0;
    if (p->guard.in_flight && !call_running(t->rows, p->oid.text, &running))
        t->need_rows = true;
    *ret = status_failed(REASON_PROVIDER_UNAVAILABLE, "", "%zu calls of %s wait already", running, p->name);
    return !t->need_rows && (!p->guard.in_flight || running < p->guard.in_flight);
}

void smdp_es2_call(struct turn *t, const struct call_event *c)
{
    char call_id[ES_CALL_ID_MAX + 1];
    struct call call;
    struct status status = admit(t, c);
    if (!status_ok(&status)) {
        reply_status(t, c, status);
        return;
    }
    struct span id = ((const struct es_request *)c->message.body)->call_id;
    snprintf(call_id, sizeof call_id, "%.*s", (int)id.len, (const char *)id.ptr);
    if (!call_load(t->rows, c->partner->oid.text, call_id, &call)) {
        t->need_rows = true;
        return;
    }
    bool callback = es_function_info(c->message.function)->pattern == ES_CALLBACK;
    if (callback && !smdp_callback_url(t, c->partner, &c->message))
        reply_status(t, c,
                     status_failed(REASON_REQUESTER_NOT_ALLOWED, "", "ReplyTo names a host that is not the caller's"));
    else if (call.state != CALL_UNKNOWN && !span_eq(call.digest, SPAN_OF(c->digest)))
        reply_status(t, c, status_failed(REASON_CALL_ID_REUSED, "", "the identifier was used for another call"));
    else if (call.state != CALL_UNKNOWN)
        answer_again(t, c, call_id, &call);
    else if (has_room(t, c->partner, &status))
        open_job(t, c, call_id);
    else if (!t->need_rows)
        reply_status(t, c, status);
}
