/* sim/database.h: one database that several processes of a server share, as lib/base/store.h says of struct store_nodes and
 * lib/io/postgres*.c does it: lines held by the transaction of a batch, a row for each process, who is silent is dead to the
 * others, a connection that breaks, a commit whose answer is lost or late. Under it is SQLite in memory.
 *
 * A question takes time, and the process waits (process.h) while the others go on: so do batches of several interleave. Rows
 * are locked by lines alone: two statements that meet on a row without a common line do not wait for each other here. */
#ifndef OSPREY_SIM_DATABASE_H
#define OSPREY_SIM_DATABASE_H

#include "faults.h"
#include "lib/io/sqlite.h"
#include "process.h"

struct sim_database;
struct sim_database *sim_database_new(struct world *w, const struct migration *schema, size_t count); /* aborts when it cannot be made */
void sim_database_free(struct sim_database *d);
struct sqlite_store *sim_database_store(struct sim_database *d);
/* Nobody reaches it until then. */
void sim_database_away(struct sim_database *d, uint64_t until_ms);

/* A process's way to it. */
struct sim_gate {
    /* As the process sees them; they come to those of the session. */
    void (*load)(struct store *, struct rowset *want, store_done *done, void *context);
    void (*commit)(struct store *, const struct write *writes, size_t count, store_done *done, void *context);
    void (*committed)(void *owner, const struct write *writes, size_t count); /* it is done, whatever the process hears of it */
    void (*woken)(void *owner);                                               /* another process wakes this one */
};
struct sim_session;
struct sim_session *sim_session_new(struct sim_database *d, const char *name, struct sim_process *process, const struct sim_gate *gate,
                                    void *owner);
void sim_session_free(struct sim_session *s);
void *sim_session_owner(struct store *seam);
void sim_session_load(struct sim_session *s, struct rowset *want, store_done *done, void *context);
void sim_session_commit(struct sim_session *s, const struct write *writes, size_t count, store_done *done, void *context);
void sim_session_release(struct sim_session *s); /* the batch ends, nothing written */
/* A new life of the process, with a new number. ERR_CLOSED: the database is not there. */
enum err sim_session_open(struct sim_session *s);
/* The process is gone; the server may notice that later. */
void sim_session_end(struct sim_session *s);
struct store *sim_session_store(struct sim_session *s);
/* Each question takes its time and may go wrong; NULL: none does, and what was cut is whole. counts are borrowed, too. */
void sim_session_faults(struct sim_session *s, const struct server_faults *faults, struct fault_counts *counts);
/* A stored effect leaves. false: it has left before, from a process that lives and need not doubt that it did. */
bool sim_session_leaves(struct sim_session *s, int64_t id);
int64_t sim_session_number(const struct sim_session *s);
bool sim_session_had(struct sim_session *s, int64_t id); /* it left from here, in this life */
void sim_session_failed(struct sim_session *s, int64_t id); /* it shall leave again */
/* The process stands still now, if chance says so: others may take it for dead. */
void sim_session_pause(struct sim_session *s);
/* It has its database, which knows it alive, and does not wait for long. */
bool sim_session_is_well(const struct sim_session *s);
/* The process ends: nothing takes time any more, and nothing is done. */
void sim_session_dies(struct sim_session *s);

#endif
