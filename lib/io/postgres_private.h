/* lib/io/postgres_private.h: shared by postgres.c (the seam), postgres_connect.c (from nothing to a session of ours),
 * postgres_wire.c (what goes to the server and comes back), postgres_schema.c (migrations) and postgres_node.c (this process
 * among others). */
#ifndef OSPREY_IO_POSTGRES_PRIVATE_H
#define OSPREY_IO_POSTGRES_PRIVATE_H

#include "libpq.h"

#include "postgres.h"

#define POSTGRES_STATEMENTS_MAX 512u
#define POSTGRES_NUMBER_MAX     24u
#define POSTGRES_REPLY_MS       3000u   /* a server that is silent for so long is as good as gone; more than its lock_timeout */
#define POSTGRES_START_MS       600000u /* the same while a program starts: a migration may take its time */
#define POSTGRES_COMMIT_MS      300u    /* a commit without an answer for so long is late: the loop goes on */
#define POSTGRES_LATE_MS        10000u  /* … and for so long, lost */
#define POSTGRES_RETRY_MS       200u    /* between two attempts to connect */

struct event;
/* A connection in the making. */
struct postgres_attempt {
    PGconn *conn; /* NULL: there is none */
    PostgresPollingStatusType wants;
    bool asked; /* for the session */
    enum err verdict;
    uint64_t until_ms;
    struct event *event;
    unsigned number; /* attempts so far */
};

struct postgres_store {
    struct store seam; /* first: the seam is the store */
    struct store_nodes nodes;
    PGconn *conn; /* NULL: not connected */
    struct postgres_attempt coming;
    unsigned hosts; /* that the configuration names */
    char *conninfo, *name; /* name of the node; NULL: a visitor */
    struct {
        const struct statement *statement;
        unsigned number; /* its name at the server: never used twice */
    } prepared[POSTGRES_STATEMENTS_MAX];
    size_t prepared_count, prepared_before; /* before: of the pipeline that is open */
    unsigned next_number;
    size_t known; /* migrations of this program */
    bool in_batch;  /* a transaction was begun, perhaps on a connection that is gone */
    bool unsettled; /* nobody knows whether the last batch was committed */
    uint64_t late_ms; /* a commit is under way since then; 0: none is */
    bool woken;
    int64_t batch; /* number of the last commit, stored with it */
    uint64_t tried_ms, connected_ms, calm_ms; /* calm: until then nobody is taken for dead, all may have been cut off */
    struct loop *loop;   /* NULL: the program starts, or has none */
    struct event *input; /* octets that nobody asked for */
    char detail[SQLITE_DETAIL_MAX];
};

/* ---- wire */
void postgres_say(struct postgres_store *s, const char *what, const char *why);
/* The err of a result (NULL: there was none), told in detail; a connection that is of no use any more is given up. */
enum err postgres_failed(struct postgres_store *s, const char *what, const PGresult *r);
void postgres_drop(struct postgres_store *s);
/* One or more commands without parameters. */
enum err postgres_run(struct postgres_store *s, const char *sql);
/* ERR_BUSY: the answer is late, postgres_ready waits for it. */
enum err postgres_commit(struct postgres_store *s);
/* ERR_NONE: connected, and nothing is under way there. ERR_CLOSED: not yet; it is being seen to. */
enum err postgres_ready(struct postgres_store *s);
/* The first column of the first row; *ret stays when there is no row. */
enum err postgres_ask(struct postgres_store *s, const char *sql, int64_t *ret);
enum err postgres_run_one(struct postgres_store *s, const struct statement *st, const struct value *params, size_t count);
/* One pipeline: send…, sync, receive…, end. */
enum err postgres_pipeline(struct postgres_store *s);
enum err postgres_send_text(struct postgres_store *s, const char *sql);
enum err postgres_send(struct postgres_store *s, const struct statement *st, const struct value *params, size_t count,
                       bool *ret_prepared);
enum err postgres_sync(struct postgres_store *s);
/* Results in the order of sending; the caller clears *ret. */
enum err postgres_receive(struct postgres_store *s, const char *what, PGresult **ret);
enum err postgres_received(struct postgres_store *s, const struct statement *st, bool prepared, PGresult **ret);
/* Reads to the sync, whatever comes. */
void postgres_pipeline_end(struct postgres_store *s);
enum err postgres_rows(struct postgres_store *s, struct query *q, const PGresult *r, struct arena *arena);
uint64_t postgres_clock_ms(void);

/* ---- connect */
/* In a loop it only begins: ERR_CLOSED, and the store is woken when conn is there. Else it waits. */
enum err postgres_connect(struct postgres_store *s);
void postgres_connect_stop(struct postgres_store *s);
void postgres_watch(struct postgres_store *s);
void postgres_unwatch(struct postgres_store *s);

/* ---- schema */
enum err postgres_migrate(struct postgres_store *s, const struct migration *migrations, size_t count);
/* Can a program of so many migrations work with the schema, if there is one? ERR_UNSUPPORTED. Changes nothing. */
enum err postgres_fits(struct postgres_store *s, size_t count);

/* ---- node */
#define POSTGRES_NOW "(extract(epoch FROM clock_timestamp())*1000)::bigint"
extern const struct statement POSTGRES_FENCE; /* (number, batch): the commit is of a node that lives */
enum err postgres_register(struct postgres_store *s);
void postgres_node_init(struct postgres_store *s);
/* The transaction found that others took us for dead. */
void postgres_revive(struct postgres_store *s);
void postgres_input(struct postgres_store *s); /* notes what came unasked */

#endif
