/* sm-dp/turn.h: one event being worked off: what the pure code of server and procedures has in its hands. Nothing is
 * sent or stored here: writes and effects leave together, after the commit. */
#ifndef OSPREY_SMDP_TURN_H
#define OSPREY_SMDP_TURN_H

#include "smdp.h"
#include "store/job.h"
#include "store/profile.h"
#include "store/schema.h"

enum smdp_event {
    SMDP_EVENT_CALL = ENGINE_KIND_ROLE, /* data: struct call_event: a request of an operator */
    SMDP_EVENT_ANSWER,                  /* data: struct call_event: a callback of an SM-SR */
    SMDP_EVENT_NOTIFICATION,            /* data: struct call_event */
    SMDP_EVENT_PERSONALIZE              /* data: struct personalize_event, from the administration */
};
struct call_event {
    const struct smdp_partner *partner;
    struct es_message message;
    struct span soap;
    uint8_t digest[32]; /* of the request's body */
};

struct turn {
    struct smdp *smdp;
    const struct smdp_config *config;
    const struct env *env;
    struct rowset *rows;
    const struct event *event;
    struct writes *w;
    struct outbox *out;
    struct arena *arena;
    uint64_t now_ms;
    const char *eid; /* text; the line */
    struct job *jobs;
    size_t job_count, job_room;
    struct span challenge; /* the card's RC, from one step to the next */
    const struct es_response *relayed; /* what a relayed function answers beside its status: EIS, PLMA, ONC */
    bool again;            /* the step is entered again to repeat what it sent: nothing is drawn anew */
    bool need_rows;
};

/* The answered query; NULL (and need_rows) while it is not there. */
#define SMDP_ASK(t, statement, ...)                                                                                    \
    rowset_ask((t)->rows, (statement), (const struct value[]){ __VA_ARGS__ },                                          \
               sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value), &(t)->need_rows)

#define turn_log(t, level, ...) log_fact((t)->env->log, (level), (t)->eid, __VA_ARGS__)

struct smdp {
    struct smdp_config config;
    struct env env;
    struct engine *engine;
    struct wsse_seen *seen;
    struct smdp_counts counts;
};

#endif
