#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop.h"
#include "postgres_private.h"

/* One attempt to connect: the steps of libpq, then one question that makes the session ours. In a loop it goes on by itself as
 * its socket becomes ready; a program without one waits for it. */

#define PROGRAM_LOCK "7306581" /* shared by all nodes; programs of before there were nodes held it alone */
#define NAME_LOCK    "7306582"
#define CONNECT_S    3u /* unless the configuration has a connect_timeout */
#define HOSTS_TEXT_MAX 1024u

/* What belongs to a connection. A transaction of a node that stands still must not keep its lines for long. */
static const char SESSION[] = "SET idle_in_transaction_session_timeout=5000; SET lock_timeout=1000; SET tcp_keepalives_idle=5;"
                              "SET tcp_keepalives_interval=2; SET tcp_keepalives_count=3; SET tcp_user_timeout=10000;"
                              "SET client_min_messages=error;";

static void on_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

/* ---- where to */

/* "a,b,c" by one: "b,c,a". false: nothing to turn, or no room. */
static bool turn(const char *list, unsigned by, char out[HOSTS_TEXT_MAX])
{
    const char *from = list;
    size_t len = list ? strlen(list) : 0;
    if (!len || len >= HOSTS_TEXT_MAX || !strchr(list, ','))
        return false;
    while (by-- && (from = strchr(from, ',')))
        from++;
    if (!from || from == list)
        return false;
    snprintf(out, HOSTS_TEXT_MAX, "%s,%.*s", from, (int)(from - list - 1), list);
    return true;
}

static unsigned count_of(const char *list)
{
    unsigned count = 1;
    for (; list && *list; list++)
        count += *list == ',';
    return count;
}

static const char *option_of(const PQconninfoOption *options, const char *name)
{
    for (; options && options->keyword; options++)
        if (!strcmp(options->keyword, name))
            return options->val;
    return NULL;
}

/* What stands in the configuration wins. Of several hosts each attempt begins with another: one that is silent takes the time
 * of all. */
static PGconn *start(const char *conninfo, unsigned attempt, unsigned *ret_hosts, uint64_t *ret_ms)
{
    static const char *const lists[] = { "host", "hostaddr", "port" };
    const char *names[] = { "keepalives_idle", "keepalives_interval",  "keepalives_count", "tcp_user_timeout",
                            "application_name", "target_session_attrs", "dbname",           NULL, NULL, NULL, NULL };
    const char *values[] = { "5", "2", "3", "10000", "osprey", "read-write", conninfo, NULL, NULL, NULL, NULL };
    char turned[ARRAY_LEN(lists)][HOSTS_TEXT_MAX];
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    const char *host = option_of(options, "host"), *seconds = option_of(options, "connect_timeout");
    unsigned hosts = count_of(host ? host : option_of(options, "hostaddr"));
    for (size_t i = 0, at = 7; i < ARRAY_LEN(lists); i++)
        if (turn(option_of(options, lists[i]), attempt % hosts, turned[i])) {
            names[at] = lists[i];
            values[at++] = turned[i];
        }
    *ret_hosts = hosts;
    *ret_ms = 1000u * (seconds && strtoul(seconds, NULL, 10) ? strtoul(seconds, NULL, 10) : CONNECT_S);
    PGconn *conn = PQconnectStartParams(names, values, 1);
    PQconninfoFree(options);
    return conn;
}

/* ---- the session */

/* One row: are we at a standby, is the database open to nodes, is our name ours. */
static bool ask_session(struct postgres_store *s)
{
    char sql[800], locks[200] = "", listen[120] = "";
    if (s->name)
        snprintf(locks, sizeof locks, ", pg_try_advisory_lock_shared(" PROGRAM_LOCK ")::int, pg_try_advisory_lock(" NAME_LOCK ", %d)::int",
                 (int)span_hash(span_text(s->name)));
    if (s->nodes.number)
        snprintf(listen, sizeof listen, "; LISTEN osprey; LISTEN osprey_%lld", (long long)s->nodes.number);
    snprintf(sql, sizeof sql, "%s SELECT pg_is_in_recovery()::int%s%s", SESSION, locks, listen);
    return PQsendQuery(s->coming.conn, sql) == 1;
}

static enum err refuse(struct postgres_store *s, enum err err, const char *what, const char *why)
{
    postgres_say(s, what, why);
    return err;
}

static enum err judge(struct postgres_store *s, const PGresult *r)
{
    if (PQresultStatus(r) == PGRES_COMMAND_OK)
        return ERR_NONE;
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        return refuse(s, ERR_CLOSED, "connection", PQresultErrorMessage(r));
    if (*PQgetvalue(r, 0, 0) != '0')
        return refuse(s, ERR_CLOSED, "server", "it only reads: a standby");
    if (s->name && *PQgetvalue(r, 0, 1) != '1')
        return refuse(s, ERR_BUSY, "database", "a program that wants to be alone holds it");
    if (s->name && *PQgetvalue(r, 0, 2) != '1')
        return refuse(s, ERR_BUSY, s->name, "another process is this node");
    return ERR_NONE;
}

/* ---- an attempt */

static void attempt_drop(struct postgres_store *s)
{
    struct postgres_attempt *a = &s->coming;
    if (a->event)
        event_free(a->event);
    PQfinish(a->conn);
    *a = (struct postgres_attempt){ .number = a->number };
}

static enum err attempt_begin(struct postgres_store *s)
{
    struct postgres_attempt *a = &s->coming;
    uint64_t ms = 0;
    a->conn = start(s->conninfo, a->number++, &s->hosts, &ms);
    a->wants = PGRES_POLLING_WRITING;
    a->until_ms = postgres_clock_ms() + ms;
    if (!a->conn)
        return ERR_NO_MEMORY;
    return PQstatus(a->conn) != CONNECTION_BAD ? ERR_NONE : refuse(s, ERR_CLOSED, "connection", PQerrorMessage(a->conn));
}

/* These say whether the attempt is over, and how; else it goes on when the socket is ready for what it wants. */

static bool over(enum err *ret, enum err err)
{
    *ret = err;
    return true;
}

static bool link_step(struct postgres_store *s, enum err *ret)
{
    struct postgres_attempt *a = &s->coming;
    a->wants = PQconnectPoll(a->conn);
    if (a->wants == PGRES_POLLING_READING || a->wants == PGRES_POLLING_WRITING)
        return false;
    if (a->wants == PGRES_POLLING_OK)
        PQsetNoticeProcessor(a->conn, on_notice, NULL);
    if (a->wants != PGRES_POLLING_OK || !ask_session(s))
        return over(ret, refuse(s, ERR_CLOSED, "connection", PQerrorMessage(a->conn)));
    a->asked = true;
    a->wants = PGRES_POLLING_READING;
    return false;
}

static bool session_step(struct postgres_store *s, enum err *ret)
{
    struct postgres_attempt *a = &s->coming;
    if (!PQconsumeInput(a->conn))
        return over(ret, refuse(s, ERR_CLOSED, "connection", PQerrorMessage(a->conn)));
    while (!PQisBusy(a->conn)) {
        PGresult *r = PQgetResult(a->conn);
        if (!r)
            return over(ret, PQstatus(a->conn) == CONNECTION_OK ? a->verdict : ERR_CLOSED);
        a->verdict = a->verdict == ERR_NONE ? judge(s, r) : a->verdict;
        PQclear(r);
    }
    return false;
}

static bool attempt_step(struct postgres_store *s, enum err *ret) { return s->coming.asked ? session_step(s, ret) : link_step(s, ret); }

static enum err attempt_end(struct postgres_store *s, enum err err)
{
    uint64_t now = postgres_clock_ms();
    if (err != ERR_NONE) {
        attempt_drop(s);
        s->tried_ms = now;
        return s->nodes.number ? ERR_CLOSED : err;
    }
    s->conn = s->coming.conn;
    s->coming.conn = NULL;
    attempt_drop(s);
    PQsetnonblocking(s->conn, 1);
    s->calm_ms = now + STORE_DEAD_MS;
    s->nodes.life++;
    s->tried_ms = 0;
    s->woken = true;
    postgres_watch(s);
    return ERR_NONE;
}

static enum err attempt_late(struct postgres_store *s) { return refuse(s, ERR_CLOSED, "connection", "no answer in time"); }

/* ---- without a loop */

static bool attempt_wait(struct postgres_store *s)
{
    const struct postgres_attempt *a = &s->coming;
    uint64_t now = postgres_clock_ms();
    struct pollfd fd = { .fd = PQsocket(a->conn), .events = a->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT };
    return now < a->until_ms && poll(&fd, 1, (int)(a->until_ms - now)) > 0;
}

static enum err attempt_run(struct postgres_store *s)
{
    enum err err = ERR_NONE;
    do
        if (!attempt_wait(s))
            return attempt_end(s, attempt_late(s));
    while (!attempt_step(s, &err));
    return attempt_end(s, err);
}

/* ---- in a loop */

static void attempt_watch(struct postgres_store *s);

static void on_ready(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    struct postgres_store *s = context;
    enum err err = ERR_NONE;
    if (what & EV_TIMEOUT)
        (void)!attempt_end(s, attempt_late(s));
    else if (attempt_step(s, &err))
        (void)!attempt_end(s, err);
    else
        attempt_watch(s);
}

/* libpq may go on with another socket. */
static void attempt_watch(struct postgres_store *s)
{
    struct postgres_attempt *a = &s->coming;
    uint64_t now = postgres_clock_ms(), left_ms = now < a->until_ms ? a->until_ms - now : 0;
    struct timeval left = { (time_t)(left_ms / 1000u), (suseconds_t)(left_ms % 1000u * 1000u) };
    if (a->event)
        event_free(a->event);
    a->event = event_new(loop_base(s->loop), PQsocket(a->conn), a->wants == PGRES_POLLING_READING ? EV_READ : EV_WRITE, on_ready, s);
    if (!a->event || event_add(a->event, &left))
        (void)!attempt_end(s, ERR_NO_MEMORY);
}

enum err postgres_connect(struct postgres_store *s)
{
    if (s->coming.conn || (s->tried_ms && postgres_clock_ms() < s->tried_ms + POSTGRES_RETRY_MS))
        return ERR_CLOSED;
    postgres_drop(s);
    enum err err = attempt_begin(s);
    if (err != ERR_NONE)
        return attempt_end(s, err);
    if (!s->loop)
        return attempt_run(s);
    attempt_watch(s);
    return ERR_CLOSED;
}

void postgres_connect_stop(struct postgres_store *s) { attempt_drop(s); }

/* ---- what comes unasked */

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

void postgres_watch(struct postgres_store *s)
{
    postgres_unwatch(s);
    s->input = s->loop && s->conn ? event_new(loop_base(s->loop), PQsocket(s->conn), EV_READ | EV_PERSIST, on_readable, s) : NULL;
    if (s->input)
        event_add(s->input, NULL);
}

void postgres_store_watch(struct postgres_store *s, struct loop *loop)
{
    s->loop = loop;
    postgres_watch(s);
}
