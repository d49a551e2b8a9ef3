/* sm-dp/procedures/download.h: the steps of a download (SGP.02 §3.1), which are in two files. */
#ifndef OSPREY_SMDP_DOWNLOAD_H
#define OSPREY_SMDP_DOWNLOAD_H

#include "sm-dp/turn.h"
#include "procedure.h"

enum dl_step {
    DL_EIS,
    DL_CLEANUP,
    DL_CREATE,
    DL_AUTHENTICATE,
    DL_KEYS,
    DL_OPEN,
    DL_SEND,
    DL_COMPLETE,
    DL_CHANNEL,
    DL_TOKEN,
    DL_CONNECTIVITY,
    DL_ENABLE,
    DL_UNDO,
    DL_COUNT
};

extern const struct step smdp_download_steps[DL_COUNT];

static inline bool smdp_executed(const struct es3_answer *a)
{
    return a->status.exec == EXECUTED_SUCCESS || a->status.exec == EXECUTED_WITH_WARNING;
}
/* ES3.SendData to the job's ISD-P. */
int smdp_send_data(struct turn *t, struct job *j, struct span data, bool more);
/* What is left to do with a profile that is installed: DL_CHANNEL, DL_ENABLE, or the end. */
int smdp_after_installation(const struct job *j);
/* May a clean-up behind the operator's answer still be tried? */
bool smdp_undo_goes_on(const struct turn *t, const struct job *j);

/* connectivity.c: ES8.UpdateConnectivityParameters over SCP03 (§3.14, §4.1.3.4) and the key for delete tokens (§3.10), for
 * profiles that were ordered with them: JOB_PARAMETERS, JOB_TOKEN, each in a channel of its own. In a download the profile is
 * installed: what fails here is a warning, and then it is not enabled. */
int smdp_channel_send(struct turn *t, struct job *j);
int smdp_channel_opened(struct turn *t, struct job *j, const struct es3_answer *a);
int smdp_token_send(struct turn *t, struct job *j);
int smdp_token_set(struct turn *t, struct job *j, const struct es3_answer *a);
int smdp_connectivity_send(struct turn *t, struct job *j);
int smdp_connectivity_set(struct turn *t, struct job *j, const struct es3_answer *a);

#endif
