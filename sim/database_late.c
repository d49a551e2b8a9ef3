#include <stdlib.h>

#include "database_private.h"

/* A commit that the server does when nobody waits for it any more: its row and its lines are locked until then. */
struct late {
    int64_t number, batch;
    struct arena arena;
    struct write *writes;
    size_t count;
};

void db_late_free(struct db_node *n)
{
    if (n->late)
        arena_release(&n->late->arena);
    free(n->late);
    n->late = NULL;
}

static void done(void *context, uint64_t number)
{
    struct sim_database *d = context;
    struct db_node *n = db_node(d, (int64_t)number);
    struct late *l = n ? n->late : NULL;
    if (!l)
        return;
    n->late = NULL;
    (void)!db_do(d, l->number, l->batch, l->writes, l->count);
    arena_release(&l->arena);
    free(l);
}

void db_late(struct sim_session *s, const struct write *writes, size_t count, uint64_t after_ms)
{
    struct db_node *n = db_node(s->database, s->nodes.number);
    struct late *l = calloc(1, sizeof *l);
    if (!l || !n)
        abort();
    *l = (struct late){ .number = n->number, .batch = s->batch, .count = count };
    arena_init(&l->arena, 64u << 20);
    l->writes = ARENA_ARRAY(&l->arena, struct write, count);
    for (size_t i = 0; l->writes && i < count; i++) {
        l->writes[i] = writes[i];
        l->writes[i].params = values_copy(&l->arena, writes[i].params, writes[i].param_count);
        if (writes[i].param_count && !l->writes[i].params)
            abort();
    }
    if (!l->writes)
        abort();
    n->late = l;
    clockwork_plan(world_time(s->database->world), world_now(s->database->world) + after_ms, done, s->database, (uint64_t)n->number);
}
