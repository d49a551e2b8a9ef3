#include "database.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "postgres.h"

struct database {
    struct sqlite_store *sqlite;
    struct postgres_store *postgres;
};

bool database_is_postgres(const char *name)
{
    return !strncmp(name, "postgresql://", 13) || !strncmp(name, "postgres://", 11);
}

struct database *database_open(const char *name, const struct migration *migrations, size_t migration_count,
                               const char *node, enum err *ret_err, char *detail)
{
    struct database *d = calloc(1, sizeof *d);
    *ret_err = d ? ERR_NONE : ERR_NO_MEMORY;
    if (!d)
        return NULL;
    if (database_is_postgres(name))
        d->postgres = postgres_store_open(&(struct postgres_options){ name, migrations, migration_count, node }, ret_err, detail);
    else
        d->sqlite = sqlite_store_open(&(struct sqlite_options){ name, migrations, migration_count }, ret_err, detail);
    if (*ret_err == ERR_NONE)
        return d;
    free(d);
    return NULL;
}

void database_close(struct database *d)
{
    if (!d)
        return;
    if (d->sqlite)
        sqlite_store_close(d->sqlite);
    if (d->postgres)
        postgres_store_close(d->postgres);
    free(d);
}

struct store *database_seam(struct database *d)
{
    return d->sqlite ? sqlite_store_seam(d->sqlite) : postgres_store_seam(d->postgres);
}

const char *database_detail(const struct database *d)
{
    return d->sqlite ? sqlite_store_detail(d->sqlite) : postgres_store_detail(d->postgres);
}

void database_watch(struct database *d, struct loop *loop)
{
    if (d->postgres)
        postgres_store_watch(d->postgres, loop);
}

const char *database_node(const char *configured, const char *listen, char out[DATABASE_NODE_MAX + 1])
{
    char host[80] = "";
    if (configured && *configured)
        return configured;
    gethostname(host, sizeof host - 1);
    snprintf(out, DATABASE_NODE_MAX + 1, "%s:%s", host, listen);
    return out;
}
