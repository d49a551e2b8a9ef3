#include <stdio.h>
#include <stdlib.h>

#include "database.h"
#include "postgres_private.h"

/* This process among others: a row in osprey_node, a lock of the session on its name. */

#define DEAD_BEFORE  POSTGRES_NOW "-5000" /* STORE_DEAD_MS */

const struct statement POSTGRES_FENCE = {
    "node-fence", NULL, "UPDATE osprey_node SET batch=$2, beat_ms=" POSTGRES_NOW " WHERE number=$1 AND alive=1"
};
static const struct statement WAKE = {
    "node-wake", NULL, "SELECT pg_notify(CASE WHEN $1::bigint=0 THEN 'osprey' ELSE 'osprey_'||$1 END, '')"
};

/* ---- living */

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
    enum err err = postgres_ready(s);
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
    enum err err = s->conn ? postgres_ready(s) : ERR_CLOSED;
    if (err == ERR_NONE)
        err = postgres_run(s, "BEGIN");
    if (err == ERR_NONE)
        err = postgres_run_one(s, free_leases, &number, 1);
    if (err == ERR_NONE)
        err = postgres_run(s, sql);
    else if (s->conn)
        (void)!postgres_run(s, "ROLLBACK");
    done(context, err);
}

/* ---- a commit whose answer got lost */

/* The old connection may still be at it: then it has our row locked, and we ask again later. */
static void node_settle(struct store *seam, store_done *done, void *context)
{
    struct postgres_store *s = (struct postgres_store *)seam;
    char sql[120];
    int64_t batch = -1;
    snprintf(sql, sizeof sql, "SELECT batch FROM osprey_node WHERE number=%lld FOR UPDATE NOWAIT", (long long)s->nodes.number);
    enum err err = postgres_ready(s);
    if (err == ERR_NONE)
        err = postgres_ask(s, sql, &batch);
    if (err == ERR_NONE)
        s->unsettled = false;
    if (err == ERR_NONE && batch != s->batch)
        err = batch < 0 ? ERR_IO : ERR_CONFLICT;
    else if (err == ERR_CONFLICT)
        err = ERR_CLOSED; /* it is locked */
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
    s->woken |= s->late_ms && !PQisBusy(s->conn);
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
