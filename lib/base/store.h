/* lib/base/store.h: the database as the roles see it: rows in, rows out, one transaction per batch.
 * A role owns its statements (a table of struct statement) and its migrations, and hands both over at open.
 * Drivers: lib/io/sqlite.h (calls done() before it returns), PostgreSQL later. */
#ifndef OSPREY_BASE_STORE_H
#define OSPREY_BASE_STORE_H

#include "arena.h"
#include "env.h"

#define STORE_PARAMS_MAX 32u
#define STORE_COLUMNS_MAX 40u

/* Parameters are written ?1 ?2 … in the SQLite text, $1 $2 … in the PostgreSQL text (NULL: made from the other). */
struct statement {
    const char *name, *sqlite, *postgres;
};

enum value_type { VALUE_NULL, VALUE_INT, VALUE_TEXT, VALUE_BLOB };
struct value {
    enum value_type type;
    int64_t number;
    struct span bytes; /* text (without NUL) or blob; borrowed */
};

static inline struct value value_null(void) { return (struct value){ 0 }; }
static inline struct value value_int(int64_t n) { return (struct value){ VALUE_INT, n, { 0 } }; }
static inline struct value value_text(const char *t)
{
    return t ? (struct value){ VALUE_TEXT, 0, span_text(t) } : value_null();
}
static inline struct value value_span_text(struct span s) { return (struct value){ VALUE_TEXT, 0, s }; }
static inline struct value value_blob(struct span s)
{
    return s.ptr ? (struct value){ VALUE_BLOB, 0, s } : value_null();
}

/* One change. expect_rows: -1 any number; otherwise the commit fails as a whole with ERR_CONFLICT when the statement
 * touched another number of rows (that is how a row's version is checked). */
struct write {
    const struct statement *statement;
    const struct value *params; /* borrowed */
    size_t param_count;
    int expect_rows;
};

struct row {
    const struct value *columns;
    size_t column_count;
};

/* One question and, after load, its answer; the rows and their bytes live in the rowset's arena. */
struct query {
    const struct statement *statement;
    const struct value *params; /* in the rowset's arena */
    size_t param_count;
    struct row *rows;
    size_t row_count;
    bool loaded;
};

#define ROWSET_QUERIES_MAX 24u
struct rowset {
    struct arena *arena;
    struct query queries[ROWSET_QUERIES_MAX];
    size_t count;
};

/* A copy of params and their bytes in the arena; NULL when there is no room. */
const struct value *values_copy(struct arena *arena, const struct value *params, size_t count);

/* Asks for one more query; with the same statement and parameters twice it is the same query. NULL when full.
 * Parameters are copied into the arena. */
struct query *rowset_want(struct rowset *set, const struct statement *statement, const struct value *params,
                          size_t param_count);
/* The same; NULL, and *ret_need, while it is not answered. */
const struct query *rowset_ask(struct rowset *set, const struct statement *statement, const struct value *params,
                               size_t param_count, bool *ret_need);
/* The answered query of this statement (the first such), or NULL when it was not asked or not loaded yet. */
const struct query *rowset_find(const struct rowset *set, const struct statement *statement);

/* Columns of a row with a type that is checked: NULL and a wrong type read as 0, "", empty. */
int64_t row_int(const struct row *row, size_t column);
struct span row_bytes(const struct row *row, size_t column);
/* Copies text and its NUL; longer text than cap-1 is cut (columns have ceilings of their own). */
void row_text(const struct row *row, size_t column, char *out, size_t cap);

typedef void store_done(void *context, enum err err);

/* A database that several processes write at the same time. Each is a node with a number that no process had before.
 * load, commit and all of these say ERR_CLOSED when the database cannot be reached: nothing was written, try again later. */
#define STORE_BEAT_MS 1000u /* how often a node says that it lives */
#define STORE_DEAD_MS 5000u /* one that did not for so long is dead to the others */
struct store;
struct store_nodes {
    int64_t number; /* of this process: 1 … */
    uint32_t life;  /* grows with each new connection, and when others took this node for dead: what is leased to it is to be
                     * looked for again */
    /* Begins the transaction of a batch, and takes its lines for as long. Never waits: ret_mine tells which of them are ours.
     * The line "" is nobody's. Loads and the commit that follow belong to the transaction: what they read is fresh. */
    void (*claim)(struct store *, const char *const *lines, size_t count, bool *ret_mine, store_done *done, void *context);
    /* As load, for many rowsets in one exchange with the server. A result that does not fit stays "not loaded". */
    void (*load_all)(struct store *, struct rowset *const *wants, size_t count, store_done *done, void *context);
    void (*release)(struct store *); /* ends the transaction, nothing written */
    /* commit said ERR_IO: what became of it? ERR_NONE: done. ERR_CONFLICT: not done. ERR_CLOSED: nobody knows yet. */
    void (*settle)(struct store *, store_done *done, void *context);
    /* This node lives. For each that does not, free_leases(its number) runs in the transaction that says so. */
    void (*beat)(struct store *, const struct statement *free_leases, store_done *done, void *context);
    /* This node ends: free_leases(our number), and it is forgotten. */
    void (*leave)(struct store *, const struct statement *free_leases, store_done *done, void *context);
    const struct statement *wake;    /* (number): a write by which that node is woken once it is committed */
    bool (*woken)(struct store *);   /* somebody woke us since the last call */
};
struct store {
    /* Answers every query of the set that is not loaded yet. */
    void (*load)(struct store *, struct rowset *want, store_done *done, void *context);
    /* All of them, durably, or none: ERR_CONFLICT, ERR_IO (unknown outcome: the caller must behave as after a crash),
     * ERR_NO_SPACE (disk full, nothing was written). */
    void (*commit)(struct store *, const struct write *writes, size_t count, store_done *done, void *context);
    struct store_nodes *nodes; /* NULL: this process alone writes the database */
};

/* Others may have written between two transactions: what was read in one is no truth in the next. */
static inline bool store_is_shared(const struct store *s) { return s->nodes != NULL; }

#endif
