#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "database.h"
#include "loop.h"
#include "postgres_private.h"

/* This process among others: a row in osprey_node, a lock of the session on its name. */

#define PROGRAM_LOCK "7306581" /* shared by all nodes; programs of before there were nodes held it alone */
#define NAME_LOCK    "7306582"
#define DEAD_BEFORE  POSTGRES_NOW "-5000" /* STORE_DEAD_MS */
#define NAME_TRIES   10        /* a predecessor whose connection is not gone yet */

/* What belongs to a connection. A transaction of a node that stands still must not keep its lines for long. */
static const char SESSION[] = "SET idle_in_transaction_session_timeout=5000; SET lock_timeout=3000; SET tcp_keepalives_idle=5;"
                              "SET tcp_keepalives_interval=2; SET tcp_keepalives_count=3; SET tcp_user_timeout=10000;"
                              "SET client_min_messages=error";

const struct statement POSTGRES_FENCE = {
    "node-fence", NULL, "UPDATE osprey_node SET batch=$2, beat_ms=" POSTGRES_NOW " WHERE number=$1 AND alive=1"
};
static const struct statement WAKE = {
    "node-wake", NULL, "SELECT pg_notify(CASE WHEN $1::bigint=0 THEN 'osprey' ELSE 'osprey_'||$1 END, '')"
};

/* ---- connecting */

static void on_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

static enum err lock_name(struct postgres_store *s)
{
    char sql[160];
    int64_t taken = 0;
    snprintf(sql, sizeof sql, "SELECT pg_try_advisory_lock(" NAME_LOCK ", %d)::int", (int)span_hash(span_text(s->name)));
    enum err err = postgres_ask(s, sql, &taken);
    for (int i = 0; err == ERR_NONE && !taken && !s->nodes.number && i < NAME_TRIES; i++) {
        (void)!postgres_run(s, "SELECT pg_sleep(0.1)");
        err = postgres_ask(s, sql, &taken);
    }
    if (err != ERR_NONE || taken)
        return err;
    postgres_say(s, s->name, "another process is this node");
    return ERR_BUSY;
}

static enum err session(struct postgres_store *s)
{
    int64_t recovery = 0, lock = 0;
    char listen[120];
    enum err err = postgres_run(s, SESSION);
    if (err == ERR_NONE)
        err = postgres_ask(s, "SELECT pg_is_in_recovery()::int", &recovery);
    if (err == ERR_NONE && recovery) {
        postgres_say(s, "server", "it only reads: a standby");
        return ERR_CLOSED;
    }
    if (err == ERR_NONE && s->name)
        err = postgres_ask(s, "SELECT pg_try_advisory_lock_shared(" PROGRAM_LOCK ")::int", &lock);
    if (err == ERR_NONE && s->name && !lock) {
        postgres_say(s, "database", "a program that wants to be alone holds it");
        return ERR_BUSY;
    }
    if (err == ERR_NONE && s->name)
        err = lock_name(s);
    if (err == ERR_NONE && s->nodes.number) {
        snprintf(listen, sizeof listen, "LISTEN osprey; LISTEN osprey_%lld", (long long)s->nodes.number);
        err = postgres_run(s, listen);
    }
    return err;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    postgres_input(context);
}

void postgres_unwatch(struct postgres_store *s)
{
    if (s->input)
        event_free(s->input);
    s->input = NULL;
}

static void watch(struct postgres_store *s)
{
    postgres_unwatch(s);
    s->input = s->loop && s->conn ? event_new(loop_base(s->loop), PQsocket(s->conn), EV_READ | EV_PERSIST, on_readable, s) : NULL;
    if (s->input)
        event_add(s->input, NULL);
}

void postgres_store_watch(struct postgres_store *s, struct loop *loop)
{
    s->loop = loop;
    watch(s);
}

/* What stands in the configuration wins. */
static PGconn *connection(const char *conninfo)
{
    static const char *const names[] = { "connect_timeout",     "keepalives_idle", "keepalives_interval",
                                         "keepalives_count",    "tcp_user_timeout", "application_name",
                                         "target_session_attrs", "dbname",          NULL };
    const char *const values[] = { "3", "5", "2", "3", "10000", "osprey", "read-write", conninfo, NULL };
    return PQconnectdbParams(names, values, 1);
}

enum err postgres_connect(struct postgres_store *s)
{
    uint64_t now = postgres_clock_ms();
    if (s->tried_ms && now < s->tried_ms + POSTGRES_RETRY_MS)
        return ERR_CLOSED;
    postgres_drop(s);
    s->conn = connection(s->conninfo);
    s->tried_ms = postgres_clock_ms();
    if (PQstatus(s->conn) != CONNECTION_OK) {
        postgres_say(s, "connection", PQerrorMessage(s->conn));
        postgres_drop(s);
        return ERR_CLOSED;
    }
    PQsetNoticeProcessor(s->conn, on_notice, NULL);
    enum err err = session(s);
    if (err != ERR_NONE) {
        postgres_drop(s);
        return s->nodes.number ? ERR_CLOSED : err;
    }
    s->calm_ms = postgres_clock_ms() + STORE_DEAD_MS;
    s->nodes.life++;
    s->tried_ms = 0;
    s->woken = true;
    watch(s);
    return ERR_NONE;
}

/* A new number for a new life. What the last one of this name holds is given back with the next beat of anybody. */
enum err postgres_register(struct postgres_store *s)
{
    char sql[4 * DATABASE_NODE_MAX + 400];
    char *name = PQescapeLiteral(s->conn, s->name, strlen(s->name));
    enum err err = name ? postgres_ask(s, "UPDATE osprey_schema SET nodes=nodes+1 RETURNING nodes", &s->nodes.number) : ERR_NO_MEMORY;
    if (err == ERR_NONE && snprintf(sql, sizeof sql,
                                    "DELETE FROM osprey_node WHERE name=%s AND alive=0;"
                                    "UPDATE osprey_node SET beat_ms=0 WHERE name=%s;"
                                    "INSERT INTO osprey_node VALUES (%lld, %s, %zu, " POSTGRES_NOW ", 1, 0);"
                                    "LISTEN osprey; LISTEN osprey_%lld",
                                    name, name, (long long)s->nodes.number, name, s->known, (long long)s->nodes.number) >= (int)sizeof sql)
        err = ERR_TOO_LONG;
    if (err == ERR_NONE)
        err = postgres_run(s, sql);
    PQfreemem(name);
    return err;
}

/* ---- living */

void postgres_revive(struct postgres_store *s)
{
    s->nodes.life++;
    s->woken = true;
}

/* Who lives says so, and learns whether it was taken for dead and how many others are. What is not durable at once: after a
 * crash of the server all say it again. -1: the row is gone. Nobody is dead who may have been cut off as we were. */
static enum err beat_once(struct postgres_store *s, bool *ret_dead)
{
    char sql[600];
    int64_t found = -1, n = s->nodes.number;
    snprintf(sql, sizeof sql,
             "BEGIN; SET LOCAL synchronous_commit=off;"
             "WITH me AS (UPDATE osprey_node SET beat_ms=" POSTGRES_NOW ", alive=1 WHERE number=%lld RETURNING 1)"
             " SELECT (SELECT 1-alive FROM osprey_node WHERE number=%lld)+2*(SELECT count(*) FROM osprey_node WHERE alive=1"
             " AND number<>%lld AND beat_ms<%s) FROM me; COMMIT",
             (long long)n, (long long)n, (long long)n, postgres_clock_ms() < s->calm_ms ? "1" : DEAD_BEFORE);
    enum err err = postgres_ask(s, sql, &found);
    if (err == ERR_NONE && found < 0) {
        postgres_say(s, s->name, "the database does not know this node any more: it is another one, or was restored");
        return ERR_IO;
    }
    if (err == ERR_NONE && found % 2)
        postgres_revive(s);
    *ret_dead = err == ERR_NONE && found > 1;
    return err;
}

/* One that is in the middle of a commit is left for the next time. */
static enum err bury_one(struct postgres_store *s, const struct statement *free_leases, int64_t *ret_number)
{
    char sql[400];
    *ret_number = 0;
    snprintf(sql, sizeof sql,
             "UPDATE osprey_node SET alive=0 WHERE number=(SELECT number FROM osprey_node WHERE alive=1 AND number<>%lld"
             " AND beat_ms<%s ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING number",
             (long long)s->nodes.number, postgres_clock_ms() < s->calm_ms ? "1" : DEAD_BEFORE);
    enum err err = postgres_ask(s, sql, ret_number);
    struct value number = value_int(*ret_number);
    if (err == ERR_NONE && *ret_number)
        err = postgres_run_one(s, free_leases, &number, 1);
    return err;
}

static enum err bury(struct postgres_store *s, const struct statement *free_leases)
{
    int64_t number = 0;
    enum err err = postgres_run(s, "BEGIN");
    do
        err = err == ERR_NONE ? bury_one(s, free_leases, &number) : err;
    while (err == ERR_NONE && number);
    if (err == ERR_NONE)
        err = postgres_run(s, "DELETE FROM osprey_node WHERE alive=0 AND beat_ms BETWEEN 1 AND " POSTGRES_NOW "-86400000; COMMIT");
    else if (s->conn)
        (void)!postgres_run(s, "ROLLBACK");
    s->woken = true;
    return err;
}

static void node_beat(struct store *seam, const struct statement *free_leases, store_done *done, void *context)
{
    struct postgres_store *s = (struct postgres_store *)seam;
    bool dead = false;
    enum err err = s->conn ? ERR_NONE : postgres_connect(s);
    if (err == ERR_NONE)
        err = beat_once(s, &dead);
    if (err == ERR_NONE && dead)
        err = bury(s, free_leases);
    done(context, err);
}

static void node_leave(struct store *seam, const struct statement *free_leases, store_done *done, void *context)
{
    struct postgres_store *s = (struct postgres_store *)seam;
    char sql[160];
    struct value number = value_int(s->nodes.number);
    snprintf(sql, sizeof sql, "DELETE FROM osprey_node WHERE number=%lld; NOTIFY osprey; COMMIT", (long long)s->nodes.number);
    enum err err = s->conn ? postgres_run(s, "BEGIN") : ERR_CLOSED;
    if (err == ERR_NONE)
        err = postgres_run_one(s, free_leases, &number, 1);
    if (err == ERR_NONE)
        err = postgres_run(s, sql);
    else if (s->conn)
        (void)!postgres_run(s, "ROLLBACK");
    done(context, err);
}

/* ---- a commit whose answer got lost */

/* The old connection may still be at it: then its lock on our row is waited for. */
static void node_settle(struct store *seam, store_done *done, void *context)
{
    struct postgres_store *s = (struct postgres_store *)seam;
    char sql[120];
    int64_t batch = -1;
    snprintf(sql, sizeof sql, "SELECT batch FROM osprey_node WHERE number=%lld FOR UPDATE", (long long)s->nodes.number);
    enum err err = s->conn ? ERR_NONE : postgres_connect(s);
    if (err == ERR_NONE)
        err = postgres_ask(s, sql, &batch);
    if (err == ERR_NONE)
        s->unsettled = false;
    if (err == ERR_NONE && batch != s->batch)
        err = batch < 0 ? ERR_IO : ERR_CONFLICT;
    else if (err == ERR_CONFLICT)
        err = ERR_CLOSED; /* the lock was not given in time */
    done(context, err);
}

/* ---- being woken */

void postgres_input(struct postgres_store *s)
{
    if (!s->conn)
        return;
    if (!PQconsumeInput(s->conn)) {
        postgres_say(s, "connection", PQerrorMessage(s->conn));
        postgres_drop(s);
        s->woken = true; /* to connect again */
        return;
    }
    for (PGnotify *n; (n = PQnotifies(s->conn)) != NULL; PQfreemem(n))
        s->woken = true;
}

static bool node_woken(struct store *seam)
{
    struct postgres_store *s = (struct postgres_store *)seam;
    if (!s->loop)
        postgres_input(s);
    for (PGnotify *n; s->conn && (n = PQnotifies(s->conn)) != NULL; PQfreemem(n)) /* came along with an answer */
        s->woken = true;
    bool woken = s->woken;
    s->woken = false;
    return woken;
}

void postgres_node_init(struct postgres_store *s)
{
    s->nodes.settle = node_settle;
    s->nodes.beat = node_beat;
    s->nodes.leave = node_leave;
    s->nodes.wake = &WAKE;
    s->nodes.woken = node_woken;
}
