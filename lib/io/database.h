/* lib/io/database.h: a role's database by its name in the configuration: a path is an SQLite file, "postgresql://…" a
 * PostgreSQL database. The rest of the program sees struct store. */
#ifndef OSPREY_IO_DATABASE_H
#define OSPREY_IO_DATABASE_H

#include "sqlite.h"

#define DATABASE_DETAIL_MAX SQLITE_DETAIL_MAX

struct database;
struct loop;
/* node: the name of this process among those on one PostgreSQL database (database_node); NULL: a tool that only reads it.
 * Errors as sqlite_store_open and postgres_store_open; detail (DATABASE_DETAIL_MAX octets) may be NULL. */
struct database *database_open(const char *name, const struct migration *migrations, size_t migration_count,
                               const char *node, enum err *ret_err, char *detail);
bool database_is_postgres(const char *name);
/* Could database_open take it? Nothing is changed: of an SQLite file, which may be in use, the first octets are read (of one that
 * is not there, whether its folder can take it), PostgreSQL is visited. Errors and detail as above. */
MUST_USE enum err database_check(const char *name, const struct migration *migrations, size_t migration_count, char *detail);
void database_close(struct database *d); /* NULL is fine */
struct store *database_seam(struct database *d);
/* What the database said when load or commit last failed; never NULL, never a value. */
const char *database_detail(const struct database *d);
/* The loop is woken when another node has something for this one. */
void database_watch(struct database *d, struct loop *loop);

/* The name that stands in the configuration, or else the host's and where it listens. */
#define DATABASE_NODE_MAX 200u
const char *database_node(const char *configured, const char *listen, char out[DATABASE_NODE_MAX + 1]);

#endif
