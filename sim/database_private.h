/* sim/database_private.h: shared by database.c (the server's side), database_session.c (a process's side) and database_late.c (commits that are
 * done when nobody waits for them any more). */
#ifndef OSPREY_SIM_DATABASE_PRIVATE_H
#define OSPREY_SIM_DATABASE_PRIVATE_H

#include "database.h"

#define DB_LOCKS_MAX    2048u
#define DB_NODES_MAX    32u
#define DB_SESSIONS_MAX 4u

struct db_effect;
struct late; /* a commit that is under way, nobody waits for it */
struct db_node {
    int64_t number, batch; /* batch: the last that was committed */
    const char *name;
    struct sim_session *session; /* whose it is, or was */
    uint64_t beat_ms;
    bool alive;
    struct late *late; /* locks the row */
};
struct db_lock {
    char line[ENGINE_LINE_MAX + 1];
    uint64_t connection, until_ms;
};
struct sim_database {
    struct world *world;
    struct sqlite_store *store;
    int64_t numbers;
    uint64_t connections, away_until_ms;
    struct db_lock locks[DB_LOCKS_MAX];
    size_t lock_count;
    struct db_node nodes[DB_NODES_MAX];
    size_t node_count;
    struct sim_session *sessions[DB_SESSIONS_MAX];
    size_t session_count;
    struct db_effect *effects;
    size_t effect_count, effect_cap;
};
void db_effects_free(struct sim_database *d);
struct sim_session {
    struct store seam; /* first: the seam is the session */
    struct store_nodes nodes;
    struct sim_database *database;
    struct sim_process *process;
    const char *name;
    const struct server_faults *faults; /* NULL: none */
    struct fault_counts *counts;
    bool up, dying, connected, stands;
    uint64_t connection; /* its number at the server: locks are its */
    uint64_t cut_until_ms, calm_ms;
    bool in_batch, unsettled, was_woken;
    int64_t batch; /* number of the last commit, stored with it */
    struct sim_gate gate;
    void *owner;
};

void db_note(void *context, enum err err);
enum err db_write(struct sim_database *d, const struct write *writes, size_t count);
struct db_node *db_node(struct sim_database *d, int64_t number);
void db_say(struct sim_database *d, const struct db_node *n, bool gone, const struct statement *free_leases);
void db_forget(struct sim_database *d, struct db_node *n);
enum err db_register(struct sim_session *s);
void db_wake(struct sim_database *d, int64_t number); /* 0: all */
bool db_lock(struct sim_session *s, const char *line); /* true: it is the session's */
void db_unlock(struct sim_session *s, uint64_t at_ms);
/* The connection is gone; the server holds its lines so much longer. */
void db_disconnect(struct sim_session *s, uint64_t lingers_ms);
/* What is to be written, without what only wakes. Wakes once it is done. */
enum err db_do(struct sim_database *d, int64_t number, int64_t batch, const struct write *writes, size_t count);
void db_late(struct sim_session *s, const struct write *writes, size_t count, uint64_t after_ms);
void db_late_free(struct db_node *n);
extern const struct statement SIM_WAKE; /* (number) */

#endif
