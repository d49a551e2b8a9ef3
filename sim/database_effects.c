#include <stdlib.h>

#include "database_private.h"

#define LEASE_MS 60000u /* half of the engine's, which begins when the step runs: what has no result leaves again behind it */

/* Effects by their number, in a hash table: who had it last. */
struct db_effect {
    int64_t id;   /* 0: free */
    int64_t node; /* that let it leave */
    uint32_t life;
    bool failed; /* it is to leave again */
    uint64_t at_ms;
};

void db_effects_free(struct sim_database *d) { free(d->effects); }

static struct db_effect *slot_of(struct sim_database *d, int64_t id)
{
    size_t i = (size_t)((uint64_t)id * 0x9E3779B97F4A7C15u >> 20) % d->effect_cap;
    while (d->effects[i].id && d->effects[i].id != id)
        i = (i + 1) % d->effect_cap;
    return &d->effects[i];
}

static void grow(struct sim_database *d)
{
    struct db_effect *old = d->effects;
    size_t count = d->effect_cap;
    if (2 * d->effect_count < d->effect_cap)
        return;
    d->effect_cap = count ? 2 * count : 1024;
    d->effects = calloc(d->effect_cap, sizeof *d->effects);
    if (!d->effects)
        abort();
    for (size_t i = 0; i < count; i++)
        if (old[i].id)
            *slot_of(d, old[i].id) = old[i];
    free(old);
}

/* It lives, knows it, and nothing has happened since that could make it doubt what it has. */
static bool has_it_still(struct sim_database *d, const struct db_effect *e)
{
    const struct db_node *n = db_node(d, e->node);
    const struct sim_session *s = n ? n->session : NULL;
    return n && n->alive && s->up && !s->dying && s->nodes.number == e->node && s->nodes.life == e->life;
}

bool sim_session_leaves(struct sim_session *s, int64_t id)
{
    struct sim_database *d = s->database;
    grow(d);
    struct db_effect *e = slot_of(d, id);
    uint64_t now = world_now(d->world);
    const struct db_node *n = db_node(d, s->nodes.number);
    bool wrong = n && n->alive && e->id && !e->failed && now < e->at_ms + LEASE_MS && has_it_still(d, e);
    d->effect_count += !e->id;
    *e = (struct db_effect){ .id = id, .node = s->nodes.number, .life = s->nodes.life, .at_ms = now };
    return !wrong;
}

void sim_session_failed(struct sim_session *s, int64_t id)
{
    grow(s->database);
    struct db_effect *e = slot_of(s->database, id);
    e->failed |= e->id && e->node == s->nodes.number;
}

int64_t sim_session_number(const struct sim_session *s) { return s->nodes.number; }

bool sim_session_had(struct sim_session *s, int64_t id)
{
    grow(s->database);
    const struct db_effect *e = slot_of(s->database, id);
    return e->id && e->node == s->nodes.number;
}
