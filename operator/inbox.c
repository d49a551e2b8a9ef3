#include "inbox.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct inbox {
    sqlite3 *db;
    sqlite3_stmt *put, *each, *last;
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS message (number INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, sender TEXT NOT "
    "NULL,"
    " name TEXT NOT NULL, eid TEXT NOT NULL, message_id TEXT NOT NULL, relates_to TEXT NOT NULL, soap BLOB NOT NULL,"
    " UNIQUE (message_id, sender))";

static bool prepare(struct inbox *i)
{
    static const char put[] = "INSERT INTO message (received_ms, sender, name, eid, message_id, relates_to, soap)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    static const char each[] =
        "SELECT number, received_ms, sender, name, eid, message_id, relates_to, soap FROM message"
        " WHERE number > ?1 ORDER BY number";
    static const char last[] = "SELECT coalesce(max(number), 0) FROM message";
    return sqlite3_prepare_v2(i->db, put, -1, &i->put, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(i->db, each, -1, &i->each, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(i->db, last, -1, &i->last, NULL) == SQLITE_OK;
}

struct inbox *inbox_open(const char *path, enum err *ret_err, char *detail)
{
    struct inbox *i = calloc(1, sizeof *i);
    *ret_err = i ? ERR_IO : ERR_NO_MEMORY;
    if (!i)
        return NULL;
    bool good =
        sqlite3_open_v2(path, &i->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(i->db, 10000) == SQLITE_OK &&
        sqlite3_exec(i->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(i->db, schema, NULL, NULL, NULL) == SQLITE_OK && prepare(i);
    if (good) {
        chmod(path, 0600);
        *ret_err = ERR_NONE;
        return i;
    }
    snprintf(detail, INBOX_DETAIL_MAX, "%s: %s", path, i->db ? sqlite3_errmsg(i->db) : "no memory");
    inbox_close(i);
    return NULL;
}

void inbox_close(struct inbox *i)
{
    if (!i)
        return;
    sqlite3_finalize(i->put);
    sqlite3_finalize(i->each);
    sqlite3_finalize(i->last);
    sqlite3_close(i->db);
    free(i);
}

static void bind_span(sqlite3_stmt *s, int at, struct span text)
{
    sqlite3_bind_text(s, at, text.len ? (const char *)text.ptr : "", (int)text.len, SQLITE_TRANSIENT);
}

enum err inbox_put(struct inbox *i, const struct es_message *m, struct span soap, uint64_t now_ms)
{
    WRITER_ON_STACK(name, 128);
    char eid_digits[EID_TEXT_SIZE] = "";
    struct eid eid;
    if (m->function)
        es_root_element(&name, m->function, m->kind);
    else
        wr_text(&name, "Fault");
    if (es_message_eid(m, &eid))
        eid_text(&eid, eid_digits);
    sqlite3_bind_int64(i->put, 1, (sqlite3_int64)now_ms);
    bind_span(i->put, 2, oid_span(&m->wsa.from.entity_id));
    bind_span(i->put, 3, wr_span(&name));
    bind_span(i->put, 4, span_text(eid_digits));
    bind_span(i->put, 5, m->wsa.message_id.raw);
    bind_span(i->put, 6, m->wsa.relates_to);
    sqlite3_bind_blob(i->put, 7, soap.ptr, (int)soap.len, SQLITE_STATIC);
    int result = sqlite3_step(i->put);
    sqlite3_reset(i->put);
    sqlite3_clear_bindings(i->put);
    return result == SQLITE_DONE ? ERR_NONE : result == SQLITE_CONSTRAINT ? ERR_EXISTS : ERR_IO;
}

static const char *column(sqlite3_stmt *s, int at) { return (const char *)sqlite3_column_text(s, at); }

enum err inbox_each(struct inbox *i, uint64_t after, inbox_visit *visit, void *context)
{
    int result;
    bool more = true;
    sqlite3_bind_int64(i->each, 1, (sqlite3_int64)after);
    while (more && (result = sqlite3_step(i->each)) == SQLITE_ROW) {
        struct inbox_row row = {
            .number = (uint64_t)sqlite3_column_int64(i->each, 0),
            .received_ms = (uint64_t)sqlite3_column_int64(i->each, 1),
            .from = column(i->each, 2),
            .name = column(i->each, 3),
            .eid = column(i->each, 4),
            .message_id = column(i->each, 5),
            .relates_to = column(i->each, 6),
            .soap = { sqlite3_column_blob(i->each, 7), (size_t)sqlite3_column_bytes(i->each, 7) },
        };
        more = visit(context, &row);
    }
    sqlite3_reset(i->each);
    return !more || result == SQLITE_DONE ? ERR_NONE : ERR_IO;
}

uint64_t inbox_last(struct inbox *i)
{
    uint64_t last = sqlite3_step(i->last) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(i->last, 0) : 0;
    sqlite3_reset(i->last);
    return last;
}
