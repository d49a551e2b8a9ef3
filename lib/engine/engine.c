#include "engine_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mutant.h"

#define ENGINE_RETRIES_ON_CONFLICT 5u
#define ENGINE_RETRIES_AMONG_NODES 20u
#define ENGINE_RETRIES_WHEN_FULL   60u /* one each ENGINE_STORE_PAUSE_MS */

const char ENGINE_SCHEMA[] =
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY, line TEXT NOT NULL, kind INTEGER NOT NULL, ref TEXT NOT NULL,"
    " destination TEXT, body BLOB, due_ms INTEGER NOT NULL, give_up_ms INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " leased INTEGER NOT NULL, wants_answer INTEGER NOT NULL);"
    "CREATE INDEX outbox_due ON outbox (due_ms);"
    "CREATE INDEX outbox_ref ON outbox (line, ref);"
    "CREATE TABLE timer (line TEXT NOT NULL, name TEXT NOT NULL, due_ms INTEGER NOT NULL, PRIMARY KEY (line, name))"
    " WITHOUT ROWID;"
    "CREATE INDEX timer_due ON timer (due_ms);"
    "CREATE TABLE call (requester TEXT NOT NULL, call_id TEXT NOT NULL, line TEXT NOT NULL, state INTEGER NOT NULL,"
    " digest BLOB, context BLOB, answer BLOB, answer_status INTEGER, created_ms INTEGER NOT NULL,"
    " deadline_ms INTEGER NOT NULL, PRIMARY KEY (requester, call_id));";

enum err engine_new(const struct engine_config *config, struct engine **ret)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return ERR_NO_MEMORY;
    e->config = *config;
    e->next_wake_ms = UINT64_MAX;
    e->next_id = 1;
    engine_nodes_init(e);
    *ret = e;
    return ERR_NONE;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    if (!e->limbo)
        engine_own_flush(e);
    engine_leave(e);
    for (size_t i = 0; i < e->batch_count; i++) /* of a store that failed */
        engine_event_free(&e->batch[i]->event);
    for (struct queued *q = e->head, *next; q; q = next) {
        next = q->next;
        engine_event_free(&q->event);
    }
    for (struct queued *q = e->spare, *next; q; q = next) {
        next = q->next;
        free(q);
    }
    free(e->all);
    free(e->flights);
    free(e);
}

static struct queued *queued_new(struct engine *e)
{
    struct queued *q = e->spare;
    if (!q)
        return calloc(1, sizeof *q);
    e->spare = q->next;
    e->spare_count--;
    return q;
}

struct event *engine_event(struct engine *e, uint16_t kind, const char *line)
{
    struct queued *q = queued_new(e);
    if (!q)
        return NULL;
    memset(&q->event, 0, sizeof q->event);
    arena_init_zeroed(&q->memory, q->first, sizeof q->first, ENGINE_EVENT_ARENA_MAX);
    q->engine = e;
    q->next = NULL;
    q->conflicts = 0;
    q->writes.count = q->outbox.count = 0;
    q->event.kind = kind;
    q->event.arena = &q->memory;
    if (line)
        snprintf(q->event.line, sizeof q->event.line, "%s", line);
    return &q->event;
}

static struct queued *queued_of(struct event *event)
{
    return (struct queued *)((char *)event - offsetof(struct queued, event));
}

void engine_event_free(struct event *event)
{
    if (!event)
        return;
    struct queued *q = queued_of(event);
    struct engine *e = q->engine;
    arena_release(&q->memory);
    if (e->spare_count == ENGINE_SPARE_MAX) {
        free(q);
        return;
    }
    q->next = e->spare;
    e->spare = q;
    e->spare_count++;
}

enum err engine_post(struct engine *e, struct event *event)
{
    if (e->queue_count >= ENGINE_QUEUE_MAX) {
        engine_event_free(event);
        return ERR_BUSY;
    }
    if (!reply_ref_is_none(event->reply) && !event->reply.home)
        event->reply.home = e->home;
    engine_enqueue(e, queued_of(event));
    return ERR_NONE;
}

void engine_enqueue(struct engine *e, struct queued *q)
{
    q->line_hash = span_hash(span_text(q->event.line)); /* most lines of a batch differ: most comparisons end here */
    q->next = NULL;
    if (e->tail)
        e->tail->next = q;
    else
        e->head = q;
    e->tail = q;
    e->queue_count++;
}

void engine_requeue(struct engine *e, struct queued **list, size_t count)
{
    while (count--) {
        list[count]->next = e->head;
        e->head = list[count];
        if (!e->tail)
            e->tail = list[count];
        e->queue_count++;
    }
}

static bool line_taken(const struct engine *e, const struct queued *q)
{
    for (size_t i = 0; !MUTANT(no_line) && *q->event.line && i < e->batch_count; i++)
        if (e->batch[i]->line_hash == q->line_hash && !strcmp(e->batch[i]->event.line, q->event.line))
            return true;
    return false;
}

/* A line whose earlier event stays in the queue keeps its order: nothing of it may overtake. */
static void take_batch(struct engine *e)
{
    struct queued *kept_head = NULL, *kept_tail = NULL, *q = e->head;
    uint64_t now = e->config.env.clock->now_ms(e->config.env.clock);
    e->batch_count = 0;
    while (q && e->batch_count < ENGINE_BATCH_MAX) {
        struct queued *next = q->next;
        if (line_taken(e, q)) {
            q->next = NULL;
            if (kept_tail)
                kept_tail->next = q;
            else
                kept_head = q;
            kept_tail = q;
        } else {
            q->event.now_ms = now;
            e->batch[e->batch_count++] = q;
            e->queue_count--;
        }
        q = next;
    }
    if (kept_tail)
        kept_tail->next = q;
    e->head = kept_tail ? kept_head : q;
    if (!q)
        e->tail = kept_tail;
}

static void note(void *context, enum err err) { *(enum err *)context = err; }

static enum err load_rows(struct engine *e, struct rowset *rows)
{
    enum err err = ERR_BUSY; /* a store that answers later needs the loop: see engine_private.h */
    e->config.env.store->load(e->config.env.store, rows, note, &err);
    return err;
}

/* What the engine itself writes with the event; before the step's writes, so that a step can set its timer again. */
static void engine_writes(struct queued *q)
{
    struct event *event = &q->event;
    const struct statement *bury = q->engine->config.bury;
    if (event->kind == EVENT_UNDELIVERED && event->effect_id && bury)
        WRITES_ADD(&q->writes, bury, -1, value_int(event->effect_id), value_int((int64_t)event->now_ms));
    if (event->kind == EVENT_TIMER)
        timer_clear(&q->writes, event->line, event->name);
    if ((event->kind == EVENT_DELIVERED || event->kind == EVENT_UNDELIVERED) && event->effect_id)
        WRITES_ADD(&q->writes, &ENGINE_OUTBOX_DELETE, -1, value_int(event->effect_id), value_int(q->engine->node));
}

static void refuse(struct queued *q)
{
    size_t kept = 0;
    for (size_t i = 0; i < q->outbox.count; i++)
        if (!q->outbox.list[i].id)
            q->outbox.list[kept++] = q->outbox.list[i];
    q->outbox.count = kept;
    q->writes.count = 0;
    q->writes.err = ERR_NONE;
}

static enum verdict step_once(struct engine *e, struct queued *q, struct rowset *rows)
{
    q->writes.arena = q->outbox.arena = q->event.arena;
    q->writes.count = q->outbox.count = 0;
    q->writes.err = q->outbox.err = ERR_NONE;
    q->outbox.next_id = e->next_id;
    q->outbox.now_ms = q->event.now_ms;
    q->outbox.writes = &q->writes;
    q->outbox.line = q->event.line;
    q->outbox.nodes = e->nodes;
    q->outbox.node = e->node;
    engine_writes(q);
    enum verdict verdict = e->config.step(e->config.role, rows, &q->event, &q->writes, &q->outbox);
    if (verdict == STEP_DONE && (q->writes.err != ERR_NONE || q->outbox.err != ERR_NONE)) {
        log_fact(e->config.env.log, LOG_ERROR_, q->event.line, "an event needs more than the engine's limits: refused");
        verdict = STEP_REFUSED;
    }
    if (verdict != STEP_NEED_ROWS)
        e->next_id = q->outbox.next_id;
    return verdict;
}

static void drop_stepped(struct queued *q)
{
    refuse(q);
    engine_writes(q);
    q->stepped = true;
}

static void no_rows(struct engine *e, struct queued *q)
{
    log_fact(e->config.env.log, LOG_ERROR_, q->event.line, "event of kind %u gets no rows: dropped", q->event.kind);
    drop_stepped(q);
}

/* One round: the step with what it has. */
static void step_round(struct engine *e, struct queued *q)
{
    enum verdict verdict = step_once(e, q, q->rows);
    q->stepped = verdict == STEP_DONE;
    if (verdict == STEP_REFUSED)
        drop_stepped(q);
}

static bool rows_new(struct queued *q)
{
    q->rows = ARENA_NEW(q->event.arena, struct rowset);
    q->stepped = !q->rows;
    if (q->rows)
        *q->rows = (struct rowset){ .arena = q->event.arena };
    else
        refuse(q);
    return q->rows != NULL;
}

/* Runs the step until it has all its rows. */
static void step_event(struct engine *e, struct queued *q)
{
    if (!rows_new(q))
        return;
    for (unsigned round = 0; round < ENGINE_ROUNDS_MAX; round++) {
        step_round(e, q);
        if (q->stepped)
            return;
        enum err err = load_rows(e, q->rows);
        if (err != ERR_NONE) {
            log_fact(e->config.env.log, LOG_ERROR_, q->event.line, "rows cannot be loaded: %s", err_text(err));
            break;
        }
    }
    no_rows(e, q);
}

/* The same for all of the batch at once: each round asks the server once. */
static enum err step_together(struct engine *e)
{
    struct rowset *wants[ENGINE_BATCH_MAX];
    enum err err = ERR_NONE;
    for (size_t i = 0; i < e->batch_count; i++)
        rows_new(e->batch[i]);
    for (unsigned round = 0; round < ENGINE_ROUNDS_MAX; round++) {
        size_t count = 0;
        for (size_t i = 0; i < e->batch_count; i++) {
            if (!e->batch[i]->stepped)
                step_round(e, e->batch[i]);
            if (!e->batch[i]->stepped)
                wants[count++] = e->batch[i]->rows;
        }
        if (!count || (err = engine_load_all(e, wants, count)) != ERR_NONE)
            return err;
    }
    for (size_t i = 0; i < e->batch_count; i++)
        if (!e->batch[i]->stepped)
            no_rows(e, e->batch[i]);
    return ERR_NONE;
}

static enum err step_all(struct engine *e)
{
    if (e->nodes)
        return step_together(e);
    for (size_t i = 0; i < e->batch_count; i++)
        step_event(e, e->batch[i]);
    return ERR_NONE;
}

static struct write *room_for_writes(struct engine *e, size_t count)
{
    if (count > e->all_cap) {
        struct write *grown = realloc(e->all, 2 * count * sizeof *grown);
        if (!grown)
            return NULL;
        e->all = grown;
        e->all_cap = 2 * count;
    }
    return e->all;
}

/* They come first: a step may have looked for an effect that has just left. */
static size_t own_take(struct engine *e, struct write *all)
{
    for (size_t i = 0; i < e->own_count; i++)
        all[i] = (struct write){ .statement = e->own[i].statement, .params = e->own[i].params, .param_count = e->own[i].count,
                                 .expect_rows = -1 };
    return e->own_count;
}

static enum err commit(struct engine *e, const struct write *all, size_t count)
{
    enum err err = ERR_BUSY;
    uint64_t now = e->config.env.clock->now_ms(e->config.env.clock);
    e->config.env.store->commit(e->config.env.store, all, count, note, &err);
    e->counts.commits++;
    e->next_commit_ms = (e->next_commit_ms > now ? e->next_commit_ms : now) + e->config.commit_interval_ms;
    return err;
}

void engine_own_left(struct engine *e, size_t count)
{
    e->own_count -= count;
    memmove(e->own, e->own + count, e->own_count * sizeof *e->own);
}

enum err engine_own_flush(struct engine *e)
{
    struct write all[ENGINE_OWN_MAX];
    if (!e->own_count || e->dead)
        return ERR_NONE;
    enum err err = commit(e, all, own_take(e, all));
    if (e->nodes && e->own_count < ENGINE_OWN_MAX) {
        if (err == ERR_CLOSED || err == ERR_IO)
            return ERR_CLOSED; /* written twice they do no harm */
        if (err == ERR_NO_SPACE) {
            engine_pause(e);
            return err;
        }
    }
    if (err != ERR_NONE)
        log_fact(e->config.env.log, LOG_ERROR_, NULL, "effects that have left cannot be forgotten: %s", err_text(err));
    e->own_count = 0;
    return err;
}

static enum err commit_batch(struct engine *e)
{
    size_t count = 0;
    for (size_t i = 0; i < e->batch_count; i++)
        count += e->batch[i]->writes.count;
    if (!count) {
        if (e->nodes)
            e->nodes->release(e->config.env.store);
        return ERR_NONE;
    }
    struct write *all = room_for_writes(e, count + e->own_count);
    if (!all)
        return ERR_NO_SPACE; /* nothing is written: tried again */
    size_t at = own_take(e, all);
    for (size_t i = 0; i < e->batch_count; i++) {
        memcpy(all + at, e->batch[i]->writes.list, e->batch[i]->writes.count * sizeof *all);
        at += e->batch[i]->writes.count;
    }
    e->limbo_own = e->own_count;
    enum err err = commit(e, all, at);
    if (err == ERR_NONE)
        engine_own_left(e, e->own_count);
    return err;
}

static void send_effects(struct engine *e, struct queued *q)
{
    struct net *net = e->config.env.net;
    for (size_t i = 0; i < q->outbox.count; i++) {
        struct effect *effect = &q->outbox.list[i];
        if (effect->id && effect->due_ms > q->event.now_ms) {
            engine_wake_at(e, effect->due_ms);
            continue;
        }
        if (effect->id && !engine_flight_add(e, effect))
            continue;
        e->counts.effects++;
        net->send(net, effect);
    }
}

static void finish_batch(struct engine *e)
{
    for (size_t i = 0; i < e->batch_count; i++) {
        struct queued *q = e->batch[i];
        for (size_t w = 0; w < q->writes.count; w++)
            if (q->writes.list[w].statement == &ENGINE_TIMER_SET)
                engine_wake_at(e, (uint64_t)q->writes.list[w].params[2].number);
        send_effects(e, q);
        e->counts.events++;
        engine_event_free(&q->event);
    }
    e->batch_count = 0;
}

static void fatal(struct engine *e, enum err err)
{
    log_fact(e->config.env.log, LOG_ERROR_, NULL, "the store failed (%s): stopping, to start again from what it holds",
             err_text(err));
    if (!e->config.on_fatal)
        abort();
    e->config.on_fatal(e->config.role, err);
    e->dead = true;
}

/* A conflict: the rows changed under us. The events run again, alone, from fresh rows. So they do when the store is
 * full, but not at once. */
static void retry_alone(struct engine *e, enum err err)
{
    struct queued *again[ENGINE_BATCH_MAX];
    size_t kept = 0;
    unsigned tries = err == ERR_NO_SPACE ? ENGINE_RETRIES_WHEN_FULL
                     : e->nodes         ? ENGINE_RETRIES_AMONG_NODES
                                        : ENGINE_RETRIES_ON_CONFLICT;
    e->counts.conflicts++;
    if (err == ERR_NO_SPACE)
        engine_pause(e);
    for (size_t i = 0; i < e->batch_count; i++) {
        struct queued *q = e->batch[i];
        if (++q->conflicts <= tries) {
            again[kept++] = q;
            continue;
        }
        log_fact(e->config.env.log, LOG_ERROR_, q->event.line, "an event cannot be committed (%s): dropped", err_text(err));
        engine_event_free(&q->event);
    }
    e->batch_count = 0;
    engine_requeue(e, again, kept);
    e->one_by_one = (unsigned)kept;
}

/* The store is away: all goes back, as if it had not been taken. */
static void put_back(struct engine *e)
{
    e->one_by_one += e->one_by_one_batch;
    engine_requeue(e, e->batch, e->batch_count);
    e->batch_count = 0;
}

static void end_batch(struct engine *e, enum err err)
{
    if (e->config.settled && !e->nodes)
        e->config.settled(e->config.role, err == ERR_NONE);
    if (err == ERR_NONE) {
        finish_batch(e);
    } else if (engine_store_away(e, err)) {
        put_back(e);
    } else if (err == ERR_CONFLICT || err == ERR_NO_SPACE || (e->nodes && err != ERR_IO)) {
        retry_alone(e, err);
    } else if (e->nodes && !e->limbo) {
        log_fact(e->config.env.log, LOG_WARN_, NULL, "a commit without an answer: what became of it is asked for");
        e->limbo = true;
        engine_pause(e);
    } else {
        fatal(e, err);
    }
}

/* false: still nobody knows. */
static bool leave_limbo(struct engine *e)
{
    enum err err = engine_settle(e);
    if (engine_store_away(e, err))
        return false;
    log_fact(e->config.env.log, LOG_INFO_, NULL, "the commit without an answer %s", err == ERR_NONE ? "was done" : "was not done");
    if (err == ERR_NONE)
        engine_own_left(e, e->limbo_own);
    if (err == ERR_IO) {
        fatal(e, err);
        return false;
    }
    e->limbo = false;
    end_batch(e, err);
    return true;
}

void engine_store_failed(struct engine *e, enum err err)
{
    if (err == ERR_IO) {
        fatal(e, err);
        return;
    }
    log_fact(e->config.env.log, LOG_ERROR_, NULL, "the database does not do what is asked: %s", err_text(err));
    engine_pause(e);
}

static void choose_batch(struct engine *e)
{
    e->one_by_one_batch = e->one_by_one > 0;
    if (!e->one_by_one_batch) {
        take_batch(e);
        return;
    }
    e->batch[0] = e->head;
    e->head = e->head->next;
    if (!e->head)
        e->tail = NULL;
    e->queue_count--;
    e->batch_count = 1;
    e->batch[0]->event.now_ms = e->config.env.clock->now_ms(e->config.env.clock);
    e->one_by_one--;
}

static void run_batch(struct engine *e)
{
    choose_batch(e);
    enum err err = e->nodes ? engine_claim_batch(e) : ERR_NONE;
    if (err == ERR_NONE && !e->batch_count)
        return; /* all lines are held elsewhere */
    if (err == ERR_NONE)
        err = step_all(e);
    for (size_t i = 0; MUTANT(leaves_before_commit) && i < e->batch_count; i++)
        send_effects(e, e->batch[i]);
    if (err == ERR_NONE)
        err = commit_batch(e);
    else if (e->nodes)
        e->nodes->release(e->config.env.store);
    e->counts.batches++;
    end_batch(e, err);
}

/* What is queued waits a moment for more to come along. */
static bool rationed(struct engine *e)
{
    struct clock *clock = e->config.env.clock;
    uint64_t ahead = (uint64_t)ENGINE_BURST * e->config.commit_interval_ms;
    if (!e->head || e->queue_count >= ENGINE_BATCH_MAX || e->next_commit_ms <= clock->now_ms(clock) + ahead)
        return false;
    clock->wake_at(clock, e->next_commit_ms - ahead);
    return true;
}

static bool stands_still(const struct engine *e) { return e->dead || engine_paused(e) || (e->nodes && engine_lines_held(e)); }

static void run_ready(struct engine *e)
{
    struct clock *clock = e->config.env.clock;
    do {
        engine_load_due(e);
        while (e->head && !stands_still(e) && !engine_life_changed(e))
            run_batch(e);
    } while (!stands_still(e) && (e->head || e->next_wake_ms <= clock->now_ms(clock)));
    if (e->own_count && !e->dead && !engine_paused(e) && e->own_due_ms <= clock->now_ms(clock))
        engine_store_away(e, engine_own_flush(e));
}

static uint64_t next_wake(const struct engine *e)
{
    uint64_t wake = e->own_count && e->own_due_ms < e->next_wake_ms ? e->own_due_ms : e->next_wake_ms;
    if (engine_paused(e))
        return e->paused_until_ms;
    if (e->nodes && e->head && e->held_until_ms < wake)
        wake = e->held_until_ms;
    return e->nodes && e->beat_ms < wake ? e->beat_ms : wake;
}

void engine_run(struct engine *e)
{
    struct clock *clock = e->config.env.clock;
    if (e->running || e->dead || rationed(e)) /* a result that comes from inside send just queues its event */
        return;
    e->running = true;
    if (!e->limbo || (!engine_paused(e) && leave_limbo(e)))
        run_ready(e);
    e->running = false;
    uint64_t wake = next_wake(e);
    if (!e->dead && wake != UINT64_MAX)
        clock->wake_at(clock, wake);
}

bool engine_drained(const struct engine *e) { return !e->head && !e->limbo && (!e->nodes || !e->flight_count); }
bool engine_idle(const struct engine *e) { return !e->head && !e->flight_count; }
uint32_t engine_home(const struct engine *e) { return e->home; }
struct engine_counts engine_counts(const struct engine *e) { return e->counts; }
