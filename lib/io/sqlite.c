#include "sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sqlite_wal.h"

#define STATEMENTS_MAX 1024u /* prepared at a time, power of two */
#define LOOKASIDE_SIZE  1200 /* SQLite's pool for what lives as long as a statement runs */
#define LOOKASIDE_COUNT 400

struct prepared {
    const struct statement *key;
    sqlite3_stmt *stmt;
};

struct sqlite_store {
    struct store seam; /* first: the seam is the store */
    sqlite3 *db;
    struct prepared prepared[STATEMENTS_MAX];
    size_t prepared_count;
    sqlite3_stmt *begin, *end; /* BEGIN, COMMIT */
    char detail[SQLITE_DETAIL_MAX];
};

static void say(char *detail, const char *what, const char *why)
{
    if (detail != NULL)
        snprintf(detail, SQLITE_DETAIL_MAX, "%s: %s", what, why);
}

static enum err err_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return ERR_NONE;
    case SQLITE_FULL:
        return ERR_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CONSTRAINT:
        return ERR_CONFLICT;
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    case SQLITE_RANGE:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return ERR_BAD_VALUE;
    default:
        return ERR_IO;
    }
}

static enum err failed(struct sqlite_store *s, const struct statement *st, int code)
{
    say(s->detail, st ? st->name : "store", sqlite3_errmsg(s->db));
    return err_of(code) == ERR_NONE ? ERR_IO : err_of(code);
}

static enum err fault(struct sqlite_store *s, const struct statement *st, enum err err, const char *why)
{
    say(s->detail, st->name, why);
    return err;
}

/* ---- statements ---- */

static struct prepared *prepared_slot(struct sqlite_store *s, const struct statement *key)
{
    size_t i = ((uintptr_t)key >> 4) * 0x9E3779B97F4A7C15u >> 32;
    for (;; i++) {
        struct prepared *p = &s->prepared[i & (STATEMENTS_MAX - 1)];
        if (p->key == key || p->key == NULL)
            return p;
    }
}

static void forget_all(struct sqlite_store *s)
{
    for (size_t i = 0; i < STATEMENTS_MAX; i++)
        sqlite3_finalize(s->prepared[i].stmt);
    memset(s->prepared, 0, sizeof s->prepared);
    s->prepared_count = 0;
}

static enum err statement_get(struct sqlite_store *s, const struct statement *key, sqlite3_stmt **ret)
{
    struct prepared *p = prepared_slot(s, key);
    if (p->key == NULL && s->prepared_count >= STATEMENTS_MAX / 2) {
        forget_all(s);
        p = prepared_slot(s, key);
    }
    if (p->key == NULL) {
        const char *tail = "";
        int code = sqlite3_prepare_v3(s->db, key->sqlite, -1, SQLITE_PREPARE_PERSISTENT, &p->stmt, &tail);
        if (code != SQLITE_OK || p->stmt == NULL)
            return failed(s, key, code == SQLITE_OK ? SQLITE_ERROR : code);
        p->key = key;
        s->prepared_count++;
    }
    *ret = p->stmt;
    return ERR_NONE;
}

static int bind_one(sqlite3_stmt *stmt, int at, const struct value *v)
{
    static const char none[1] = { 0 };
    const char *bytes = v->bytes.ptr ? (const char *)v->bytes.ptr : none;
    switch (v->type) {
    case VALUE_INT:
        return sqlite3_bind_int64(stmt, at, v->number);
    case VALUE_TEXT:
        return sqlite3_bind_text64(stmt, at, bytes, v->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case VALUE_BLOB:
        return sqlite3_bind_blob64(stmt, at, bytes, v->bytes.len, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(stmt, at);
    }
}

static enum err bind_all(struct sqlite_store *s, const struct statement *st, sqlite3_stmt *stmt,
                         const struct value *params, size_t count)
{
    if (count > STORE_PARAMS_MAX || (size_t)sqlite3_bind_parameter_count(stmt) != count)
        return fault(s, st, ERR_BAD_VALUE, "takes another number of parameters");
    for (size_t i = 0; i < count; i++) {
        int code = bind_one(stmt, (int)i + 1, &params[i]);
        if (code != SQLITE_OK)
            return failed(s, st, code);
    }
    return ERR_NONE;
}

/* ---- transactions ---- */

static enum err frame(struct sqlite_store *s, sqlite3_stmt *stmt)
{
    int code = sqlite3_step(stmt);
    enum err err = code == SQLITE_DONE ? ERR_NONE : failed(s, NULL, code);
    sqlite3_reset(stmt);
    return err;
}

/* One transaction from the first load to the commit: a query in one of its own costs twice as much. The database is ours
 * alone, so what stays open keeps nobody waiting and sees nothing old. */
static enum err begin(struct sqlite_store *s)
{
    return sqlite3_get_autocommit(s->db) ? frame(s, s->begin) : ERR_NONE;
}

/* ---- load ---- */

struct row_link {
    struct row row;
    struct row_link *next;
};

static bool column_copy(sqlite3_stmt *stmt, int at, struct arena *arena, struct value *ret)
{
    int type = sqlite3_column_type(stmt, at);
    *ret = value_null();
    if (type == SQLITE_INTEGER)
        *ret = value_int(sqlite3_column_int64(stmt, at));
    if (type != SQLITE_TEXT && type != SQLITE_BLOB)
        return true;
    const void *bytes =
        type == SQLITE_TEXT ? (const void *)sqlite3_column_text(stmt, at) : sqlite3_column_blob(stmt, at);
    size_t len = (size_t)sqlite3_column_bytes(stmt, at);
    uint8_t *copy = arena_alloc(arena, len + 1); /* one more, so that empty is not NULL */
    if (copy == NULL)
        return false;
    if (len != 0)
        memcpy(copy, bytes, len);
    *ret = (struct value){ type == SQLITE_TEXT ? VALUE_TEXT : VALUE_BLOB, 0, { copy, len } };
    return true;
}

static struct row_link *row_copy(sqlite3_stmt *stmt, struct arena *arena)
{
    size_t count = (size_t)sqlite3_column_count(stmt);
    struct row_link *link = ARENA_NEW(arena, struct row_link);
    struct value *columns = ARENA_ARRAY(arena, struct value, count ? count : 1);
    if (link == NULL || columns == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (!column_copy(stmt, (int)i, arena, &columns[i]))
            return NULL;
    link->row = (struct row){ columns, count };
    return link;
}

static enum err rows_gather(struct sqlite_store *s, struct query *q, sqlite3_stmt *stmt, struct arena *arena)
{
    struct row_link *first = NULL, **last = &first;
    size_t count = 0;
    int code;
    if (sqlite3_column_count(stmt) > (int)STORE_COLUMNS_MAX)
        return fault(s, q->statement, ERR_BAD_VALUE, "has too many columns");
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        *last = row_copy(stmt, arena);
        if (*last == NULL)
            return fault(s, q->statement, ERR_NO_SPACE, "the result does not fit into the arena");
        last = &(*last)->next;
        count++;
    }
    if (code != SQLITE_DONE)
        return failed(s, q->statement, code);
    struct row *rows = ARENA_ARRAY(arena, struct row, count ? count : 1);
    if (rows == NULL)
        return fault(s, q->statement, ERR_NO_SPACE, "the result does not fit into the arena");
    size_t i = 0;
    for (struct row_link *l = first; l != NULL; l = l->next)
        rows[i++] = l->row;
    q->rows = rows, q->row_count = count, q->loaded = true;
    return ERR_NONE;
}

static enum err query_load(struct sqlite_store *s, struct query *q, struct arena *arena)
{
    sqlite3_stmt *stmt = NULL;
    enum err err = statement_get(s, q->statement, &stmt);
    if (err != ERR_NONE)
        return err;
    err = bind_all(s, q->statement, stmt, q->params, q->param_count);
    if (err == ERR_NONE)
        err = rows_gather(s, q, stmt, arena);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return err;
}

static void store_load(struct store *seam, struct rowset *want, store_done *done, void *context)
{
    struct sqlite_store *s = (struct sqlite_store *)seam;
    enum err err = begin(s);
    for (size_t i = 0; i < want->count && err == ERR_NONE; i++)
        if (!want->queries[i].loaded)
            err = query_load(s, &want->queries[i], want->arena);
    done(context, err);
}

/* ---- commit ---- */

static enum err write_run(struct sqlite_store *s, const struct write *w)
{
    sqlite3_stmt *stmt = NULL;
    enum err err = statement_get(s, w->statement, &stmt);
    if (err != ERR_NONE)
        return err;
    err = bind_all(s, w->statement, stmt, w->params, w->param_count);
    int code = SQLITE_DONE;
    if (err == ERR_NONE)
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
            ;
    if (err == ERR_NONE && code != SQLITE_DONE)
        err = failed(s, w->statement, code);
    int touched = sqlite3_changes(s->db);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (err == ERR_NONE && w->expect_rows >= 0 && touched != w->expect_rows)
        return fault(s, w->statement, ERR_CONFLICT, "touched another number of rows than expected");
    return err;
}

static enum err exec(struct sqlite_store *s, const char *sql)
{
    int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        return ERR_NONE;
    say(s->detail, "store", sqlite3_errmsg(s->db));
    return err_of(code);
}

static enum err commit_all(struct sqlite_store *s, const struct write *writes, size_t count)
{
    enum err err = begin(s);
    for (size_t i = 0; i < count && err == ERR_NONE; i++)
        err = write_run(s, &writes[i]);
    if (err == ERR_NONE)
        err = frame(s, s->end);
    if (err != ERR_NONE && sqlite3_get_autocommit(s->db) == 0)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

static void store_commit(struct store *seam, const struct write *writes, size_t count, store_done *done, void *context)
{
    struct sqlite_store *s = (struct sqlite_store *)seam;
    done(context, count == 0 ? ERR_NONE : commit_all(s, writes, count));
}

/* ---- opening ---- */

static const char PRAGMAS[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                              "PRAGMA foreign_keys=ON; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY;"
                              "PRAGMA trusted_schema=OFF; PRAGMA secure_delete=OFF;"
                              "PRAGMA wal_autocheckpoint=4000"; /* 16 MB: hot pages are written back once for many commits */

static enum err schema_version(struct sqlite_store *s, size_t *ret)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK)
        return failed(s, NULL, sqlite3_errcode(s->db));
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        *ret = (size_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return code == SQLITE_ROW ? ERR_NONE : failed(s, NULL, code);
}

/* All in one transaction: a schema is whole, and made with one write to the disk. */
static enum err migrate_from(struct sqlite_store *s, const struct sqlite_options *o, size_t version)
{
    char number[64];
    enum err err = exec(s, "BEGIN IMMEDIATE");
    for (; err == ERR_NONE && version < o->migration_count; version++)
        if (sqlite3_exec(s->db, o->migrations[version].sql, NULL, NULL, NULL) != SQLITE_OK) {
            say(s->detail, o->migrations[version].name, sqlite3_errmsg(s->db));
            err = err_of(sqlite3_errcode(s->db));
        }
    snprintf(number, sizeof number, "PRAGMA user_version=%zu", version);
    if (err == ERR_NONE)
        err = exec(s, number);
    if (err == ERR_NONE)
        err = exec(s, "COMMIT");
    if (err != ERR_NONE && sqlite3_get_autocommit(s->db) == 0)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

static enum err migrate(struct sqlite_store *s, const struct sqlite_options *o)
{
    size_t version = 0;
    enum err err = schema_version(s, &version);
    if (err == ERR_NONE && version > o->migration_count) {
        snprintf(s->detail, sizeof s->detail, "%s: " SQLITE_TOO_NEW, o->path, version, o->migration_count);
        return ERR_UNSUPPORTED;
    }
    return err == ERR_NONE && version < o->migration_count ? migrate_from(s, o, version) : err;
}

static enum err prepare_frame(struct sqlite_store *s)
{
    int code = sqlite3_prepare_v3(s->db, "BEGIN", -1, SQLITE_PREPARE_PERSISTENT, &s->begin, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v3(s->db, "COMMIT", -1, SQLITE_PREPARE_PERSISTENT, &s->end, NULL);
    return code == SQLITE_OK ? ERR_NONE : failed(s, NULL, code);
}

static enum err open_all(struct sqlite_store *s, const struct sqlite_options *o)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    mode_t mask = umask(0077);
    int code = sqlite3_open_v2(o->path, &s->db, flags, sqlite_wal_vfs());
    umask(mask);
    if (code != SQLITE_OK) {
        say(s->detail, o->path, s->db ? sqlite3_errmsg(s->db) : "no memory");
        return ERR_IO;
    }
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_SIZE, LOOKASIDE_COUNT);
    sqlite3_busy_timeout(s->db, 2000); /* a predecessor that is just closing */
    mask = umask(0077);
    enum err err = exec(s, PRAGMAS);
    if (err == ERR_NONE)
        err = exec(s, "BEGIN IMMEDIATE; COMMIT"); /* takes the lock for as long as the store is open */
    umask(mask);
    if (err != ERR_NONE)
        say(s->detail, o->path, err == ERR_BUSY ? "another process has it open" : sqlite3_errmsg(s->db));
    if (err == ERR_NONE)
        err = migrate(s, o);
    return err == ERR_NONE ? prepare_frame(s) : err;
}

/* One thread has SQLite, and nobody reads its memory statistics: no locks, no counting. Has no effect, and need not have
 * one, where SQLite is in use already. */
static void configure_once(void)
{
    static bool done;
    if (done)
        return;
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    done = true;
}

struct sqlite_store *sqlite_store_open(const struct sqlite_options *options, enum err *ret_err, char *detail)
{
    struct sqlite_store *s = calloc(1, sizeof *s);
    if (s == NULL) {
        *ret_err = ERR_NO_MEMORY;
        return NULL;
    }
    s->seam = (struct store){ store_load, store_commit };
    configure_once();
    enum err err = open_all(s, options);
    if (err != ERR_NONE) {
        if (detail != NULL)
            memcpy(detail, s->detail, SQLITE_DETAIL_MAX);
        *ret_err = err == ERR_CONFLICT ? ERR_BAD_VALUE : err;
        sqlite_store_close(s);
        return NULL;
    }
    *ret_err = ERR_NONE;
    return s;
}

void sqlite_store_close(struct sqlite_store *store)
{
    if (store == NULL)
        return;
    forget_all(store);
    sqlite3_finalize(store->begin);
    sqlite3_finalize(store->end);
    sqlite3_close(store->db);
    free(store);
}

struct store *sqlite_store_seam(struct sqlite_store *store) { return &store->seam; }
const char *sqlite_store_detail(const struct sqlite_store *store) { return store->detail; }
