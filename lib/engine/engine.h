/* lib/engine/engine.h: first remember, then act. The batch engine that SM-SR and SM-DP (and any durable role) run on.
 *
 * An event comes in (a message, a timer, the result of something sent). The engine takes every event that is ready, at
 * most one per line (a line is an EID: events of one eUICC follow each other, different eUICCs never wait for each
 * other), runs the role's step for each, and commits what all steps want written in ONE transaction. Only then the
 * effects leave. A step is pure: it reads the rows it asked for and returns what to write and what shall leave; chance
 * and keys it needs come from the role's env, and what was drawn is part of what is written. After a crash every stored
 * effect is sent again, byte for byte. */
#ifndef OSPREY_ENGINE_ENGINE_H
#define OSPREY_ENGINE_ENGINE_H

#include "lib/base/store.h"

#define ENGINE_BATCH_MAX        128u           /* events in one transaction */
#define ENGINE_QUEUE_MAX        100000u        /* events waiting; more are refused with ERR_BUSY */
#define ENGINE_WRITES_MAX       96u            /* writes of one event */
#define ENGINE_EFFECTS_MAX      32u            /* effects of one event */
#define ENGINE_ROUNDS_MAX       8u             /* how often a step may ask for more rows */
#define ENGINE_EVENT_ARENA_MAX  (16u << 20)    /* octets an event and its step may use */
#define ENGINE_LINE_MAX         64u
#define ENGINE_REF_MAX          160u

/* An open exchange (an HTTP request waiting for its answer). Volatile: when it is gone a reply to it is dropped and the
 * caller's repeat gets the stored answer. All zero: none. */
struct reply_ref {
    uint32_t node, slot, generation;
    uint32_t home; /* the process that has it, by its number in struct store_nodes; 0: there is only one */
};
static inline bool reply_ref_is_none(struct reply_ref r) { return !r.node && !r.slot && !r.generation; }

/* Kinds below ENGINE_KIND_ROLE belong to the engine, the others to the role. */
enum {
    EVENT_TIMER = 1,   /* name = the timer's; it is cleared by the engine in the same transaction */
    EVENT_DELIVERED,   /* an effect left and was answered: effect_kind, ref, status, body = the answer */
    EVENT_UNDELIVERED, /* given up (deadline over or refused for good); the stored effect is removed with this event */
    EFFECT_REPLY,      /* answers an open exchange; never stored */
    ENGINE_KIND_ROLE = 16
};

struct event {
    uint16_t kind;
    char line[ENGINE_LINE_MAX + 1]; /* "" : no line, may share a batch with anything */
    uint64_t now_ms;                /* the batch's time, set by the engine: a step's only clock */
    struct arena *arena;            /* the event's own; everything an event or its step points to may live here */
    struct reply_ref reply;
    void *data;                     /* the role's, in the arena */
    struct span body;
    /* timers and effects */
    char name[ENGINE_REF_MAX + 1];  /* timer name, or the effect's ref */
    int64_t effect_id;
    uint16_t effect_kind;
    int status;                     /* of the answer: HTTP status, SMPP status … */
};

/* What success of an effect does: it removes the row, and posts EVENT_DELIVERED when the role has a use for it. Stored. */
enum effect_wants {
    EFFECT_WANTS_NOTHING,
    EFFECT_WANTS_ANSWER, /* the event comes always */
    EFFECT_WANTS_CONTENT /* it comes when octets came back: "202 Accepted" is no news */
};

/* What shall leave. */
struct effect {
    int64_t id;                     /* 0: volatile */
    uint16_t kind;
    char line[ENGINE_LINE_MAX + 1];
    char ref[ENGINE_REF_MAX + 1];   /* the role's name for it: comes back with EVENT_DELIVERED/UNDELIVERED */
    const char *to;                 /* URL, MSISDN … */
    struct span body;               /* the bytes as they leave */
    struct reply_ref reply;         /* EFFECT_REPLY */
    int status;                     /* EFFECT_REPLY: HTTP status */
    uint64_t due_ms;                /* not before; 0: at once */
    uint64_t give_up_ms;            /* not after; 0: ENGINE_GIVE_UP_MS from now */
    uint32_t attempt;               /* how often it was tried before */
    enum effect_wants wants;
};
#define ENGINE_GIVE_UP_MS (24ull * 3600 * 1000)

/* What a step wants written. Values are copied into the event's arena. */
struct writes {
    struct arena *arena;
    struct write list[ENGINE_WRITES_MAX];
    size_t count;
    enum err err; /* ERR_NO_SPACE sticks: the event is refused as a whole */
};
void writes_add(struct writes *w, const struct statement *statement, int expect_rows, const struct value *params,
                size_t param_count);
#define WRITES_ADD(w, statement, expect_rows, ...)                                                                    \
    writes_add((w), (statement), (expect_rows), (const struct value[]){ __VA_ARGS__ },                               \
               sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value))
#define ROWSET_WANT(set, statement, ...)                                                                              \
    rowset_want((set), (statement), (const struct value[]){ __VA_ARGS__ },                                           \
                sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value))

struct store_nodes;
struct outbox {
    struct arena *arena;
    struct effect list[ENGINE_EFFECTS_MAX];
    size_t count;
    int64_t next_id;
    uint64_t now_ms;
    struct writes *writes;
    enum err err;
    const char *line;          /* the event's */
    struct store_nodes *nodes; /* NULL: no other process */
    int64_t node;              /* who leases what leaves at once */
};
/* Stored with the event's transaction, sent after the commit, again and again (back-off) until it is acknowledged or
 * its give_up_ms is over. Returns its id (fill in kind, line, to, body, ref …; id is ignored). */
int64_t outbox_post(struct outbox *out, const struct effect *effect);
/* Answers the open exchange, after the commit. Not stored: store the answer yourself (call.h). One that is open at another
 * process gets there through the database, which wakes that process; when it is gone, net says "no such exchange". */
void outbox_reply(struct outbox *out, struct reply_ref reply, int status, struct span body);
/* Removes stored effects that need not leave (any more): of one line with this ref. */
void outbox_cancel(struct outbox *out, const char *line, const char *ref);

/* One timer per (line, name); setting it again moves it. When it is due EVENT_TIMER comes for that line. */
void timer_set(struct writes *w, const char *line, const char *name, uint64_t due_ms);
void timer_clear(struct writes *w, const char *line, const char *name);

enum verdict {
    STEP_DONE,      /* write and send */
    STEP_NEED_ROWS, /* more was asked for in the rowset; run me again when it is loaded */
    STEP_REFUSED    /* write nothing; volatile replies leave */
};
typedef enum verdict step_run(void *role, struct rowset *rows, const struct event *event, struct writes *writes,
                              struct outbox *outbox);

/* What sends. The effect and its bytes are borrowed for the call only. The result of an effect that is stored (id != 0) must come back, once, through engine_result; it may
 * come from inside send. A crash of the program is no result. */
struct net {
    void (*send)(struct net *, const struct effect *);
};

struct engine;
struct engine_config {
    struct env env; /* clock, store, net, log */
    step_run *step;
    void *role;
    /* Pause before the attempt-th repeat of an effect; NULL: 5 s, 30 s, 2 min, 10 min, 1 h. */
    uint64_t (*retry_after_ms)(void *role, const struct effect *effect);
    /* Written with the end of an effect that is given up, before its row goes: (id, now). NULL: nothing. */
    const struct statement *bury;
    /* Commits are rationed: a burst of them at once, then one per so many ms, so that each takes more along when much
     * comes in. 0: no ration. */
    uint32_t commit_interval_ms;
    /* What all steps of a batch wrote is committed, or none of it. With several processes on a store: not asked for. NULL: nothing. */
    void (*settled)(void *role, bool committed);
    /* The store failed with an unknown outcome: the program must end and start again (design §2.3). NULL: abort(). */
    void (*on_fatal)(void *role, enum err err);
};

/* Loads nothing yet. ERR_NO_MEMORY. */
MUST_USE enum err engine_new(const struct engine_config *config, struct engine **ret);
void engine_free(struct engine *e);
/* Takes up what an earlier life left: stored effects leave again, overdue timers fire. */
MUST_USE enum err engine_start(struct engine *e);

/* A new event with an arena of its own; NULL without memory. Fill it in and post it (the engine owns it then). */
struct event *engine_event(struct engine *e, uint16_t kind, const char *line);
MUST_USE enum err engine_post(struct engine *e, struct event *event); /* ERR_BUSY: dropped and released */
void engine_event_free(struct event *event);                          /* an event that is not posted after all */

enum effect_result {
    EFFECT_SENT,    /* acknowledged; status and answer are what came back */
    EFFECT_FAILED,  /* not now: try again later */
    EFFECT_REFUSED_ /* never: status and answer say why */
};
void engine_result(struct engine *e, int64_t effect_id, enum effect_result result, int status, struct span answer);

/* Which process: struct store_nodes.number; 0: the only one. What a reply_ref of another time or place must tell as home. */
uint32_t engine_home(const struct engine *e);
/* What was taken up and is not done goes to the other processes on this database, and nothing is done here any more. */
void engine_leave(struct engine *e);
/* Of the effects whose destination begins and ends like this: those that other processes have, or nobody, come to this one and
 * are handed to net. Their numbers, and those that are here already; -1: the store does not answer. Only with several. */
int engine_fetch(struct engine *e, const char *begin, struct span end, int64_t *ret_ids, size_t max);
/* What is on its way here is another's now: no result of it counts any more. */
void engine_forget(struct engine *e, int64_t effect_id);
/* What is known of effects that left is stored now, not with the next commit. */
void engine_flush(struct engine *e);
/* How often it was tried so far is stored, for whoever has it next. */
void engine_tried(struct engine *e, int64_t effect_id, uint32_t attempt);
/* Something was put into the outbox by somebody else: it is looked for at the next run, which the clock is asked for. */
void engine_look(struct engine *e);
/* Runs batches until nothing is ready. Call it when all ready sockets are drained. The clock is asked (wake_at) for
 * the next timer or due effect. */
void engine_run(struct engine *e);
/* Nothing queued; and nothing in flight, when there are other processes that would send it once more. */
bool engine_drained(const struct engine *e);
/* Nothing queued, nothing in flight. */
bool engine_idle(const struct engine *e);
struct engine_counts {
    uint64_t events, batches, commits, conflicts, effects, retries;
};
struct engine_counts engine_counts(const struct engine *e);

/* The engine's own tables; a role puts this migration first. */
extern const char ENGINE_SCHEMA[];

#endif
