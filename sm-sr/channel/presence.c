#include "presence.h"

#include "admin.h"
#include "bearer.h"

#define PRESENCE_MARGIN_MS 200u /* a session that ends so soon is none */
#define PRESENCE_WORK_MS   30000u /* a command takes not much longer; should the session break meanwhile, nobody tells */
#define PRESENCE_KEPT_MS   (3600u * 1000)

const char SMSR_PRESENCE_SCHEMA[] =
    "CREATE TABLE presence (eid TEXT PRIMARY KEY, home INTEGER NOT NULL, node INTEGER NOT NULL, slot INTEGER NOT NULL,"
    " generation INTEGER NOT NULL, busy INTEGER NOT NULL, until_ms INTEGER NOT NULL, kept_ms INTEGER NOT NULL) WITHOUT ROWID;";

/* Of a process that is no more nothing is left. */
static const struct statement LOAD = {
    "presence-load",
    "SELECT p.home, p.node, p.slot, p.generation, p.busy, p.until_ms, p.kept_ms FROM presence p JOIN osprey_node n"
    " ON n.number=p.home AND n.alive=1 WHERE p.eid=?1", NULL
};
static const struct statement PUT = {
    "presence-put",
    "INSERT INTO presence (eid, home, node, slot, generation, busy, until_ms, kept_ms) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)"
    " ON CONFLICT (eid) DO UPDATE SET home=?2, node=?3, slot=?4, generation=?5, busy=?6, until_ms=?7, kept_ms=?8", NULL
};
static const struct statement DROP = { "presence-drop", "DELETE FROM presence WHERE eid=?1", NULL };
static const struct statement PRUNE = { "presence-prune", "DELETE FROM presence WHERE until_ms<?1", NULL };

static bool is_shared(const struct turn *t) { return store_is_shared(t->env->store); }

bool smsr_presence_load(struct turn *t)
{
    if (!is_shared(t))
        return true;
    const struct query *q = SMSR_ASK(t, &LOAD, value_text(t->event->line));
    if (!q || !q->row_count)
        return q;
    const struct row *row = &q->rows[0];
    t->presence = (struct presence){ .ref = { .home = (uint32_t)row_int(row, 0), .node = (uint32_t)row_int(row, 1),
                                              .slot = (uint32_t)row_int(row, 2), .generation = (uint32_t)row_int(row, 3) },
                                     .known = true,
                                     .busy = row_int(row, 4) != 0,
                                     .until_ms = (uint64_t)row_int(row, 5),
                                     .kept_ms = (uint64_t)row_int(row, 6) };
    return true;
}

static bool is_elsewhere(const struct turn *t)
{
    const struct presence *p = &t->presence;
    return p->known && p->ref.home != engine_home(t->smsr->engine) && p->until_ms > t->now_ms + PRESENCE_MARGIN_MS;
}

struct reply_ref smsr_presence_waiting(const struct turn *t)
{
    return is_elsewhere(t) && !t->presence.busy ? t->presence.ref : (struct reply_ref){ 0 };
}

bool smsr_presence_works(const struct turn *t, enum bearer bearer)
{
    return is_elsewhere(t) && t->presence.busy && smsr_bearer_is_of(bearer, t->presence.ref);
}

static bool same_work(const struct turn *t, const struct presence *next)
{
    const struct presence *p = &t->presence;
    return p->known && p->busy && next->busy && p->ref.home == next->ref.home && p->ref.generation == next->ref.generation &&
           p->until_ms > t->now_ms + PRESENCE_WORK_MS / 2;
}

static void put(struct turn *t, const struct presence *next)
{
    if (!same_work(t, next))
        WRITES_ADD(t->w, &PUT, 1, value_text(t->event->line), value_int(next->ref.home), value_int(next->ref.node),
                   value_int(next->ref.slot), value_int(next->ref.generation), value_int(next->busy),
                   value_int((int64_t)next->until_ms), value_int((int64_t)next->kept_ms));
    t->presence = *next;
}

void smsr_presence_note(struct turn *t, struct reply_ref session, int status)
{
    struct presence next = { .ref = session, .known = true, .busy = status == 200, .kept_ms = t->presence.kept_ms };
    if (!is_shared(t) || reply_ref_is_none(session))
        return;
    if (!session.home)
        next.ref.home = engine_home(t->smsr->engine);
    if (status == SMSR_ADMIN_HOLD)
        next.kept_ms = t->now_ms + t->config->hold_ms;
    next.until_ms = next.busy ? t->now_ms + PRESENCE_WORK_MS : next.kept_ms;
    if (status != 204 && next.until_ms > t->now_ms) {
        put(t, &next);
    } else if (t->presence.known) {
        WRITES_ADD(t->w, &DROP, -1, value_text(t->event->line));
        t->presence.known = false;
    }
}

void smsr_presence_prune(struct turn *t)
{
    if (is_shared(t))
        WRITES_ADD(t->w, &PRUNE, -1, value_int((int64_t)(t->now_ms - PRESENCE_KEPT_MS)));
}
