/* lib/engine/engine_private.h: shared by engine.c (batches) and outbox.c (what leaves and what is due).
 * Today's stores answer before load() and commit() return; a store that answers later will split run_batch at its two
 * calls, nothing else depends on it. */
#ifndef OSPREY_ENGINE_PRIVATE_H
#define OSPREY_ENGINE_PRIVATE_H

#include "engine.h"

#define ENGINE_LEASE_MS 120000u /* an effect in flight is nobody else's for so long */
#define ENGINE_AWAY_PAUSE_MS  200u  /* before a store that is shared is looked for again */
#define ENGINE_STORE_PAUSE_MS 1000u /* before a store that failed to answer, or was full, is asked again */

#define ENGINE_FIRST_MEMORY 32768u /* of an event's arena, before blocks are taken from the heap */
#define ENGINE_SPARE_MAX    128u   /* events kept for use again */

#define ENGINE_OWN_MAX 256u /* the engine's own writes that wait for a batch to go along with */
#define ENGINE_OWN_MS  100u /* the longest that they wait */
#define ENGINE_BURST   8u   /* commits that need not wait for each other */

/* The lists in writes and outbox are not cleared when an event is used again; first was when it was released. */
struct queued {
    struct event event;
    struct arena memory;
    struct engine *engine;
    struct queued *next;
    uint32_t line_hash;
    unsigned conflicts;
    struct rowset *rows; /* of this run */
    bool stepped;        /* it needs no more rows */
    struct writes writes;
    struct outbox outbox;
    _Alignas(max_align_t) uint8_t first[ENGINE_FIRST_MEMORY];
};

/* An effect that was handed to net and has no result yet. */
struct flight {
    int64_t id;
    uint16_t kind;
    uint32_t attempt;
    uint64_t give_up_ms;
    enum effect_wants wants;
    char line[ENGINE_LINE_MAX + 1], ref[ENGINE_REF_MAX + 1];
};

/* What the engine itself wants written about an effect that has left. Nothing depends on it but whether the effect leaves
 * once more after a crash, so it waits for a commit that happens anyway. */
struct own_write {
    const struct statement *statement;
    struct value params[4];
    size_t count;
};

struct engine {
    struct engine_config config;
    struct queued *head, *tail, *spare;
    size_t spare_count;
    size_t queue_count, batch_count;
    struct queued *batch[ENGINE_BATCH_MAX];
    struct write *all; /* the writes of a batch */
    size_t all_cap;
    struct flight *flights;
    size_t flight_count, flight_cap;
    struct own_write own[ENGINE_OWN_MAX];
    size_t own_count;
    uint64_t own_due_ms;     /* when they are written at the latest */
    uint64_t next_commit_ms; /* by the ration of config.commit_interval_ms */
    int64_t next_id;
    uint64_t next_wake_ms;
    uint64_t paused_until_ms; /* the store was full: nothing is tried before */
    unsigned one_by_one;
    bool one_by_one_batch; /* the batch is of that kind */
    bool running, dead;
    /* among other processes (nodes.c) */
    struct store_nodes *nodes; /* NULL: there are none */
    int64_t node;              /* who leases */
    uint32_t home, life;
    uint64_t beat_ms, held_until_ms;
    bool away;                 /* the store cannot be reached */
    bool limbo;                /* nobody knows yet what became of the batch */
    size_t limbo_own;          /* own writes that went along with it */
    struct engine_counts counts;
};

extern const struct statement ENGINE_OUTBOX_DELETE, ENGINE_TIMER_SET;
void engine_enqueue(struct engine *e, struct queued *q);
/* Puts events back at the front, in their order. */
void engine_requeue(struct engine *e, struct queued **list, size_t count);
bool engine_flight_add(struct engine *e, const struct effect *effect);
void engine_wake_at(struct engine *e, uint64_t at_ms);
void engine_pause(struct engine *e);
bool engine_paused(const struct engine *e);
void engine_load_due(struct engine *e);
/* All that wait now, in a commit of their own. */
enum err engine_own_flush(struct engine *e);
void engine_own_left(struct engine *e, size_t count); /* so many are written */

/* ---- outbox.c for nodes.c */
void engine_outbox_write(struct outbox *out, const struct effect *e, int64_t id, int64_t leased, uint64_t due_ms);
void engine_fire_timers(struct engine *e, const struct query *q);
void engine_send_due(struct engine *e, const struct query *q);
void engine_learn_next_wake(struct engine *e, const struct query *q);

/* ---- nodes.c: only where store->nodes is there */
void engine_nodes_init(struct engine *e);
enum err engine_nodes_start(struct engine *e);
bool engine_store_away(struct engine *e, enum err err); /* true: it is; all waits */
void engine_store_failed(struct engine *e, enum err err);
bool engine_life_changed(const struct engine *e);
enum err engine_claim_batch(struct engine *e);
bool engine_lines_held(const struct engine *e);
enum err engine_load_all(struct engine *e, struct rowset *const *wants, size_t count);
enum err engine_settle(struct engine *e);
void engine_claim_due(struct engine *e);
void engine_reply_elsewhere(struct outbox *out, struct reply_ref r, int status, struct span body);
void engine_reply_taken(struct engine *e, struct effect *effect);

#endif
