/* What goes wrong with a server: its end, its store, its clock (faults.h). */
#include "role_private.h"

#include <stdio.h>

#define FULL_MS 60000u /* how long a store is full that was struck */
#define SLOW_MS 60000u
#define JUMP_MS 600000u

static uint64_t about(struct sim_role *r, uint32_t every_ms) { return world_now(r->world) + 1 + chance_below(world_fate(r->world), every_ms); }

/* ---- the end of a process, and its next life ---- */

static void rise(void *context, uint64_t life)
{
    struct sim_role *r = context;
    if (r->up || r->lives != life)
        return;
    world_say(r->world, "%s starts again", r->kind->name);
    sim_role_start(r);
}

/* Down for a while, then it starts on what the database holds. */
static void goes_down(struct sim_role *r)
{
    static const struct server_faults quick = { .down_min_ms = 1000, .down_max_ms = 1000 };
    const struct server_faults *f = r->faults ? r->faults : &quick;
    uint32_t spread = f->down_max_ms - f->down_min_ms;
    r->up = false;
    world_node_died(r->world, r->kind->name);
    sim_role_ends(r);
    clockwork_plan(world_time(r->world), world_now(r->world) + f->down_min_ms + chance_below(world_fate(r->world), spread + 1),
                   rise, r, r->lives);
}

static void bury(void *context, uint64_t life)
{
    struct sim_role *r = context;
    if (r->up && r->lives == life)
        goes_down(r);
}

/* It ends by itself, when it is at nothing. */
static void leave_now(const struct sim_input *input)
{
    struct sim_role *r = input->context;
    if (!r->up || r->dying)
        return;
    world_say(r->world, "%s leaves", r->kind->name);
    r->counts->leaves++;
    r->kind->close(r);
    if (!r->dying)
        goes_down(r);
}

static void leave(void *context, uint64_t argument)
{
    struct sim_role *r = context;
    (void)argument;
    if (!r->faults)
        return;
    if (world_lets(r->world))
        sim_role_take(r, &(struct sim_input){ .task = leave_now, .context = r });
    clockwork_plan(world_time(r->world), about(r, 2 * r->faults->leave_every_ms), leave, r, 0);
}

/* From here on it does nothing any more that anybody could see. */
static void die(struct sim_role *r, enum fault_kind how)
{
    static const char *const text[] = { "before", "after", "in front of what follows" };
    r->dying = true;
    if (r->session)
        sim_session_dies(r->session);
    r->counts->crashes++;
    steps_struck(world_steps(r->world), how, STEPS_ANYBODY, r->first);
    world_say(r->world, "%s dies %s a commit (%s)", r->kind->name, text[how], r->step);
    clockwork_plan(world_time(r->world), world_now(r->world), bury, r, r->lives);
}

/* ---- the store ---- */

static struct sim_role *of_seam(struct store *seam)
{
    return seam->nodes ? sim_session_owner(seam) : (struct sim_role *)((char *)seam - offsetof(struct sim_role, seam));
}

static void load(struct store *seam, struct rowset *want, store_done *done, void *context)
{
    struct sim_role *r = of_seam(seam);
    struct store *real = sqlite_store_seam(r->store);
    if (r->dying)
        done(context, ERR_IO);
    else if (r->session)
        sim_session_load(r->session, want, done, context);
    else
        real->load(real, want, done, context);
}

static void note_err(void *context, enum err err) { *(enum err *)context = err; }

/* It is in the store: for the table of steps, and for the judge. */
static void committed(void *owner, const struct write *writes, size_t count)
{
    struct sim_role *r = owner;
    steps_watch(world_steps(r->world), r->first, r->kind->strikes == STRIKE_SMDP_BEFORE, writes, count);
    if (r->watch)
        r->watch(r->watch_context, writes, count);
}

static enum err commit_all(struct sim_role *r, const struct write *writes, size_t count)
{
    struct store *real = sqlite_store_seam(r->store);
    enum err err = ERR_IO;
    if (r->session) {
        sim_session_commit(r->session, writes, count, note_err, &err);
        return err;
    }
    real->commit(real, writes, count, note_err, &err);
    if (err == ERR_NONE)
        committed(r, writes, count);
    return err;
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
    bool aimed = steps_aimed(world_steps(r->world), how, STEPS_ANYBODY, r->first);
    bool struck = strike_now(world_strikes(r->world), r->kind->strikes + (enum strike_kind)how);
    return (struck || drawn || aimed) && world_lets(r->world);
}

static void commit(struct store *seam, const struct write *writes, size_t count, store_done *done, void *context)
{
    struct sim_role *r = of_seam(seam);
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
            steps_struck(world_steps(r->world), FAULT_FULL, STEPS_ANYBODY, r->first);
        }
        full = world_now(r->world) < r->full_until_ms;
    }
    if (r->dying || full) {
        if (r->session)
            sim_session_release(r->session);
        done(context, r->dying ? ERR_IO : ERR_NO_SPACE);
        return;
    }
    bool slow = f && chance_permille(fate, f->slow_permille);
    if ((slow || (f && steps_aimed(world_steps(r->world), FAULT_SLOW, STEPS_ANYBODY, r->first))) && world_lets(r->world)) {
        steps_struck(world_steps(r->world), FAULT_SLOW, STEPS_ANYBODY, r->first);
        uint32_t ms = chance_below(fate, (f->slow_max_ms ? f->slow_max_ms : SLOW_MS) + 1);
        r->counts->slows++;
        r->slow_until_ms = world_now(r->world) + ms;
        if (r->process)
            sim_process_sleep(r->process, ms);
    }
    enum err err = commit_all(r, writes, count);
    if (after)
        die(r, FAULT_AFTER);
    done(context, after ? ERR_IO : err);
}

static void woken(void *owner) { sim_role_run(owner); }

const struct sim_gate sim_role_gate = { load, commit, committed, woken };

void sim_role_send(struct net *net, const struct effect *effect)
{
    struct sim_role *r = (struct sim_role *)net;
    if (r->session && !r->dying)
        sim_session_pause(r->session);
    if (r->faults && r->up && !r->dying && hits(r, r->faults->crash_send_permille, FAULT_SEND))
        die(r, FAULT_SEND);
    if (r->dying)
        return;
    if (r->session && effect->id && !sim_session_leaves(r->session, effect->id) && r->twice)
        r->twice(r->watch_context, effect);
    r->kind->send(r, effect);
}

/* ---- the clock ---- */

void sim_role_jump(struct sim_role *r)
{
    struct chance *fate = world_fate(r->world);
    uint32_t most = r->faults && r->faults->jump_max_ms ? r->faults->jump_max_ms : JUMP_MS;
    r->waker.skew_ms = (int64_t)chance_below(fate, 2 * most + 1) - most;
    r->counts->jumps++;
    steps_struck(world_steps(r->world), FAULT_JUMP, STEPS_ANYBODY, r->first);
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

static void away(void *context, uint64_t argument)
{
    struct sim_role *r = context;
    struct chance *fate = world_fate(r->world);
    (void)argument;
    if (!r->faults)
        return;
    if (world_lets(r->world)) {
        r->counts->aways++;
        sim_database_away(r->database, world_now(r->world) + 1 + chance_below(fate, r->faults->away_max_ms));
    }
    clockwork_plan(world_time(r->world), about(r, 2 * r->faults->away_every_ms), away, r, 0);
}

void sim_role_troubles(struct sim_role *r)
{
    const struct server_faults *f = r->faults;
    if (f->jump_every_ms)
        clockwork_plan(world_time(r->world), world_now(r->world) + f->jump_every_ms, jump, r, 0);
    if (f->leave_every_ms && r->session)
        clockwork_plan(world_time(r->world), about(r, f->leave_every_ms), leave, r, 0);
    if (f->away_every_ms && r->database && r->first == r)
        clockwork_plan(world_time(r->world), world_now(r->world) + f->away_every_ms, away, r, 0);
}
