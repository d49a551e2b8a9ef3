#include "es3_client.h"

#include <stdio.h>

#include "lib/codec/hex.h"
#include "messages.h"
#include "procedures/move.h"

#define CALL_UNIQUE_LEN 12u
#define RESEND_MAX_S    900u
/* The SM-SR gets a little less time than we have, to tell us that it is over. */
#define MARGIN_MAX_MS 30000u
#define RETRY_MS      2000u

static const char *ref_of(struct turn *t, const struct job *j)
{
    const char *ref = arena_printf(t->arena, "%s/%s", j->id, j->out_call);
    return ref ? ref : "";
}

/* The operator's ContextId goes along, for logs from end to end. */
static struct span context_of(struct turn *t, const struct job *j)
{
    struct es_message request;
    struct es_fault fault;
    if (!memmem(j->request.ptr, j->request.len, "ContextId", 9) ||
        es_decode(j->request, t->arena, &request, &fault) != ERR_NONE)
        return SPAN_NONE;
    return request.wsa.message_id.context_id;
}

static void draw(struct turn *t, struct job *j, enum es_function function, const struct smdp_partner *smsr)
{
    uint8_t unique[CALL_UNIQUE_LEN];
    t->env->rng->fill(t->env->rng, unique, sizeof unique);
    hex_text(SPAN_OF(unique), j->out_call, sizeof j->out_call);
    j->out = function;
    j->out_message = smdp_message_id(t, span_text(j->id), context_of(t, j), smdp_dialect(smsr).ampersand);
    j->out_ms = t->now_ms;
    j->out_tries = 0;
}

static uint32_t validity_s(const struct job *j)
{
    uint64_t left = j->deadline_ms > j->out_ms ? j->deadline_ms - j->out_ms : 0;
    uint64_t margin = left / 10 < MARGIN_MAX_MS ? left / 10 : MARGIN_MAX_MS;
    uint64_t s = (left - margin) / 1000;
    return s < 2 ? 2 : s > ES_VALIDITY_MAX ? ES_VALIDITY_MAX : (uint32_t)s;
}

static void plan_resend(struct turn *t, struct job *j)
{
    uint64_t pause_s = (uint64_t)t->config->resend_s << (j->out_tries < 6 ? j->out_tries : 6);
    if (pause_s > RESEND_MAX_S)
        pause_s = RESEND_MAX_S;
    j->next_ms = es_function_info(j->out)->pattern == ES_CALLBACK ? t->now_ms + 1000 * pause_s : 0;
    j->out_tries++;
}

int smdp_call(struct turn *t, struct job *j, enum es_function function, void *body)
{
    const struct smdp_partner *smsr = smdp_partner_by_oid(t->smdp, j->smsr.text);
    if (!smsr)
        return smdp_job_fail(j, REASON_SMSR_UNKNOWN, j->smsr.text, "this SM-SR is not configured");
    if (!t->again)
        draw(t, j, function, smsr);
    else
        outbox_cancel(t->out, t->eid, ref_of(t, j));
    *(struct es_request *)body = (struct es_request){ span_text(j->out_call), validity_s(j) };
    struct span soap = smdp_request_build(t, smsr, function, j->out_message, body);
    if (!soap.len)
        return smdp_job_fail(j, REASON_PROVIDER_ERROR, "", "a message could not be written");
    bool sync = es_function_info(function)->pattern == ES_SYNC; /* else "202" says nothing: the callback comes */
    smdp_soap_post(t, smsr->url, ref_of(t, j), soap, sync ? EFFECT_WANTS_ANSWER : EFFECT_WANTS_CONTENT, j->deadline_ms);
    plan_resend(t, j);
    j->changed = true;
    t->smdp->counts.es3_calls++;
    return NEXT_STAY;
}

void smdp_call_forget(struct turn *t, struct job *j)
{
    if (j->out == ES_FUNCTION_NONE && !(j->flags & JOB_PAUSED))
        return;
    if (j->out != ES_FUNCTION_NONE)
        outbox_cancel(t->out, t->eid, ref_of(t, j));
    j->out = ES_FUNCTION_NONE;
    j->flags &= ~(unsigned)(JOB_UNREACHED | JOB_PAUSED);
    j->next_ms = 0;
    j->changed = true;
}

static void answered(struct turn *t, struct job *j, const struct es3_answer *a)
{
    int next;
    smdp_call_forget(t, j);
    if (smdp_job_waits(t, j, a))
        return;
    next = j->step->answered(t, j, a);
    smdp_job_go(t, j, next);
}

/* By RelatesTo; a partner that leaves it out still copies the TransactionId, which is the job's name. */
static struct job *job_of(struct turn *t, const struct smdp_partner *from, const struct es_message *m)
{
    for (size_t i = 0; i < t->job_count; i++) {
        struct job *j = &t->jobs[i];
        if (j->gone || j->out != m->function || !oid_eq(&j->smsr, &from->oid))
            continue;
        if (m->wsa.relates_to.len ? span_eq(m->wsa.relates_to, j->out_message)
                                  : span_eq(m->wsa.message_id.transaction_id, span_text(j->id)))
            return j;
    }
    return NULL;
}

bool smdp_es3_response(struct turn *t, const struct smdp_partner *from, const struct es_message *m)
{
    struct job *j = job_of(t, from, m);
    const struct es_response *r = es_response_of(m);
    if (!j || !r)
        return false;
    struct es3_answer a = { r->status, r, SPAN_NONE };
    if (es_body_size(m->function, ES_RESPONSE) == sizeof(struct es_card_response))
        a.euicc_response = ((const struct es_card_response *)r)->euicc_response;
    answered(t, j, &a);
    return true;
}

static struct job *job_of_effect(struct turn *t)
{
    for (size_t i = 0; i < t->job_count; i++)
        if (!t->jobs[i].gone && t->jobs[i].out && !strcmp(ref_of(t, &t->jobs[i]), t->event->name))
            return &t->jobs[i];
    return NULL;
}

static void no_answer(struct turn *t, struct job *j, enum reason reason, const char *detail)
{
    answered(t, j, &(struct es3_answer){ status_failed(reason, j->smsr.text, "%s", detail), NULL, SPAN_NONE });
}

static void reached(struct job *j, bool it_is)
{
    unsigned flags = it_is ? j->flags & ~(unsigned)JOB_UNREACHED : j->flags | JOB_UNREACHED;
    j->changed |= flags != j->flags;
    j->flags = flags;
}

void smdp_es3_delivered(struct turn *t)
{
    struct job *j = job_of_effect(t);
    struct es_message m;
    struct es_fault fault;
    if (!j)
        return;
    reached(j, true);
    bool sync = es_function_info(j->out)->pattern == ES_SYNC;
    if (!t->event->body.len) { /* 202: the callback comes */
        if (sync)
            no_answer(t, j, REASON_EXTERNAL_FAILED, "the SM-SR answered without content");
        return;
    }
    const struct smdp_partner *smsr = smdp_partner_by_oid(t->smdp, j->smsr.text);
    enum err err = es_decode(t->event->body, t->arena, &m, &fault);
    if (err == ERR_NONE && m.kind == ES_RESPONSE && m.function == j->out && smsr) {
        es_codes_take(&m, &smsr->guard.codes);
        m.wsa.relates_to = j->out_message; /* the same exchange: there is no doubt */
        smdp_es3_response(t, smsr, &m);
    } else if (err == ERR_NONE && m.kind == ES_SOAP_FAULT) {
        no_answer(t, j, REASON_EXTERNAL_FAILED, "the SM-SR did not take the message");
    } else if (sync) {
        no_answer(t, j, REASON_EXTERNAL_FAILED, err == ERR_NONE ? "the SM-SR answered something else" : fault.text);
    }
}

/* Given up before our time is over (the next try would have been too late): once more, until it is. */
void smdp_es3_undelivered(struct turn *t)
{
    struct job *j = job_of_effect(t);
    if (!j)
        return;
    if (t->event->status >= 400) {
        no_answer(t, j, REASON_EXTERNAL_FAILED, "the SM-SR refused the message");
        return;
    }
    reached(j, false);
    j->next_ms = t->now_ms + RETRY_MS;
    j->changed = true;
}

enum es_function smdp_relay_of(enum es_function function)
{
    static const struct {
        enum es_function es2, es3;
    } twins[] = {
        { ES2_GET_EIS, ES3_GET_EIS },
        { ES2_UPDATE_POLICY_RULES, ES3_UPDATE_POLICY_RULES },
        { ES2_UPDATE_SUBSCRIPTION_ADDRESS, ES3_UPDATE_SUBSCRIPTION_ADDRESS },
        { ES2_ENABLE_PROFILE, ES3_ENABLE_PROFILE },
        { ES2_DISABLE_PROFILE, ES3_DISABLE_PROFILE },
        { ES2_DELETE_PROFILE, ES3_DELETE_ISDP },
        { ES2_AUDIT_EIS, ES3_AUDIT_EIS },
        { ES2_SET_PLMA, ES3_SET_PLMA },
        { ES2_GET_PLMA, ES3_GET_PLMA },
        { ES2_SET_ONC, ES3_SET_ONC },
        { ES2_GET_ONC, ES3_GET_ONC },
        { ES2_SET_FALLBACK_ATTRIBUTE, ES3_SET_FALLBACK_ATTRIBUTE },
        { ES2_SET_EMERGENCY_PROFILE_ATTRIBUTE, ES3_SET_EMERGENCY_PROFILE_ATTRIBUTE },
    };
    for (size_t i = 0; i < ARRAY_LEN(twins); i++)
        if (twins[i].es2 == function)
            return twins[i].es3;
    return ES_FUNCTION_NONE;
}
