/* lib/io/postgres.h: the store seam (lib/base/store.h) on PostgreSQL, by libpq: statements are prepared once, a load or a
 * commit is one pipeline. load and commit wait for the server and call done() before they return.
 *
 * A statement's postgres text, or else its sqlite text with ?1 written $1. Migrations are written for SQLite: BLOB becomes
 * BYTEA, INTEGER becomes BIGINT, WITHOUT ROWID goes. One process per database (an advisory lock holds it): several nodes
 * need leases that the engine does not take yet. */
#ifndef OSPREY_IO_POSTGRES_H
#define OSPREY_IO_POSTGRES_H

#include "sqlite.h"

struct postgres_options {
    const char *conninfo; /* "postgresql://host/db" or "host=… dbname=…"; several hosts and target_session_attrs as libpq does */
    const struct migration *migrations;
    size_t migration_count;
};

struct postgres_store;

/* ERR_IO no connection, ERR_UNSUPPORTED schema newer than this program (or built without libpq), ERR_BUSY another process
 * holds the database, ERR_BAD_VALUE a migration fails. detail: SQLITE_DETAIL_MAX octets, may be NULL. */
struct postgres_store *postgres_store_open(const struct postgres_options *options, enum err *ret_err, char *detail);
void postgres_store_close(struct postgres_store *store);
struct store *postgres_store_seam(struct postgres_store *store);
const char *postgres_store_detail(const struct postgres_store *store);

/* The statement as PostgreSQL reads it. false: it does not fit into cap. */
bool postgres_text(const struct statement *statement, char *out, size_t cap);

#endif
