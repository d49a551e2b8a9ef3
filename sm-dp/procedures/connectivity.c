#include "download.h"
#include "lib/base/mutant.h"
#include "lib/es/es3.h"
#include "lib/model/unconfirmed.h"
#include "sm-dp/es3_client.h"
#include "sm-dp/es8_client.h"

int smdp_after_installation(const struct job *j)
{
    bool enable = (j->flags & JOB_ENABLE) || MUTANT(enables_unasked);
    return enable && !(j->flags & JOB_ANSWERED) ? DL_ENABLE : NEXT_END;
}

static int warn(struct job *j, const struct status *status)
{
    j->status = *status;
    j->status.exec = EXECUTED_WITH_WARNING;
    j->changed = true;
    return NEXT_END;
}

static int internal(struct job *j, enum err err)
{
    struct status s = status_failed(REASON_PROVIDER_ERROR, "", "connectivity parameters: %s", err_text(err));
    return warn(j, &s);
}

/* The card forgets a channel when it is reset, or its session ends: then from its beginning. */
static int again(struct turn *t, struct job *j, const struct status *status)
{
    if (j->attempt >= SMDP_SEND_ATTEMPTS)
        return warn(j, status);
    turn_log(t, LOG_WARN_, "download %s: connectivity parameters: %s; once more", j->iccid.digits, status->detail);
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
    return err != ERR_NONE ? internal(j, err) : good ? DL_CONNECTIVITY : again(t, j, &status);
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
    bool good = err == ERR_NONE && es8_connectivity_answered(t, a->euicc_response, &s, &status);
    wipe(&s, sizeof s);
    if (err != ERR_NONE)
        return internal(j, err);
    return good ? smdp_after_installation(j) : warn(j, &status);
}
