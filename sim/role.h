/* sim/role.h: what every server of the simulated world stands on: a database in memory, keys in software, a clock of its
 * own, effects that go into the world. Its process can end at any commit and in front of any effect, and starts again
 * on what the database holds. */
#ifndef OSPREY_SIM_ROLE_H
#define OSPREY_SIM_ROLE_H

#include "database.h"
#include "faults.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/io/sqlite.h"

struct sim_role;
struct sim_role_kind {
    const char *name;
    const struct migration *schema;
    size_t schema_count;
    enum strike_kind strikes; /* its first: before, after, sending, full follow each other */
    void (*send)(struct sim_role *, const struct effect *);
    void (*run)(struct sim_role *);
    enum err (*open)(struct sim_role *);  /* the role's new and start */
    void (*close)(struct sim_role *);     /* the process ended: free what is not in the store */
};

struct sim_role {
    struct net net;       /* the role's env.net */
    struct store seam;    /* the role's env.store: what happens to commits is decided here */
    const struct sim_role_kind *kind;
    struct world *world;
    struct waker waker;
    struct sqlite_store *store; /* outlives the process */
    struct sim_role *first;     /* of the processes on this store; itself when it is alone. Runs of procedures are its */
    struct sim_database *database; /* NULL: it has the store to itself */
    struct sim_session *session;
    struct sim_process *process;
    bool run_kept;
    uint64_t well_ms; /* since then at least it is up, and has its database (prompt.h) */
    struct keystore_soft *keys;
    const struct server_faults *faults; /* NULL: none */
    struct fault_counts *counts;
    bool up, dying;
    uint64_t full_until_ms, slow_until_ms;
    unsigned lives;
    /* Looks at what is about to be committed; for the judge. */
    void (*watch)(void *context, const struct write *writes, size_t count);
    void (*watch_run)(void *context); /* its engine has done what there was to do */
    void *watch_context;
    void (*twice)(void *watch_context, const struct effect *effect); /* another process let it leave, and lives */
    char step[40]; /* what the last commit was about */
};
/* Aborts when something is missing: a fault of the scenario. r is the first member of the node. */
void sim_role_open(struct sim_role *r, struct world *w, const struct sim_role_kind *kind);
/* The same of one of several processes; first: itself, or the one that came first: database and keys are its. */
void sim_role_open_among(struct sim_role *r, struct world *w, const struct sim_role_kind *kind, struct sim_role *first);
void sim_role_start(struct sim_role *r);
/* From now on; NULL: no more (one that is down comes back by itself). faults is borrowed. */
void sim_role_faults(struct sim_role *r, const struct server_faults *faults);
void sim_role_jump(struct sim_role *r); /* its clock is wrong from now on */
/* Something has arrived: it is worked off at once, or, by a process among others, when that is at nothing else. */
void sim_role_take(struct sim_role *r, const struct sim_input *input);
/* Its engine runs, unless its store keeps it. */
void sim_role_run(struct sim_role *r);
struct env sim_role_env(struct sim_role *r);
void sim_role_close(struct sim_role *r);
void sim_must(enum err err, const char *what);
/* Loads rows of the store itself; for the judge. The arena holds them. */
const struct query *sim_role_ask(struct sim_role *r, const struct statement *statement, const struct value *params, size_t count,
                                 struct arena *arena);

#endif
