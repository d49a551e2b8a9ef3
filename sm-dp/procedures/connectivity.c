#include "download.h"
#include "lib/base/mutant.h"
#include "lib/es/es3.h"
#include "lib/model/unconfirmed.h"
#include "sm-dp/es3_client.h"
#include "sm-dp/es8_client.h"
#include "sm-dp/token.h"

int smdp_after_installation(const struct job *j)
{
    if (j->flags & (JOB_TOKEN | JOB_PARAMETERS))
        return DL_CHANNEL;
    bool enable = (j->flags & JOB_ENABLE) || MUTANT(enables_unasked);
    return enable && !(j->flags & JOB_ANSWERED) ? DL_ENABLE : NEXT_END;
}

static int warn(struct job *j, const struct status *status)
{
    j->status = *status;
    if (j->procedure == &SMDP_DOWNLOAD)
        j->status.exec = EXECUTED_WITH_WARNING;
    j->changed = true;
    return NEXT_END;
}

static int internal(struct job *j, enum err err)
{
    struct status s = status_failed(REASON_PROVIDER_ERROR, "", "secure channel: %s", err_text(err));
    return warn(j, &s);
}

/* The card forgets a channel when it is reset, or its session ends: then from its beginning. */
static int again(struct turn *t, struct job *j, const struct status *status)
{
    if (j->attempt >= SMDP_SEND_ATTEMPTS)
        return warn(j, status);
    turn_log(t, LOG_WARN_, "%s %s: secure channel: %s; once more", j->procedure->name, j->iccid.digits, status->detail);
    return DL_CHANNEL;
}

int smdp_channel_send(struct turn *t, struct job *j)
{
    struct es8_state s;
    enum err err = es8_state_load(t, j, &s);
    struct span data = err == ERR_NONE ? es8_channel_data(t, &s) : SPAN_NONE;
    if (!t->again)
        j->attempt++;
    if (err == ERR_NONE)
        err = es8_state_save(t, j, &s);
    wipe(&s, sizeof s);
    return err == ERR_NONE ? smdp_send_data(t, j, data, true) : internal(j, err);
}

int smdp_channel_opened(struct turn *t, struct job *j, const struct es3_answer *a)
{
    struct es8_state s;
    struct status status = a->status;
    if (!smdp_executed(a))
        return again(t, j, &status);
    enum err err = es8_state_load(t, j, &s);
    bool good = err == ERR_NONE && es8_channel_of(a->euicc_response, j, &s, &status);
    if (good)
        err = es8_state_save(t, j, &s);
    wipe(&s, sizeof s);
    return err != ERR_NONE ? internal(j, err) : !good ? again(t, j, &status) : j->flags & JOB_TOKEN ? DL_TOKEN : DL_CONNECTIVITY;
}

static int done(struct job *j, enum job_flag what)
{
    j->flags &= ~(unsigned)what;
    j->attempt = 0;
    j->changed = true;
    return smdp_after_installation(j);
}

/* A key whose PUT KEY was lost may be there: then it is replaced, by itself. */
int smdp_token_send(struct turn *t, struct job *j)
{
    struct stored_profile p;
    struct es8_state s = { 0 };
    struct es8_token token = { .replaces = j->attempt % 2 == 0 };
    struct span data = SPAN_NONE;
    if (!smdp_profile_load(t, &j->iccid, &p))
        return NEXT_STAY;
    token.who = token_identity_of(&t->config->oid, &p.owner, &p.isdp);
    enum err err = token_key_of(t, &p, token.key);
    if (err == ERR_NONE)
        err = es8_state_load(t, j, &s);
    if (err == ERR_NONE)
        err = es8_token_data(t, &s, &token, &data);
    if (err == ERR_NONE)
        err = es8_state_save(t, j, &s);
    wipe(&s, sizeof s);
    wipe(&token, sizeof token);
    return err == ERR_NONE ? smdp_send_data(t, j, data, true) : internal(j, err);
}

int smdp_token_set(struct turn *t, struct job *j, const struct es3_answer *a)
{
    struct es8_state s;
    struct status status = a->status;
    if (!smdp_executed(a))
        return again(t, j, &status);
    enum err err = es8_state_load(t, j, &s);
    bool good = err == ERR_NONE && es8_channel_answered(t, a->euicc_response, &s, "token key", &status);
    wipe(&s, sizeof s);
    if (err != ERR_NONE)
        return internal(j, err);
    if (!good)
        return again(t, j, &status);
    WRITES_ADD(t->w, &SMDP_PROFILE_TOKEN_SET, 1, value_text(j->iccid.digits));
    return done(j, JOB_TOKEN);
}

/* The session behind what is sent is kept: it opens the card's answer. */
int smdp_connectivity_send(struct turn *t, struct job *j)
{
    struct stored_profile p;
    struct es8_state s;
    struct es3_update_connectivity_parameters body = { .iccid = j->iccid };
    if (!smdp_profile_load(t, &j->iccid, &p))
        return NEXT_STAY;
    enum err err = eid_from_text(span_text(t->eid), &body.eid);
    if (err == ERR_NONE)
        err = es8_state_load(t, j, &s);
    if (err == ERR_NONE)
        err = es8_connectivity_data(t, &s, p.connectivity, &body.parameters);
    if (err == ERR_NONE)
        err = es8_state_save(t, j, &s);
    wipe(&s, sizeof s);
    return err == ERR_NONE ? smdp_call(t, j, ES3_UPDATE_CONNECTIVITY_PARAMETERS, &body) : internal(j, err);
}

int smdp_connectivity_set(struct turn *t, struct job *j, const struct es3_answer *a)
{
    struct es8_state s;
    struct status status = a->status;
    if (!smdp_executed(a))
        return again(t, j, &status);
    enum err err = es8_state_load(t, j, &s);
    bool good = err == ERR_NONE && es8_channel_answered(t, a->euicc_response, &s, "connectivity parameters", &status);
    wipe(&s, sizeof s);
    if (err != ERR_NONE)
        return internal(j, err);
    return good ? done(j, JOB_PARAMETERS) : warn(j, &status);
}
