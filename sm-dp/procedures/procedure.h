/* sm-dp/procedures/procedure.h: a procedure is a table of steps (SGP.02 §3). Steps are pure: they change the job and
 * the outbox of their turn. Each step sends one function of ES3 and waits for its answer. */
#ifndef OSPREY_SMDP_PROCEDURE_H
#define OSPREY_SMDP_PROCEDURE_H

#include "sm-dp/store/job.h"

struct turn;

enum { NEXT_STAY = -1, NEXT_END = -2 }; /* NEXT_END: job->status says how it ended */

/* The answer of the SM-SR. */
struct es3_answer {
    struct status status;
    const struct es_response *response; /* of the function's struct; NULL: none came (see status) */
    struct span euicc_response;         /* what the card said, where the function has it */
};

struct step {
    const char *name; /* as stored */
    int (*enter)(struct turn *t, struct job *j);
    int (*answered)(struct turn *t, struct job *j, const struct es3_answer *a);
    uint32_t may_go_to; /* bit i: step i; always: the end */
};
#define TO(step) (1u << (step))

struct procedure {
    const char *name;
    const struct step *steps;
    size_t step_count;
    bool alone;   /* one at a time on an eUICC */
    int first;    /* the step where it begins */
    int clean_up; /* the step where it goes on when it had stepped aside for another, its answer out */
    /* May it begin? Fills in what the steps need. Called when the call comes in. */
    struct status (*check)(struct turn *t, struct job *j, const struct es_message *request);
    /* Time is over: which step cleans up; NEXT_END: nothing to do. May change job->status (EXPIRED). */
    int (*expired)(struct turn *t, struct job *j);
    void (*ended)(struct turn *t, struct job *j);
};

extern const struct procedure SMDP_DOWNLOAD, SMDP_RELAY, SMDP_PERSONALIZE, SMDP_REPEAT;
/* ES_FUNCTION_NONE: of the administration. NULL: not a function of ES2 that we have. */
const struct procedure *smdp_procedure_of(enum es_function function);
const struct step *smdp_step_by_name(const struct procedure *p, const char *name);

/* Goes to that step, and on as long as steps pass at once. */
void smdp_job_go(struct turn *t, struct job *j, int next);
void smdp_job_end(struct turn *t, struct job *j);
int smdp_job_fail(struct job *j, enum reason reason, const char *subject_id, const char *detail);
/* Starts what waits; a clean-up behind an answer makes room for it. Sets the timers. */
void smdp_jobs_start(struct turn *t);
/* Overdue jobs expire, unanswered calls leave again. */
void smdp_jobs_time(struct turn *t);
/* Answers the operator, once. */
void smdp_job_answer(struct turn *t, struct job *j);

#endif
