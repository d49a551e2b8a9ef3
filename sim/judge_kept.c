/* What an SM-SR keeps of its eUICCs in memory is what a load would give (sm-sr/store/kept.h): both are written as if they were new,
 * and the writes compared. */
#include "judge.h"

#include "ecosystem.h"
#include "sm-sr/store/kept.h"
#include "sm-sr/store/schema.h"

static void note(void *context, enum err err) { *(enum err *)context = err; }

static struct euicc *stored(struct sim_role *r, const char *eid, struct arena *arena)
{
    struct store *real = sqlite_store_seam(r->store);
    struct rowset *rows = ARENA_NEW(arena, struct rowset);
    struct euicc *e = NULL;
    enum err err = rows ? ERR_NONE : ERR_NO_MEMORY;
    if (rows)
        *rows = (struct rowset){ .arena = arena };
    while (err == ERR_NONE && !smsr_euicc_load(rows, eid, &e))
        real->load(real, rows, note, &err);
    sim_must(err == ERR_NONE && !e ? ERR_NO_MEMORY : err, "rows of an eUICC");
    return e;
}

/* All that can be written of it. */
static struct writes *written(struct euicc *e, struct arena *arena)
{
    struct writes *w = ARENA_NEW(arena, struct writes);
    sim_must(w ? ERR_NONE : ERR_NO_MEMORY, "writes");
    w->arena = arena;
    e->changed = e->moved = true;
    for (size_t i = 0; i < e->profile_count; i++)
        e->profiles[i].change = ROW_NEW;
    for (size_t i = 0; i < e->operation_count; i++)
        e->operations[i].change = ROW_NEW;
    for (size_t i = 0; i < e->exchange_count; i++)
        e->exchanges[i].change = ROW_NEW;
    for (size_t i = 0; i < e->keyset_count; i++)
        e->keysets[i].change = ROW_NEW;
    smsr_euicc_save(e, w);
    for (size_t i = 0; i < e->keyset_count; i++) /* what the statement above leaves out */
        WRITES_ADD(w, &SMSR_KEYSET_COUNT, -1, value_int(e->keysets[i].retired));
    WRITES_ADD(w, &SMSR_EUICC_ADD, -1, value_text(e->eum_id.text), value_int((int64_t)e->available_memory), value_int(e->http),
               value_int(e->cat_tp), value_int(e->known));
    sim_must(w->err, "writes of an eUICC");
    return w;
}

static bool same_value(const struct value *a, const struct value *b)
{
    return a->type == b->type && a->number == b->number && span_eq(a->bytes, b->bytes);
}

/* 0: they are the same; else the number of the first parameter that differs. */
static size_t difference(const struct write *a, const struct write *b)
{
    if (a->statement != b->statement || a->param_count != b->param_count)
        return 1;
    for (size_t i = 0; i < a->param_count; i++)
        if (!same_value(&a->params[i], &b->params[i]))
            return i + 1;
    return 0;
}

/* In words; NULL: nothing. */
static const char *compared(const struct writes *a, const struct writes *b, struct arena *arena)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        size_t at = difference(&a->list[i], &b->list[i]);
        if (at)
            return arena_printf(arena, "parameter %zu of %s", at, a->list[i].statement->name);
    }
    return a->count == b->count ? NULL : "the number of rows";
}

static void look(struct ecosystem *e, struct sim_smsr *s, const char *eid)
{
    struct arena arena;
    arena_init(&arena, ENGINE_EVENT_ARENA_MAX);
    struct euicc *kept = kept_copy(smsr_kept(s->smsr), eid, &arena);
    sim_must(kept ? ERR_NONE : ERR_NO_MEMORY, "what is kept of an eUICC");
    const char *what = compared(written(kept, &arena), written(stored(&s->role, eid, &arena), &arena), &arena);
    if (what)
        judge_says(e, "kept-is-stored", steps_card(world_steps(e->world), span_text(eid)), "%s keeps another %s than its store has",
                   s->role.kind->name, what);
    arena_release(&arena);
}

void judge_kept(struct ecosystem *e, struct sim_smsr *s, bool all)
{
    struct kept *k = sim_smsr_is_up(s) ? smsr_kept(s->smsr) : NULL;
    size_t at = 0;
    for (const char *eid = k ? kept_next_new(k) : NULL; eid; eid = kept_next_new(k))
        look(e, s, eid);
    for (const char *eid = k && all ? kept_next(k, &at) : NULL; eid; eid = kept_next(k, &at))
        look(e, s, eid);
}
