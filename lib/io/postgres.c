#include "postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define STATEMENTS_MAX    512u
#define STATEMENT_SQL_MAX 8192u
#define NUMBER_MAX        24u
#define LOCK_KEY          "7306581"  /* pg_try_advisory_lock: "this database is Osprey's, and taken" */
#define CONNECT_TRIES     3u

/* Types of columns, as the server numbers them. */
enum { TYPE_BOOL = 16, TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23 };

struct postgres_store {
    struct store seam; /* first: the seam is the store */
    PGconn *conn;
    char *conninfo;
    struct {
        const struct statement *statement;
        unsigned number; /* its name at the server: never used twice */
    } prepared[STATEMENTS_MAX];
    size_t prepared_count;
    unsigned next_number;
    char detail[SQLITE_DETAIL_MAX];
};

static void say(struct postgres_store *s, const char *what, const char *why)
{
    snprintf(s->detail, sizeof s->detail, "%s: %s", what, why);
    for (char *c = s->detail; *c; c++)
        if (*c == '\n')
            *c = ' ';
}

static enum err err_of_state(const char *state)
{
    static const struct {
        const char *prefix;
        enum err err;
    } known[] = { { "23", ERR_CONFLICT }, { "40", ERR_CONFLICT }, { "53100", ERR_NO_SPACE }, { "55P03", ERR_CONFLICT },
                  { "42", ERR_BAD_VALUE }, { "22", ERR_BAD_VALUE }, { "08P01", ERR_BAD_VALUE } };
    for (size_t i = 0; state && i < ARRAY_LEN(known); i++)
        if (!strncmp(state, known[i].prefix, strlen(known[i].prefix)))
            return known[i].err;
    return ERR_IO;
}

static enum err failed(struct postgres_store *s, const char *what, const PGresult *r)
{
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *message = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    say(s, what, message ? message : PQerrorMessage(s->conn));
    return err_of_state(state);
}

/* ---- texts ---- */

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

/* A migration in PostgreSQL's words. */
static char *schema_text(const char *sqlite)
{
    static const struct {
        const char *from, *to;
    } words[] = { { " BLOB", " BYTEA" }, { " INTEGER", " BIGINT" }, { " WITHOUT ROWID", "" } };
    char *out = malloc(2 * strlen(sqlite) + 1), *at = out;
    while (out && *sqlite) {
        size_t i = 0;
        while (i < ARRAY_LEN(words) && strncmp(sqlite, words[i].from, strlen(words[i].from)) != 0)
            i++;
        if (i == ARRAY_LEN(words)) {
            *at++ = *sqlite++;
            continue;
        }
        at = stpcpy(at, words[i].to);
        sqlite += strlen(words[i].from);
    }
    if (out)
        *at = '\0';
    return out;
}

/* ---- connection ---- */

static enum err run(struct postgres_store *s, const char *sql)
{
    PGresult *r = PQexec(s->conn, sql);
    ExecStatusType status = PQresultStatus(r);
    enum err err = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? ERR_NONE : failed(s, sql, r);
    PQclear(r);
    return err;
}

static enum err ask_number(struct postgres_store *s, const char *sql, long *ret)
{
    PGresult *r = PQexec(s->conn, sql);
    enum err err = PQresultStatus(r) == PGRES_TUPLES_OK ? ERR_NONE : failed(s, sql, r);
    if (err == ERR_NONE)
        *ret = PQntuples(r) ? strtol(PQgetvalue(r, 0, 0), NULL, 10) : 0;
    PQclear(r);
    return err;
}

static enum err take_lock(struct postgres_store *s)
{
    long taken = 0;
    enum err err = ask_number(s, "SELECT pg_try_advisory_lock(" LOCK_KEY ")::int", &taken);
    if (err != ERR_NONE || taken)
        return err;
    say(s, "database", "another process holds it");
    return ERR_BUSY;
}

static void no_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

static enum err connect_now(struct postgres_store *s)
{
    PQfinish(s->conn);
    s->prepared_count = 0;
    s->conn = PQconnectdb(s->conninfo);
    if (PQstatus(s->conn) != CONNECTION_OK) {
        say(s, "connection", PQerrorMessage(s->conn));
        return ERR_IO;
    }
    PQsetNoticeProcessor(s->conn, no_notice, NULL);
    return take_lock(s);
}

/* ---- migrations ---- */

static enum err migrate_one(struct postgres_store *s, const struct migration *m, size_t version)
{
    char number[120];
    char *sql = schema_text(m->sql);
    enum err err = sql ? run(s, "BEGIN") : ERR_NO_MEMORY;
    if (err == ERR_NONE)
        err = run(s, sql);
    snprintf(number, sizeof number, "UPDATE osprey_schema SET version=%zu", version);
    if (err == ERR_NONE)
        err = run(s, number);
    char why[SQLITE_DETAIL_MAX];
    memcpy(why, s->detail, sizeof why);
    if (sql && run(s, err == ERR_NONE ? "COMMIT" : "ROLLBACK") != ERR_NONE && err == ERR_NONE)
        err = ERR_IO;
    if (err != ERR_NONE)
        say(s, m->name, why);
    free(sql);
    return err == ERR_NONE || err == ERR_NO_MEMORY ? err : ERR_BAD_VALUE;
}

static enum err migrate(struct postgres_store *s, const struct postgres_options *o)
{
    long version = 0, rows = 0;
    enum err err = run(s, "CREATE TABLE IF NOT EXISTS osprey_schema (version BIGINT NOT NULL)");
    if (err == ERR_NONE)
        err = ask_number(s, "SELECT count(*) FROM osprey_schema", &rows);
    if (err == ERR_NONE && !rows)
        err = run(s, "INSERT INTO osprey_schema VALUES (0)");
    if (err == ERR_NONE)
        err = ask_number(s, "SELECT version FROM osprey_schema", &version);
    if (err == ERR_NONE && (size_t)version > o->migration_count) {
        say(s, "database", "its schema is newer than this program");
        return ERR_UNSUPPORTED;
    }
    for (size_t i = (size_t)version; err == ERR_NONE && i < o->migration_count; i++)
        err = migrate_one(s, &o->migrations[i], i + 1);
    return err;
}

/* ---- sending ---- */

struct sent_params {
    const char *values[STORE_PARAMS_MAX];
    int lengths[STORE_PARAMS_MAX], formats[STORE_PARAMS_MAX];
    char numbers[STORE_PARAMS_MAX][NUMBER_MAX];
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
        snprintf(p->numbers[i], NUMBER_MAX, "%lld", (long long)v->number);
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

static enum err prepare(struct postgres_store *s, const struct statement *st, char name[NUMBER_MAX], bool *ret_sent)
{
    size_t i = 0;
    char sql[STATEMENT_SQL_MAX];
    while (i < s->prepared_count && s->prepared[i].statement != st)
        i++;
    *ret_sent = i == s->prepared_count;
    snprintf(name, NUMBER_MAX, "s%u", *ret_sent ? s->next_number : s->prepared[i].number);
    if (!*ret_sent)
        return ERR_NONE;
    if (i == STATEMENTS_MAX || !postgres_text(st, sql, sizeof sql)) {
        say(s, st->name, "too many statements, or too long");
        return ERR_BAD_VALUE;
    }
    if (!PQsendPrepare(s->conn, name, sql, 0, NULL))
        return failed(s, st->name, NULL);
    s->prepared[i].statement = st;
    s->prepared[i].number = s->next_number++;
    s->prepared_count++;
    return ERR_NONE;
}

static enum err send_one(struct postgres_store *s, const struct statement *st, const struct value *params, size_t count,
                         bool *ret_prepared)
{
    char name[NUMBER_MAX];
    struct sent_params p;
    size_t set = 0;
    enum err err = count <= STORE_PARAMS_MAX ? prepare(s, st, name, ret_prepared) : ERR_BAD_VALUE;
    if (err != ERR_NONE)
        return err;
    while (set < count && param_set(&p, set, &params[set]))
        set++;
    if (set < count)
        err = ERR_NO_MEMORY;
    else if (!PQsendQueryPrepared(s->conn, name, (int)count, p.values, p.lengths, p.formats, 1))
        err = failed(s, st->name, NULL);
    params_done(&p, set);
    return err;
}

/* ---- receiving ---- */

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

static enum err rows_copy(struct postgres_store *s, struct query *q, const PGresult *r, struct arena *arena)
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
        say(s, q->statement->name, "the result does not fit into the arena");
        return ERR_NO_SPACE;
    }
    q->rows = rows;
    q->row_count = (size_t)count;
    q->loaded = true;
    return ERR_NONE;
}

/* The next result that means something; NULL between two commands. */
static PGresult *result_next(struct postgres_store *s)
{
    PGresult *r = PQgetResult(s->conn);
    return r ? r : PQgetResult(s->conn);
}

static void forget_prepared(struct postgres_store *s, const struct statement *st)
{
    for (size_t i = 0; i < s->prepared_count; i++)
        if (s->prepared[i].statement == st)
            s->prepared_count = i; /* and all behind it: they are prepared again */
}

/* Reads to the pipeline's end, whatever comes. */
static void drain(struct postgres_store *s)
{
    for (PGresult *r; PQstatus(s->conn) == CONNECTION_OK && (r = result_next(s));) {
        ExecStatusType status = PQresultStatus(r);
        PQclear(r);
        if (status == PGRES_PIPELINE_SYNC)
            return;
    }
}

static enum err receive(struct postgres_store *s, const struct statement *st, bool prepared, PGresult **ret)
{
    for (int step = prepared ? 0 : 1; step < 2; step++) {
        PGresult *r = result_next(s);
        ExecStatusType status = PQresultStatus(r);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
            enum err err = failed(s, st->name, r);
            if (prepared)
                forget_prepared(s, st);
            PQclear(r);
            return err;
        }
        if (step == 0)
            PQclear(r);
        else
            *ret = r;
    }
    return ERR_NONE;
}

/* ---- load ---- */

static enum err load_once(struct postgres_store *s, struct rowset *want)
{
    bool prepared[ROWSET_QUERIES_MAX] = { 0 };
    size_t sent = 0;
    enum err err = PQenterPipelineMode(s->conn) ? ERR_NONE : ERR_IO;
    for (; sent < want->count && err == ERR_NONE; sent++) {
        const struct query *q = &want->queries[sent];
        if (!q->loaded)
            err = send_one(s, q->statement, q->params, q->param_count, &prepared[sent]);
    }
    if (!PQpipelineSync(s->conn))
        err = ERR_IO;
    for (size_t i = 0; i < sent && err == ERR_NONE; i++) {
        struct query *q = &want->queries[i];
        PGresult *r = NULL;
        if (q->loaded)
            continue;
        err = receive(s, q->statement, prepared[i], &r);
        if (err == ERR_NONE)
            err = rows_copy(s, q, r, want->arena);
        PQclear(r);
    }
    drain(s);
    PQexitPipelineMode(s->conn);
    return err;
}

static bool lost(const struct postgres_store *s) { return PQstatus(s->conn) != CONNECTION_OK; }

/* A question may be asked again on a new connection: it changes nothing. */
static void store_load(struct store *seam, struct rowset *want, store_done *done, void *context)
{
    struct postgres_store *s = (struct postgres_store *)seam;
    enum err err = load_once(s, want);
    for (unsigned i = 0; err != ERR_NONE && lost(s) && i < CONNECT_TRIES; i++)
        if (connect_now(s) == ERR_NONE)
            err = load_once(s, want);
    done(context, err);
}

/* ---- commit ---- */

static enum err check_touched(struct postgres_store *s, const struct write *w, PGresult *r)
{
    if (w->expect_rows < 0 || strtol(PQcmdTuples(r), NULL, 10) == w->expect_rows)
        return ERR_NONE;
    say(s, w->statement->name, "touched another number of rows than expected");
    return ERR_CONFLICT;
}

static enum err write_all(struct postgres_store *s, const struct write *writes, size_t count, bool *prepared)
{
    size_t sent = 0;
    enum err err = ERR_NONE;
    for (; sent < count && err == ERR_NONE; sent++)
        err = send_one(s, writes[sent].statement, writes[sent].params, writes[sent].param_count, &prepared[sent]);
    if (!PQpipelineSync(s->conn))
        err = ERR_IO;
    for (size_t i = 0; i < sent && err == ERR_NONE; i++) {
        PGresult *r = NULL;
        err = receive(s, writes[i].statement, prepared[i], &r);
        if (err == ERR_NONE)
            err = check_touched(s, &writes[i], r);
        PQclear(r);
    }
    drain(s);
    return err;
}

static enum err commit_once(struct postgres_store *s, const struct write *writes, size_t count)
{
    bool *prepared = calloc(count ? count : 1, sizeof *prepared);
    enum err err = prepared ? run(s, "BEGIN") : ERR_NO_MEMORY;
    if (err != ERR_NONE) {
        free(prepared);
        return err;
    }
    err = PQenterPipelineMode(s->conn) ? write_all(s, writes, count, prepared) : ERR_IO;
    PQexitPipelineMode(s->conn);
    free(prepared);
    if (err == ERR_NONE)
        return run(s, "COMMIT") == ERR_NONE ? ERR_NONE : ERR_IO; /* nobody knows: as after a crash */
    char why[SQLITE_DETAIL_MAX];
    memcpy(why, s->detail, sizeof why);
    if (!lost(s))
        run(s, "ROLLBACK");
    memcpy(s->detail, why, sizeof why);
    return err;
}

/* On a connection that is known to be dead nothing was begun: it is made anew first. */
static void store_commit(struct store *seam, const struct write *writes, size_t count, store_done *done, void *context)
{
    struct postgres_store *s = (struct postgres_store *)seam;
    enum err err = ERR_NONE;
    for (unsigned i = 0; lost(s) && i < CONNECT_TRIES; i++)
        err = connect_now(s);
    done(context, err == ERR_NONE ? commit_once(s, writes, count) : err);
}

/* ---- life ---- */

struct postgres_store *postgres_store_open(const struct postgres_options *options, enum err *ret_err, char *detail)
{
    struct postgres_store *s = calloc(1, sizeof *s);
    *ret_err = s && (s->conninfo = strdup(options->conninfo)) ? ERR_NONE : ERR_NO_MEMORY;
    if (*ret_err == ERR_NONE)
        *ret_err = connect_now(s);
    if (*ret_err == ERR_NONE)
        *ret_err = migrate(s, options);
    if (*ret_err != ERR_NONE) {
        if (detail && s)
            memcpy(detail, s->detail, sizeof s->detail);
        postgres_store_close(s);
        return NULL;
    }
    s->seam = (struct store){ .load = store_load, .commit = store_commit };
    return s;
}

void postgres_store_close(struct postgres_store *s)
{
    if (!s)
        return;
    PQfinish(s->conn);
    if (s->conninfo)
        wipe(s->conninfo, strlen(s->conninfo)); /* may hold a password */
    free(s->conninfo);
    free(s);
}

struct store *postgres_store_seam(struct postgres_store *store) { return &store->seam; }
const char *postgres_store_detail(const struct postgres_store *store) { return store->detail; }
