/* sm-dp/store/job.h: a job is one function of an operator that the SM-DP is carrying out: a download, or a relay. */
#ifndef OSPREY_SMDP_JOB_H
#define OSPREY_SMDP_JOB_H

#include "lib/engine/engine.h"
#include "lib/es/message.h"

#define JOB_ID_MAX     64u /* EID, "-", 16 hex digits: also the TransactionId of what it sends */
#define JOB_CALL_MAX   40u
#define JOBS_MAX       32u /* of one eUICC at a time */
#define JOBS_ADDED_MAX 4u  /* of them by one event */
#define JOB_SECRET_MAX 1400u

enum job_flag {
    JOB_ENABLE = 1,   /* EnableProfile was asked for */
    JOB_ANSWERED = 2, /* the operator has its answer; what follows is clean-up */
    JOB_SENT_ALL = 4, /* the whole package is on the card */
    JOB_RESERVED = 8, /* the profile is ours */
    JOB_UNREACHED = 16, /* the call that is under way has not got through to the SM-SR */
    JOB_LEFT_OVER = 32, /* an earlier download may have left its ISD-P: when nothing comes of this one, it is removed */
    JOB_TOKEN = 64,      /* the ISD-P shall get the key for delete tokens */
    JOB_PARAMETERS = 128, /* it shall get connectivity parameters */
    JOB_REPEAT = 256,     /* asks again for what another job does, under a MessageID of its own: it only waits to be answered */
    JOB_PAUSED = 512,     /* the SM-SR cannot serve it now: procedures/move.h; nothing is under way until next_ms */
    JOB_WAITED = 1024,    /* it has waited for word of an SM-SR change */
};

struct job {
    bool fresh, gone, changed; /* not stored yet; to be removed; to be written */
    char id[JOB_ID_MAX + 1];
    int64_t version;
    struct oid requester, smsr;
    char call_id[ES_CALL_ID_MAX + 1];
    enum es_function function; /* ES2_…; ES_FUNCTION_NONE: of the administration */
    struct span request;       /* as it came, to be answered from */
    uint64_t started_ms;

    const struct procedure *procedure;
    const struct step *step; /* NULL: waits its turn */
    struct iccid iccid;
    uint64_t deadline_ms;
    unsigned flags;
    struct reply_ref reply; /* SYNC functions: who waits */

    enum es_function out; /* the ES3 function under way; ES_FUNCTION_NONE */
    char out_call[JOB_CALL_MAX + 1];
    struct span out_message;  /* its MessageID */
    uint64_t out_ms, next_ms; /* when it left first; when it leaves again */
    uint32_t out_tries;

    struct aid isdp;
    struct iccid other;          /* what is cleaned up first */
    struct span secret;          /* wrapped: sm-dp/es8_client.h */
    uint32_t sent_from, sent_to; /* octets of the package in the segments under way */
    uint32_t attempt;
    uint64_t moved_ms;           /* when its SM-SR took over the eUICC; 0: it was the operator who named it */
    struct status status; /* how it shall end */
    struct span euicc_response;
};

/* All jobs of this eUICC, in the rows' arena, with room for those that an event may add; false while they are not loaded.
 * NULL: no memory. */
bool smdp_jobs_load(struct rowset *rows, const char *eid, struct job **ret, size_t *ret_count, size_t *ret_room);
void smdp_job_save(struct job *j, const char *eid, struct writes *w);

#endif
