#include "undelivered.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/codec/datetime.h"

#define LIST_RAM_MAX (4u << 20)

const char UNDELIVERED_SCHEMA[] =
    "CREATE TABLE undelivered (n INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, line TEXT NOT NULL, kind INTEGER NOT NULL,"
    " ref TEXT NOT NULL, destination TEXT, body BLOB, attempt INTEGER NOT NULL);"
    "CREATE INDEX undelivered_at ON undelivered (at_ms);";

const struct statement UNDELIVERED_BURY = {
    "undelivered-bury",
    "INSERT INTO undelivered (n, at_ms, line, kind, ref, destination, body, attempt)"
    " SELECT (SELECT COALESCE(MAX(n),0)+1 FROM undelivered), ?2, line, kind, ref, destination, body, attempt FROM outbox"
    " WHERE id=?1 AND (ref LIKE '%/response/%' OR ref LIKE '%/notification/%')",
    "INSERT INTO undelivered (n, at_ms, line, kind, ref, destination, body, attempt)"
    " SELECT (SELECT COALESCE(MAX(n),0)+1 FROM undelivered), $2::bigint, line, kind, ref, destination, body, attempt FROM outbox"
    " WHERE id=$1 AND (ref LIKE '%/response/%' OR ref LIKE '%/notification/%')"
};
static const struct statement PRUNE = { "undelivered-prune", "DELETE FROM undelivered WHERE at_ms<?1", NULL };
static const struct statement LIST = {
    "undelivered-list",
    "SELECT n, line, ref, destination, at_ms, attempt FROM undelivered WHERE n>?1 ORDER BY n LIMIT 200", NULL
};
static const struct statement OUTBOX = {
    "outbox-list",
    "SELECT id, line, ref, destination, due_ms, attempt, give_up_ms FROM outbox WHERE id>?1 ORDER BY id LIMIT 200", NULL
};
/* Its number, negative, is its place in the outbox: the engine draws positive ones. */
static const struct statement RETRY = {
    "undelivered-retry",
    "INSERT INTO outbox (id, line, kind, ref, destination, body, due_ms, give_up_ms, attempt, leased, wants_answer)"
    " SELECT -n, line, kind, ref, destination, body, ?2, ?3, 0, 0, 1 FROM undelivered WHERE n=?1",
    "INSERT INTO outbox (id, line, kind, ref, destination, body, due_ms, give_up_ms, attempt, leased, wants_answer)"
    " SELECT -n, line, kind, ref, destination, body, $2::bigint, $3::bigint, 0, 0, 1 FROM undelivered WHERE n=$1"
};
static const struct statement FORGET = { "undelivered-forget", "DELETE FROM undelivered WHERE n=?1", NULL };
static const struct statement COUNTS = {
    "undelivered-counts", "SELECT (SELECT COUNT(*) FROM outbox), (SELECT COUNT(*) FROM undelivered)", NULL
};

void undelivered_prune(struct writes *w, uint64_t now_ms)
{
    WRITES_ADD(w, &PRUNE, -1, value_int((int64_t)(now_ms - UNDELIVERED_KEPT_MS)));
}

static void note(void *context, enum err err) { *(enum err *)context = err; }

static bool number_of(struct span text, int64_t *ret)
{
    char digits[20], *end;
    snprintf(digits, sizeof digits, "%.*s", (int)text.len, (const char *)text.ptr);
    *ret = strtoll(digits, &end, 10);
    return text.len && text.len < sizeof digits && !*end;
}

static json_t *row_json(const struct row *row, bool outbox)
{
    char line[ENGINE_LINE_MAX + 1], ref[ENGINE_REF_MAX + 1], to[1024], at[DATETIME_TEXT_SIZE], until[DATETIME_TEXT_SIZE];
    row_text(row, 1, line, sizeof line);
    row_text(row, 2, ref, sizeof ref);
    row_text(row, 3, to, sizeof to);
    json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:I}", "id", (json_int_t)row_int(row, 0), "eid", line, "message", ref, "to", to,
                          outbox ? "due" : "given_up", datetime_text((uint64_t)row_int(row, 4), at), "attempts",
                          (json_int_t)row_int(row, 5));
    if (outbox)
        json_object_set_new(o, "until", json_string(datetime_text((uint64_t)row_int(row, 6), until)));
    return o;
}

static int list(const struct undelivered *u, const struct admin_request *r, const struct statement *statement, json_t **ret)
{
    struct arena a;
    struct span after = admin_query(r, "after");
    int64_t n = INT64_MIN;
    if (after.len && !number_of(after, &n))
        return admin_refuse(ret, 400, "after: a number");
    arena_init(&a, LIST_RAM_MAX);
    struct value from = value_int(n);
    const struct query *q = admin_load(u->env->store, &a, statement, &from, 1);
    json_t *rows = json_array();
    for (size_t i = 0; q && i < q->row_count; i++)
        json_array_append_new(rows, row_json(&q->rows[i], statement == &OUTBOX));
    *ret = json_pack("{s:o, s:b}", "messages", rows, "more", q && q->row_count == ADMIN_PAGE);
    arena_release(&a);
    return q ? 200 : admin_refuse(ret, 503, ADMIN_NO_DATABASE);
}

static int list_outbox(void *role, const struct admin_request *r, json_t **ret) { return list(role, r, &OUTBOX, ret); }
static int list_given_up(void *role, const struct admin_request *r, json_t **ret) { return list(role, r, &LIST, ret); }

static int commit(const struct undelivered *u, const struct write *writes, size_t count, json_t **ret)
{
    enum err err = ERR_BUSY;
    u->env->store->commit(u->env->store, writes, count, note, &err);
    if (err == ERR_CONFLICT)
        return admin_refuse(ret, 404, "there is no such message");
    return err == ERR_NONE ? 200 : admin_refuse(ret, 503, "the database does not take it");
}

static int retry(void *role, const struct admin_request *r, json_t **ret)
{
    const struct undelivered *u = role;
    int64_t n;
    uint64_t now = u->env->clock->now_ms(u->env->clock);
    if (!number_of(r->parts[0], &n))
        return admin_refuse(ret, 400, "a number");
    struct value params[] = { value_int(n), value_int((int64_t)now), value_int((int64_t)(now + ENGINE_GIVE_UP_MS)) };
    struct write writes[] = { { .statement = &RETRY, .params = params, .param_count = 3, .expect_rows = 1 },
                              { .statement = &FORGET, .params = params, .param_count = 1, .expect_rows = 1 } };
    int status = commit(u, writes, ARRAY_LEN(writes), ret);
    if (status == 200)
        engine_look(u->engine);
    return status;
}

static int forget(void *role, const struct admin_request *r, json_t **ret)
{
    const struct undelivered *u = role;
    int64_t n;
    if (!number_of(r->parts[0], &n))
        return admin_refuse(ret, 400, "a number");
    struct value param = value_int(n);
    struct write write = { .statement = &FORGET, .params = &param, .param_count = 1, .expect_rows = 1 };
    return commit(u, &write, 1, ret);
}

struct admin_set undelivered_routes(struct undelivered *u)
{
    static const struct admin_route routes[] = {
        { "GET", "outbox", "messages that have no answer yet", 0, list_outbox },
        { "GET", "undelivered", "answers and notifications that were given up", 0, list_given_up },
        { "POST", "undelivered/{id}/retry", "sends one once more", 0, retry },
        { "DELETE", "undelivered/{id}", "forgets one", 0, forget },
    };
    return (struct admin_set){ routes, ARRAY_LEN(routes), u };
}

void undelivered_metrics(const struct undelivered *u, struct writer *w, const char *prefix)
{
    struct arena a;
    char name[80];
    arena_init(&a, 1u << 16);
    const struct query *q = admin_load(u->env->store, &a, &COUNTS, NULL, 0);
    struct engine_counts e = engine_counts(u->engine);
    snprintf(name, sizeof name, "%s_outbox_messages", prefix);
    admin_metric(w, name, "gauge", "Messages that have left without an answer yet, or wait to leave.",
                 q && q->row_count ? (uint64_t)row_int(&q->rows[0], 0) : 0);
    snprintf(name, sizeof name, "%s_undelivered_messages", prefix);
    admin_metric(w, name, "gauge", "Answers and notifications that were given up and are kept.",
                 q && q->row_count ? (uint64_t)row_int(&q->rows[0], 1) : 0);
    snprintf(name, sizeof name, "%s_events_total", prefix);
    admin_metric(w, name, "counter", "Events that were worked off.", e.events);
    snprintf(name, sizeof name, "%s_commits_total", prefix);
    admin_metric(w, name, "counter", "Commits to the database.", e.commits);
    snprintf(name, sizeof name, "%s_conflicts_total", prefix);
    admin_metric(w, name, "counter", "Commits that were repeated.", e.conflicts);
    snprintf(name, sizeof name, "%s_retries_total", prefix);
    admin_metric(w, name, "counter", "Messages that were put off to be sent again.", e.retries);
    arena_release(&a);
}
