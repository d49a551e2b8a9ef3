#include "postgres_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OPEN_TRIES 6u

/* ---- claim */

static uint64_t line_key(const char *line)
{
    uint64_t hash = 14695981039346656037u;
    for (; *line; line++)
        hash = (hash ^ (uint8_t)*line) * 1099511628211u;
    return hash;
}

/* "{1,2,…}"; NULL: no memory. */
static char *keys_text(const char *const *lines, size_t count)
{
    char *text = malloc(count * POSTGRES_NUMBER_MAX + 3), *at = text;
    if (!text)
        return NULL;
    *at++ = '{';
    for (size_t i = 0; i < count; i++)
        at += snprintf(at, POSTGRES_NUMBER_MAX, i ? ",%lld" : "%lld", (long long)line_key(lines[i]));
    *at++ = '}';
    *at = '\0';
    return text;
}

static const struct statement CLAIM = {
    "claim", NULL, "SELECT pg_try_advisory_xact_lock(k) FROM unnest($1::bigint[]) WITH ORDINALITY AS t(k, n) ORDER BY n"
};

static enum err send_claim(struct postgres_store *s, const char *keys, bool *ret_prepared)
{
    const struct value value = value_text(keys);
    enum err err = postgres_pipeline(s);
    if (err == ERR_NONE)
        err = postgres_send_text(s, "BEGIN");
    if (err == ERR_NONE)
        err = postgres_send(s, &CLAIM, &value, 1, ret_prepared);
    return err == ERR_NONE ? postgres_sync(s) : err;
}

static enum err claim_once(struct postgres_store *s, const char *const *lines, size_t count, const char *keys, bool *ret_mine)
{
    bool prepared = false;
    PGresult *begun = NULL, *taken = NULL;
    enum err err = send_claim(s, keys, &prepared);
    if (err != ERR_NONE) {
        postgres_drop(s); /* in the middle of a pipeline */
        return err;
    }
    err = postgres_receive(s, "BEGIN", &begun);
    if (err == ERR_NONE)
        err = postgres_received(s, &CLAIM, prepared, &taken);
    for (size_t i = 0; err == ERR_NONE && i < count; i++)
        ret_mine[i] = !*lines[i] || (i < (size_t)PQntuples(taken) && *PQgetvalue(taken, (int)i, 0));
    PQclear(begun);
    PQclear(taken);
    postgres_pipeline_end(s);
    return err == ERR_NONE && !s->conn ? ERR_CLOSED : err;
}

static void batch_end(struct postgres_store *s)
{
    char why[SQLITE_DETAIL_MAX];
    memcpy(why, s->detail, sizeof why);
    if (s->in_batch && s->conn)
        (void)!postgres_run(s, "ROLLBACK");
    s->in_batch = false;
    memcpy(s->detail, why, sizeof why);
}

static void node_claim(struct store *seam, const char *const *lines, size_t count, bool *ret_mine, store_done *done, void *context)
{
    struct postgres_store *s = (struct postgres_store *)seam;
    char *keys = keys_text(lines, count);
    enum err err = keys ? ERR_NONE : ERR_NO_MEMORY;
    batch_end(s);
    if (err == ERR_NONE)
        err = postgres_ready(s);
    s->in_batch = err == ERR_NONE;
    if (err == ERR_NONE)
        err = claim_once(s, lines, count, keys, ret_mine);
    if (err != ERR_NONE)
        batch_end(s);
    free(keys);
    done(context, err);
}

static void node_release(struct store *seam) { batch_end((struct postgres_store *)seam); }

/* ---- load */

static enum err send_queries(struct postgres_store *s, const struct rowset *want, bool *prepared)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; i < want->count && err == ERR_NONE; i++) {
        const struct query *q = &want->queries[i];
        if (!q->loaded)
            err = postgres_send(s, q->statement, q->params, q->param_count, &prepared[i]);
    }
    return err;
}

/* *ret_small: something did not fit into the arena. */
static enum err take_answers(struct postgres_store *s, struct rowset *want, const bool *prepared, bool *ret_small)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; i < want->count && err == ERR_NONE; i++) {
        struct query *q = &want->queries[i];
        PGresult *r = NULL;
        if (q->loaded)
            continue;
        err = postgres_received(s, q->statement, prepared[i], &r);
        if (err == ERR_NONE && postgres_rows(s, q, r, want->arena) != ERR_NONE)
            *ret_small = true;
        PQclear(r);
    }
    return err;
}

static enum err load_once(struct postgres_store *s, struct rowset *const *wants, size_t count, bool *ret_small)
{
    bool (*prepared)[ROWSET_QUERIES_MAX] = calloc(count, sizeof *prepared);
    enum err err = prepared ? postgres_pipeline(s) : ERR_NO_MEMORY;
    if (err != ERR_NONE) {
        free(prepared);
        return err;
    }
    for (size_t i = 0; i < count && err == ERR_NONE; i++)
        err = send_queries(s, wants[i], prepared[i]);
    enum err sync = postgres_sync(s);
    err = err == ERR_NONE ? sync : err;
    for (size_t i = 0; i < count && err == ERR_NONE; i++)
        err = take_answers(s, wants[i], prepared[i], ret_small);
    postgres_pipeline_end(s);
    free(prepared);
    return err;
}

/* Outside a batch a question may be asked once more, on a new connection. */
static enum err load_all(struct postgres_store *s, struct rowset *const *wants, size_t count, bool *ret_small)
{
    if (s->in_batch)
        return s->conn ? load_once(s, wants, count, ret_small) : ERR_CLOSED;
    enum err err = postgres_ready(s);
    if (err == ERR_NONE)
        err = load_once(s, wants, count, ret_small);
    if (err == ERR_CLOSED && !s->conn && (err = postgres_ready(s)) == ERR_NONE)
        err = load_once(s, wants, count, ret_small);
    return err;
}

static void store_load(struct store *seam, struct rowset *want, store_done *done, void *context)
{
    bool small = false;
    enum err err = load_all((struct postgres_store *)seam, &want, 1, &small);
    done(context, err == ERR_NONE && small ? ERR_NO_SPACE : err);
}

static void node_load_all(struct store *seam, struct rowset *const *wants, size_t count, store_done *done, void *context)
{
    bool small = false;
    done(context, load_all((struct postgres_store *)seam, wants, count, &small));
}

/* ---- commit */

static enum err check_touched(struct postgres_store *s, const struct write *w, PGresult *r)
{
    if (w->expect_rows < 0 || strtol(PQcmdTuples(r), NULL, 10) == w->expect_rows)
        return ERR_NONE;
    if (w->statement == &POSTGRES_FENCE)
        postgres_revive(s);
    postgres_say(s, w->statement->name, "touched another number of rows than expected");
    return ERR_CONFLICT;
}

/* The node's own row is written last: it is locked for the shortest time. */
static enum err write_all(struct postgres_store *s, const struct write *writes, size_t count, bool *prepared)
{
    const struct value own[] = { value_int(s->nodes.number), value_int(s->batch + 1) };
    const struct write fence = { .statement = &POSTGRES_FENCE, .params = own, .param_count = 2, .expect_rows = 1 };
    size_t all = count + (s->name != NULL), sent = 0;
    enum err err = ERR_NONE;
    for (; sent < all && err == ERR_NONE; sent++) {
        const struct write *w = sent < count ? &writes[sent] : &fence;
        err = postgres_send(s, w->statement, w->params, w->param_count, &prepared[sent]);
    }
    enum err sync = postgres_sync(s);
    err = err == ERR_NONE ? sync : err;
    for (size_t i = 0; i < sent && err == ERR_NONE; i++) {
        const struct write *w = i < count ? &writes[i] : &fence;
        PGresult *r = NULL;
        err = postgres_received(s, w->statement, prepared[i], &r);
        if (err == ERR_NONE)
            err = check_touched(s, w, r);
        PQclear(r);
    }
    return err;
}

/* Once COMMIT is on its way, all but a clear word means that nobody knows: ERR_IO, and then settle. */
static enum err commit_end(struct postgres_store *s, bool batch)
{
    s->batch++;
    enum err err = postgres_commit(s);
    s->in_batch = false;
    if (err == ERR_NONE || err == ERR_CONFLICT || err == ERR_NO_SPACE)
        return err;
    s->unsettled = batch;
    return ERR_IO;
}

/* Nothing was begun on a connection that turns out to be dead: it is made anew, unless a batch was. */
static enum err begin(struct postgres_store *s)
{
    if (s->in_batch)
        return s->conn ? ERR_NONE : ERR_CLOSED;
    enum err err = postgres_ready(s);
    if (err == ERR_NONE)
        err = postgres_run(s, "BEGIN");
    if (err == ERR_CLOSED && !s->conn && (err = postgres_ready(s)) == ERR_NONE)
        err = postgres_run(s, "BEGIN");
    return err;
}

static enum err commit_once(struct postgres_store *s, const struct write *writes, size_t count)
{
    bool *prepared = calloc(count + 1, sizeof *prepared), batch = s->in_batch;
    enum err err = prepared ? begin(s) : ERR_NO_MEMORY;
    s->in_batch |= err == ERR_NONE;
    if (err == ERR_NONE)
        err = postgres_pipeline(s);
    if (err == ERR_NONE) {
        err = write_all(s, writes, count, prepared);
        postgres_pipeline_end(s);
    }
    free(prepared);
    if (err == ERR_NONE && !s->conn)
        err = ERR_CLOSED;
    return err == ERR_NONE ? commit_end(s, batch) : err;
}

/* As long as nobody knows what became of a batch, its number must stay the last one. */
static void store_commit(struct store *seam, const struct write *writes, size_t count, store_done *done, void *context)
{
    struct postgres_store *s = (struct postgres_store *)seam;
    enum err err = s->unsettled ? ERR_CLOSED : count ? commit_once(s, writes, count) : ERR_NONE;
    batch_end(s);
    done(context, err);
}

/* ---- life */

/* Each of the hosts may be the first; and a predecessor's connection may not be gone yet. */
static enum err open_connection(struct postgres_store *s)
{
    enum err err = postgres_connect(s);
    for (unsigned i = 1; (err == ERR_CLOSED && i < s->hosts) || (err == ERR_BUSY && i < OPEN_TRIES); i++) {
        usleep(POSTGRES_RETRY_MS * 1000u);
        err = postgres_connect(s);
    }
    return err;
}

static enum err open_all(struct postgres_store *s, const struct postgres_options *o)
{
    s->conninfo = strdup(o->conninfo);
    s->name = o->node ? strdup(o->node) : NULL;
    s->known = o->migration_count;
    if (!s->conninfo || (o->node && !s->name))
        return ERR_NO_MEMORY;
    enum err err = open_connection(s);
    if (err == ERR_NONE && o->node)
        err = postgres_migrate(s, o->migrations, o->migration_count);
    if (err == ERR_NONE && !o->node)
        err = postgres_fits(s, o->migration_count);
    if (err == ERR_NONE && o->node)
        err = postgres_register(s);
    return err;
}

struct postgres_store *postgres_store_open(const struct postgres_options *options, enum err *ret_err, char *detail)
{
    char why[SQLITE_DETAIL_MAX];
    if (!libpq_load(detail ? detail : why, SQLITE_DETAIL_MAX)) {
        *ret_err = ERR_UNSUPPORTED;
        return NULL;
    }
    struct postgres_store *s = calloc(1, sizeof *s);
    *ret_err = s ? open_all(s, options) : ERR_NO_MEMORY;
    if (*ret_err != ERR_NONE) {
        if (detail && s)
            memcpy(detail, s->detail, sizeof s->detail);
        postgres_store_close(s);
        return NULL;
    }
    s->seam = (struct store){ .load = store_load, .commit = store_commit, .nodes = options->node ? &s->nodes : NULL };
    s->nodes.claim = node_claim;
    s->nodes.load_all = node_load_all;
    s->nodes.release = node_release;
    postgres_node_init(s);
    return s;
}

void postgres_store_close(struct postgres_store *s)
{
    if (!s)
        return;
    postgres_connect_stop(s);
    postgres_drop(s);
    if (s->conninfo)
        wipe(s->conninfo, strlen(s->conninfo)); /* may hold a password */
    free(s->conninfo);
    free(s->name);
    free(s);
}

struct store *postgres_store_seam(struct postgres_store *store) { return &store->seam; }
const char *postgres_store_detail(const struct postgres_store *store) { return store->detail; }
