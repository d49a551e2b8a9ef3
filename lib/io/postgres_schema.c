#include <stdio.h>
#include <stdlib.h>

#include "postgres_private.h"

#define MIGRATION_LOCK "7306583" /* one node migrates at a time */

/* version: of the schema. oldest: programs that know fewer migrations cannot work with it any more. nodes: the last number
 * that was given to one. */
static const char OWN_TABLES[] =
    "CREATE TABLE IF NOT EXISTS osprey_schema (version BIGINT NOT NULL);"
    "ALTER TABLE osprey_schema ADD COLUMN IF NOT EXISTS oldest BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE osprey_schema ADD COLUMN IF NOT EXISTS nodes BIGINT NOT NULL DEFAULT 0;"
    "INSERT INTO osprey_schema (version) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM osprey_schema);"
    "CREATE TABLE IF NOT EXISTS osprey_node (number BIGINT PRIMARY KEY, name TEXT NOT NULL, knows BIGINT NOT NULL,"
    " beat_ms BIGINT NOT NULL, alive BIGINT NOT NULL, batch BIGINT NOT NULL) WITH (fillfactor=20)";

/* A migration in PostgreSQL's words. */
static char *schema_text(const char *sqlite)
{
    static const struct {
        const char *from, *to;
    } words[] = { { " BLOB", " BYTEA" }, { " INTEGER", " BIGINT" }, { " WITHOUT ROWID", "" } };
    char *out = malloc(2 * strlen(sqlite) + 1), *at = out;
    while (out && *sqlite) {
        size_t i = 0;
        while (i < ARRAY_LEN(words) && strncmp(sqlite, words[i].from, strlen(words[i].from)) != 0)
            i++;
        if (i == ARRAY_LEN(words)) {
            *at++ = *sqlite++;
            continue;
        }
        at = stpcpy(at, words[i].to);
        sqlite += strlen(words[i].from);
    }
    if (out)
        *at = '\0';
    return out;
}

/* What takes away may only come when nobody else runs who still uses it. */
static enum err wait_for_old(struct postgres_store *s, const struct migration *m, size_t version)
{
    char sql[400];
    int64_t old = 0;
    char *name = m->contracts ? PQescapeLiteral(s->conn, s->name, strlen(s->name)) : NULL;
    if (!m->contracts || !name)
        return m->contracts ? ERR_NO_MEMORY : ERR_NONE;
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM osprey_node WHERE alive=1 AND beat_ms>" POSTGRES_NOW "-%u AND knows<%zu AND name<>%s",
             STORE_DEAD_MS, version, name);
    PQfreemem(name);
    enum err err = postgres_ask(s, sql, &old);
    if (err != ERR_NONE || !old)
        return err;
    snprintf(sql, sizeof sql, "%lld nodes still run a program that does not know it: update them first", (long long)old);
    postgres_say(s, m->name, sql);
    return ERR_BUSY;
}

static enum err migrate_one(struct postgres_store *s, const struct migration *m, size_t version)
{
    char number[120];
    char why[SQLITE_DETAIL_MAX];
    char *sql = schema_text(m->sql);
    enum err err = sql ? wait_for_old(s, m, version) : ERR_NO_MEMORY;
    if (err == ERR_NONE && (err = postgres_run(s, sql)) != ERR_NONE) {
        memcpy(why, s->detail, sizeof why);
        postgres_say(s, m->name, why);
        err = err == ERR_CLOSED ? err : ERR_BAD_VALUE;
    }
    snprintf(number, sizeof number, m->contracts ? "UPDATE osprey_schema SET version=%zu, oldest=%zu" : "UPDATE osprey_schema SET version=%zu",
             version, version);
    if (err == ERR_NONE)
        err = postgres_run(s, number);
    free(sql);
    return err;
}

/* What nobody needs may stay for a while. */
static bool only_contract(const struct migration *migrations, size_t count)
{
    while (count && migrations[count - 1].contracts)
        count--;
    return !count;
}

static enum err look_at_schema(struct postgres_store *s, size_t count, int64_t *ret_version)
{
    int64_t oldest = 0;
    char why[120];
    enum err err = postgres_ask(s, "SELECT version FROM osprey_schema", ret_version);
    if (err == ERR_NONE)
        err = postgres_ask(s, "SELECT oldest FROM osprey_schema", &oldest);
    if (err != ERR_NONE || oldest <= (int64_t)count)
        return err;
    snprintf(why, sizeof why, "its schema (%lld) is newer than this program: %zu known, %lld needed", (long long)*ret_version, count,
             (long long)oldest);
    postgres_say(s, "database", why);
    return ERR_UNSUPPORTED;
}

enum err postgres_fits(struct postgres_store *s, size_t count)
{
    int64_t there = 0, version = 0;
    enum err err = postgres_ask(s, "SELECT count(*) FROM pg_class WHERE oid=to_regclass('osprey_schema')", &there);
    return err == ERR_NONE && there ? look_at_schema(s, count, &version) : err;
}

static enum err migrate_all(struct postgres_store *s, const struct migration *migrations, size_t count)
{
    int64_t version = 0;
    enum err err = look_at_schema(s, count, &version);
    for (size_t i = (size_t)version; err == ERR_NONE && i < count; i++) {
        err = migrate_one(s, &migrations[i], i + 1);
        if (err == ERR_BUSY && only_contract(&migrations[i], count - i))
            return ERR_NONE; /* the next that starts does it, when the old ones are gone */
    }
    return err;
}

/* All in one transaction: nobody sees half a schema, and a migration that fails leaves the old one. */
enum err postgres_migrate(struct postgres_store *s, const struct migration *migrations, size_t count)
{
    char why[SQLITE_DETAIL_MAX];
    enum err err = postgres_run(s, "BEGIN; SET LOCAL lock_timeout=10000; SELECT pg_advisory_xact_lock(" MIGRATION_LOCK ")");
    if (err == ERR_NONE)
        err = postgres_run(s, OWN_TABLES);
    if (err == ERR_NONE)
        err = migrate_all(s, migrations, count);
    memcpy(why, s->detail, sizeof why);
    if (err == ERR_NONE)
        return postgres_run(s, "COMMIT");
    if (s->conn)
        (void)!postgres_run(s, "ROLLBACK");
    memcpy(s->detail, why, sizeof why);
    return err;
}
