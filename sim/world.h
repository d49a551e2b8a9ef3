/* sim/world.h: a world in one process on virtual time: cards, modems, the network between them and the servers. Every
 * octet that arrives somewhere goes into the history's hash: the same seed gives the same history. */
#ifndef OSPREY_SIM_WORLD_H
#define OSPREY_SIM_WORLD_H

#include "chance.h"
#include "clockwork.h"
#include "lib/base/arena.h"
#include "lib/engine/engine.h"
#include "mute.h"
#include "steps.h"
#include "strike.h"

#define WORLD_START_MS   1767225600000ull /* 2026-01-01T00:00:00Z */
#define WORLD_HASH_LEN   32u
#define WORLD_NODES_MAX  16u
#define WORLD_URL_MAX    128u
#define WORLD_HTTP_MS    30000u /* a SOAP request without answer is given up */
#define WORLD_MARKS_MAX  256u
#define WORLD_MARK_MAX   31u

/* What a link does to what it carries. Order is lost where the delays differ enough. */
struct weather {
    uint32_t loss_permille, duplicate_permille, corrupt_permille; /* corrupt: one bit is turned over */
    uint32_t delay_min_ms, delay_max_ms;
};

struct world;

/* A server that takes SOAP: a role of the library with an engine. */
struct soap_node {
    const char *name;                /* "sm-sr" */
    const char *url;                 /* messages whose URL begins so are for it; of several any that is up gets it */
    const char *oid;                 /* as whom it is known */
    void *role;
    struct engine *(*engine)(void *role); /* NULL: the node sends nothing through an engine; returns NULL while it is down */
    void (*soap)(void *role, const char *sender_oid, struct span body, struct reply_ref reply);
    uint32_t reply_node;             /* reply_ref.node of its SOAP exchanges */
    /* Without an engine: what came back for the effect of that id; may be NULL. */
    void (*answered)(void *role, int64_t id, int status, struct span body);
    /* With an engine: how the effect of that id ended; NULL: the engine is told at once. */
    void (*result)(void *role, int64_t id, enum effect_result how, int status, struct span body);
};

typedef void parcel_task(void *context, uint64_t argument, struct span bytes);

struct world *world_new(uint64_t seed);
void world_free(struct world *w);
struct clockwork *world_time(struct world *w);
struct chance *world_chance(struct world *w); /* what the programs draw */
struct chance *world_fate(struct world *w);   /* what happens to them: faults */
struct strikes *world_strikes(struct world *w);
struct steps *world_steps(struct world *w);
/* A fault is about to strike: true when it may. Each has a number (mute.h); m is borrowed. */
bool world_lets(struct world *w);
void world_mute(struct world *w, const struct mute *m);
/* From now on lines of the log (of any level) that hold it are counted; NULL: none. */
void world_count_lines(struct world *w, const char *text);
unsigned world_lines(const struct world *w);
uint32_t world_fault_count(const struct world *w);
struct log *world_log(struct world *w); /* lines with virtual time; printed when the world is verbose */
void world_verbose(struct world *w, bool verbose);
void world_say(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Carries a copy of bytes over a link: lost, late, or twice, as its weather says. `link` names it in the history. */
void world_carry(struct world *w, const char *link, const struct weather *weather, struct span bytes, parcel_task *task,
                 void *context, uint64_t argument);
/* The same of what concerns one card: faults of it count where that card's procedures stand. */
void world_carry_card(struct world *w, int card, const char *link, const struct weather *weather, struct span bytes, parcel_task *task,
                      void *context, uint64_t argument);
/* SOAP between nodes: an effect of `from` (its engine gets the result), and the answer to an exchange. */
void world_add_node(struct world *w, const struct soap_node *node);
/* Its process ended: what waited for an answer of it fails, what it waited for is forgotten. */
void world_node_died(struct world *w, const char *name);
void world_soap_weather(struct world *w, const struct weather *request, const struct weather *answer);
void world_post(struct world *w, const char *from, const struct effect *effect);
void world_reply(struct world *w, const struct effect *effect);
extern const struct weather WORLD_LAN;

/* No line of the log may hold this value: as hexadecimal digits, as raw octets, or in base 64. Counted in world_leaks. */
void world_secret(struct world *w, struct span value);
unsigned world_leaks(const struct world *w);
/* Do octets hold one, as they are or as hexadecimal digits? */
bool world_tells_secret(const struct world *w, struct span octets);

/* The sequence diagram of one eUICC: what is told about that card is printed when it happens. */
void world_watch(struct world *w, int card, const char *eid);
void world_mark(struct world *w, int card, const char *mark); /* messages that hold it are that card's */
void world_arrow(struct world *w, int card, const char *from, const char *to, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
bool world_watches(const struct world *w, int card);

/* Runs until that time (virtual), or until done() says so. */
void world_run(struct world *w, uint64_t for_ms, bool (*done)(void *context), void *context);
uint64_t world_now(struct world *w);
void world_hash(struct world *w, uint8_t ret[WORLD_HASH_LEN]);
struct world_counts {
    uint64_t carried, lost, doubled, corrupted, octets;
};
struct world_counts world_counts(const struct world *w);

#endif
