#include "prompt.h"

#include "ecosystem.h"

#define LOOK_MS 2000u
#define SOON_MS 20000u /* who is silent is dead after five seconds, its timers fire after ten */

#define CLAIMED 3
#define LEASE_MS 120000u /* the engine's */

/* (now): what should be taken up, the oldest first. Leases that were given back are due at 0. */
static const struct statement questions[PROMPT_QUESTIONS] = {
    { "prompt-timer", "SELECT line, name FROM timer WHERE due_ms<?1 ORDER BY due_ms, line, name LIMIT 1", NULL },
    { "prompt-effect", "SELECT line, ref FROM outbox WHERE due_ms<?1 AND (leased=0 OR kind=4) ORDER BY due_ms, id LIMIT 1", NULL },
    { "prompt-effect of a dead process",
      "SELECT line, ref FROM outbox WHERE ?1 AND leased<>0 AND kind<>4 AND leased NOT IN (SELECT number FROM osprey_node WHERE alive=1)"
      " ORDER BY id LIMIT 1", NULL },
    [CLAIMED] = { "prompt-effect that was claimed", "SELECT line, ref, id, leased, due_ms FROM outbox WHERE leased<>0 AND kind<>4 AND due_ms>?1 ORDER BY id", NULL },
};
_Static_assert(EFFECT_REPLY == 4, "the kind of replies in these statements");

static bool is_well(const struct sim_role *r)
{
    uint64_t now = world_now(r->world);
    return r->up && !r->dying && now >= r->full_until_ms && now >= r->slow_until_ms && sim_session_is_well(r->session);
}

/* Some process has been well without a break, as far as is seen. */
static bool one_is_well(struct ecosystem *e)
{
    bool well = false;
    for (unsigned i = 0; i < e->smsr->process_count; i++) {
        struct sim_role *r = &e->smsr->processes[i]->role;
        if (!is_well(r))
            r->well_ms = world_now(e->world);
        well |= world_now(e->world) >= r->well_ms + SOON_MS + LOOK_MS;
    }
    return well;
}

/* A process that has been well since it has claimed this has not let it leave. */
static bool stays(struct ecosystem *e, const struct row *row)
{
    uint64_t now = world_now(e->world), claimed_ms = (uint64_t)row_int(row, 4) - LEASE_MS;
    for (unsigned i = 0; i < e->smsr->process_count; i++) {
        const struct sim_role *r = &e->smsr->processes[i]->role;
        if (sim_session_number(r->session) == row_int(row, 3))
            return now >= r->well_ms + SOON_MS + LOOK_MS && claimed_ms + SOON_MS < now && !sim_session_had(r->session, row_int(row, 2));
    }
    return false;
}

static void ask(struct ecosystem *e, unsigned which, bool well)
{
    struct sim_prompt *p = &e->prompt[which];
    char line[ENGINE_LINE_MAX + 1] = "", what[ENGINE_REF_MAX + 1] = "";
    struct arena arena;
    struct value now = value_int((int64_t)world_now(e->world));
    arena_init(&arena, 1u << 20);
    const struct query *q = sim_role_ask(&e->smsr->role, &questions[which], &now, 1, &arena);
    for (size_t i = 0; i < q->row_count && !*what; i++)
        if (which != CLAIMED || stays(e, &q->rows[i])) {
            row_text(&q->rows[i], 0, line, sizeof line);
            row_text(&q->rows[i], 1, what, sizeof what);
        }
    arena_release(&arena);
    if (!well || !*what || strcmp(what, p->what) != 0 || strcmp(line, p->line) != 0) {
        *p = (struct sim_prompt){ .since_ms = world_now(e->world) };
        memcpy(p->line, line, sizeof line);
        memcpy(p->what, what, sizeof what);
    } else if (!p->told && world_now(e->world) >= p->since_ms + SOON_MS) {
        p->told = true;
        judge_says(e, "taken-up", steps_card(world_steps(e->world), span_text(line)), "nobody takes up %s %s", questions[which].name + 7, what);
    }
}

static void look(void *context, uint64_t argument)
{
    struct ecosystem *e = context;
    (void)argument;
    bool well = one_is_well(e);
    for (unsigned i = 0; i < PROMPT_QUESTIONS; i++)
        ask(e, i, well);
    clockwork_plan(world_time(e->world), world_now(e->world) + LOOK_MS, look, e, 0);
}

void prompt_begin(struct ecosystem *e)
{
    if (e->smsr->process_count > 1)
        look(e, 0);
}
