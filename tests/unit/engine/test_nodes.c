/* Several engines on one PostgreSQL database: each line once at a time, each effect from one node, and what a node that is
 * no more had in hand goes on elsewhere. OSPREY_STORE_TEST names the server (tests/support/postgres_server.py). */
#include "tests/support/test.h"
#include "lib/engine/engine.h"
#include "lib/io/postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENT_ADD = ENGINE_KIND_ROLE, EVENT_ANSWER, EVENT_WAIT, EVENT_LETTER, EFFECT_TELL };
#define WORKERS      3
#define WORKER_ADDS  200
#define WORKER_LINES 7

static const struct statement ADD = { "add", "INSERT INTO tally (line, n) VALUES (?1, ?2) ON CONFLICT (line) DO UPDATE SET n=?2", NULL };
static const struct statement GET = { "get", "SELECT n FROM tally WHERE line=?1", NULL };

struct node {
    struct clock clock;
    struct net net;
    struct postgres_store *postgres;
    struct store door; /* in front of it, to lose answers */
    struct store_nodes door_nodes;
    bool loses_answer, killed;
    struct engine *engine;
    bool answers;
    unsigned told, timers, gone_replies;
    int64_t last_id;
    char heard[32];
    struct reply_ref elsewhere;
};

static uint64_t now = 1000000;
static struct node a, b;

static uint64_t now_ms(struct clock *c) { return (void)c, now; }
static void wake_at(struct clock *c, uint64_t at) { (void)c, (void)at; }

static void send(struct net *net, const struct effect *effect)
{
    struct node *n = (struct node *)((char *)net - offsetof(struct node, net));
    if (effect->kind == EFFECT_REPLY) {
        n->gone_replies += effect->reply.slot == UINT32_MAX;
        if (effect->reply.slot != UINT32_MAX)
            snprintf(n->heard, sizeof n->heard, "%u/%d/%.*s", effect->reply.slot, effect->status, (int)effect->body.len,
                     (const char *)effect->body.ptr);
        return;
    }
    n->told++;
    n->last_id = effect->id;
    if (n->answers)
        engine_result(n->engine, effect->id, EFFECT_SENT, 200, SPAN_NONE);
}

/* Reads, adds one, and writes: two at a time would lose one. */
static enum verdict add(struct rowset *rows, const struct event *event, struct writes *writes, struct outbox *outbox)
{
    const struct query *q = ROWSET_WANT(rows, &GET, value_text(event->line));
    if (!q->loaded)
        return STEP_NEED_ROWS;
    WRITES_ADD(writes, &ADD, 1, value_text(event->line), value_int(q->row_count ? row_int(&q->rows[0], 0) + 1 : 1));
    outbox_post(outbox, &(struct effect){ .kind = EFFECT_TELL, .ref = "tell", .to = "x", .body = SPAN_LIT("added") });
    return STEP_DONE;
}

static enum verdict step(void *role, struct rowset *rows, const struct event *event, struct writes *writes, struct outbox *outbox)
{
    struct node *n = role;
    switch (event->kind) {
    case EVENT_ADD:
        return add(rows, event, writes, outbox);
    case EVENT_LETTER:
        outbox_post(outbox, &(struct effect){ .kind = EFFECT_TELL, .ref = "letter", .to = "wsmc 1.2.3 urn:x", .body = SPAN_LIT("x") });
        return STEP_DONE;
    case EVENT_ANSWER:
        outbox_reply(outbox, n->elsewhere, 200, SPAN_LIT("here it is"));
        return STEP_DONE;
    case EVENT_WAIT:
        b.elsewhere = event->reply;
        timer_set(writes, event->line, "soon", event->now_ms + 500);
        return STEP_DONE;
    case EVENT_TIMER:
        n->timers++;
        return STEP_DONE;
    default:
        return STEP_DONE;
    }
}

static const char *url(void)
{
    static char text[200];
    snprintf(text, sizeof text, "%s/nodes", getenv("OSPREY_STORE_TEST"));
    return text;
}

static void lossy_commit(struct store *door, const struct write *writes, size_t count, store_done *done, void *context)
{
    struct node *n = (struct node *)((char *)door - offsetof(struct node, door));
    struct store *real = postgres_store_seam(n->postgres);
    if (n->killed) {
        done(context, ERR_CLOSED);
        return;
    }
    bool lost = n->loses_answer && count > 1;
    n->loses_answer &= !lost;
    real->commit(real, writes, count, done, context);
    n->door_nodes.life = real->nodes->life;
    if (lost)
        *(enum err *)context = ERR_IO;
}

#define THROUGH(name, parameters, arguments)                                                                                     \
    static void through_##name parameters                                                                                        \
    {                                                                                                                            \
        struct node *n = (struct node *)((char *)door - offsetof(struct node, door));                                            \
        struct store *real = postgres_store_seam(n->postgres);                                                                   \
        real->nodes->name arguments;                                                                                             \
        n->door_nodes.life = real->nodes->life;                                                                                  \
    }
THROUGH(claim, (struct store *door, const char *const *lines, size_t count, bool *mine, store_done *done, void *context),
        (real, lines, count, mine, done, context))
THROUGH(load_all, (struct store *door, struct rowset *const *wants, size_t count, store_done *done, void *context),
        (real, wants, count, done, context))
THROUGH(release, (struct store *door), (real))
THROUGH(settle, (struct store *door, store_done *done, void *context), (real, done, context))
THROUGH(beat, (struct store *door, const struct statement *free_leases, store_done *done, void *context),
        (real, free_leases, done, context))
THROUGH(leave, (struct store *door, const struct statement *free_leases, store_done *done, void *context),
        (real, free_leases, done, context))
static bool through_woken(struct store *door)
{
    struct store *real = postgres_store_seam(((struct node *)((char *)door - offsetof(struct node, door)))->postgres);
    return real->nodes->woken(real);
}
static void through_load(struct store *door, struct rowset *rows, store_done *done, void *context)
{
    struct store *real = postgres_store_seam(((struct node *)((char *)door - offsetof(struct node, door)))->postgres);
    real->load(real, rows, done, context);
}

static void start(struct node *n, const char *name)
{
    static const struct migration migrations[] = { { "0000_engine", ENGINE_SCHEMA, false },
                                                   { "0001_tally", "CREATE TABLE tally (line TEXT PRIMARY KEY, n INTEGER NOT NULL);", false } };
    enum err err;
    char detail[SQLITE_DETAIL_MAX] = "";
    *n = (struct node){ .clock = { now_ms, wake_at }, .net = { send }, .answers = true };
    n->postgres = postgres_store_open(&(struct postgres_options){ url(), migrations, ARRAY_LEN(migrations), name }, &err, detail);
    if (!n->postgres)
        fail_msg("%s: %s", err_text(err), detail);
    n->door_nodes = *postgres_store_seam(n->postgres)->nodes;
    n->door_nodes.claim = through_claim, n->door_nodes.load_all = through_load_all, n->door_nodes.release = through_release;
    n->door_nodes.settle = through_settle, n->door_nodes.beat = through_beat, n->door_nodes.leave = through_leave;
    n->door_nodes.woken = through_woken;
    n->door = (struct store){ through_load, lossy_commit, &n->door_nodes };
    struct engine_config config = { .env = { .clock = &n->clock, .net = &n->net, .store = &n->door }, .step = step, .role = n };
    assert_ok(engine_new(&config, &n->engine));
    assert_ok(engine_start(n->engine));
    engine_run(n->engine);
}

static void cannot_leave(struct store *door, const struct statement *free_leases, store_done *done, void *context)
{
    (void)door, (void)free_leases;
    done(context, ERR_CLOSED);
}

/* As kill -9 does: nothing is given back, nothing gets to the database any more. */
static void kill_node(struct node *n)
{
    n->killed = true;
    n->door_nodes.leave = cannot_leave;
    engine_free(n->engine);
    postgres_store_close(n->postgres);
    n->postgres = NULL;
}

static void end(struct node *n)
{
    if (n->postgres)
        engine_leave(n->engine);
    if (n->postgres)
        engine_free(n->engine);
    if (n->postgres)
        postgres_store_close(n->postgres);
}

static void note(void *context, enum err err) { *(enum err *)context = err; }

/* Of a visitor that is no node. */
static int64_t sql(const char *text)
{
    static struct statement statements[64];
    static size_t used;
    struct arena arena;
    enum err err;
    arena_init(&arena, 1u << 20);
    struct postgres_store *s = postgres_store_open(&(struct postgres_options){ .conninfo = url() }, &err, NULL);
    assert_non_null(s);
    statements[used] = (struct statement){ "sql", NULL, text };
    struct rowset rows = { .arena = &arena };
    rowset_want(&rows, &statements[used++], NULL, 0);
    postgres_store_seam(s)->load(postgres_store_seam(s), &rows, note, &err);
    assert_ok(err);
    int64_t n = rows.queries[0].row_count ? row_int(&rows.queries[0].rows[0], 0) : -1;
    arena_release(&arena);
    postgres_store_close(s);
    return n;
}

static int setup(void **state)
{
    (void)state;
    sql("DROP SCHEMA public CASCADE");
    sql("CREATE SCHEMA public");
    start(&a, "a");
    start(&b, "b");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    end(&a);
    end(&b);
    return 0;
}

static void post(struct node *n, uint16_t kind, const char *line)
{
    struct event *event = engine_event(n->engine, kind, line);
    assert_non_null(event);
    event->reply = (struct reply_ref){ 1, 7, 8, 0 };
    assert_ok(engine_post(n->engine, event));
}

static void later(struct node *n, uint64_t ms)
{
    now += ms;
    engine_run(n->engine);
}

static void two_nodes_work_on_the_same_lines(void **state)
{
    (void)state;
    char line[8];
    for (int i = 0; i < 60; i++) {
        snprintf(line, sizeof line, "l%d", i % 5);
        post(i % 2 ? &a : &b, EVENT_ADD, line);
    }
    engine_run(a.engine);
    engine_run(b.engine);
    assert_int_equal(sql("SELECT sum(n)::bigint FROM tally"), 60);
    assert_int_equal(a.told + b.told, 60);
    later(&a, 200);
    later(&b, 200);
    assert_int_equal(sql("SELECT count(*) FROM outbox"), 0);
}

static void a_line_that_is_held_elsewhere_waits_and_others_do_not(void **state)
{
    (void)state;
    struct store *held = postgres_store_seam(b.postgres);
    const char *lines[] = { "held" };
    bool mine[1];
    enum err err;
    held->nodes->claim(held, lines, 1, mine, note, &err);
    assert_ok(err);
    assert_true(mine[0]);
    post(&a, EVENT_ADD, "held");
    post(&a, EVENT_ADD, "free");
    engine_run(a.engine);
    later(&a, 20);
    assert_int_equal(sql("SELECT count(*) FROM tally"), 1);
    held->nodes->release(held);
    later(&a, 20);
    assert_int_equal(sql("SELECT count(*) FROM tally"), 2);
}

static void what_a_living_node_sends_no_other_sends(void **state)
{
    (void)state;
    a.answers = false;
    post(&a, EVENT_ADD, "one");
    engine_run(a.engine);
    assert_int_equal(a.told, 1);
    for (int i = 0; i < 3; i++) {
        later(&a, 130000); /* longer than the lease */
        later(&b, 0);
    }
    assert_int_equal(a.told + b.told, 1);
    kill_node(&a);
    assert_int_equal(sql("UPDATE osprey_node SET beat_ms=0 WHERE name='a' RETURNING 1"), 1);
    later(&b, 2000);
    assert_int_equal(b.told, 1);
    assert_int_equal(b.last_id, a.last_id);
    later(&b, 200);
    assert_int_equal(sql("SELECT count(*) FROM outbox"), 0);
}

/* It stood still for too long: what it held is elsewhere, and what it says late changes nothing. */
static void a_node_that_was_taken_for_dead_commits_nothing_before_it_knows(void **state)
{
    (void)state;
    a.answers = false;
    post(&a, EVENT_ADD, "one");
    engine_run(a.engine);
    later(&a, 2000); /* its next word that it lives is a second away */
    sql("UPDATE osprey_node SET beat_ms=0 WHERE name='a'");
    b.answers = false;
    later(&b, 0);
    assert_int_equal(b.told, 1);
    engine_result(a.engine, a.last_id, EFFECT_SENT, 200, SPAN_NONE);
    post(&a, EVENT_ADD, "one");
    for (int i = 0; i < 5; i++)
        later(&a, 200);
    assert_int_equal(sql("SELECT n FROM tally WHERE line='one'"), 2);
    assert_int_equal(engine_counts(a.engine).conflicts, 1); /* its first commit was one of a dead node */
    assert_int_equal(sql("SELECT count(*) FROM outbox"), 2); /* b has not said that it is done */
    engine_result(b.engine, b.last_id, EFFECT_SENT, 200, SPAN_NONE);
    later(&b, 200);
    assert_int_equal(sql("SELECT count(*) FROM outbox"), 1);
}

static void a_new_life_takes_up_what_the_last_one_held(void **state)
{
    (void)state;
    a.answers = false;
    post(&a, EVENT_ADD, "one");
    engine_run(a.engine);
    kill_node(&a);
    start(&a, "a");
    later(&a, 100);
    assert_int_equal(a.told + b.told, 1);
    later(&a, 200);
    assert_int_equal(sql("SELECT count(*) FROM outbox"), 0);
    assert_int_equal(sql("SELECT n FROM tally WHERE line='one'"), 1);
}

static void a_timer_fires_once(void **state)
{
    (void)state;
    post(&a, EVENT_WAIT, "one");
    engine_run(a.engine);
    now += 1000;
    for (int i = 0; i < 20; i++) {
        later(&b, 1000);
        later(&a, 1000);
    }
    assert_int_equal(a.timers + b.timers, 1);
}

static void an_answer_finds_the_exchange_at_the_other_node(void **state)
{
    (void)state;
    post(&a, EVENT_WAIT, "one"); /* its exchange is open at a */
    engine_run(a.engine);
    assert_int_equal(b.elsewhere.home, engine_home(a.engine));
    post(&b, EVENT_ANSWER, "one");
    engine_run(b.engine);
    assert_string_equal(b.heard, "");
    for (int i = 0; i < 200 && !*a.heard; i++) { /* it is woken: no time passes for it */
        usleep(5000);
        engine_run(a.engine);
    }
    assert_string_equal(a.heard, "7/200/here it is");
    later(&a, 200); /* it forgets what it has said */
    kill_node(&a);
    post(&b, EVENT_ANSWER, "one");
    engine_run(b.engine);
    sql("UPDATE osprey_node SET beat_ms=0 WHERE name='a'");
    later(&b, 2000);
    assert_int_equal(b.gone_replies, 1);
    post(&b, EVENT_ANSWER, "one"); /* it has been given up meanwhile: nobody frees what is for it any more */
    engine_run(b.engine);
    later(&b, 2000);
    assert_int_equal(b.gone_replies, 1);
    later(&b, 20000);
    assert_int_equal(b.gone_replies, 2);
    later(&b, 200);
    assert_int_equal(sql("SELECT count(*) FROM outbox"), 0);
}

/* A partner that polls comes to any process. */
static void what_is_fetched_goes_where_it_is_fetched(void **state)
{
    (void)state;
    int64_t ids[4] = { 0 };
    a.answers = b.answers = false;
    post(&a, EVENT_LETTER, "one");
    engine_run(a.engine);
    assert_int_equal(a.told, 1);
    assert_int_equal(engine_fetch(b.engine, "wsmc ", SPAN_LIT("urn:y"), ids, 4), 0);
    assert_int_equal(engine_fetch(b.engine, "wsmc ", SPAN_LIT("urn:x"), ids, 4), 1);
    assert_true(ids[0] == a.last_id && b.last_id == a.last_id && b.told == 1);
    engine_tried(b.engine, ids[0], 7);
    assert_int_equal(engine_fetch(b.engine, "wsmc ", SPAN_LIT("urn:x"), ids, 4), 1);
    assert_int_equal(b.told, 1); /* it is here already */
    engine_result(a.engine, a.last_id, EFFECT_SENT, 200, SPAN_NONE); /* too late */
    later(&a, 200);
    later(&b, 0);
    assert_int_equal(sql("SELECT attempt FROM outbox"), 7);
    engine_result(b.engine, b.last_id, EFFECT_SENT, 200, SPAN_NONE);
    later(&b, 200);
    assert_int_equal(sql("SELECT count(*) FROM outbox"), 0);
}

static void a_commit_whose_answer_is_lost_is_asked_for(void **state)
{
    (void)state;
    a.loses_answer = true;
    post(&a, EVENT_ADD, "one");
    engine_run(a.engine);
    assert_int_equal(a.told, 0);
    later(&a, 300);
    assert_int_equal(sql("SELECT n FROM tally WHERE line='one'"), 1);
    assert_int_equal(a.told, 1);
}

static void a_connection_that_ends_in_a_commit_is_asked_for(void **state)
{
    (void)state;
    sql("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.n=2 AND NOT EXISTS (SELECT 1 FROM pg_class WHERE"
        " relname='died') THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); END IF; RETURN NEW; END $$");
    sql("CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON tally DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()");
    post(&a, EVENT_ADD, "one");
    engine_run(a.engine);
    post(&a, EVENT_ADD, "one");
    engine_run(a.engine);
    assert_int_equal(a.told, 1);
    sql("CREATE TABLE died ()");
    for (int i = 0; i < 5; i++) {
        usleep(60000);
        later(&a, 300);
    }
    assert_int_equal(sql("SELECT n FROM tally WHERE line='one'"), 2);
    assert_int_equal(a.told, 2);
}

static void a_connection_that_is_cut_is_made_anew_and_nothing_is_lost(void **state)
{
    (void)state;
    post(&a, EVENT_ADD, "one");
    engine_run(a.engine);
    sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid<>pg_backend_pid() AND datname=current_database()");
    post(&a, EVENT_ADD, "one");
    post(&b, EVENT_ADD, "two");
    for (int i = 0; i < 5; i++) {
        usleep(60000);
        later(&a, 300);
        later(&b, 300);
    }
    assert_int_equal(sql("SELECT n FROM tally WHERE line='one'"), 2);
    assert_int_equal(sql("SELECT n FROM tally WHERE line='two'"), 1);
    assert_int_equal(a.told + b.told, 3);
}

static void one_name_is_one_process(void **state)
{
    (void)state;
    enum err err;
    char detail[SQLITE_DETAIL_MAX] = "";
    assert_null(postgres_store_open(&(struct postgres_options){ url(), NULL, 2, "a" }, &err, detail));
    assert_int_equal(err, ERR_BUSY);
    assert_non_null(strstr(detail, "another process"));
}

/* ---- really at the same time */

static void work(int worker)
{
    char name[8], line[8];
    struct node me;
    snprintf(name, sizeof name, "w%d", worker);
    start(&me, name);
    for (int i = 0; i < WORKER_ADDS; i++) {
        snprintf(line, sizeof line, "l%d", (i * 5 + worker) % WORKER_LINES);
        post(&me, EVENT_ADD, line);
        if (i % 9 == 0)
            engine_run(me.engine);
    }
    for (int i = 0; i < 2000 && me.told < WORKER_ADDS; i++) {
        usleep(1000);
        later(&me, 20);
    }
    later(&me, 200);
    engine_leave(me.engine);
    _exit(me.told == WORKER_ADDS ? 0 : 1);
}

static void many_processes_lose_nothing(void **state)
{
    (void)state;
    pid_t pids[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        if ((pids[i] = fork()) == 0)
            work(i);
    for (int i = 0, status; i < WORKERS; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(sql("SELECT sum(n)::bigint FROM tally"), WORKERS * WORKER_ADDS);
    assert_int_equal(sql("SELECT count(*) FROM outbox"), 0);
}

int main(void)
{
#define NODES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        NODES(two_nodes_work_on_the_same_lines),
        NODES(a_line_that_is_held_elsewhere_waits_and_others_do_not),
        NODES(what_a_living_node_sends_no_other_sends),
        NODES(a_node_that_was_taken_for_dead_commits_nothing_before_it_knows),
        NODES(a_new_life_takes_up_what_the_last_one_held),
        NODES(a_timer_fires_once),
        NODES(an_answer_finds_the_exchange_at_the_other_node),
        NODES(what_is_fetched_goes_where_it_is_fetched),
        NODES(a_commit_whose_answer_is_lost_is_asked_for),
        NODES(a_connection_that_ends_in_a_commit_is_asked_for),
        NODES(a_connection_that_is_cut_is_made_anew_and_nothing_is_lost),
        NODES(one_name_is_one_process),
        NODES(many_processes_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
