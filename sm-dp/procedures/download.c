/* Profile download and installation: SGP.02 §3.1, offcard book 8.3. */
#include <stdio.h>

#include "lib/base/mutant.h"
#include "lib/es/es2.h"
#include "lib/es/es3.h"
#include "lib/model/unconfirmed.h"
#include "sm-dp/eligibility.h"
#include "sm-dp/es3_client.h"
#include "sm-dp/es8_client.h"
#include "download.h"

static struct eid eid_of(const struct turn *t)
{
    struct eid eid = { 0 };
    (void)!eid_from_text(span_text(t->eid), &eid); /* it is the line: checked when the call came in */
    return eid;
}

static int fail_with(struct job *j, const struct status *status, int next)
{
    j->status = *status;
    j->changed = true;
    return next;
}

/* The SM-SR's own word; what the card said goes along. */
static int relay_failure(struct job *j, const struct es3_answer *a, int next)
{
    j->euicc_response = a->euicc_response;
    return fail_with(j, &a->status, next);
}

static int internal(struct job *j, enum err err, int next)
{
    struct status s = status_failed(REASON_PROVIDER_ERROR, "", "%s", err_text(err));
    return fail_with(j, &s, next);
}

/* ---- EIS, eligibility, left-overs */

/* Before this download has made anything. */
static int give_up(const struct job *j) { return j->flags & JOB_LEFT_OVER ? DL_UNDO : NEXT_END; }

static int send_get_eis(struct turn *t, struct job *j)
{
    struct es_eid_request body = { .eid = eid_of(t) };
    return smdp_call(t, j, ES3_GET_EIS, &body);
}

static int eis_came(struct turn *t, struct job *j, const struct es3_answer *a)
{
    const struct eis *eis = a->response ? ((const struct es_eis_response *)a->response)->eis : NULL;
    struct stored_profile p;
    struct es8_state s = { 0 };
    if (!smdp_executed(a))
        return relay_failure(j, a, give_up(j));
    if (!eis) {
        struct status none = status_failed(REASON_EXTERNAL_FAILED, t->eid, "the SM-SR's answer has no EIS");
        return fail_with(j, &none, give_up(j));
    }
    if (!smdp_profile_load(t, &j->iccid, &p))
        return NEXT_STAY;
    struct status status = smdp_eligible(t, eis, &p, &s);
    if (!status_ok(&status))
        return fail_with(j, &status, give_up(j));
    enum err err = es8_state_save(t, j, &s);
    if (err != ERR_NONE)
        return internal(j, err, give_up(j));
    const struct profile_info *left = smdp_left_over(t, eis);
    if (!left || j->attempt >= SMDP_CLEANUPS_MAX)
        return DL_CREATE;
    j->other = left->iccid;
    return DL_CLEANUP;
}

static int send_clean_up(struct turn *t, struct job *j)
{
    struct es_profile_request body = { .eid = eid_of(t), .iccid = j->other };
    return smdp_call(t, j, ES3_DELETE_ISDP, &body);
}

/* What became of an ISD-P is not known: undo it in any case. */
static bool unsure(const struct es3_answer *a)
{
    return a->status.exec == EXECUTED_EXPIRED || a->status.reason == REASON_NO_RESPONSE ||
           a->status.reason == REASON_CALL_EXPIRED || a->status.reason == REASON_EXTERNAL_UNREACHABLE;
}

static int cleaned_up(struct turn *t, struct job *j, const struct es3_answer *a)
{
    (void)t;
    if (!smdp_executed(a) && iccid_eq(&j->other, &j->iccid))
        return relay_failure(j, a, unsure(a) ? DL_UNDO : give_up(j));
    if (!smdp_executed(a)) /* another one's: the memory may do without it */
        return DL_CREATE;
    j->attempt++;
    return DL_EIS;
}

/* ---- ISD-P */

static int send_create(struct turn *t, struct job *j)
{
    struct stored_profile p;
    if (!smdp_profile_load(t, &j->iccid, &p))
        return NEXT_STAY;
    j->attempt = 0;
    struct es3_create_isdp body = {
        .eid = eid_of(t), .iccid = j->iccid, .mno_id = j->requester, .required_memory = p.memory, .more_to_do = true
    };
    return smdp_call(t, j, ES3_CREATE_ISDP, &body);
}

/* In use, though the EIS did not show it: the ISD-P of an earlier try that is not taken away yet, or only half made. */
static bool left_over(const struct es3_answer *a) { return a->status.reason == REASON_ICCID_IN_USE; }

static int created(struct turn *t, struct job *j, const struct es3_answer *a)
{
    (void)t;
    if (!smdp_executed(a))
        return relay_failure(j, a, unsure(a) || left_over(a) ? DL_UNDO : give_up(j));
    j->isdp = ((const struct es_card_response *)a->response)->isdp_aid;
    if (!j->isdp.len) {
        struct status s = status_failed(REASON_EXTERNAL_FAILED, "", "the SM-SR did not say which ISD-P it made");
        return fail_with(j, &s, DL_UNDO);
    }
    return DL_AUTHENTICATE;
}

/* ---- keys */

int smdp_send_data(struct turn *t, struct job *j, struct span data, bool more)
{
    struct es3_send_data body = { .eid = eid_of(t), .sd_aid = j->isdp, .data = data, .more_to_do = more };
    return smdp_call(t, j, ES3_SEND_DATA, &body);
}

static int send_certificate(struct turn *t, struct job *j)
{
    struct es8_state s;
    enum err err = es8_state_load(t, j, &s);
    struct span data = err == ERR_NONE ? es8_authenticate_data(t, j, &s) : SPAN_NONE;
    if (err == ERR_NONE)
        err = data.len ? es8_state_save(t, j, &s) : ERR_UNSUPPORTED;
    wipe(&s, sizeof s);
    return err == ERR_NONE ? smdp_send_data(t, j, data, true) : internal(j, err, DL_UNDO);
}

/* The card forgets whom it has authenticated when it is reset, or its session ends, between the two steps: both again. */
static int agree_again(struct turn *t, struct job *j, const struct es3_answer *a)
{
    if ((a->status.reason != REASON_NO_RESPONSE && !a->euicc_response.len) || j->attempt >= SMDP_SEND_ATTEMPTS)
        return relay_failure(j, a, DL_UNDO);
    j->attempt++;
    j->changed = true;
    turn_log(t, LOG_WARN_, "download %s: keys not agreed: %s; once more", j->iccid.digits, a->status.detail);
    return DL_AUTHENTICATE;
}

static int challenged(struct turn *t, struct job *j, const struct es3_answer *a)
{
    struct status status;
    struct span rc;
    if (!smdp_executed(a))
        return agree_again(t, j, a);
    if (!es8_challenge_of(a->euicc_response, &rc, &status))
        return fail_with(j, &status, DL_UNDO);
    t->challenge = rc;
    return DL_KEYS;
}

static int send_keys(struct turn *t, struct job *j)
{
    struct es8_state s;
    struct span data;
    enum err err = es8_state_load(t, j, &s);
    if (err == ERR_NONE)
        err = es8_establish_data(t, &s, t->challenge, &data);
    if (err == ERR_NONE)
        err = es8_state_save(t, j, &s);
    wipe(&s, sizeof s);
    return err == ERR_NONE ? smdp_send_data(t, j, data, true) : internal(j, err, DL_UNDO);
}

/* The ISD-P's keys are the operator's too, one day: kept with the profile. */
static enum err keep_keys(struct turn *t, const struct job *j, const struct scp03_keys *k)
{
    uint8_t plain[1 + 3 * KA_KEY_LEN], *wrapped = arena_alloc(t->arena, sizeof plain + KEYS_WRAP_OVERHEAD);
    char aad[SMDP_AAD_SIZE];
    plain[0] = k->kvn;
    memcpy(plain + 1, k->enc, KA_KEY_LEN);
    memcpy(plain + 1 + KA_KEY_LEN, k->mac, KA_KEY_LEN);
    memcpy(plain + 1 + 2 * KA_KEY_LEN, k->dek, KA_KEY_LEN);
    size_t len = sizeof plain + KEYS_WRAP_OVERHEAD;
    enum err err =
        wrapped ? t->env->keys->wrap(t->env->keys, smdp_keys_aad(j->iccid.digits, aad), SPAN_OF(plain), wrapped, len) : ERR_NO_SPACE;
    wipe(plain, sizeof plain);
    if (err == ERR_NONE)
        WRITES_ADD(t->w, &SMDP_PROFILE_KEYS, 1, value_text(j->iccid.digits), value_blob(aid_span(&j->isdp)),
                   value_blob((struct span){ wrapped, len }));
    return err;
}

static int agreed(struct turn *t, struct job *j, const struct es3_answer *a)
{
    struct es8_state s;
    struct status status;
    if (!smdp_executed(a))
        return agree_again(t, j, a);
    enum err err = es8_state_load(t, j, &s);
    if (err == ERR_NONE && !es8_keys_of(a->euicc_response, &s, &status)) {
        wipe(&s, sizeof s);
        return fail_with(j, &status, DL_UNDO);
    }
    if (err == ERR_NONE)
        err = keep_keys(t, j, &s.keys);
    if (err == ERR_NONE)
        err = es8_state_save(t, j, &s);
    wipe(&s, sizeof s);
    return err == ERR_NONE ? DL_OPEN : internal(j, err, DL_UNDO);
}

/* ---- package */

static int send_open(struct turn *t, struct job *j)
{
    struct es8_state s;
    enum err err = es8_state_load(t, j, &s);
    struct span data = err == ERR_NONE ? es8_open_data(t, &s) : SPAN_NONE;
    if (!t->again)
        j->attempt++;
    j->sent_from = j->sent_to = 0;
    if (err == ERR_NONE)
        err = es8_state_save(t, j, &s);
    wipe(&s, sizeof s);
    return err == ERR_NONE ? smdp_send_data(t, j, data, true) : internal(j, err, DL_UNDO);
}

/* A channel that was lost on the way may be opened anew: the card begins from zero. */
static int open_again(struct turn *t, struct job *j, const struct status *status)
{
    bool more = j->attempt < SMDP_SEND_ATTEMPTS;
    turn_log(t, LOG_WARN_, "download %s: attempt %u: %s%s", j->iccid.digits, j->attempt, status->detail,
             more ? "; once more" : "");
    return more ? DL_OPEN : fail_with(j, status, DL_UNDO);
}

static int opened(struct turn *t, struct job *j, const struct es3_answer *a)
{
    struct es8_state s;
    struct status status;
    if (!smdp_executed(a) && (a->status.reason == REASON_NO_RESPONSE || a->euicc_response.len))
        return open_again(t, j, &a->status);
    if (!smdp_executed(a))
        return relay_failure(j, a, DL_UNDO);
    enum err err = es8_state_load(t, j, &s);
    bool good = err == ERR_NONE && es8_session_of(a->euicc_response, j, &s, &status);
    if (good)
        err = es8_state_save(t, j, &s);
    wipe(&s, sizeof s);
    if (err != ERR_NONE)
        return internal(j, err, DL_UNDO);
    return good ? DL_SEND : fail_with(j, &status, DL_UNDO);
}

static int send_segments(struct turn *t, struct job *j)
{
    struct es8_state s;
    struct span package, data;
    enum err err = smdp_package_load(t, &j->iccid, &package);
    if (err == ERR_BUSY)
        return NEXT_STAY;
    if (err == ERR_NONE)
        err = es8_state_load(t, j, &s);
    if (err == ERR_NONE)
        err = es8_segments_data(t, j, &s, package, &data);
    if (err == ERR_NONE)
        err = es8_state_save(t, j, &s);
    wipe(&s, sizeof s);
    if (err != ERR_NONE)
        return internal(j, err, DL_UNDO);
    return smdp_send_data(t, j, data, j->sent_to < package.len || (j->flags & JOB_ENABLE));
}

/* What an answer to segments means; *ret_next is the step. */
static enum err judge_segments(struct turn *t, struct job *j, const struct es3_answer *a, struct span package,
                               int *ret_next)
{
    struct es8_state s;
    struct status status;
    bool complete, lost;
    enum err err = es8_state_load(t, j, &s);
    if (err != ERR_NONE)
        return err;
    if (es8_segments_answered(t, a->euicc_response, j, &s, package, &complete, &lost, &status)) {
        j->sent_from = j->sent_to;
        s.start = s.end;
        err = es8_state_save(t, j, &s);
        *ret_next = complete ? DL_COMPLETE : DL_SEND;
    } else {
        j->euicc_response = a->euicc_response;
        *ret_next = lost ? open_again(t, j, &status) : fail_with(j, &status, MUTANT(failed_downloads_leave_all) ? NEXT_END : DL_UNDO);
    }
    wipe(&s, sizeof s);
    return err;
}

static int segments_answered(struct turn *t, struct job *j, const struct es3_answer *a)
{
    struct span package;
    int next = DL_UNDO;
    if (!smdp_executed(a) && a->status.reason == REASON_NO_RESPONSE)
        return open_again(t, j, &a->status);
    if (!smdp_executed(a) && !a->euicc_response.len)
        return relay_failure(j, a, DL_UNDO);
    enum err err = smdp_package_load(t, &j->iccid, &package);
    if (err == ERR_BUSY)
        return NEXT_STAY;
    if (err == ERR_NONE)
        err = judge_segments(t, j, a, package, &next);
    return err == ERR_NONE ? next : internal(j, err, DL_UNDO);
}

/* ---- the end */

static int send_completed(struct turn *t, struct job *j)
{
    struct stored_profile p;
    if (!smdp_profile_load(t, &j->iccid, &p))
        return NEXT_STAY;
    j->flags |= JOB_SENT_ALL;
    struct es3_profile_download_completed body = { .eid = eid_of(t),
                                                   .iccid = j->iccid,
                                                   .profile_type = span_text(arena_text(t->arena, span_text(p.type))),
                                                   .has_address = *p.address.imsi || *p.address.msisdn,
                                                   .has_pol2 = true,
                                                   .address = p.address,
                                                   .pol2 = p.pol2 };
    return smdp_call(t, j, ES3_PROFILE_DOWNLOAD_COMPLETED, &body);
}

static int completed(struct turn *t, struct job *j, const struct es3_answer *a)
{
    if (!smdp_executed(a))
        return relay_failure(j, a, DL_UNDO);
    struct stored_profile p;
    if (!smdp_profile_load(t, &j->iccid, &p))
        return NEXT_STAY;
    WRITES_ADD(t->w, &SMDP_PROFILE_DONE, 1, value_text(j->iccid.digits));
    j->flags &= ~(unsigned)JOB_RESERVED;
    j->status = status_success();
    j->euicc_response = SPAN_NONE;
    j->attempt = 0;
    t->smdp->counts.completed++;
    j->flags |= (p.connectivity.len ? JOB_PARAMETERS : 0) | (p.token_state == SMDP_TOKEN_ORDERED ? JOB_TOKEN : 0);
    return smdp_after_installation(j);
}

static int send_enable(struct turn *t, struct job *j)
{
    struct es_profile_request body = { .eid = eid_of(t), .iccid = j->iccid };
    return smdp_call(t, j, ES3_ENABLE_PROFILE, &body);
}

/* The profile is installed, whatever became of enabling it. */
static int enabled(struct turn *t, struct job *j, const struct es3_answer *a)
{
    (void)t;
    j->status = MUTANT(enabled_in_any_case) ? status_success() : a->status;
    if (j->status.exec != EXECUTED_SUCCESS) {
        j->status.exec = EXECUTED_WITH_WARNING;
        j->euicc_response = a->euicc_response;
    }
    return NEXT_END;
}

/* The operator waits for it: at least a minute, at most what is configured. */
static int send_undo(struct turn *t, struct job *j)
{
    struct es_profile_request body = { .eid = eid_of(t), .iccid = j->iccid };
    uint64_t least = t->now_ms + 1000ull * SMDP_UNDO_MIN_S, most = t->now_ms + 1000ull * t->config->undo_s;
    if (!t->again)
        j->deadline_ms = j->deadline_ms > most ? most : j->deadline_ms < least ? least : j->deadline_ms;
    return smdp_call(t, j, ES3_DELETE_ISDP, &body);
}

bool smdp_undo_goes_on(const struct turn *t, const struct job *j)
{
    return !(j->flags & JOB_ANSWERED) || t->now_ms < j->started_ms + 1000ull * SMDP_UNDO_MAX_S;
}

/* POL1 forbids it: then the installation really was complete. */
static int undone(struct turn *t, struct job *j, const struct es3_answer *a)
{
    if (a->status.reason == REASON_POL1_REFUSED && !MUTANT(pol1_is_a_failure) && !(j->flags & JOB_SENT_ALL))
        return DL_COMPLETE;
    bool left = !smdp_executed(a) && a->status.reason != REASON_ICCID_UNKNOWN;
    if (left && unsure(a) && smdp_undo_goes_on(t, j) && !MUTANT(gives_up_cleaning)) { /* the operator has waited long enough; the clean-up goes on */
        smdp_job_answer(t, j);
        j->deadline_ms = t->now_ms + 1000ull * t->config->undo_s;
        return DL_UNDO;
    }
    if (left)
        turn_log(t, LOG_WARN_, "the ISD-P of %s could not be removed (%s); the next download will", j->iccid.digits,
                 a->status.detail);
    return NEXT_END;
}

/* clang-format off */
const struct step smdp_download_steps[DL_COUNT] = {
    /*                   stored name       on enter          on answer          may go to                                */
    [DL_EIS] =          { "eis",          send_get_eis,     eis_came,          TO(DL_CLEANUP) | TO(DL_CREATE) | TO(DL_UNDO) },
    [DL_CLEANUP] =      { "clean-up",     send_clean_up,    cleaned_up,        TO(DL_EIS) | TO(DL_CREATE) | TO(DL_UNDO) },
    [DL_CREATE] =       { "create-isdp",  send_create,      created,           TO(DL_AUTHENTICATE) | TO(DL_UNDO) },
    [DL_AUTHENTICATE] = { "authenticate", send_certificate, challenged,        TO(DL_KEYS) | TO(DL_AUTHENTICATE) | TO(DL_UNDO) },
    [DL_KEYS] =         { "keys",         send_keys,        agreed,            TO(DL_OPEN) | TO(DL_AUTHENTICATE) | TO(DL_UNDO) },
    [DL_OPEN] =         { "open",         send_open,        opened,            TO(DL_SEND) | TO(DL_OPEN) | TO(DL_UNDO) },
    [DL_SEND] =         { "send",         send_segments,    segments_answered, TO(DL_SEND) | TO(DL_OPEN) | TO(DL_COMPLETE) | TO(DL_UNDO) },
    [DL_COMPLETE] =     { "complete",     send_completed,   completed,         TO(DL_CHANNEL) | TO(DL_ENABLE) | TO(DL_UNDO) },
    [DL_CHANNEL] =      { "channel",      smdp_channel_send, smdp_channel_opened, TO(DL_CHANNEL) | TO(DL_TOKEN) | TO(DL_CONNECTIVITY) },
    [DL_TOKEN] =        { "token",        smdp_token_send,  smdp_token_set,    TO(DL_CHANNEL) | TO(DL_ENABLE) },
    [DL_CONNECTIVITY] = { "connectivity", smdp_connectivity_send, smdp_connectivity_set, TO(DL_CHANNEL) | TO(DL_ENABLE) },
    [DL_ENABLE] =       { "enable",       send_enable,      enabled,           0 },
    [DL_UNDO] =         { "undo",         send_undo,        undone,            TO(DL_COMPLETE) | TO(DL_UNDO) },
};
/* clang-format on */

/* ---- before and behind */

/* A clean-up after an earlier try with this profile on this eUICC: the new download does that first. */
static bool end_clean_up(struct turn *t, const struct iccid *iccid)
{
    for (size_t i = 0; i < t->job_count; i++) {
        struct job *j = &t->jobs[i];
        if (!j->gone && j->procedure == &SMDP_DOWNLOAD && (j->flags & JOB_ANSWERED) && iccid_eq(&j->iccid, iccid)) {
            smdp_job_end(t, j);
            return true;
        }
    }
    return false;
}

static struct status find_profile(struct turn *t, struct job *j, const struct es2_download_profile *r,
                                  struct stored_profile *p)
{
    if (*r->iccid.digits) {
        if (!smdp_profile_load(t, &r->iccid, p))
            return status_success();
        if (!p->known)
            return status_failed(REASON_ICCID_UNKNOWN, r->iccid.digits, "not a profile of this SM-DP");
        if (!oid_eq(&p->owner, &j->requester) && !MUTANT(anybodys_profile))
            return status_failed(REASON_ICCID_NOT_ALLOWED, r->iccid.digits, "another operator's profile");
        if (r->profile_type.len && !span_eq(r->profile_type, span_text(p->type)))
            return status_failed(REASON_ICCID_NOT_ALLOWED, r->iccid.digits, "it is of another profile type");
        if (p->state != SMDP_PROFILE_FREE && !end_clean_up(t, &p->iccid))
            return status_failed(REASON_ICCID_IN_USE, r->iccid.digits, "it is on an eUICC, or on its way to one");
        j->flags |= p->state != SMDP_PROFILE_FREE ? JOB_LEFT_OVER : 0;
        return status_success();
    }
    if (!r->profile_type.len)
        return status_failed(REASON_CONDITIONAL_MISSING, "", "ICCID or profile type is needed");
    const struct query *q =
        SMDP_ASK(t, &SMDP_TYPE_KNOWN, value_span_text(r->profile_type), value_text(j->requester.text));
    if (!q || !smdp_profile_of_type(t, r->profile_type, &j->requester, p) || p->known)
        return status_success();
    if (!q->row_count || !row_int(&q->rows[0], 1))
        return status_failed(REASON_TYPE_UNKNOWN, "", "no such profile type");
    return row_int(&q->rows[0], 0) ? status_failed(REASON_TYPE_EXHAUSTED, "", "all are used")
                                   : status_failed(REASON_TYPE_NOT_ALLOWED, "", "another operator's profile type");
}

static struct status check(struct turn *t, struct job *j, const struct es_message *m)
{
    const struct es2_download_profile *r = m->body;
    struct stored_profile p = { 0 };
    struct status status = find_profile(t, j, r, &p);
    j->iccid = r->iccid;
    if (t->need_rows || !status_ok(&status))
        return status;
    j->iccid = p.iccid;
    j->flags |= JOB_RESERVED | (r->enable ? JOB_ENABLE : 0);
    WRITES_ADD(t->w, &SMDP_PROFILE_RESERVE, 1, value_text(j->iccid.digits), value_text(t->eid),
               value_text(j->smsr.text));
    t->smdp->counts.downloads++;
    return status;
}

/* Time is over: what stands on the card half made is taken away; a profile that is there stays. */
static int expired(struct turn *t, struct job *j)
{
    ptrdiff_t at = j->step ? j->step - smdp_download_steps : DL_COUNT;
    if (at == DL_COUNT && smdp_undo_goes_on(t, j)) /* it has stepped aside */
        return NEXT_STAY;
    if (at == DL_ENABLE || at == DL_CHANNEL || at == DL_TOKEN || at == DL_CONNECTIVITY)
        j->status = status_warning(REASON_CALL_EXPIRED, t->eid, "installed; what came of the rest is not known");
    if ((j->flags & JOB_ANSWERED) && !smdp_undo_goes_on(t, j))
        return NEXT_END;
    bool own_left = (at == DL_CLEANUP && iccid_eq(&j->other, &j->iccid)) || ((j->flags & JOB_LEFT_OVER) && at < DL_CREATE);
    return own_left || (at >= DL_CREATE && at <= DL_COMPLETE) || at == DL_UNDO ? DL_UNDO : NEXT_END;
}

static void ended(struct turn *t, struct job *j)
{
    if (!(j->flags & JOB_RESERVED))
        return;
    WRITES_ADD(t->w, &SMDP_PROFILE_FREE_AGAIN, -1, value_text(j->iccid.digits), value_text(t->eid));
    t->smdp->counts.failed++;
}

const struct procedure SMDP_DOWNLOAD = { "download", smdp_download_steps, DL_COUNT, true, DL_EIS, DL_UNDO, check, expired, ended };
