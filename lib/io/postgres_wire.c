#include "postgres_private.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STATEMENT_SQL_MAX 8192u

/* Types of columns, as the server numbers them. */
enum { TYPE_BOOL = 16, TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23 };

uint64_t postgres_clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* ---- what went wrong */

void postgres_say(struct postgres_store *s, const char *what, const char *why)
{
    snprintf(s->detail, sizeof s->detail, "%s: %s", what, why);
    for (char *c = s->detail; *c; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' ';
}

/* ERR_CLOSED: the server stops, only reads, has no room for us, or is not there. */
static enum err err_of_state(const char *state)
{
    static const struct {
        const char *prefix;
        enum err err;
    } known[] = { { "23", ERR_CONFLICT },  { "40", ERR_CONFLICT },  { "53100", ERR_NO_SPACE }, { "55P03", ERR_CONFLICT },
                  { "42", ERR_BAD_VALUE }, { "22", ERR_BAD_VALUE }, { "08P01", ERR_BAD_VALUE } };
    for (size_t i = 0; state && i < ARRAY_LEN(known); i++)
        if (!strncmp(state, known[i].prefix, strlen(known[i].prefix)))
            return known[i].err;
    return ERR_CLOSED;
}

enum err postgres_failed(struct postgres_store *s, const char *what, const PGresult *r)
{
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *message = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    enum err err = err_of_state(state);
    if (s->prepared_count > s->prepared_before)
        s->prepared_count = s->prepared_before; /* behind an error nothing of a pipeline was done */
    if (message || s->conn)
        postgres_say(s, what, message ? message : PQerrorMessage(s->conn));
    if (err == ERR_CLOSED)
        postgres_drop(s);
    return err;
}

void postgres_drop(struct postgres_store *s)
{
    postgres_unwatch(s); /* before its descriptor goes */
    PQfinish(s->conn);
    s->conn = NULL;
    s->late_ms = 0;
    s->prepared_count = s->prepared_before = 0;
}

/* ---- waiting */

/* What could not be sent yet goes out meanwhile. */
static bool input_comes(struct postgres_store *s, uint64_t until_ms)
{
    uint64_t now = postgres_clock_ms();
    int unsent = PQflush(s->conn);
    struct pollfd fd = { .fd = PQsocket(s->conn), .events = unsent > 0 ? POLLIN | POLLOUT : POLLIN };
    return fd.fd >= 0 && unsent >= 0 && now < until_ms && poll(&fd, 1, (int)(until_ms - now)) > 0;
}

static bool answer_comes(struct postgres_store *s, uint64_t ms)
{
    uint64_t until = postgres_clock_ms() + ms;
    while (PQisBusy(s->conn))
        if (!input_comes(s, until) || !PQconsumeInput(s->conn))
            return false;
    return true;
}

static PGresult *result_get(struct postgres_store *s)
{
    if (s->conn && !answer_comes(s, s->loop ? POSTGRES_REPLY_MS : POSTGRES_START_MS)) {
        postgres_say(s, "server", PQstatus(s->conn) == CONNECTION_OK ? "no answer in time" : PQerrorMessage(s->conn));
        postgres_drop(s);
    }
    return s->conn ? PQgetResult(s->conn) : NULL;
}

/* ---- commands outside a pipeline */

static bool is_good(const PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static enum err send(struct postgres_store *s, const char *sql)
{
    return s->conn && PQsendQuery(s->conn, sql) ? ERR_NONE : postgres_failed(s, sql, NULL);
}

/* err: of the sending. *ret: the last rows; NULL: not asked for. */
static enum err answers_take(struct postgres_store *s, const char *sql, enum err err, PGresult **ret)
{
    PGresult *last = NULL;
    for (PGresult *r; s->conn && (r = result_get(s)) != NULL;) {
        if (!is_good(r) && err == ERR_NONE)
            err = postgres_failed(s, sql, r);
        bool rows = PQresultStatus(r) == PGRES_TUPLES_OK;
        PQclear(rows ? last : r);
        last = rows ? r : last;
    }
    if (err == ERR_NONE && (!s->conn || PQstatus(s->conn) != CONNECTION_OK))
        err = postgres_failed(s, sql, NULL);
    if (ret && err == ERR_NONE)
        *ret = last;
    else
        PQclear(last);
    return err;
}

enum err postgres_run(struct postgres_store *s, const char *sql) { return answers_take(s, sql, send(s, sql), NULL); }

enum err postgres_commit(struct postgres_store *s)
{
    enum err err = send(s, "COMMIT");
    if (err == ERR_NONE && s->loop && !answer_comes(s, POSTGRES_COMMIT_MS) && PQstatus(s->conn) == CONNECTION_OK) {
        s->late_ms = postgres_clock_ms();
        return ERR_BUSY;
    }
    return answers_take(s, "COMMIT", err, NULL);
}

enum err postgres_ready(struct postgres_store *s)
{
    if (s->conn && s->late_ms && (!PQconsumeInput(s->conn) || PQisBusy(s->conn))) {
        if (PQstatus(s->conn) == CONNECTION_OK && postgres_clock_ms() < s->late_ms + POSTGRES_LATE_MS)
            return ERR_CLOSED;
        postgres_say(s, "COMMIT", "no answer in time");
        postgres_drop(s);
    }
    if (s->conn && s->late_ms)
        (void)!answers_take(s, "COMMIT", ERR_NONE, NULL);
    s->late_ms = 0;
    return s->conn ? ERR_NONE : postgres_connect(s);
}

enum err postgres_ask(struct postgres_store *s, const char *sql, int64_t *ret)
{
    PGresult *r = NULL;
    enum err err = answers_take(s, sql, send(s, sql), &r);
    if (err == ERR_NONE && PQntuples(r) && !PQgetisnull(r, 0, 0))
        *ret = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    return err;
}

/* ---- sending in a pipeline */

bool postgres_text(const struct statement *statement, char *out, size_t cap)
{
    const char *from = statement->postgres ? statement->postgres : statement->sqlite;
    size_t len = strlen(from);
    if (len >= cap)
        return false;
    memcpy(out, from, len + 1);
    for (char *c = out; *c; c++)
        if (*c == '?' && c[1] >= '0' && c[1] <= '9')
            *c = '$';
    return true;
}

struct sent_params {
    const char *values[STORE_PARAMS_MAX];
    int lengths[STORE_PARAMS_MAX], formats[STORE_PARAMS_MAX];
    char numbers[STORE_PARAMS_MAX][POSTGRES_NUMBER_MAX];
    char *texts[STORE_PARAMS_MAX]; /* NUL-terminated copies */
};

static void params_done(struct sent_params *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(p->texts[i]);
}

static bool param_set(struct sent_params *p, size_t i, const struct value *v)
{
    static const char none[1];
    p->texts[i] = NULL;
    p->values[i] = NULL;
    p->lengths[i] = p->formats[i] = 0;
    if (v->type == VALUE_INT) {
        snprintf(p->numbers[i], POSTGRES_NUMBER_MAX, "%lld", (long long)v->number);
        p->values[i] = p->numbers[i];
    } else if (v->type == VALUE_BLOB) {
        p->values[i] = v->bytes.len ? (const char *)v->bytes.ptr : none;
        p->lengths[i] = (int)v->bytes.len;
        p->formats[i] = 1;
    } else if (v->type == VALUE_TEXT) {
        p->texts[i] = strndup(v->bytes.len ? (const char *)v->bytes.ptr : none, v->bytes.len);
        p->values[i] = p->texts[i];
        return p->texts[i] != NULL;
    }
    return true;
}

static enum err prepare(struct postgres_store *s, const struct statement *st, char name[POSTGRES_NUMBER_MAX], bool *ret_sent)
{
    size_t i = 0;
    char sql[STATEMENT_SQL_MAX];
    while (i < s->prepared_count && s->prepared[i].statement != st)
        i++;
    *ret_sent = i == s->prepared_count;
    snprintf(name, POSTGRES_NUMBER_MAX, "s%u", *ret_sent ? s->next_number : s->prepared[i].number);
    if (!*ret_sent)
        return ERR_NONE;
    if (i == POSTGRES_STATEMENTS_MAX || !postgres_text(st, sql, sizeof sql)) {
        postgres_say(s, st->name, "too many statements, or too long");
        return ERR_BAD_VALUE;
    }
    if (!PQsendPrepare(s->conn, name, sql, 0, NULL))
        return postgres_failed(s, st->name, NULL);
    s->prepared[i].statement = st;
    s->prepared[i].number = s->next_number++;
    s->prepared_count++;
    return ERR_NONE;
}

enum err postgres_send(struct postgres_store *s, const struct statement *st, const struct value *params, size_t count,
                       bool *ret_prepared)
{
    char name[POSTGRES_NUMBER_MAX];
    struct sent_params p;
    size_t set = 0;
    *ret_prepared = false;
    enum err err = count <= STORE_PARAMS_MAX ? prepare(s, st, name, ret_prepared) : ERR_BAD_VALUE;
    if (err != ERR_NONE)
        return err;
    while (set < count && param_set(&p, set, &params[set]))
        set++;
    if (set < count)
        err = ERR_NO_MEMORY;
    else if (!PQsendQueryPrepared(s->conn, name, (int)count, p.values, p.lengths, p.formats, 1))
        err = postgres_failed(s, st->name, NULL);
    params_done(&p, set);
    return err;
}

enum err postgres_send_text(struct postgres_store *s, const char *sql)
{
    return PQsendQueryParams(s->conn, sql, 0, NULL, NULL, NULL, NULL, 1) ? ERR_NONE : postgres_failed(s, sql, NULL);
}

enum err postgres_pipeline(struct postgres_store *s)
{
    s->prepared_before = s->prepared_count;
    return s->conn && PQenterPipelineMode(s->conn) ? ERR_NONE : postgres_failed(s, "connection", NULL);
}

enum err postgres_sync(struct postgres_store *s)
{
    return s->conn && PQpipelineSync(s->conn) ? ERR_NONE : postgres_failed(s, "connection", NULL);
}

/* ---- receiving */

/* The next result that means something; NULL between two commands. */
static PGresult *result_next(struct postgres_store *s)
{
    PGresult *r = result_get(s);
    return r ? r : result_get(s);
}

enum err postgres_receive(struct postgres_store *s, const char *what, PGresult **ret)
{
    PGresult *r = result_next(s);
    if (is_good(r)) {
        *ret = r;
        return ERR_NONE;
    }
    enum err err = postgres_failed(s, what, r);
    PQclear(r);
    return err;
}

enum err postgres_received(struct postgres_store *s, const struct statement *st, bool prepared, PGresult **ret)
{
    enum err err = ERR_NONE;
    for (int step = prepared ? 0 : 1; step < 2 && err == ERR_NONE; step++) {
        PGresult *r = NULL;
        err = postgres_receive(s, st->name, &r);
        if (err == ERR_NONE && step == 1)
            *ret = r;
        else
            PQclear(r);
    }
    return err;
}

void postgres_pipeline_end(struct postgres_store *s)
{
    for (PGresult *r; s->conn && (r = result_next(s)) != NULL;) {
        ExecStatusType status = PQresultStatus(r);
        PQclear(r);
        if (status == PGRES_PIPELINE_SYNC)
            break;
    }
    if (s->conn && (PQstatus(s->conn) != CONNECTION_OK || !PQexitPipelineMode(s->conn)))
        postgres_drop(s);
    s->prepared_before = s->prepared_count;
}

enum err postgres_run_one(struct postgres_store *s, const struct statement *st, const struct value *params, size_t count)
{
    bool prepared = false;
    PGresult *r = NULL;
    enum err err = postgres_pipeline(s);
    if (err != ERR_NONE)
        return err;
    err = postgres_send(s, st, params, count, &prepared);
    enum err sync = postgres_sync(s);
    if (err == ERR_NONE)
        err = sync;
    if (err == ERR_NONE)
        err = postgres_received(s, st, prepared, &r);
    PQclear(r);
    postgres_pipeline_end(s);
    return err;
}

static int64_t big_endian(const char *bytes, int len)
{
    int64_t v = len && (bytes[0] & 0x80) ? -1 : 0;
    for (int i = 0; i < len; i++)
        v = (int64_t)((uint64_t)v << 8 | (uint8_t)bytes[i]);
    return v;
}

static bool column_copy(const PGresult *r, int row, int at, struct arena *arena, struct value *ret)
{
    Oid type = PQftype(r, at);
    int len = PQgetlength(r, row, at);
    *ret = value_null();
    if (PQgetisnull(r, row, at))
        return true;
    if (type == TYPE_INT8 || type == TYPE_INT4 || type == TYPE_INT2 || type == TYPE_BOOL) {
        *ret = value_int(big_endian(PQgetvalue(r, row, at), len));
        return true;
    }
    uint8_t *copy = arena_alloc(arena, (size_t)len + 1); /* one more, so that empty is not NULL */
    if (!copy)
        return false;
    memcpy(copy, PQgetvalue(r, row, at), (size_t)len);
    *ret = (struct value){ type == TYPE_BYTEA ? VALUE_BLOB : VALUE_TEXT, 0, { copy, (size_t)len } };
    return true;
}

enum err postgres_rows(struct postgres_store *s, struct query *q, const PGresult *r, struct arena *arena)
{
    int count = PQntuples(r), columns = PQnfields(r);
    struct row *rows = ARENA_ARRAY(arena, struct row, (size_t)count + 1);
    bool fits = rows != NULL;
    for (int i = 0; fits && i < count; i++) {
        struct value *values = ARENA_ARRAY(arena, struct value, (size_t)columns + 1);
        fits = values != NULL;
        for (int c = 0; fits && c < columns; c++)
            fits = column_copy(r, i, c, arena, &values[c]);
        if (fits)
            rows[i] = (struct row){ values, (size_t)columns };
    }
    if (!fits) {
        postgres_say(s, q->statement->name, "the result does not fit into the arena");
        return ERR_NO_SPACE;
    }
    q->rows = rows;
    q->row_count = (size_t)count;
    q->loaded = true;
    return ERR_NONE;
}
