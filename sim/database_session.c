#include <stdlib.h>

#include "database_private.h"

#define LATE_MAX_MS 12000u /* until the server has done a commit that nobody waits for */

const struct statement SIM_WAKE = { "node-wake", "SELECT ?1", NULL };

static struct world *world_of(const struct sim_session *s) { return s->database->world; }
static uint64_t now_of(const struct sim_session *s) { return world_now(world_of(s)); }
static struct store *real_of(const struct sim_session *s) { return sqlite_store_seam(s->database->store); }

/* ---- what goes wrong ---- */

static bool befalls(const struct sim_session *s, uint32_t permille)
{
    return s->faults && !s->dying && chance_permille(world_fate(world_of(s)), permille) && world_lets(world_of(s));
}

static uint64_t up_to(const struct sim_session *s, uint32_t most_ms) { return 1 + chance_below(world_fate(world_of(s)), most_ms); }

void sim_session_pause(struct sim_session *s)
{
    if (!befalls(s, s->faults ? s->faults->pause_permille : 0))
        return;
    uint64_t ms = up_to(s, s->faults->pause_max_ms);
    s->counts->pauses++;
    world_say(world_of(s), "%s stands still for %llu ms", s->name, (unsigned long long)ms);
    s->stands = true;
    sim_process_sleep(s->process, ms);
    s->stands = false;
}

/* A question is on its way. */
static void pass(struct sim_session *s)
{
    if (!s->faults || s->dying)
        return;
    sim_process_sleep(s->process, chance_below(world_fate(world_of(s)), s->faults->ask_max_ms + 1));
    sim_session_pause(s);
}

void db_disconnect(struct sim_session *s, uint64_t lingers_ms)
{
    db_unlock(s, now_of(s) + lingers_ms);
    s->connected = false;
}

/* Every fourth time the server notices later than we do. */
static uint64_t lingering(const struct sim_session *s) { return chance_below(world_fate(world_of(s)), 4) ? 0 : up_to(s, LATE_MAX_MS); }

static void breaks(struct sim_session *s, uint64_t lingers_ms)
{
    s->counts->breaks++;
    s->cut_until_ms = now_of(s) + up_to(s, s->faults->cut_max_ms);
    db_disconnect(s, lingers_ms);
    world_say(world_of(s), "%s loses its connection to the database", s->name);
}

/* ---- the connection ---- */

static void revive(struct sim_session *s)
{
    s->nodes.life++;
    s->was_woken = true;
}

static enum err ready(struct sim_session *s)
{
    uint64_t now = now_of(s);
    if (!s->up || s->dying || now < s->cut_until_ms || now < s->database->away_until_ms)
        return ERR_CLOSED;
    if (s->connected)
        return ERR_NONE;
    s->connected = true;
    s->connection = ++s->database->connections;
    s->calm_ms = now + STORE_DEAD_MS;
    revive(s);
    return ERR_NONE;
}

/* Ready still, when the answer is there. */
static enum err ask(struct sim_session *s)
{
    enum err err = ready(s);
    if (err == ERR_NONE)
        pass(s);
    return err == ERR_NONE && (!s->connected || s->dying) ? ERR_CLOSED : err;
}

/* ---- batches ---- */

static void batch_end(struct sim_session *s)
{
    if (s->in_batch && s->connected)
        db_unlock(s, now_of(s));
    s->in_batch = false;
}

static void claim(struct store *seam, const char *const *lines, size_t count, bool *ret_mine, store_done *done, void *context)
{
    struct sim_session *s = (struct sim_session *)seam;
    batch_end(s);
    enum err err = ask(s);
    s->in_batch = err == ERR_NONE;
    for (size_t i = 0; s->in_batch && i < count; i++) {
        ret_mine[i] = !*lines[i] || db_lock(s, lines[i]);
        if (!ret_mine[i] && s->counts)
            s->counts->held++;
    }
    done(context, err);
}

void sim_session_release(struct sim_session *s) { batch_end(s); }
static void release(struct store *seam) { batch_end((struct sim_session *)seam); }

static enum err load_one(struct sim_session *s, struct rowset *want)
{
    enum err err = ERR_IO;
    real_of(s)->load(real_of(s), want, db_note, &err);
    return err;
}

static void load_all(struct store *seam, struct rowset *const *wants, size_t count, store_done *done, void *context)
{
    struct sim_session *s = (struct sim_session *)seam;
    enum err err = s->in_batch && !s->connected ? ERR_CLOSED : ask(s);
    for (size_t i = 0; err == ERR_NONE && i < count; i++)
        if ((err = load_one(s, wants[i])) == ERR_NO_SPACE)
            err = ERR_NONE; /* what does not fit stays "not loaded" */
    done(context, err);
}

/* A question that writes is done when it is answered: it is a transaction of its own. */
static bool writes(const struct rowset *want)
{
    for (size_t i = 0; i < want->count; i++)
        if (!strncmp(want->queries[i].statement->sqlite, "UPDATE", 6))
            return true;
    return false;
}

static enum err load_claims(struct sim_session *s, struct rowset *want)
{
    static const struct statement nothing = { "sim-nothing", "UPDATE osprey_node SET batch=0 WHERE number=0", NULL };
    bool broken = befalls(s, s->faults ? s->faults->cut_permille : 0), done = !broken || chance_below(world_fate(world_of(s)), 2);
    enum err err = done ? load_one(s, want) : ERR_CLOSED;
    if (done && db_write(s->database, &(struct write){ &nothing, NULL, 0, -1 }, 1) != ERR_NONE)
        abort();
    if (broken)
        breaks(s, 0);
    return broken ? ERR_CLOSED : err;
}

/* Outside a batch what only reads takes no time: it is asked for from within a handshake, too, whose library has one memory for all. */
void sim_session_load(struct sim_session *s, struct rowset *want, store_done *done, void *context)
{
    bool claims = writes(want);
    enum err err = s->in_batch ? (s->connected ? ERR_NONE : ERR_CLOSED) : claims ? ask(s) : ready(s);
    if (err == ERR_NONE)
        err = claims ? load_claims(s, want) : load_one(s, want);
    done(context, err);
}

/* ---- commits ---- */

enum err db_do(struct sim_database *d, int64_t number, int64_t batch, const struct write *writes, size_t count)
{
    struct write *real = calloc(count + 1, sizeof *real);
    struct db_node *n = db_node(d, number);
    size_t kept = 0;
    if (!real || !n)
        abort();
    for (size_t i = 0; i < count; i++)
        if (writes[i].statement != &SIM_WAKE)
            real[kept++] = writes[i];
    enum err err = db_write(d, real, kept);
    free(real);
    if (err != ERR_NONE)
        return err;
    n->batch = batch;
    n->beat_ms = world_now(d->world);
    n->session->gate.committed(n->session->owner, writes, count);
    for (size_t i = 0; i < count; i++)
        if (writes[i].statement == &SIM_WAKE)
            db_wake(d, writes[i].params[0].number);
    return ERR_NONE;
}

/* The connection breaks when COMMIT is on its way: before it is done, behind it, or it is done when nobody waits any more. */
static enum err commit_unheard(struct sim_session *s, bool batch, const struct write *writes, size_t count)
{
    uint64_t later = 0;
    uint32_t how = chance_below(world_fate(world_of(s)), 3);
    if (how == 1)
        (void)!db_do(s->database, s->nodes.number, s->batch, writes, count);
    if (how == 2) {
        later = up_to(s, LATE_MAX_MS);
        db_late(s, writes, count, later);
    }
    breaks(s, later);
    s->unsettled = batch;
    return ERR_IO;
}

static enum err commit_once(struct sim_session *s, const struct write *writes, size_t count)
{
    bool batch = s->in_batch;
    enum err err = batch && !s->connected ? ERR_CLOSED : ask(s);
    struct db_node *n = db_node(s->database, s->nodes.number);
    if (err != ERR_NONE)
        return err;
    if (!n || n->late)
        return ERR_CLOSED; /* our row is locked by what the last connection began */
    if (!n->alive) {
        world_say(world_of(s), "%s was taken for dead", s->name);
        if (s->counts)
            s->counts->undead++;
        revive(s);
        return ERR_CONFLICT;
    }
    s->batch++;
    if (befalls(s, s->faults ? s->faults->cut_permille : 0))
        return commit_unheard(s, batch, writes, count);
    return db_do(s->database, n->number, s->batch, writes, count);
}

void sim_session_commit(struct sim_session *s, const struct write *writes, size_t count, store_done *done, void *context)
{
    enum err err = s->unsettled ? ERR_CLOSED : count ? commit_once(s, writes, count) : ERR_NONE;
    batch_end(s);
    done(context, err);
}

static void settle(struct store *seam, store_done *done, void *context)
{
    struct sim_session *s = (struct sim_session *)seam;
    enum err err = ask(s);
    const struct db_node *n = db_node(s->database, s->nodes.number);
    if (err == ERR_NONE && n && n->late)
        err = ERR_CLOSED;
    if (err == ERR_NONE) {
        s->unsettled = false;
        err = !n ? ERR_IO : n->batch != s->batch ? ERR_CONFLICT : ERR_NONE;
    }
    done(context, err);
}

/* ---- living ---- */

static void bury(struct sim_session *s, const struct statement *free_leases)
{
    uint64_t now = now_of(s), silent = now < s->calm_ms ? 1 : now - STORE_DEAD_MS;
    for (size_t i = 0; i < s->database->node_count; i++) {
        struct db_node *n = &s->database->nodes[i];
        if (n->number == s->nodes.number || !n->alive || n->late || n->beat_ms >= silent)
            continue;
        n->alive = false;
        db_say(s->database, n, false, free_leases);
        s->was_woken = true;
        world_say(world_of(s), "%s takes number %lld for dead (%s)", s->name, (long long)n->number, n->name);
    }
}

static void beat(struct store *seam, const struct statement *free_leases, store_done *done, void *context)
{
    struct sim_session *s = (struct sim_session *)seam;
    enum err err = ask(s);
    struct db_node *n = db_node(s->database, s->nodes.number);
    if (err == ERR_NONE && (!n || n->late))
        err = ERR_CLOSED;
    if (err == ERR_NONE) {
        n->beat_ms = now_of(s);
        bool dead = !n->alive;
        n->alive = true;
        if (dead) {
            db_say(s->database, n, false, NULL);
            revive(s);
        }
        bury(s, free_leases);
    }
    done(context, err);
}

static void leave(struct store *seam, const struct statement *free_leases, store_done *done, void *context)
{
    struct sim_session *s = (struct sim_session *)seam;
    struct db_node *n = db_node(s->database, s->nodes.number);
    enum err err = s->connected ? ask(s) : ERR_CLOSED;
    if (err == ERR_NONE && (!n || n->late))
        err = ERR_CLOSED;
    if (err == ERR_NONE) {
        db_say(s->database, n, true, free_leases);
        db_forget(s->database, n);
        db_wake(s->database, 0);
    }
    done(context, err);
}

static bool woken(struct store *seam)
{
    struct sim_session *s = (struct sim_session *)seam;
    bool was = s->was_woken;
    s->was_woken = false;
    return was;
}

/* ---- life ---- */

struct sim_session *sim_session_new(struct sim_database *d, const char *name, struct sim_process *process, const struct sim_gate *gate,
                                    void *owner)
{
    struct sim_session *s = calloc(1, sizeof *s);
    if (!s || d->session_count == ARRAY_LEN(d->sessions))
        abort();
    s->database = d;
    s->name = name;
    s->process = process;
    s->nodes = (struct store_nodes){ .claim = claim, .load_all = load_all, .release = release, .settle = settle, .beat = beat,
                                     .leave = leave, .wake = &SIM_WAKE, .woken = woken };
    s->seam = (struct store){ gate->load, gate->commit, &s->nodes };
    s->gate = *gate;
    s->owner = owner;
    d->sessions[d->session_count++] = s;
    return s;
}

void sim_session_free(struct sim_session *s) { free(s); }

enum err sim_session_open(struct sim_session *s)
{
    s->up = true;
    s->dying = s->connected = s->in_batch = s->unsettled = s->was_woken = false;
    s->batch = 0;
    enum err err = ask(s);
    if (err == ERR_NONE)
        err = db_register(s);
    s->up = err == ERR_NONE;
    return err;
}

void sim_session_end(struct sim_session *s)
{
    s->up = false;
    db_disconnect(s, lingering(s));
}

bool sim_session_is_well(const struct sim_session *s)
{
    uint64_t now = now_of(s);
    const struct db_node *n = db_node(s->database, s->nodes.number);
    return s->up && !s->dying && !s->stands && n && n->alive && !n->late && now >= s->cut_until_ms && now >= s->database->away_until_ms;
}

void sim_session_dies(struct sim_session *s) { s->dying = true; }
void *sim_session_owner(struct store *seam) { return ((struct sim_session *)seam)->owner; }
struct store *sim_session_store(struct sim_session *s) { return &s->seam; }

void sim_session_faults(struct sim_session *s, const struct server_faults *faults, struct fault_counts *counts)
{
    s->faults = faults;
    s->counts = counts;
    if (faults)
        return;
    s->cut_until_ms = 0;
    s->database->away_until_ms = 0;
}
