/* lib/io/sqlite.h: the store seam (lib/base/store.h) on SQLite: WAL, full sync, one transaction per commit, prepared
 * statements kept per struct statement. load and commit call done() before they return. One process per file. */
#ifndef OSPREY_IO_SQLITE_H
#define OSPREY_IO_SQLITE_H

#include "lib/base/store.h"

/* Numbered SQL texts (several statements each), in order: migration i brings the schema from version i to i + 1.
 * Each is applied in a transaction of its own together with the new number (PRAGMA user_version). */
struct migration {
    const char *name; /* "0001_eis" */
    const char *sql;
    bool contracts; /* PostgreSQL: it takes away what programs that do not know it need. Others may run on beside newer ones. */
};

struct sqlite_options {
    const char *path; /* a file, made when absent (0600); ":memory:" for tests and the simulator */
    const struct migration *migrations;
    size_t migration_count;
};

struct sqlite_store;

#define SQLITE_DETAIL_MAX 240u
#define SQLITE_TOO_NEW    "its schema is version %zu, this program knows only %zu" /* (size_t, size_t) */
/* ERR_IO not a database or not accessible, ERR_UNSUPPORTED schema newer than this program, ERR_BUSY another process has
 * it open, ERR_BAD_VALUE a migration fails. detail: text for people, SQLITE_DETAIL_MAX octets, may be NULL. */
struct sqlite_store *sqlite_store_open(const struct sqlite_options *options, enum err *ret_err, char *detail);
void sqlite_store_close(struct sqlite_store *store);

struct store *sqlite_store_seam(struct sqlite_store *store);

/* What SQLite said when load or commit last failed, and which statement it was; never NULL, never a value. */
const char *sqlite_store_detail(const struct sqlite_store *store);

/* load fails with ERR_NO_SPACE when a result does not fit into the rowset's arena, ERR_BAD_VALUE when a statement does
 * not prepare or takes other parameters (a fault of ours). */

#endif
