#include "database.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/codec/reader.h"
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

/* ---- would it open? */

#define SQLITE_HEADER  100u /* octets at the beginning of a file, with its schema's number (user_version) at 60 */
#define SQLITE_VERSION 60u

static enum err complain(enum err err, const char *path, const char *why, char *detail)
{
    if (detail)
        snprintf(detail, DATABASE_DETAIL_MAX, "%s: %s", path, why);
    return err;
}

/* There is no such file yet: the folder must take one. */
static enum err check_folder(const char *path, char *detail)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    enum err err = folder ? ERR_NONE : ERR_NO_MEMORY;
    if (folder && access(folder, W_OK | X_OK) != 0)
        err = complain(ERR_IO, folder, strerror(errno), detail);
    free(folder);
    return err;
}

static enum err check_header(const char *path, struct span header, size_t known, char *detail)
{
    char why[80];
    if (!header.len)
        return ERR_NONE; /* as good as none */
    if (header.len < SQLITE_HEADER || memcmp(header.ptr, "SQLite format 3", 16) != 0)
        return complain(ERR_IO, path, "file is not a database", detail);
    struct reader r = rd_of(span_from(header, SQLITE_VERSION));
    size_t version = rd_u32(&r);
    snprintf(why, sizeof why, SQLITE_TOO_NEW, version, known);
    return version > known ? complain(ERR_UNSUPPORTED, path, why, detail) : ERR_NONE;
}

static enum err check_file(const char *path, size_t known, char *detail)
{
    uint8_t header[SQLITE_HEADER];
    FILE *file = fopen(path, "r+be");
    if (!file)
        return errno == ENOENT ? check_folder(path, detail) : complain(ERR_IO, path, strerror(errno), detail);
    size_t len = fread(header, 1, sizeof header, file);
    enum err err = ferror(file) ? complain(ERR_IO, path, strerror(errno), detail)
                                : check_header(path, (struct span){ header, len }, known, detail);
    fclose(file);
    return err;
}

enum err database_check(const char *name, const struct migration *migrations, size_t migration_count, char *detail)
{
    enum err err = ERR_NONE;
    if (!database_is_postgres(name))
        return check_file(name, migration_count, detail);
    database_close(database_open(name, migrations, migration_count, NULL, &err, detail));
    return err;
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
