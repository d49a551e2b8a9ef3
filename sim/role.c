#include "role.h"

#include <stdio.h>
#include <stdlib.h>

void sim_must(enum err err, const char *what)
{
    if (err == ERR_NONE)
        return;
    fprintf(stderr, "simulated world: %s: %s\n", what, err_text(err));
    abort();
}

#define FULL_MS 60000u /* how long a store is full that was struck */
#define SLOW_MS 60000u
#define JUMP_MS 600000u
#define START_AGAIN_MS 5000u

/* ---- the end of a process, and its next life ---- */

static void rise(void *context, uint64_t life)
{
    struct sim_role *r = context;
    if (r->up || r->lives != life)
        return;
    world_say(r->world, "%s starts again", r->kind->name);
    sim_role_start(r);
}

static void bury(void *context, uint64_t life)
{
    struct sim_role *r = context;
    if (!r->up || r->lives != life)
        return;
    static const struct server_faults quick = { .down_min_ms = 1000, .down_max_ms = 1000 };
    const struct server_faults *f = r->faults ? r->faults : &quick;
    uint32_t spread = f->down_max_ms - f->down_min_ms;
    r->up = false;
    world_node_died(r->world, r->kind->name);
    r->kind->close(r);
    clockwork_plan(world_time(r->world), world_now(r->world) + f->down_min_ms + chance_below(world_fate(r->world), spread + 1),
                   rise, r, life);
}

/* From here on it does nothing any more that anybody could see. */
static void die(struct sim_role *r, enum fault_kind how)
{
    static const char *const text[] = { "before", "after", "in front of what follows" };
    r->dying = true;
    r->counts->crashes++;
    steps_struck(world_steps(r->world), how, STEPS_ANYBODY, r);
    world_say(r->world, "%s dies %s a commit (%s)", r->kind->name, text[how], r->step);
    clockwork_plan(world_time(r->world), world_now(r->world), bury, r, r->lives);
}

/* ---- the store ---- */

static struct sim_role *of_seam(struct store *seam) { return (struct sim_role *)((char *)seam - offsetof(struct sim_role, seam)); }

static void load(struct store *seam, struct rowset *want, store_done *done, void *context)
{
    struct sim_role *r = of_seam(seam);
    struct store *real = sqlite_store_seam(r->store);
    if (r->dying)
        done(context, ERR_IO);
    else
        real->load(real, want, done, context);
}

/* The step that stands in what is written, if one does. */
static void remember_step(struct sim_role *r, const struct write *writes, size_t count)
{
    snprintf(r->step, sizeof r->step, "%s %s", r->kind->name, writes[0].statement->name);
    for (size_t i = 0; i < count; i++) {
        const char *name = writes[i].statement->name;
        size_t at = !strcmp(name, "operation-save") || !strcmp(name, "job-save") ? 2 : !strcmp(name, "operation-add") ? 3 : 0;
        const struct value *v = at ? &writes[i].params[at] : NULL;
        if (v && v->type == VALUE_TEXT)
            snprintf(r->step, sizeof r->step, "%s %.*s", r->kind->name, (int)v->bytes.len, (const char *)v->bytes.ptr);
    }
}

/* By the rate, or because the world is struck here. */
static bool hits(struct sim_role *r, uint32_t permille, enum fault_kind how)
{
    bool drawn = chance_permille(world_fate(r->world), permille);
    bool aimed = steps_aimed(world_steps(r->world), how, STEPS_ANYBODY, r);
    bool struck = strike_now(world_strikes(r->world), r->kind->strikes + (enum strike_kind)how);
    return (struck || drawn || aimed) && world_lets(r->world);
}

static void note_err(void *context, enum err err) { *(enum err *)context = err; }

static void commit(struct store *seam, const struct write *writes, size_t count, store_done *done, void *context)
{
    struct sim_role *r = of_seam(seam);
    struct store *real = sqlite_store_seam(r->store);
    struct chance *fate = world_fate(r->world);
    const struct server_faults *f = r->faults;
    bool full = false, after = false;
    if (count)
        remember_step(r, writes, count);
    if (f && r->up && !r->dying) {
        if (hits(r, f->crash_before_permille, FAULT_BEFORE))
            die(r, FAULT_BEFORE);
        after = !r->dying && hits(r, f->crash_after_permille, FAULT_AFTER);
        if (hits(r, f->full_permille, FAULT_FULL)) {
            r->full_until_ms = world_now(r->world) + chance_below(fate, (f->full_max_ms ? f->full_max_ms : FULL_MS) + 1);
            r->counts->fulls++;
            steps_struck(world_steps(r->world), FAULT_FULL, STEPS_ANYBODY, r);
        }
        full = world_now(r->world) < r->full_until_ms;
    }
    if (r->dying || full) {
        done(context, r->dying ? ERR_IO : ERR_NO_SPACE);
        return;
    }
    bool slow = f && chance_permille(fate, f->slow_permille);
    if ((slow || (f && steps_aimed(world_steps(r->world), FAULT_SLOW, STEPS_ANYBODY, r))) && world_lets(r->world)) {
        steps_struck(world_steps(r->world), FAULT_SLOW, STEPS_ANYBODY, r);
        r->slow_until_ms = world_now(r->world) + chance_below(fate, (f->slow_max_ms ? f->slow_max_ms : SLOW_MS) + 1);
        r->counts->slows++;
    }
    enum err err = ERR_IO;
    real->commit(real, writes, count, note_err, &err);
    if (err == ERR_NONE)
        steps_watch(world_steps(r->world), r, r->kind->strikes == STRIKE_SMDP_BEFORE, writes, count);
    if (err == ERR_NONE && r->watch)
        r->watch(r->watch_context, writes, count);
    if (after)
        die(r, FAULT_AFTER);
    done(context, after ? ERR_IO : err);
}

static void send(struct net *net, const struct effect *effect)
{
    struct sim_role *r = (struct sim_role *)net;
    if (r->faults && r->up && !r->dying && hits(r, r->faults->crash_send_permille, FAULT_SEND))
        die(r, FAULT_SEND);
    if (!r->dying)
        r->kind->send(r, effect);
}

/* ---- the clock ---- */

void sim_role_jump(struct sim_role *r)
{
    struct chance *fate = world_fate(r->world);
    uint32_t most = r->faults && r->faults->jump_max_ms ? r->faults->jump_max_ms : JUMP_MS;
    r->waker.skew_ms = (int64_t)chance_below(fate, 2 * most + 1) - most;
    r->counts->jumps++;
    steps_struck(world_steps(r->world), FAULT_JUMP, STEPS_ANYBODY, r);
}

static void jump(void *context, uint64_t argument)
{
    struct sim_role *r = context;
    (void)argument;
    if (!r->faults) {
        r->waker.skew_ms = 0;
        return;
    }
    if (world_lets(r->world))
        sim_role_jump(r);
    clockwork_plan(world_time(r->world), world_now(r->world) + 1 + chance_below(world_fate(r->world), 2 * r->faults->jump_every_ms), jump, r, 0);
}

static void wake(void *context, uint64_t argument)
{
    struct sim_role *r = context;
    (void)argument;
    if (!r->up || r->dying)
        return;
    if (world_now(r->world) < r->slow_until_ms)
        clockwork_plan(world_time(r->world), r->slow_until_ms, wake, r, 0);
    else
        r->kind->run(r);
}

void sim_role_run(struct sim_role *r) { wake(r, 0); }

/* ---- life ---- */

void sim_role_open(struct sim_role *r, struct world *w, const struct sim_role_kind *kind)
{
    uint8_t master[KEYSTORE_MASTER_LEN] = { 0 };
    struct sqlite_options options = { ":memory:", kind->schema, kind->schema_count };
    enum err err;
    *r = (struct sim_role){ .net = { send }, .seam = { load, commit }, .kind = kind, .world = w };
    waker_init(&r->waker, world_time(w), wake, r);
    r->store = sqlite_store_open(&options, &err, NULL);
    sim_must(err, "database");
    memcpy(master, kind->name, strlen(kind->name));
    sim_must(keystore_soft_new(SPAN_OF(master), &world_chance(w)->seam, &r->keys), "keys");
}

static void start_again(void *context, uint64_t life)
{
    struct sim_role *r = context;
    if (r->lives == life && !r->up)
        sim_role_start(r);
}

void sim_role_start(struct sim_role *r)
{
    r->lives++;
    r->dying = false;
    r->up = true;
    r->waker.next_ms = UINT64_MAX;
    r->waker.generation++;
    enum err err = r->kind->open(r);
    if (err == ERR_NO_SPACE && r->faults) { /* it ends, and whoever looks after it tries again */
        r->up = false;
        r->kind->close(r);
        clockwork_plan(world_time(r->world), world_now(r->world) + START_AGAIN_MS, start_again, r, r->lives);
        return;
    }
    if (!r->dying)
        sim_must(err, r->kind->name);
    wake(r, 0);
}

void sim_role_faults(struct sim_role *r, const struct server_faults *faults)
{
    r->faults = faults;
    r->full_until_ms = r->slow_until_ms = 0;
    if (faults && faults->jump_every_ms)
        clockwork_plan(world_time(r->world), world_now(r->world) + faults->jump_every_ms, jump, r, 0);
    if (!faults)
        r->waker.skew_ms = 0;
    wake(r, 0);
}

struct env sim_role_env(struct sim_role *r)
{
    return (struct env){ .clock = &r->waker.seam, .rng = &world_chance(r->world)->seam, .net = &r->net, .log = world_log(r->world),
                         .store = &r->seam, .keys = keystore_soft_keys(r->keys) };
}

void sim_role_close(struct sim_role *r)
{
    if (r->up)
        r->kind->close(r);
    keystore_soft_free(r->keys);
    sqlite_store_close(r->store);
}

const struct query *sim_role_ask(struct sim_role *r, const struct statement *statement, const struct value *params, size_t count,
                                 struct arena *arena)
{
    struct store *real = sqlite_store_seam(r->store);
    struct rowset *rows = ARENA_NEW(arena, struct rowset);
    enum err err = ERR_NO_MEMORY;
    if (rows) {
        *rows = (struct rowset){ .arena = arena };
        rowset_want(rows, statement, params, count);
        real->load(real, rows, note_err, &err);
    }
    sim_must(err, statement->name);
    return rowset_find(rows, statement);
}
