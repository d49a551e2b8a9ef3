/* lib/io/postgres.h: the store seam (lib/base/store.h) on PostgreSQL, by libpq: statements are prepared once, a load or a
 * commit is one pipeline. All calls wait for the server and call done() before they return; a server that is silent for three
 * seconds, stops, or only reads, is left (ERR_CLOSED). In a loop (postgres_store_watch) nothing else waits: the new
 * connection is made while the loop goes on, and until it is there all calls say ERR_CLOSED; a commit that has no answer in
 * a moment says ERR_IO, and settle knows it when it comes.
 *
 * A statement's postgres text, or else its sqlite text with ?1 written $1. Migrations are written for SQLite: BLOB becomes
 * BYTEA, INTEGER becomes BIGINT, WITHOUT ROWID goes.
 *
 * Any number of processes per database: each is a node (struct store_nodes). Lines are claimed by advisory locks of the
 * transaction; each commit also writes the node's own row, so one of a node that was taken for dead fails, and one whose
 * answer got lost can be asked for afterwards. */
#ifndef OSPREY_IO_POSTGRES_H
#define OSPREY_IO_POSTGRES_H

#include "sqlite.h"

struct loop;
struct postgres_options {
    const char *conninfo; /* "postgresql://host/db" or "host=… dbname=…"; several hosts as libpq does */
    const struct migration *migrations;
    size_t migration_count;
    const char *node; /* name, of one process at a time; NULL: a visitor that reads: no migrations (there may be no schema yet), not among the nodes */
};

struct postgres_store;

/* ERR_CLOSED no connection, ERR_UNSUPPORTED schema too new for this program (or libpq is not there), ERR_BUSY another
 * process is this node, or an older program would suffer from a migration, ERR_BAD_VALUE a migration fails. detail:
 * SQLITE_DETAIL_MAX octets, may be NULL. */
struct postgres_store *postgres_store_open(const struct postgres_options *options, enum err *ret_err, char *detail);
void postgres_store_close(struct postgres_store *store);
struct store *postgres_store_seam(struct postgres_store *store);
const char *postgres_store_detail(const struct postgres_store *store);
/* The loop is woken when another node wakes this one, or the connection ends. */
void postgres_store_watch(struct postgres_store *store, struct loop *loop);

/* The statement as PostgreSQL reads it. false: it does not fit into cap. */
bool postgres_text(const struct statement *statement, char *out, size_t cap);

#endif
