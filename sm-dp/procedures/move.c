#include "move.h"

#include "lib/base/mutant.h"
#include "sm-dp/es3_client.h"
#include "sm-dp/turn.h"
#include "download.h"

#define BUSY_PAUSE_S    20u   /* a change takes about a minute */
#define UNKNOWN_PAUSE_S 60u   /* the notification is on its way */
#define UNDO_PAUSE_S    3600u /* the longest between two tries to clean up */
#define CLOCKS_DIFFER_S 60u

/* Where a step goes on at another SM-SR, or after a pause: what the card had in its memory is gone, what it had stored is not. */
static const int8_t resume_at[DL_COUNT] = {
    [DL_EIS] = DL_EIS,         [DL_CLEANUP] = DL_EIS,     [DL_CREATE] = DL_EIS,          [DL_AUTHENTICATE] = DL_AUTHENTICATE,
    [DL_KEYS] = DL_AUTHENTICATE, [DL_OPEN] = DL_OPEN,     [DL_SEND] = DL_OPEN,           [DL_COMPLETE] = DL_COMPLETE,
    [DL_CHANNEL] = DL_CHANNEL, [DL_TOKEN] = DL_CHANNEL,   [DL_CONNECTIVITY] = DL_CHANNEL, [DL_ENABLE] = DL_ENABLE,
    [DL_UNDO] = DL_UNDO,
};

static bool loads(const struct job *j) { return j->procedure && j->procedure->steps == smdp_download_steps && j->step; }
static enum dl_step step_of(const struct job *j) { return (enum dl_step)(j->step - smdp_download_steps); }

static uint64_t undo_pause_ms(const struct turn *t, const struct job *j)
{
    uint64_t pause = (t->now_ms - j->started_ms) / 8, least = 1000ull * UNKNOWN_PAUSE_S, most = 1000ull * UNDO_PAUSE_S;
    return pause < least ? least : pause > most ? most : pause;
}

/* The operator's answer does not wait for the clean-up; that waits for word of a change until its deadline. */
static uint64_t undo_waits_ms(struct turn *t, struct job *j, bool busy)
{
    uint64_t pause = undo_pause_ms(t, j);
    bool waited = !busy && (j->flags & JOB_WAITED);
    if (!smdp_undo_goes_on(t, j) || (waited && t->now_ms + pause >= j->deadline_ms))
        return 0;
    smdp_job_answer(t, j);
    if (!waited)
        j->deadline_ms = t->now_ms + 1000ull * t->config->undo_s + pause;
    return pause;
}

/* 0: it does not wait. */
static uint64_t pause_ms(struct turn *t, struct job *j, enum reason reason)
{
    enum dl_step at = step_of(j);
    bool busy = reason == REASON_EUICC_BUSY, unknown = reason == REASON_EID_UNKNOWN;
    if ((!busy && !unknown) || at < DL_AUTHENTICATE || at == DL_ENABLE || MUTANT(follows_no_euicc))
        return 0;
    if (at == DL_UNDO)
        return undo_waits_ms(t, j, busy);
    if (busy)
        return 1000ull * BUSY_PAUSE_S;
    return j->flags & JOB_WAITED ? 0 : 1000ull * UNKNOWN_PAUSE_S;
}

bool smdp_job_waits(struct turn *t, struct job *j, const struct es3_answer *a)
{
    uint64_t pause = loads(j) ? pause_ms(t, j, a->status.reason) : 0;
    bool unknown = a->status.reason == REASON_EID_UNKNOWN;
    if (!pause) {
        j->flags &= ~(unsigned)JOB_WAITED;
        return false;
    }
    turn_log(t, LOG_INFO_, "%s %s waits at %s: %s", j->procedure->name, j->iccid.digits, j->step->name, a->status.detail);
    j->flags |= JOB_PAUSED | (unknown ? JOB_WAITED : 0);
    j->next_ms = t->now_ms + pause;
    j->changed = true;
    return true;
}

void smdp_job_resume(struct turn *t, struct job *j)
{
    int next = resume_at[step_of(j)];
    smdp_call_forget(t, j);
    j->step = NULL;
    smdp_job_go(t, j, next);
}

/* Word of an earlier change that comes late, or after the operator has named another SM-SR, is passed over. */
static bool is_news(const struct job *j, uint64_t since_ms)
{
    return since_ms > j->moved_ms && since_ms + 1000ull * CLOCKS_DIFFER_S > j->started_ms;
}

void smdp_jobs_moved(struct turn *t, const struct oid *smsr, uint64_t since_ms)
{
    for (size_t i = 0; i < t->job_count && !t->need_rows; i++) {
        struct job *j = &t->jobs[i];
        bool follows = !j->gone && j->procedure && j->procedure->steps == smdp_download_steps && is_news(j, since_ms);
        if (!follows || MUTANT(follows_no_euicc))
            continue;
        bool elsewhere = !oid_eq(&j->smsr, smsr);
        j->moved_ms = since_ms;
        j->smsr = *smsr;
        j->changed = true;
        if (!j->step || (!elsewhere && !(j->flags & JOB_PAUSED)))
            continue;
        turn_log(t, LOG_INFO_, "%s %s follows the eUICC to SM-SR %s", j->procedure->name, j->iccid.digits, smsr->text);
        smdp_job_resume(t, j);
    }
}
