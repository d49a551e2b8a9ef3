#include "engine_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mutant.h"

const struct statement ENGINE_OUTBOX_DELETE = { "outbox-delete", "DELETE FROM outbox WHERE id=?1 AND leased=?2", NULL };
const struct statement ENGINE_TIMER_SET = {
    "timer-set",
    "INSERT INTO timer (line, name, due_ms) VALUES (?1,?2,?3) ON CONFLICT (line, name) DO UPDATE SET due_ms=?3", NULL
};
static const struct statement TIMER_CLEAR = { "timer-clear", "DELETE FROM timer WHERE line=?1 AND name=?2", NULL };
static const struct statement OUTBOX_ADD = {
    "outbox-add",
    "INSERT INTO outbox (id, line, kind, ref, destination, body, due_ms, give_up_ms, attempt, leased, wants_answer)"
    " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)", NULL
};
static const struct statement OUTBOX_CANCEL = { "outbox-cancel", "DELETE FROM outbox WHERE line=?1 AND ref=?2", NULL };
static const struct statement OUTBOX_LATER = {
    "outbox-later", "UPDATE outbox SET due_ms=?2, attempt=?3, leased=0 WHERE id=?1 AND leased=?4", NULL
};
/* What is on its way is leased: due again when it has no result by then. */
static const struct statement OUTBOX_LEASE = { "outbox-lease", "UPDATE outbox SET due_ms=?2, leased=1 WHERE id=?1", NULL };
static const struct statement OUTBOX_FREE_LEASES = {
    "outbox-free-leases", "UPDATE outbox SET due_ms=0, leased=0 WHERE leased<>0", NULL
};
static const struct statement OUTBOX_FORGET = { "outbox-free-leases", "DELETE FROM outbox WHERE leased<>0", NULL }; /* a mutant's */
static const struct statement TIMERS_FORGET = { "outbox-free-leases", "DELETE FROM timer", NULL };                  /* a mutant's */
static const struct statement OUTBOX_DUE = {
    "outbox-due",
    "SELECT id, line, kind, ref, destination, body, due_ms, give_up_ms, attempt, wants_answer FROM outbox"
    " WHERE due_ms<=?1 ORDER BY due_ms, id LIMIT 200", NULL
};
static const struct statement TIMER_DUE = {
    "timer-due", "SELECT line, name, due_ms FROM timer WHERE due_ms<=?1 ORDER BY due_ms LIMIT 200", NULL
};
static const struct statement NEXT_WAKE = {
    "next-wake",
    "SELECT (SELECT MIN(due_ms) FROM timer), (SELECT MIN(due_ms) FROM outbox), (SELECT MAX(id) FROM outbox)", NULL
};

void writes_add(struct writes *w, const struct statement *statement, int expect_rows, const struct value *params,
                size_t param_count)
{
    if (w->count == ENGINE_WRITES_MAX || param_count > STORE_PARAMS_MAX)
        w->err = ERR_NO_SPACE;
    if (w->err != ERR_NONE)
        return;
    const struct value *copy = values_copy(w->arena, params, param_count);
    if (param_count && !copy) {
        w->err = ERR_NO_SPACE;
        return;
    }
    w->list[w->count++] =
        (struct write){ .statement = statement, .params = copy, .param_count = param_count,
                        .expect_rows = MUTANT(no_line) || MUTANT(takes_lines_of_others) ? -1 : expect_rows };
}

void timer_set(struct writes *w, const char *line, const char *name, uint64_t due_ms)
{
    WRITES_ADD(w, &ENGINE_TIMER_SET, -1, value_text(line), value_text(name), value_int((int64_t)due_ms));
}

void timer_clear(struct writes *w, const char *line, const char *name)
{
    WRITES_ADD(w, &TIMER_CLEAR, -1, value_text(line), value_text(name));
}

static struct effect *outbox_add(struct outbox *out, const struct effect *effect)
{
    if (out->count == ENGINE_EFFECTS_MAX) {
        out->err = ERR_NO_SPACE;
        return NULL;
    }
    struct effect *e = &out->list[out->count];
    *e = *effect;
    e->body = arena_copy(out->arena, effect->body);
    e->to = effect->to ? arena_text(out->arena, span_text(effect->to)) : NULL;
    if ((effect->body.len && !e->body.ptr) || (effect->to && !e->to)) {
        out->err = ERR_NO_SPACE;
        return NULL;
    }
    out->count++;
    return e;
}

void engine_outbox_write(struct outbox *out, const struct effect *e, int64_t id, int64_t leased, uint64_t due_ms)
{
    WRITES_ADD(out->writes, &OUTBOX_ADD, 1, value_int(id), value_text(e->line), value_int(e->kind), value_text(e->ref),
               value_text(e->to), value_blob(e->body), value_int((int64_t)due_ms), value_int((int64_t)e->give_up_ms),
               value_int(e->attempt), value_int(leased), value_int(e->wants));
}

int64_t outbox_post(struct outbox *out, const struct effect *effect)
{
    struct effect *e = outbox_add(out, effect);
    if (!e)
        return 0;
    e->id = out->next_id++;
    if (e->due_ms < out->now_ms)
        e->due_ms = out->now_ms;
    if (!e->give_up_ms)
        e->give_up_ms = out->now_ms + ENGINE_GIVE_UP_MS;
    bool leased = e->due_ms <= out->now_ms;
    engine_outbox_write(out, e, e->id, leased ? out->node : 0, leased ? out->now_ms + ENGINE_LEASE_MS : e->due_ms);
    return e->id;
}

void outbox_reply(struct outbox *out, struct reply_ref reply, int status, struct span body)
{
    if (reply_ref_is_none(reply))
        return;
    if (out->nodes && reply.home && reply.home != (uint32_t)out->node)
        engine_reply_elsewhere(out, reply, status, body);
    else
        outbox_add(out, &(struct effect){ .kind = EFFECT_REPLY, .reply = reply, .status = status, .body = body });
}

void outbox_cancel(struct outbox *out, const char *line, const char *ref)
{
    WRITES_ADD(out->writes, &OUTBOX_CANCEL, -1, value_text(line), value_text(ref));
}

bool engine_flight_add(struct engine *e, const struct effect *effect)
{
    if (e->flight_count == e->flight_cap) {
        size_t cap = e->flight_cap ? 2 * e->flight_cap : 64;
        struct flight *grown = realloc(e->flights, cap * sizeof *grown);
        if (!grown)
            return false; /* the lease runs out and it is taken up again */
        e->flights = grown;
        e->flight_cap = cap;
    }
    for (size_t i = 0; i < e->flight_count; i++)
        if (e->flights[i].id == effect->id)
            return false;
    struct flight *f = &e->flights[e->flight_count++];
    *f = (struct flight){ .id = effect->id, .kind = effect->kind, .attempt = effect->attempt,
                          .give_up_ms = effect->give_up_ms, .wants = effect->wants };
    memcpy(f->line, effect->line, sizeof f->line);
    memcpy(f->ref, effect->ref, sizeof f->ref);
    return true;
}

static bool flight_take(struct engine *e, int64_t id, struct flight *ret)
{
    for (size_t i = 0; i < e->flight_count; i++)
        if (e->flights[i].id == id) {
            *ret = e->flights[i];
            e->flights[i] = e->flights[--e->flight_count];
            return true;
        }
    return false;
}

void engine_wake_at(struct engine *e, uint64_t at_ms)
{
    if (at_ms < e->next_wake_ms)
        e->next_wake_ms = at_ms;
}

void engine_look(struct engine *e)
{
    struct clock *clock = e->config.env.clock;
    engine_wake_at(e, clock->now_ms(clock));
    clock->wake_at(clock, e->next_wake_ms);
}

static uint64_t retry_pause(const struct engine *e, const struct effect *effect)
{
    static const uint64_t pauses_s[] = { 5, 30, 120, 600, 3600 };
    if (e->config.retry_after_ms)
        return e->config.retry_after_ms(e->config.role, effect);
    size_t i = effect->attempt < ARRAY_LEN(pauses_s) ? effect->attempt : ARRAY_LEN(pauses_s) - 1;
    return pauses_s[i] * 1000;
}

static void note(void *context, enum err err) { *(enum err *)context = err; }

void engine_pause(struct engine *e)
{
    e->paused_until_ms = e->config.env.clock->now_ms(e->config.env.clock) +
                         (e->nodes ? ENGINE_AWAY_PAUSE_MS : ENGINE_STORE_PAUSE_MS);
}

bool engine_paused(const struct engine *e)
{
    uint64_t now = e->config.env.clock->now_ms(e->config.env.clock);
    return now < e->paused_until_ms && e->paused_until_ms <= now + ENGINE_STORE_PAUSE_MS; /* the clock may go back */
}

static void own_write(struct engine *e, const struct statement *statement, const struct value *params, size_t count)
{
    if (e->own_count == ENGINE_OWN_MAX)
        engine_own_flush(e);
    if (!e->own_count) {
        e->own_due_ms = e->config.env.clock->now_ms(e->config.env.clock) + ENGINE_OWN_MS;
        e->config.env.clock->wake_at(e->config.env.clock, e->own_due_ms);
    }
    struct own_write *own = &e->own[e->own_count++];
    own->statement = statement;
    own->count = count;
    memcpy(own->params, params, count * sizeof *params);
}
#define OWN_WRITE(e, statement, ...)                                                                                  \
    own_write((e), (statement), (const struct value[]){ __VA_ARGS__ },                                               \
              sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value))

static void post_result(struct engine *e, const struct flight *f, uint16_t kind, int status, struct span answer)
{
    struct event *event = engine_event(e, kind, f->line);
    if (!event)
        return; /* the row stays and is taken up when its lease is over */
    event->effect_id = f->id;
    event->effect_kind = f->kind;
    event->status = status;
    event->body = arena_copy(event->arena, answer);
    memcpy(event->name, f->ref, sizeof event->name);
    enum err err = engine_post(e, event);
    if (err != ERR_NONE)
        log_fact(e->config.env.log, LOG_WARN_, f->line, "the result of an effect finds no place: %s", err_text(err));
}

static void try_later(struct engine *e, const struct flight *f, int status, struct span answer)
{
    uint64_t now = e->config.env.clock->now_ms(e->config.env.clock);
    struct effect effect = { .id = f->id, .kind = f->kind, .attempt = f->attempt };
    memcpy(effect.line, f->line, sizeof effect.line);
    uint64_t due = now + retry_pause(e, &effect);
    if (due >= f->give_up_ms) {
        log_fact(e->config.env.log, LOG_WARN_, f->line, "given up: %s", f->ref);
        post_result(e, f, EVENT_UNDELIVERED, status, answer);
        return;
    }
    e->counts.retries++;
    OWN_WRITE(e, &OUTBOX_LATER, value_int(f->id), value_int((int64_t)due), value_int(f->attempt + 1), value_int(e->node));
    engine_wake_at(e, due);
    e->config.env.clock->wake_at(e->config.env.clock, e->next_wake_ms);
}

void engine_forget(struct engine *e, int64_t effect_id)
{
    struct flight f;
    (void)!flight_take(e, effect_id, &f);
}

void engine_tried(struct engine *e, int64_t effect_id, uint32_t attempt)
{
    static const struct statement tried = { "outbox-tried", "UPDATE outbox SET attempt=?2 WHERE id=?1 AND leased=?3", NULL };
    OWN_WRITE(e, &tried, value_int(effect_id), value_int(attempt), value_int(e->node));
}

static bool is_news(const struct flight *f, struct span answer)
{
    return f->wants == EFFECT_WANTS_ANSWER || (f->wants == EFFECT_WANTS_CONTENT && answer.len);
}

void engine_result(struct engine *e, int64_t effect_id, enum effect_result result, int status, struct span answer)
{
    struct flight f;
    if (!effect_id || !flight_take(e, effect_id, &f))
        return;
    if (result == EFFECT_FAILED && !MUTANT(tries_once))
        try_later(e, &f, status, answer);
    else if (result == EFFECT_REFUSED_ || is_news(&f, answer))
        post_result(e, &f, result == EFFECT_SENT ? EVENT_DELIVERED : EVENT_UNDELIVERED, status, answer);
    else
        OWN_WRITE(e, &ENGINE_OUTBOX_DELETE, value_int(effect_id), value_int(e->node));
}

static bool load_one(struct engine *e, struct rowset *rows, const struct statement *statement, const struct value *params,
                     size_t count)
{
    enum err err = ERR_BUSY;
    rowset_want(rows, statement, params, count);
    e->config.env.store->load(e->config.env.store, rows, note, &err);
    if (err != ERR_NONE)
        log_fact(e->config.env.log, LOG_ERROR_, NULL, "%s: %s", statement->name, err_text(err));
    return err == ERR_NONE;
}

void engine_fire_timers(struct engine *e, const struct query *q)
{
    for (size_t i = 0; i < q->row_count; i++) {
        char line[ENGINE_LINE_MAX + 1];
        row_text(&q->rows[i], 0, line, sizeof line);
        struct event *event = engine_event(e, EVENT_TIMER, line);
        if (!event || MUTANT(timers_stand_still))
            return;
        row_text(&q->rows[i], 1, event->name, sizeof event->name);
        if (engine_post(e, event) != ERR_NONE)
            return; /* the row stays: it fires at the next wake-up */
    }
}

/* All leases first, in one commit: who takes an effect up says so before it leaves. Without it, it would leave again and
 * again. */
static enum err lease_due(struct engine *e, const struct query *q, uint64_t now)
{
    for (size_t i = 0; i < q->row_count; i++)
        OWN_WRITE(e, &OUTBOX_LEASE, value_int(row_int(&q->rows[i], 0)), value_int((int64_t)(now + ENGINE_LEASE_MS)));
    return engine_own_flush(e);
}

/* They are leased to us. */
void engine_send_due(struct engine *e, const struct query *q)
{
    for (size_t i = 0; i < q->row_count; i++) {
        const struct row *row = &q->rows[i];
        char to[1024];
        struct effect effect = { .id = row_int(row, 0), .kind = (uint16_t)row_int(row, 2), .body = row_bytes(row, 5),
                                 .due_ms = (uint64_t)row_int(row, 6), .give_up_ms = (uint64_t)row_int(row, 7),
                                 .attempt = (uint32_t)row_int(row, 8), .wants = (enum effect_wants)row_int(row, 9) };
        row_text(row, 1, effect.line, sizeof effect.line);
        row_text(row, 3, effect.ref, sizeof effect.ref);
        row_text(row, 4, to, sizeof to);
        effect.to = to;
        if (effect.kind == EFFECT_REPLY) {
            OWN_WRITE(e, &ENGINE_OUTBOX_DELETE, value_int(effect.id), value_int(e->node));
            engine_reply_taken(e, &effect);
            continue;
        }
        if (!engine_flight_add(e, &effect))
            continue; /* still on its way: only the lease was renewed */
        e->counts.effects++;
        e->config.env.net->send(e->config.env.net, &effect);
    }
}

void engine_learn_next_wake(struct engine *e, const struct query *q)
{
    e->next_wake_ms = UINT64_MAX;
    for (size_t i = 0; q->row_count && i < 2; i++)
        if (q->rows[0].columns[i].type == VALUE_INT)
            engine_wake_at(e, (uint64_t)row_int(&q->rows[0], i));
    if (!e->nodes && q->row_count && row_int(&q->rows[0], 2) >= e->next_id)
        e->next_id = row_int(&q->rows[0], 2) + 1;
}

static void take_up(struct engine *e, const struct query *q, uint64_t now)
{
    if (lease_due(e, q, now) == ERR_NONE)
        engine_send_due(e, q);
    else
        engine_pause(e);
}

/* Takes up timers and effects whose time has come, when it has. A timer whose event waits in the queue would fire
 * again at the next call: so this runs only when the queue is empty. */
void engine_load_due(struct engine *e)
{
    if (e->nodes) {
        engine_claim_due(e);
        return;
    }
    uint64_t now = e->config.env.clock->now_ms(e->config.env.clock);
    if (e->head || now < e->next_wake_ms || engine_paused(e))
        return;
    e->next_wake_ms = now + ENGINE_STORE_PAUSE_MS; /* should the store not answer */
    engine_own_flush(e); /* what has left, and what is for later, must not be found */
    struct arena arena;
    arena_init(&arena, ENGINE_EVENT_ARENA_MAX);
    struct rowset *rows = ARENA_NEW(&arena, struct rowset);
    if (rows) {
        struct value at = value_int((int64_t)now);
        *rows = (struct rowset){ .arena = &arena };
        if (load_one(e, rows, &TIMER_DUE, &at, 1))
            engine_fire_timers(e, rowset_find(rows, &TIMER_DUE));
        if (load_one(e, rows, &OUTBOX_DUE, &at, 1))
            take_up(e, rowset_find(rows, &OUTBOX_DUE), now);
        if (load_one(e, rows, &NEXT_WAKE, NULL, 0))
            engine_learn_next_wake(e, rowset_find(rows, &NEXT_WAKE));
    }
    arena_release(&arena);
}

enum err engine_start(struct engine *e)
{
    if (e->nodes)
        return engine_nodes_start(e);
    const struct statement *first = MUTANT(start_forgets_what_left)  ? &OUTBOX_FORGET
                                    : MUTANT(start_forgets_timers) ? &TIMERS_FORGET
                                                                   : &OUTBOX_FREE_LEASES;
    struct write write = { .statement = first, .expect_rows = -1 };
    enum err err = ERR_BUSY;
    e->config.env.store->commit(e->config.env.store, &write, 1, note, &err);
    if (err != ERR_NONE)
        return err;
    struct arena arena;
    arena_init(&arena, ENGINE_EVENT_ARENA_MAX);
    struct rowset *rows = ARENA_NEW(&arena, struct rowset);
    err = rows ? ERR_NONE : ERR_NO_MEMORY;
    if (rows) {
        *rows = (struct rowset){ .arena = &arena };
        if (load_one(e, rows, &NEXT_WAKE, NULL, 0))
            engine_learn_next_wake(e, rowset_find(rows, &NEXT_WAKE));
        else
            err = ERR_IO;
    }
    arena_release(&arena);
    if (err == ERR_NONE && e->next_wake_ms != UINT64_MAX)
        e->config.env.clock->wake_at(e->config.env.clock, e->next_wake_ms);
    return err;
}
