#include <stdio.h>
#include <stdlib.h>

#include "engine_private.h"

#include "lib/base/mutant.h"

/* An engine among others on one database (struct store_nodes). What it sends or fires it has claimed before; what others
 * are at it leaves alone. */

#define NODE_TIMER_LEASE_MS 10000u /* a timer that was claimed and did not get done fires again after this */
#define NODE_REPLY_OLD_MS   6000   /* a reply that its node has not fetched in this time is anybody's: who is silent for less lives */
#define NODE_HELD_MS        10u    /* before lines that others hold are asked for again */
#define NODE_LOOK_MS        1000u  /* the longest without a look at what others left */
#define NODE_LEAST_MS       5u     /* the shortest: what is due may be locked by others */

static const struct statement FREE_LEASES_OF = {
    "outbox-free-leases-of", "UPDATE outbox SET due_ms=0, leased=0 WHERE leased=?1", NULL
};
static const struct statement KEEP_LEASES_OF = { "outbox-free-leases-of", "UPDATE outbox SET due_ms=0 WHERE leased=?1", NULL }; /* a mutant's */
static const struct statement LOOK_AGAIN = { "outbox-look-again", "UPDATE outbox SET due_ms=0 WHERE leased=?1", NULL };
/* (now, lease until). SQLite has one writer at a time; who reads the rows asks neither for their order nor for when they were due. */
static const struct statement TIMER_CLAIM = {
    "timer-claim",
    "UPDATE timer SET due_ms=?2 WHERE (line, name) IN (SELECT line, name FROM timer WHERE due_ms<=?1 ORDER BY due_ms LIMIT 200)"
    " RETURNING line, name, due_ms",
    "WITH due AS (SELECT line, name, due_ms FROM timer WHERE due_ms<=$1 ORDER BY due_ms LIMIT 200 FOR UPDATE SKIP LOCKED),"
    " taken AS (UPDATE timer t SET due_ms=$2 FROM due WHERE t.line=due.line AND t.name=due.name"
    " RETURNING t.line, t.name, due.due_ms)"
    " SELECT line, name, due_ms FROM taken ORDER BY due_ms"
};
/* (now, node, lease until, kind of replies, when they are old). An old reply is for a node that was given up before it was made. */
static const struct statement OUTBOX_CLAIM = {
    "outbox-claim",
    "UPDATE outbox SET due_ms=?3, leased=?2 WHERE id IN (SELECT id FROM outbox WHERE due_ms<=?1 AND (leased IN (0,?2) OR (kind=?4 AND due_ms<=?5))"
    " ORDER BY due_ms, id LIMIT 200) RETURNING id, line, kind, ref, destination, body, due_ms, give_up_ms, attempt, wants_answer",
    "WITH due AS (SELECT id, due_ms FROM outbox WHERE due_ms<=$1 AND (leased IN (0,$2) OR (kind=$4 AND due_ms<=$5)) ORDER BY due_ms, id LIMIT 200"
    " FOR UPDATE SKIP LOCKED),"
    " taken AS (UPDATE outbox o SET due_ms=$3, leased=$2 FROM due WHERE o.id=due.id RETURNING o.id, o.line, o.kind, o.ref,"
    " o.destination, o.body, due.due_ms, o.give_up_ms, o.attempt, o.wants_answer)"
    " SELECT id, line, kind, ref, destination, body, due_ms, give_up_ms, attempt, wants_answer FROM taken ORDER BY due_ms, id"
};
/* (node) */
static const struct statement NEXT_WAKE_OF = {
    "next-wake-of", "SELECT (SELECT MIN(due_ms) FROM timer), (SELECT MIN(due_ms) FROM outbox WHERE leased IN (0,?1)), 0",
    "SELECT (SELECT MIN(due_ms) FROM timer),"
    " (SELECT due_ms FROM outbox WHERE leased IN (0,$1) ORDER BY due_ms LIMIT 1), 0::bigint"
};

static void note(void *context, enum err err) { *(enum err *)context = err; }

static uint64_t now_ms(const struct engine *e) { return e->config.env.clock->now_ms(e->config.env.clock); }

void engine_nodes_init(struct engine *e)
{
    struct store *store = e->config.env.store;
    e->nodes = store ? store->nodes : NULL;
    e->node = 1;
    if (!e->nodes)
        return;
    e->node = e->nodes->number;
    e->home = (uint32_t)e->node;
    e->next_id = e->node << 32 | 1;
}

/* ---- the store is away, and comes back */

bool engine_store_away(struct engine *e, enum err err)
{
    if (err != ERR_CLOSED)
        return false;
    if (!e->away)
        log_fact(e->config.env.log, LOG_ERROR_, NULL, "the database cannot be reached: what comes in waits");
    e->away = true;
    engine_pause(e);
    return true;
}

static void store_is_back(struct engine *e)
{
    if (e->away)
        log_fact(e->config.env.log, LOG_INFO_, NULL, "the database is reached again");
    e->away = false;
}

/* ---- batches */

/* Events whose line is held elsewhere go back, in their order. ERR_NONE with an empty batch: nothing of it is ours now. */
enum err engine_claim_batch(struct engine *e)
{
    const char *lines[ENGINE_BATCH_MAX];
    bool mine[ENGINE_BATCH_MAX] = { 0 };
    struct queued *held[ENGINE_BATCH_MAX];
    size_t kept = 0, held_count = 0;
    enum err err = ERR_BUSY;
    for (size_t i = 0; i < e->batch_count; i++)
        lines[i] = e->batch[i]->event.line;
    e->nodes->claim(e->config.env.store, lines, e->batch_count, mine, note, &err);
    if (err != ERR_NONE)
        return err;
    store_is_back(e);
    for (size_t i = 0; i < e->batch_count; i++)
        if (mine[i] || MUTANT(takes_lines_of_others))
            e->batch[kept++] = e->batch[i];
        else
            held[held_count++] = e->batch[i];
    e->batch_count = kept;
    engine_requeue(e, held, held_count);
    e->one_by_one += e->one_by_one_batch && held_count;
    if (!kept) {
        e->held_until_ms = now_ms(e) + NODE_HELD_MS;
        e->nodes->release(e->config.env.store);
    }
    return ERR_NONE;
}

bool engine_lines_held(const struct engine *e)
{
    uint64_t now = now_ms(e);
    return now < e->held_until_ms && e->held_until_ms <= now + NODE_HELD_MS; /* the clock may go back */
}

enum err engine_load_all(struct engine *e, struct rowset *const *wants, size_t count)
{
    enum err err = ERR_BUSY;
    e->nodes->load_all(e->config.env.store, wants, count, note, &err);
    return err;
}

enum err engine_settle(struct engine *e)
{
    enum err err = ERR_BUSY;
    e->nodes->settle(e->config.env.store, note, &err);
    return err;
}

/* ---- answers to exchanges that are open at another node: an effect that only that node may take, and that is woken */

static const char REPLY_FORM[] = "reply/%u/%u/%u/%u/%d";

void engine_reply_elsewhere(struct outbox *out, struct reply_ref r, int status, struct span body)
{
    struct effect effect = { .kind = EFFECT_REPLY, .body = body, .give_up_ms = out->now_ms + ENGINE_LEASE_MS };
    snprintf(effect.line, sizeof effect.line, "%s", out->line);
    snprintf(effect.ref, sizeof effect.ref, REPLY_FORM, r.home, r.node, r.slot, r.generation, status);
    engine_outbox_write(out, &effect, out->next_id++, r.home, out->now_ms);
    WRITES_ADD(out->writes, out->nodes->wake, -1, value_int(r.home));
}

/* What was for a node that is no more finds no exchange: whoever gives it out is told so. */
void engine_reply_taken(struct engine *e, struct effect *effect)
{
    struct reply_ref r = { 0 };
    if (sscanf(effect->ref, REPLY_FORM, &r.home, &r.node, &r.slot, &r.generation, &effect->status) != 5)
        r = (struct reply_ref){ 0 };
    if (r.home != e->home)
        r.slot = r.generation = UINT32_MAX;
    effect->reply = r;
    effect->id = 0;
    e->config.env.net->send(e->config.env.net, effect);
}

/* ---- what is due */

static enum err beat(struct engine *e)
{
    enum err err = ERR_BUSY;
    e->nodes->beat(e->config.env.store, MUTANT(leases_of_the_dead_stay) ? &KEEP_LEASES_OF : &FREE_LEASES_OF, note, &err);
    if (err == ERR_NONE) {
        store_is_back(e);
        e->beat_ms = now_ms(e) + STORE_BEAT_MS;
    }
    return err;
}

/* After a new connection nobody knows which claims came through: what is ours and not on its way is taken up again. */
static enum err look_again(struct engine *e)
{
    const struct value number = value_int(e->node);
    const struct write write = { .statement = &LOOK_AGAIN, .params = &number, .param_count = 1, .expect_rows = -1 };
    uint32_t life = e->nodes->life;
    enum err err = ERR_BUSY;
    if (MUTANT(looks_never_again))
        err = ERR_NONE;
    else
        e->config.env.store->commit(e->config.env.store, &write, 1, note, &err);
    if (err == ERR_NONE)
        e->life = life;
    return err == ERR_IO ? ERR_CLOSED : err; /* done or not, it may be done once more */
}

bool engine_life_changed(const struct engine *e) { return e->nodes && e->life != e->nodes->life; }

/* false: the store does not answer. */
static bool live(struct engine *e)
{
    enum err err = ERR_NONE;
    uint64_t now = now_ms(e);
    if (engine_life_changed(e) || now >= e->beat_ms || e->beat_ms > now + STORE_BEAT_MS)
        err = beat(e);
    if (err == ERR_NONE && engine_life_changed(e))
        err = look_again(e);
    if (err != ERR_NONE && !engine_store_away(e, err))
        engine_store_failed(e, err);
    return err == ERR_NONE;
}

static void claim_due(struct engine *e, struct rowset *rows, uint64_t now)
{
    uint64_t timer_lease = MUTANT(claimed_timers_fire_once) ? ENGINE_GIVE_UP_MS * 365 : NODE_TIMER_LEASE_MS;
    const struct value timer[] = { value_int((int64_t)now), value_int((int64_t)(now + timer_lease)) };
    const struct value outbox[] = { value_int((int64_t)now), value_int(e->node), value_int((int64_t)(now + ENGINE_LEASE_MS)),
                                    value_int(EFFECT_REPLY), value_int(MUTANT(old_replies_stay) ? 0 : (int64_t)now - NODE_REPLY_OLD_MS) };
    const struct value node = value_int(e->node);
    enum err err = ERR_BUSY;
    rowset_want(rows, &TIMER_CLAIM, timer, ARRAY_LEN(timer));
    rowset_want(rows, &OUTBOX_CLAIM, outbox, ARRAY_LEN(outbox));
    rowset_want(rows, &NEXT_WAKE_OF, &node, 1);
    e->config.env.store->load(e->config.env.store, rows, note, &err);
    if (engine_store_away(e, err))
        return;
    if (err != ERR_NONE) {
        log_fact(e->config.env.log, LOG_ERROR_, NULL, "what is due cannot be claimed: %s", err_text(err));
        return;
    }
    engine_fire_timers(e, rowset_find(rows, &TIMER_CLAIM));
    engine_send_due(e, rowset_find(rows, &OUTBOX_CLAIM));
    engine_learn_next_wake(e, rowset_find(rows, &NEXT_WAKE_OF));
}

static void look_for_due(struct engine *e, uint64_t now)
{
    struct arena arena;
    arena_init(&arena, ENGINE_EVENT_ARENA_MAX);
    struct rowset *rows = ARENA_NEW(&arena, struct rowset);
    e->next_wake_ms = now + NODE_LOOK_MS;
    if (rows) {
        *rows = (struct rowset){ .arena = &arena };
        claim_due(e, rows, now);
    }
    if (e->next_wake_ms > now + NODE_LOOK_MS)
        e->next_wake_ms = now + NODE_LOOK_MS;
    if (e->next_wake_ms < now + NODE_LEAST_MS)
        e->next_wake_ms = now + NODE_LEAST_MS;
    arena_release(&arena);
}

/* An event of a claimed timer may wait in the queue: nobody fires it again meanwhile. */
void engine_claim_due(struct engine *e)
{
    uint64_t now = now_ms(e);
    if (e->nodes->woken(e->config.env.store))
        engine_wake_at(e, now);
    if (engine_paused(e) || !live(e) || now < e->next_wake_ms || e->queue_count >= ENGINE_BATCH_MAX)
        return;
    enum err err = engine_own_flush(e);
    if (!engine_store_away(e, err) && (err == ERR_NONE || MUTANT(looks_before_it_forgets))) /* what has left, and what is for later, must not be found */
        look_for_due(e, now);
}

/* ---- what somebody fetches here */

void engine_flush(struct engine *e) { engine_store_away(e, engine_own_flush(e)); }

/* (node, begin, end, lease until): the last column tells what is new here. */
static const struct statement FETCH = {
    "outbox-fetch", NULL,
    "WITH theirs AS (SELECT id FROM outbox WHERE leased<>$1 AND starts_with(destination, $2::text)"
    " AND right(destination, length($3::text))=$3::text ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED),"
    " taken AS (UPDATE outbox o SET due_ms=$4, leased=$1 FROM theirs WHERE o.id=theirs.id RETURNING o.id, o.line, o.kind, o.ref,"
    " o.destination, o.body, o.due_ms, o.give_up_ms, o.attempt, o.wants_answer)"
    " SELECT id, line, kind, ref, destination, body, due_ms, give_up_ms, attempt, wants_answer, 1::bigint FROM taken"
    " UNION ALL SELECT id, line, kind, ref, destination, NULL, due_ms, give_up_ms, attempt, wants_answer, 0::bigint FROM outbox"
    " WHERE leased=$1 AND starts_with(destination, $2::text) AND right(destination, length($3::text))=$3::text ORDER BY 1"
};

static int fetched(struct engine *e, const struct query *q, struct arena *a, int64_t *ret_ids, size_t max)
{
    struct row *rows = ARENA_ARRAY(a, struct row, q->row_count + 1);
    struct query taken = { .rows = rows };
    int count = 0;
    for (size_t i = 0; rows && i < q->row_count && (size_t)count < max; i++) {
        ret_ids[count++] = row_int(&q->rows[i], 0);
        if (row_int(&q->rows[i], 10))
            rows[taken.row_count++] = q->rows[i];
    }
    engine_send_due(e, &taken);
    return rows ? count : -1;
}

int engine_fetch(struct engine *e, const char *begin, struct span end, int64_t *ret_ids, size_t max)
{
    struct arena arena;
    const struct value params[] = { value_int(e->node), value_text(begin), value_span_text(end),
                                    value_int((int64_t)(now_ms(e) + ENGINE_LEASE_MS)) };
    enum err err = ERR_BUSY;
    int count = -1;
    if (!e->nodes || e->limbo || e->dead)
        return -1;
    arena_init(&arena, ENGINE_EVENT_ARENA_MAX);
    struct rowset *rows = ARENA_NEW(&arena, struct rowset);
    if (rows) {
        *rows = (struct rowset){ .arena = &arena };
        rowset_want(rows, &FETCH, params, ARRAY_LEN(params));
        e->config.env.store->load(e->config.env.store, rows, note, &err);
    }
    if (err == ERR_NONE)
        count = fetched(e, rowset_find(rows, &FETCH), &arena, ret_ids, max);
    arena_release(&arena);
    return count;
}

/* ---- beginning and end */

enum err engine_nodes_start(struct engine *e)
{
    enum err err = beat(e);
    if (err == ERR_NONE)
        err = look_again(e);
    e->next_wake_ms = now_ms(e);
    e->config.env.clock->wake_at(e->config.env.clock, e->next_wake_ms);
    return err;
}

void engine_leave(struct engine *e)
{
    enum err err = ERR_BUSY;
    if (!e->nodes || e->dead || e->limbo || engine_own_flush(e) != ERR_NONE)
        return;
    e->nodes->leave(e->config.env.store, &FREE_LEASES_OF, note, &err);
    e->dead = true;
}
