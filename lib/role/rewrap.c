#include "rewrap.h"

#include <jansson.h>
#include <stdio.h>

#include "lib/codec/datetime.h"

#define PAUSE_MS     10u         /* between two pages: others have work too */
#define SETTLE_MS    (2u * 1000) /* before the next walk: what was read before the last one is written by then */
#define ELSEWHERE_MS (10u * 1000)

const char REWRAP_SCHEMA[] =
    "CREATE TABLE rewrap (one INTEGER PRIMARY KEY, to_id INTEGER NOT NULL, from_id INTEGER NOT NULL, walk INTEGER NOT "
    "NULL,"
    " place INTEGER NOT NULL, after_text TEXT NOT NULL, after_number INTEGER NOT NULL, total INTEGER NOT NULL,"
    " seen INTEGER NOT NULL, changed INTEGER NOT NULL, changed_before INTEGER NOT NULL, unreadable INTEGER NOT NULL,"
    " began_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL);";

static const struct statement LOAD = { "rewrap-load",
                                       "SELECT to_id, from_id, walk, place, after_text, after_number, total, seen, "
                                       "changed, changed_before, unreadable, began_ms,"
                                       " ended_ms FROM rewrap WHERE one=1",
                                       NULL };
static const struct statement SAVE = {
    "rewrap-save",
    "INSERT INTO rewrap (one, to_id, from_id, walk, place, after_text, after_number, total, seen, changed, "
    "changed_before,"
    " unreadable, began_ms, ended_ms) VALUES (1,?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13) ON CONFLICT (one) DO "
    "UPDATE SET"
    " to_id=?1, from_id=?2, walk=?3, place=?4, after_text=?5, after_number=?6, total=?7, seen=?8, changed=?9,"
    " changed_before=?10, unreadable=?11, began_ms=?12, ended_ms=?13"
    " WHERE rewrap.walk=?14 AND rewrap.place=?15 AND rewrap.seen=?16 AND rewrap.began_ms=?17",
    NULL
};

/* Where the move is. */
struct move {
    bool known;                      /* there was one */
    uint32_t to, from;               /* ids of master keys; from 0: not known */
    int64_t walk, place;             /* which walk, in which table */
    char after[ENGINE_LINE_MAX + 1]; /* the last row of it that was looked at */
    int64_t after_number;
    int64_t total, seen;             /* rows of this walk */
    int64_t changed, changed_before; /* by this walk, by those before it */
    int64_t unreadable;              /* rows of this walk that no key opens */
    uint64_t began_ms, ended_ms;     /* ended_ms 0: it goes on */
};

static struct move move_read(const struct query *q)
{
    struct move m = { .known = q->row_count > 0 };
    if (!m.known)
        return m;
    const struct row *row = &q->rows[0];
    m.to = (uint32_t)row_int(row, 0);
    m.from = (uint32_t)row_int(row, 1);
    m.walk = row_int(row, 2);
    m.place = row_int(row, 3);
    row_text(row, 4, m.after, sizeof m.after);
    m.after_number = row_int(row, 5);
    m.total = row_int(row, 6);
    m.seen = row_int(row, 7);
    m.changed = row_int(row, 8);
    m.changed_before = row_int(row, 9);
    m.unreadable = row_int(row, 10);
    m.began_ms = (uint64_t)row_int(row, 11);
    m.ended_ms = (uint64_t)row_int(row, 12);
    return m;
}

/* Where it is still as it was read: of two servers at it one begins anew with what the other has done. */
static void move_save(struct writes *w, const struct move *m, const struct move *read)
{
    WRITES_ADD(w, &SAVE, 1, value_int(m->to), value_int(m->from), value_int(m->walk), value_int(m->place),
               value_text(m->after), value_int(m->after_number), value_int(m->total), value_int(m->seen),
               value_int(m->changed), value_int(m->changed_before), value_int(m->unreadable),
               value_int((int64_t)m->began_ms), value_int((int64_t)m->ended_ms), value_int(read->walk),
               value_int(read->place), value_int(read->seen), value_int((int64_t)read->began_ms));
}

static bool runs(const struct move *m) { return m->known && !m->ended_ms; }

/* ---- the walk */

static void to_start(struct move *m)
{
    m->place = m->after_number = m->seen = m->changed = m->unreadable = 0;
    m->after[0] = '\0';
}

static enum verdict begin(const struct rewrap *r, struct rowset *rows, const struct event *event, struct writes *w,
                          const struct move *before)
{
    struct move m = { .to = r->env->keys->master_id(r->env->keys), .walk = 1, .began_ms = event->now_ms };
    m.from = before->known && before->to != m.to ? before->to : runs(before) ? before->from : 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct query *q = rowset_want(rows, r->tables[i].count, NULL, 0);
        if (!q || !q->loaded)
            return STEP_NEED_ROWS;
        m.total += q->row_count ? row_int(&q->rows[0], 0) : 0;
    }
    if (m.total)
        log_fact(r->env->log, LOG_INFO_, NULL, "%lld secrets are wrapped under master key %08X, where they are not yet",
                 (long long)m.total, m.to);
    move_save(w, &m, before);
    timer_set(w, "", REWRAP_TIMER, event->now_ms + PAUSE_MS);
    return STEP_DONE;
}

static void rewrap_row(const struct rewrap *r, const struct rewrap_table *table, const struct row *row,
                       struct writes *w, struct move *m)
{
    char aad[REWRAP_AAD_MAX];
    struct span old = row_bytes(row, 2);
    uint8_t *out = arena_alloc(w->arena, old.len + 1);
    bool changed = false;
    row_text(row, 0, m->after, sizeof m->after);
    m->after_number = row_int(row, 1);
    m->seen++;
    enum err err =
        out ? r->env->keys->rewrap(r->env->keys, table->aad(m->after, m->after_number, aad), old, out, &changed)
            : ERR_NO_SPACE;
    if (err == ERR_NO_SPACE)
        w->err = err;
    else if (err != ERR_NONE) {
        m->unreadable++;
        log_fact(r->env->log, LOG_ERROR_, m->after, "the %s cannot be opened with any master key: %s", table->name,
                 err_text(err));
    }
    if (err != ERR_NONE || !changed)
        return;
    m->changed++;
    WRITES_ADD(w, table->put, -1, row->columns[0], value_int(m->after_number),
               value_blob((struct span){ out, old.len }), value_blob(old));
}

/* The end of a walk: of the move, when nothing was left to do. */
static uint64_t walk_ended(const struct rewrap *r, const struct event *event, struct move *m)
{
    if (m->changed) {
        m->changed_before += m->changed;
        m->walk++;
        to_start(m);
        return event->now_ms + SETTLE_MS;
    }
    m->ended_ms = event->now_ms;
    if (m->changed_before || m->unreadable)
        log_fact(r->env->log, LOG_INFO_, NULL,
                 "all secrets are under master key %08X: %lld moved, %lld of %lld unreadable", m->to,
                 (long long)m->changed_before, (long long)m->unreadable, (long long)m->seen);
    return 0;
}

static enum verdict page(const struct rewrap *r, struct rowset *rows, const struct event *event, struct writes *w,
                         struct move *m)
{
    const struct rewrap_table *table = &r->tables[m->place];
    const struct query *q = ROWSET_WANT(rows, table->page, value_text(m->after), value_int(m->after_number));
    uint64_t next_ms = event->now_ms + PAUSE_MS;
    const struct move before = *m;
    if (!q || !q->loaded)
        return STEP_NEED_ROWS;
    for (size_t i = 0; i < q->row_count; i++)
        rewrap_row(r, table, &q->rows[i], w, m);
    if (!q->row_count) {
        m->place++;
        m->after[0] = '\0';
        m->after_number = 0;
        if ((size_t)m->place == r->count)
            next_ms = walk_ended(r, event, m);
    }
    move_save(w, m, &before);
    if (next_ms)
        timer_set(w, "", REWRAP_TIMER, next_ms);
    return STEP_DONE;
}

bool rewrap_is_for(const struct event *event)
{
    return event->kind == EVENT_TIMER && (!strcmp(event->name, REWRAP_TIMER) || !strcmp(event->name, REWRAP_AGAIN));
}

enum verdict rewrap_step(const struct rewrap *r, struct rowset *rows, const struct event *event, struct writes *w)
{
    const struct query *q = rowset_want(rows, &LOAD, NULL, 0);
    if (!q || !q->loaded)
        return STEP_NEED_ROWS;
    struct move m = move_read(q);
    bool ours = m.known && m.to == r->env->keys->master_id(r->env->keys);
    if (!m.known || (!runs(&m) && !ours) || !strcmp(event->name, REWRAP_AGAIN))
        return begin(r, rows, event, w, &m);
    if (runs(&m) && ours && (size_t)m.place < r->count)
        return page(r, rows, event, w, &m);
    if (runs(&m) && !ours) /* another server has that key present */
        timer_set(w, "", REWRAP_TIMER, event->now_ms + ELSEWHERE_MS);
    return STEP_DONE;
}

static enum err post(const struct rewrap *r, const char *name)
{
    struct event *event = engine_event(r->engine, EVENT_TIMER, "");
    if (!event)
        return ERR_NO_MEMORY;
    snprintf(event->name, sizeof event->name, "%s", name);
    return engine_post(r->engine, event);
}

enum err rewrap_look(const struct rewrap *r) { return post(r, REWRAP_TIMER); }

/* ---- which keys must be there */

static bool move_load(struct store *store, struct move *ret)
{
    struct arena a;
    arena_init(&a, 1u << 16);
    const struct query *q = admin_load(store, &a, &LOAD, NULL, 0);
    if (q)
        *ret = move_read(q);
    arena_release(&a);
    return q != NULL;
}

enum err rewrap_check(struct store *store, struct keys *keys, char detail[REWRAP_DETAIL_MAX])
{
    struct move m;
    if (!move_load(store, &m)) {
        snprintf(detail, REWRAP_DETAIL_MAX, "the database does not say which master key its secrets are under");
        return ERR_IO;
    }
    bool has_to = !m.known || keys->master_known(keys, m.to);
    bool has_from = !runs(&m) || !m.from || keys->master_known(keys, m.from);
    if (has_to && has_from)
        return ERR_NONE;
    snprintf(detail, REWRAP_DETAIL_MAX,
             "secrets of the database are %swrapped under master key %08X: it must stay beside the others",
             has_to ? "still " : "", has_to ? m.from : m.to);
    return ERR_STATE;
}

/* ---- administration */

static const char *id_text(uint32_t id, char out[9])
{
    snprintf(out, 9, "%08X", id);
    return out;
}

static void put_time(json_t *o, const char *name, uint64_t at_ms)
{
    char text[DATETIME_TEXT_SIZE];
    if (at_ms)
        json_object_set_new(o, name, json_string(datetime_text(at_ms, text)));
}

static json_t *move_json(const struct move *m)
{
    char to[9], from[9];
    json_t *o =
        json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "to", id_text(m->to, to), "running", runs(m), "walk",
                  (json_int_t)m->walk, "secrets", (json_int_t)m->total, "looked_at", (json_int_t)m->seen, "moved",
                  (json_int_t)(m->changed + m->changed_before), "unreadable", (json_int_t)m->unreadable);
    if (m->from)
        json_object_set_new(o, "from", json_string(id_text(m->from, from)));
    put_time(o, "began", m->began_ms);
    put_time(o, "ended", m->ended_ms);
    return o;
}

static int show(void *role, const struct admin_request *request, json_t **ret)
{
    const struct rewrap *r = role;
    struct move m;
    char id[9];
    (void)request;
    if (!move_load(r->env->store, &m))
        return admin_refuse(ret, 503, ADMIN_NO_DATABASE);
    *ret = json_pack("{s:s}", "master_key", id_text(r->env->keys->master_id(r->env->keys), id));
    if (m.known)
        json_object_set_new(*ret, "move", move_json(&m));
    return 200;
}

static int again(void *role, const struct admin_request *request, json_t **ret)
{
    const struct rewrap *r = role;
    struct move m;
    (void)request;
    if (!move_load(r->env->store, &m))
        return admin_refuse(ret, 503, ADMIN_NO_DATABASE);
    uint32_t present = r->env->keys->master_id(r->env->keys);
    if (runs(&m) && m.to != present && m.from && m.from != present)
        return admin_refuse(ret, 409, "a move to another master key is under way");
    return post(r, REWRAP_AGAIN) == ERR_NONE ? 202 : admin_refuse(ret, 503, "too busy");
}

struct admin_set rewrap_routes(struct rewrap *r)
{
    static const struct admin_route routes[] = {
        { "GET", "keys", "the present master key, and how far the move of the secrets to it is", 0, show },
        { "POST", "keys/rewrap", "walks over all secrets once more", 0, again },
    };
    return (struct admin_set){ routes, ARRAY_LEN(routes), r };
}

void rewrap_metrics(const struct rewrap *r, struct writer *w, const char *prefix)
{
    struct move m = { 0 };
    char name[80];
    bool known = move_load(r->env->store, &m);
    int64_t left = m.total > m.seen ? m.total - m.seen : 0;
    snprintf(name, sizeof name, "%s_secrets_to_look_at", prefix);
    if (known)
        admin_metric(w, name, "gauge", "Secrets that may still be under an older master key; 0: the older ones may go.",
                     runs(&m) ? (uint64_t)left + 1 : 0);
    snprintf(name, sizeof name, "%s_secrets_moved", prefix);
    admin_metric(w, name, "gauge", "Secrets that the latest move has brought under the present master key.",
                 (uint64_t)(m.changed + m.changed_before));
    snprintf(name, sizeof name, "%s_secrets_unreadable", prefix);
    admin_metric(w, name, "gauge", "Secrets that no master key opens.", (uint64_t)m.unreadable);
}
