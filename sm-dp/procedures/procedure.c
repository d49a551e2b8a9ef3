#include "procedure.h"

#include <assert.h>

#include "lib/base/mutant.h"
#include "sm-dp/es3_client.h"
#include "sm-dp/messages.h"
#include "sm-dp/turn.h"
#include "move.h"

const struct procedure *smdp_procedure_of(enum es_function function)
{
    switch (function) {
    case ES2_DOWNLOAD_PROFILE:
        return &SMDP_DOWNLOAD;
    case ES_FUNCTION_NONE:
        return &SMDP_PERSONALIZE;
    default:
        return smdp_relay_of(function) == ES_FUNCTION_NONE ? NULL : &SMDP_RELAY;
    }
}

const struct procedure SMDP_REPEAT = { .name = "repeat" };

const struct step *smdp_step_by_name(const struct procedure *p, const char *name)
{
    for (size_t i = 0; i < p->step_count; i++)
        if (!strcmp(p->steps[i].name, name))
            return &p->steps[i];
    return NULL;
}

int smdp_job_fail(struct job *j, enum reason reason, const char *subject_id, const char *detail)
{
    j->status = status_failed(reason, subject_id, "%s", detail);
    j->changed = true;
    return NEXT_END;
}

static void log_step(struct turn *t, const struct job *j, const struct step *step)
{
    turn_log(t, LOG_INFO_, "%s %s: %s", j->procedure->name, j->iccid.digits, step->name);
}

void smdp_job_go(struct turn *t, struct job *j, int next)
{
    while (next != NEXT_STAY && !t->need_rows) {
        j->changed = true;
        if (next == NEXT_END) {
            smdp_job_end(t, j);
            return;
        }
        const struct step *to = &j->procedure->steps[next];
        assert(!j->step || (j->step->may_go_to & TO(next)));
        j->step = to;
        next = to->enter(t, j);
        if (!t->need_rows)
            log_step(t, j, to);
    }
}

/* Who asked again gets the same under its own MessageID. */
static void answer_repeats(struct turn *t, const struct job *j)
{
    for (size_t i = 0; i < t->job_count; i++) {
        struct job *r = &t->jobs[i];
        if (r->gone || !(r->flags & JOB_REPEAT) || !oid_eq(&r->requester, &j->requester) || strcmp(r->call_id, j->call_id) != 0)
            continue;
        r->status = j->status;
        r->iccid = j->iccid;
        r->euicc_response = j->euicc_response;
        smdp_answer_post(t, r, false);
        r->gone = true;
    }
}

void smdp_job_answer(struct turn *t, struct job *j)
{
    if (j->flags & JOB_ANSWERED)
        return;
    j->flags |= JOB_ANSWERED;
    j->changed = true;
    if (MUTANT(success_in_any_case))
        j->status = status_success();
    smdp_answer_post(t, j, true);
    answer_repeats(t, j);
}

static void log_end(struct turn *t, const struct job *j)
{
    const struct status *s = &j->status;
    if (s->exec == EXECUTED_SUCCESS)
        turn_log(t, LOG_INFO_, "%s %s: done", j->procedure->name, j->iccid.digits);
    else
        turn_log(t, LOG_WARN_, "%s %s: %s %s/%s %s", j->procedure->name, j->iccid.digits, exec_status_xml(s->exec),
                 s->subject, s->code, s->detail);
}

void smdp_job_end(struct turn *t, struct job *j)
{
    smdp_call_forget(t, j);
    if (j->procedure->ended)
        j->procedure->ended(t, j);
    smdp_job_answer(t, j);
    log_end(t, j);
    timer_clear(t->w, t->eid, j->id + EID_DIGITS + 1);
    j->gone = true;
}

static struct job *runs_alone(const struct turn *t)
{
    for (size_t i = 0; i < t->job_count; i++)
        if (!t->jobs[i].gone && t->jobs[i].step && t->jobs[i].procedure->alone)
            return &t->jobs[i];
    return NULL;
}

static bool waits(const struct job *j) { return !j->gone && !j->step && !(j->flags & JOB_REPEAT); }

/* A clean-up whose operator has the answer does not keep the others waiting: it steps aside, and goes on behind them. */
static void step_aside(struct turn *t, struct job *running)
{
    bool awaited = false;
    for (size_t i = 0; i < t->job_count; i++)
        awaited |= waits(&t->jobs[i]) && t->jobs[i].procedure->alone && !(t->jobs[i].flags & JOB_ANSWERED);
    if (!awaited || !(running->flags & JOB_ANSWERED))
        return;
    smdp_call_forget(t, running);
    running->step = NULL;
    running->changed = true;
}

static void start_waiting(struct turn *t, bool clean_ups)
{
    for (size_t i = 0; i < t->job_count && !t->need_rows; i++) {
        struct job *j = &t->jobs[i];
        if (waits(j) && !(j->flags & JOB_ANSWERED) == !clean_ups && (!j->procedure->alone || !runs_alone(t)))
            smdp_job_go(t, j, clean_ups ? j->procedure->clean_up : j->procedure->first);
    }
}

static void set_timer(struct turn *t, const struct job *j)
{
    uint64_t due = j->deadline_ms;
    if (j->next_ms && j->next_ms < due)
        due = j->next_ms;
    timer_set(t->w, t->eid, j->id + EID_DIGITS + 1, due);
}

void smdp_jobs_start(struct turn *t)
{
    struct job *running = runs_alone(t);
    if (running)
        step_aside(t, running);
    start_waiting(t, false);
    start_waiting(t, true);
    for (size_t i = 0; i < t->job_count && !t->need_rows; i++)
        if (!t->jobs[i].gone && !(t->jobs[i].flags & JOB_REPEAT) && (t->jobs[i].changed || t->jobs[i].fresh))
            set_timer(t, &t->jobs[i]);
}

/* The answer "expired" leaves in time; what is left on the card is cleaned up behind it. */
static void expire(struct turn *t, struct job *j)
{
    bool unreached = j->flags & JOB_UNREACHED;
    smdp_call_forget(t, j);
    if (!(j->flags & JOB_ANSWERED) && status_ok(&j->status))
        j->status = unreached && !MUTANT(never_reached_is_expired) ? status_failed(REASON_EXTERNAL_UNREACHABLE, j->smsr.text, "the SM-SR was not reached in time")
                              : status_expired();
    bool cleans = j->step || (j->flags & (JOB_ANSWERED | JOB_LEFT_OVER)); /* it may wait with another's clean-up to do */
    int next = cleans && j->procedure->expired ? j->procedure->expired(t, j) : NEXT_END;
    smdp_job_answer(t, j);
    j->deadline_ms = t->now_ms + 1000ull * t->config->undo_s;
    smdp_job_go(t, j, next);
}

void smdp_jobs_time(struct turn *t)
{
    for (size_t i = 0; i < t->job_count && !t->need_rows; i++) {
        struct job *j = &t->jobs[i];
        if (j->gone || (j->flags & JOB_REPEAT)) /* the one that does it answers both */
            continue;
        if (j->deadline_ms <= t->now_ms) {
            expire(t, j);
        } else if ((j->flags & JOB_PAUSED) && j->next_ms <= t->now_ms && j->step) {
            smdp_job_resume(t, j);
        } else if (j->next_ms && j->next_ms <= t->now_ms && j->step) {
            t->again = true;
            j->changed = true;
            int next = j->step->enter(t, j);
            t->again = false;
            smdp_job_go(t, j, next);
        } else {
            j->changed = true; /* its timer fired: set it anew */
        }
    }
}
