/* One durable change through the engine (event, step, writes, outbox) against the bare store in the same grouping (shared
 * figures P12): groups of 100 lines, one commit each, on a real file. */
#include "bench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/engine/engine.h"
#include "lib/io/sqlite.h"

#define GROUP 100u
#define ROWS  10000u

static const struct statement CHANGE = {
    "change", "INSERT INTO tally (line, n) VALUES (?1, 1) ON CONFLICT (line) DO UPDATE SET n=n+1", NULL
};

struct store_work {
    struct clock clock;
    struct net net;
    struct sqlite_store *store;
    struct engine *engine;
    sqlite3 *bare;
    sqlite3_stmt *statement;
    unsigned rows, next; /* rows: changes go here and there among so many; 0: always the same group */
};

static uint64_t now_ms(struct clock *clock)
{
    (void)clock;
    return 1000;
}

static void wake_at(struct clock *clock, uint64_t at_ms)
{
    (void)clock;
    (void)at_ms;
}

static void send(struct net *net, const struct effect *effect)
{
    (void)net;
    (void)effect;
}

static enum verdict step(void *role, struct rowset *rows, const struct event *event, struct writes *w, struct outbox *out)
{
    (void)role;
    (void)rows;
    (void)out;
    WRITES_ADD(w, &CHANGE, 1, value_text(event->line));
    return STEP_DONE;
}

static void ours(void *context, unsigned repeats)
{
    struct store_work *w = context;
    char line[16];
    while (repeats--) {
        for (unsigned i = 0; i < GROUP; i++) {
            snprintf(line, sizeof line, "line-%u", i);
            BENCH_MUST(engine_post(w->engine, engine_event(w->engine, ENGINE_KIND_ROLE, line)));
        }
        engine_run(w->engine);
    }
}

static void must_sql(int got, int want)
{
    if (got != want)
        bench_must(ERR_IO, "bare SQLite");
}

static void bare(void *context, unsigned repeats)
{
    struct store_work *w = context;
    char line[16];
    while (repeats--) {
        must_sql(sqlite3_exec(w->bare, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        for (unsigned i = 0; i < GROUP; i++) {
            w->next = w->rows ? (w->next * 1103515245u + 12345u) : i;
            snprintf(line, sizeof line, "line-%u", w->rows ? w->next / 65536 % w->rows : i);
            sqlite3_bind_text(w->statement, 1, line, -1, SQLITE_STATIC);
            must_sql(sqlite3_step(w->statement), SQLITE_DONE);
            sqlite3_reset(w->statement);
        }
        must_sql(sqlite3_exec(w->bare, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    }
}

static void open_ours(struct store_work *w, const char *path)
{
    static struct migration migrations[] = { { "0000_engine", ENGINE_SCHEMA },
                                             { "0001_tally", "CREATE TABLE tally (line TEXT PRIMARY KEY, n INTEGER);" } };
    struct sqlite_options options = { path, migrations, ARRAY_LEN(migrations) };
    enum err err;
    w->store = sqlite_store_open(&options, &err, NULL);
    BENCH_MUST(err);
    struct engine_config config = { .env = { .clock = &w->clock, .net = &w->net, .store = sqlite_store_seam(w->store) },
                                    .step = step, .role = w };
    BENCH_MUST(engine_new(&config, &w->engine));
    BENCH_MUST(engine_start(w->engine));
}

static void open_bare(struct store_work *w, const char *path)
{
    must_sql(sqlite3_open(path, &w->bare), SQLITE_OK);
    must_sql(sqlite3_exec(w->bare, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                   "CREATE TABLE tally (line TEXT PRIMARY KEY, n INTEGER);", NULL, NULL, NULL), SQLITE_OK);
    must_sql(sqlite3_prepare_v2(w->bare, CHANGE.sqlite, -1, &w->statement, NULL), SQLITE_OK);
}

static void remove_database(const char *path)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    char name[200];
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

struct place {
    char folder[32], ours[64], bare[64];
};

static void place_make(struct place *p)
{
    snprintf(p->folder, sizeof p->folder, "/tmp/osprey-bench-XXXXXX");
    if (!mkdtemp(p->folder))
        bench_must(ERR_IO, "mkdtemp");
    snprintf(p->ours, sizeof p->ours, "%s/a.db", p->folder);
    snprintf(p->bare, sizeof p->bare, "%s/b.db", p->folder);
}

static void place_remove(const struct place *p)
{
    remove_database(p->ours);
    remove_database(p->bare);
    rmdir(p->folder);
}

static void close_bare(struct store_work *w)
{
    sqlite3_finalize(w->statement);
    sqlite3_close(w->bare);
}

double bench_change_us(void)
{
    struct store_work w = { .rows = ROWS };
    struct place p;
    place_make(&p);
    open_bare(&w, p.bare);
    bare(&w, 3 * ROWS / GROUP); /* most of them are there */
    double cost_us = bench_cost_us(bare, &w) / GROUP;
    close_bare(&w);
    place_remove(&p);
    return cost_us;
}

void bench_store(void)
{
    struct store_work w = { .clock = { now_ms, wake_at }, .net = { send } };
    struct place p;
    place_make(&p);
    open_ours(&w, p.ours);
    open_bare(&w, p.bare);
    bench_run(&(struct bench){ "durable change, groups of 100", "changes/s of CPU", GROUP, ours, bare,
                               "ours / bare SQLite in the same grouping", &w, "P12", 2.0 });
    engine_free(w.engine);
    sqlite_store_close(w.store);
    close_bare(&w);
    place_remove(&p);
}
