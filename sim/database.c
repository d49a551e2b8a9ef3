#include "database.h"

#include <stdio.h>
#include <stdlib.h>

#include "database_private.h"

/* ---- the database itself ---- */

static const char NODE_TABLE[] =
    "CREATE TABLE osprey_node (number INTEGER PRIMARY KEY, name TEXT NOT NULL, knows INTEGER NOT NULL, beat_ms INTEGER NOT NULL,"
    " alive INTEGER NOT NULL, batch INTEGER NOT NULL);";

struct sim_database *sim_database_new(struct world *w, const struct migration *schema, size_t count)
{
    struct sim_database *d = calloc(1, sizeof *d);
    struct migration *all = calloc(count + 1, sizeof *all);
    enum err err = ERR_NO_MEMORY;
    if (!d || !all)
        abort();
    memcpy(all, schema, count * sizeof *all);
    all[count] = (struct migration){ .name = "nodes", .sql = NODE_TABLE };
    d->world = w;
    d->store = sqlite_store_open(&(struct sqlite_options){ ":memory:", all, count + 1 }, &err, NULL);
    if (!d->store)
        abort();
    free(all);
    return d;
}

void sim_database_free(struct sim_database *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->node_count; i++)
        db_late_free(&d->nodes[i]);
    db_effects_free(d);
    sqlite_store_close(d->store);
    free(d);
}

struct sqlite_store *sim_database_store(struct sim_database *d) { return d->store; }

void sim_database_away(struct sim_database *d, uint64_t until_ms)
{
    d->away_until_ms = until_ms;
    for (size_t i = 0; i < d->session_count; i++)
        db_disconnect(d->sessions[i], 0);
}

/* ---- lines ---- */

static bool is_over(const struct sim_database *d, const struct db_lock *l) { return l->until_ms <= world_now(d->world); }

static struct db_lock *lock_of(struct sim_database *d, const char *line)
{
    for (size_t i = 0; i < d->lock_count; i++)
        if (!strcmp(d->locks[i].line, line) && !is_over(d, &d->locks[i]))
            return &d->locks[i];
    return NULL;
}

static void locks_sweep(struct sim_database *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->lock_count; i++)
        if (!is_over(d, &d->locks[i]))
            d->locks[kept++] = d->locks[i];
    d->lock_count = kept;
}

bool db_lock(struct sim_session *s, const char *line)
{
    struct sim_database *d = s->database;
    struct db_lock *l = lock_of(d, line);
    if (l)
        return l->connection == s->connection;
    locks_sweep(d);
    if (d->lock_count == ARRAY_LEN(d->locks))
        return false;
    l = &d->locks[d->lock_count++];
    *l = (struct db_lock){ .connection = s->connection, .until_ms = UINT64_MAX };
    snprintf(l->line, sizeof l->line, "%s", line);
    return true;
}

void db_unlock(struct sim_session *s, uint64_t at_ms)
{
    for (size_t i = 0; i < s->database->lock_count; i++)
        if (s->database->locks[i].connection == s->connection)
            s->database->locks[i].until_ms = at_ms;
}

/* ---- rows of processes ---- */

struct db_node *db_node(struct sim_database *d, int64_t number)
{
    for (size_t i = 0; i < d->node_count; i++)
        if (d->nodes[i].number == number)
            return &d->nodes[i];
    return NULL;
}

static const struct statement NODE_PUT = {
    "sim-node-put",
    "INSERT INTO osprey_node (number, name, knows, beat_ms, alive, batch) VALUES (?1,?2,0,0,?3,0)"
    " ON CONFLICT (number) DO UPDATE SET alive=?3", NULL
};
static const struct statement NODE_DROP = { "sim-node-drop", "DELETE FROM osprey_node WHERE number=?1", NULL };

void db_note(void *context, enum err err) { *(enum err *)context = err; }

enum err db_write(struct sim_database *d, const struct write *writes, size_t count)
{
    struct store *real = sqlite_store_seam(d->store);
    enum err err = ERR_IO;
    real->commit(real, writes, count, db_note, &err);
    return err;
}

/* In the same transaction the leases of that node are given back. */
void db_say(struct sim_database *d, const struct db_node *n, bool gone, const struct statement *free_leases)
{
    const struct value row[] = { value_int(n->number), value_text(n->name), value_int(n->alive) };
    struct write w[] = { { gone ? &NODE_DROP : &NODE_PUT, row, gone ? 1 : ARRAY_LEN(row), -1 }, { free_leases, row, 1, -1 } };
    if (db_write(d, w, free_leases ? 2 : 1) != ERR_NONE)
        abort();
}

void db_forget(struct sim_database *d, struct db_node *n)
{
    db_late_free(n);
    *n = d->nodes[--d->node_count];
}

/* Those of an earlier life: what they hold is given back with the next beat of anybody. */
static void outlive(struct sim_database *d, const char *name)
{
    for (size_t i = d->node_count; i-- > 0;) {
        struct db_node *n = &d->nodes[i];
        if (strcmp(n->name, name))
            continue;
        n->beat_ms = 0;
        if (n->alive)
            continue;
        db_say(d, n, true, NULL);
        db_forget(d, n);
    }
}

static bool is_in_commit(const struct sim_database *d, const char *name)
{
    for (size_t i = 0; i < d->node_count; i++)
        if (d->nodes[i].late && !strcmp(d->nodes[i].name, name))
            return true;
    return false;
}

/* Its row may be locked by a commit of its predecessor that is still under way. */
enum err db_register(struct sim_session *s)
{
    struct sim_database *d = s->database;
    if (is_in_commit(d, s->name))
        return ERR_CLOSED;
    outlive(d, s->name);
    if (d->node_count == ARRAY_LEN(d->nodes))
        abort();
    struct db_node *n = &d->nodes[d->node_count++];
    *n = (struct db_node){ .number = ++d->numbers, .name = s->name, .session = s, .beat_ms = world_now(d->world), .alive = true };
    db_say(d, n, false, NULL);
    s->nodes.number = n->number;
    return ERR_NONE;
}

/* ---- waking ---- */

static void woken_now(void *context, uint64_t number)
{
    struct sim_session *s = context;
    if (!s->up || s->nodes.number != (int64_t)number || !s->connected)
        return;
    s->was_woken = true;
    s->gate.woken(s->owner);
}

void db_wake(struct sim_database *d, int64_t number)
{
    for (size_t i = 0; i < d->session_count; i++) {
        struct sim_session *s = d->sessions[i];
        if (s->up && (!number || s->nodes.number == number))
            clockwork_plan(world_time(d->world), world_now(d->world) + 1, woken_now, s, (uint64_t)s->nodes.number);
    }
}
