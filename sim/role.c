#include "role_private.h"

#include <stdio.h>
#include <stdlib.h>

void sim_must(enum err err, const char *what)
{
    if (err == ERR_NONE)
        return;
    fprintf(stderr, "simulated world: %s: %s\n", what, err_text(err));
    abort();
}

#define START_AGAIN_MS 5000u

/* ---- what arrives ---- */

void sim_role_take(struct sim_role *r, const struct sim_input *input)
{
    if (r->process)
        sim_process_take(r->process, input);
    else
        input->task(input);
}

static void run_now(const struct sim_input *input)
{
    struct sim_role *r = input->context;
    r->run_kept = false;
    if (r->up && !r->dying)
        r->kind->run(r);
}

static void wake(void *context, uint64_t argument)
{
    struct sim_role *r = context;
    (void)argument;
    if (!r->up || r->dying || r->run_kept)
        return;
    if (r->process && !sim_process_runs(r->process)) {
        r->run_kept = true;
        sim_process_take(r->process, &(struct sim_input){ .task = run_now, .context = r });
    } else if (world_now(r->world) < r->slow_until_ms) {
        clockwork_plan(world_time(r->world), r->slow_until_ms, wake, r, 0);
    } else {
        r->kind->run(r);
    }
}

void sim_role_run(struct sim_role *r) { wake(r, 0); }

/* ---- life ---- */

void sim_role_ends(struct sim_role *r)
{
    if (r->session)
        sim_session_dies(r->session);
    r->kind->close(r);
    if (!r->session)
        return;
    sim_process_clear(r->process);
    sim_session_end(r->session);
    r->run_kept = false;
}

static void open_role(struct sim_role *r, struct world *w, const struct sim_role_kind *kind)
{
    *r = (struct sim_role){ .net = { sim_role_send }, .seam = { sim_role_gate.load, sim_role_gate.commit }, .kind = kind, .world = w, .first = r };
    waker_init(&r->waker, world_time(w), wake, r);
}

static void open_keys(struct sim_role *r)
{
    uint8_t master[KEYSTORE_MASTER_LEN] = { 0 };
    memcpy(master, r->kind->name, strlen(r->kind->name));
    sim_must(keystore_soft_new(SPAN_OF(master), &world_chance(r->world)->seam, &r->keys), "keys");
}

void sim_role_open(struct sim_role *r, struct world *w, const struct sim_role_kind *kind)
{
    struct sqlite_options options = { ":memory:", kind->schema, kind->schema_count };
    enum err err;
    open_role(r, w, kind);
    r->store = sqlite_store_open(&options, &err, NULL);
    sim_must(err, "database");
    open_keys(r);
}

void sim_role_open_among(struct sim_role *r, struct world *w, const struct sim_role_kind *kind, struct sim_role *first)
{
    open_role(r, w, kind);
    r->first = first;
    r->database = first == r ? sim_database_new(w, kind->schema, kind->schema_count) : first->database;
    r->store = sim_database_store(r->database);
    r->process = sim_process_new(w);
    r->session = sim_session_new(r->database, kind->name, r->process, &sim_role_gate, r);
    if (first == r)
        open_keys(r);
    else
        r->keys = first->keys;
}

static void start_again(void *context, uint64_t life)
{
    struct sim_role *r = context;
    if (r->lives == life && !r->up)
        sim_role_start(r);
}

/* It ends, and whoever looks after it tries again. */
static bool comes_again(const struct sim_role *r, enum err err)
{
    return r->session ? err != ERR_NONE && !r->dying : err == ERR_NO_SPACE && r->faults;
}

static void start_now(const struct sim_input *input)
{
    struct sim_role *r = input->context;
    enum err err = r->session ? sim_session_open(r->session) : ERR_NONE;
    if (err == ERR_NONE)
        err = r->kind->open(r);
    if (comes_again(r, err)) {
        r->up = false;
        sim_role_ends(r);
        clockwork_plan(world_time(r->world), world_now(r->world) + START_AGAIN_MS, start_again, r, r->lives);
        return;
    }
    if (!r->dying)
        sim_must(err, r->kind->name);
    wake(r, 0);
}

void sim_role_start(struct sim_role *r)
{
    r->lives++;
    r->dying = false;
    r->up = true;
    r->waker.next_ms = UINT64_MAX;
    r->waker.generation++;
    sim_role_take(r, &(struct sim_input){ .task = start_now, .context = r });
}

void sim_role_faults(struct sim_role *r, const struct server_faults *faults)
{
    r->faults = faults;
    r->full_until_ms = r->slow_until_ms = 0;
    if (r->session)
        sim_session_faults(r->session, faults, r->counts);
    if (faults)
        sim_role_troubles(r);
    if (!faults)
        r->waker.skew_ms = 0;
    wake(r, 0);
}

struct env sim_role_env(struct sim_role *r)
{
    return (struct env){ .clock = &r->waker.seam, .rng = &world_chance(r->world)->seam, .net = &r->net, .log = world_log(r->world),
                         .store = r->session ? sim_session_store(r->session) : &r->seam, .keys = keystore_soft_keys(r->keys) };
}

/* What it is in the middle of ends, with nothing done. */
static void process_free(struct sim_role *r)
{
    r->dying = true;
    sim_session_dies(r->session);
    sim_process_hurry(r->process);
}

void sim_role_close(struct sim_role *r)
{
    if (r->process)
        process_free(r);
    if (r->up)
        r->kind->close(r);
    sim_process_free(r->process);
    sim_session_free(r->session);
    if (r->first == r)
        keystore_soft_free(r->keys);
    if (!r->database)
        sqlite_store_close(r->store);
    else if (r->first == r)
        sim_database_free(r->database);
}

static void note_err(void *context, enum err err) { *(enum err *)context = err; }

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
