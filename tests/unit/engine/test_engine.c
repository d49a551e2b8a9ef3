/* The engine on a real SQLite database: what is committed before it leaves, what a crash leaves behind, what is sent
 * again. A "crash" closes the engine without ceremony and opens another one on the same file. */
#include "tests/support/test.h"
#include "lib/engine/call.h"
#include "lib/io/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EVENT_ADD = ENGINE_KIND_ROLE, EVENT_READ, EFFECT_TELL, EFFECT_ASK };

static const struct statement ADD = { "add", "INSERT INTO tally (line, n) VALUES (?1, 1) ON CONFLICT (line) DO UPDATE SET n=n+1", NULL };
static const struct statement GET = { "get", "SELECT n FROM tally WHERE line=?1", NULL };
static const struct statement NEVER = { "never", "UPDATE tally SET n=99 WHERE line='nobody' AND ?1 IS NULL", NULL };

struct world {
    struct clock clock;
    struct net net;
    struct sqlite_store *sqlite;
    struct engine *engine;
    char path[64];
    uint64_t now, wake;
    /* what left, and how net answers */
    struct {
        int64_t id;
        char ref[32], body[32];
        int64_t stored;
    } sent[512];
    size_t sent_count;
    enum effect_result answer;
    bool silent, content_wanted;
    struct span thanks;
    /* what the step saw */
    int64_t seen;
    unsigned timers, delivered, undelivered, conflicts_wanted;
    /* in front of the store, when it is to be full */
    struct store door;
    bool full;
    unsigned refused;
    char heard[64];
};

static uint64_t now_ms(struct clock *c) { return ((struct world *)c)->now; }
static void wake_at(struct clock *c, uint64_t at) { ((struct world *)c)->wake = at; }

static int64_t count_rows(struct world *w, const char *sql);

static void send(struct net *net, const struct effect *effect)
{
    struct world *w = (struct world *)((char *)net - offsetof(struct world, net));
    size_t i = w->sent_count++;
    assert_true(i < ARRAY_LEN(w->sent));
    w->sent[i].id = effect->id;
    snprintf(w->sent[i].ref, sizeof w->sent[i].ref, "%s", effect->ref);
    snprintf(w->sent[i].body, sizeof w->sent[i].body, "%.*s", (int)effect->body.len, (const char *)effect->body.ptr);
    w->sent[i].stored = effect->id ? count_rows(w, "SELECT count(*) FROM outbox") : -1;
    if (effect->id && !w->silent)
        engine_result(w->engine, effect->id, w->answer, 200, w->thanks);
}

static enum verdict step(void *role, struct rowset *rows, const struct event *event, struct writes *writes,
                         struct outbox *outbox)
{
    struct world *w = role;
    const struct query *q;
    switch (event->kind) {
    case EVENT_ADD:
        WRITES_ADD(writes, &ADD, 1, value_text(event->line));
        if (w->conflicts_wanted) {
            w->conflicts_wanted--;
            WRITES_ADD(writes, &NEVER, 1, value_null());
        }
        outbox_post(outbox, &(struct effect){ .kind = event->body.len ? EFFECT_ASK : EFFECT_TELL, .ref = "tell",
                                              .to = "somebody", .body = SPAN_LIT("added"), .wants = !event->body.len      ? EFFECT_WANTS_NOTHING
                                                       : w->content_wanted ? EFFECT_WANTS_CONTENT
                                                                           : EFFECT_WANTS_ANSWER,
                                              .give_up_ms = event->now_ms + 60000 });
        outbox_reply(outbox, event->reply, 202, SPAN_NONE);
        timer_set(writes, event->line, "again", event->now_ms + 1000);
        return STEP_DONE;
    case EVENT_READ:
        q = ROWSET_WANT(rows, &GET, value_text(event->line));
        if (!q->loaded)
            return STEP_NEED_ROWS;
        w->seen = q->row_count ? row_int(&q->rows[0], 0) : 0;
        return STEP_REFUSED;
    case EVENT_TIMER: w->timers++; return STEP_DONE;
    case EVENT_DELIVERED:
        w->delivered++;
        snprintf(w->heard, sizeof w->heard, "%s %d %.*s", event->name, event->status, (int)event->body.len, (const char *)event->body.ptr);
        return STEP_DONE;
    case EVENT_UNDELIVERED: w->undelivered++; return STEP_DONE;
    default: return STEP_REFUSED;
    }
}

static void open_world(struct world *w)
{
    static struct migration migrations[] = { { "0000_engine", ENGINE_SCHEMA },
                                             { "0001_tally", "CREATE TABLE tally (line TEXT PRIMARY KEY, n INTEGER NOT NULL);" } };
    struct sqlite_options options = { w->path, migrations, ARRAY_LEN(migrations) };
    enum err err;
    char detail[SQLITE_DETAIL_MAX];
    w->sqlite = sqlite_store_open(&options, &err, detail);
    assert_non_null(w->sqlite);
    struct engine_config config = { .env = { .clock = &w->clock, .net = &w->net, .store = sqlite_store_seam(w->sqlite) },
                                    .step = step, .role = w };
    assert_ok(engine_new(&config, &w->engine));
    assert_ok(engine_start(w->engine));
}

static void crash(struct world *w)
{
    engine_free(w->engine);
    sqlite_store_close(w->sqlite);
    w->sent_count = 0;
    open_world(w);
}

/* The same engine with another configuration. */
static void ration(struct world *w, uint32_t interval_ms)
{
    engine_free(w->engine);
    struct engine_config config = { .env = { .clock = &w->clock, .net = &w->net, .store = sqlite_store_seam(w->sqlite) },
                                    .step = step, .role = w, .commit_interval_ms = interval_ms };
    assert_ok(engine_new(&config, &w->engine));
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->clock = (struct clock){ now_ms, wake_at };
    w->net.send = send;
    w->now = 1000000;
    w->thanks = SPAN_LIT("thanks");
    strcpy(w->path, "/tmp/osprey-engine-XXXXXX");
    int fd = mkstemp(w->path);
    close(fd);
    open_world(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    char side[80];
    engine_free(w->engine);
    sqlite_store_close(w->sqlite);
    unlink(w->path);
    snprintf(side, sizeof side, "%s-wal", w->path);
    unlink(side);
    snprintf(side, sizeof side, "%s-shm", w->path);
    unlink(side);
    free(w);
    return 0;
}

static void note(void *context, enum err err) { *(enum err *)context = err; }

static int64_t count_rows(struct world *w, const char *sql)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    static struct statement statements[8];
    static size_t used;
    struct statement *s = NULL;
    for (size_t i = 0; i < used; i++)
        if (!strcmp(statements[i].sqlite, sql))
            s = &statements[i];
    if (!s) {
        s = &statements[used++];
        *s = (struct statement){ "count", sql, NULL };
    }
    struct rowset rows = { .arena = &arena };
    enum err err = ERR_BUSY;
    rowset_want(&rows, s, NULL, 0);
    sqlite_store_seam(w->sqlite)->load(sqlite_store_seam(w->sqlite), &rows, note, &err);
    assert_ok(err);
    int64_t n = row_int(&rows.queries[0].rows[0], 0);
    arena_release(&arena);
    return n;
}

static void door_load(struct store *door, struct rowset *rows, store_done *done, void *context)
{
    struct world *w = (struct world *)((char *)door - offsetof(struct world, door));
    sqlite_store_seam(w->sqlite)->load(sqlite_store_seam(w->sqlite), rows, done, context);
}

static void door_commit(struct store *door, const struct write *writes, size_t count, store_done *done, void *context)
{
    struct world *w = (struct world *)((char *)door - offsetof(struct world, door));
    if (!w->full) {
        sqlite_store_seam(w->sqlite)->commit(sqlite_store_seam(w->sqlite), writes, count, done, context);
        return;
    }
    assert_true(++w->refused < 1000); /* an engine that runs in circles */
    done(context, ERR_NO_SPACE);
}

/* The same engine on a store that can be full. */
static void with_a_door(struct world *w)
{
    engine_free(w->engine);
    w->door = (struct store){ door_load, door_commit };
    struct engine_config config = { .env = { .clock = &w->clock, .net = &w->net, .store = &w->door }, .step = step, .role = w };
    assert_ok(engine_new(&config, &w->engine));
    assert_ok(engine_start(w->engine));
}

static void post(struct world *w, uint16_t kind, const char *line, bool ask)
{
    struct event *event = engine_event(w->engine, kind, line);
    assert_non_null(event);
    event->body = ask ? SPAN_LIT("ask") : SPAN_NONE;
    event->reply = (struct reply_ref){ 0, 1, 1 };
    assert_ok(engine_post(w->engine, event));
}

static int64_t tally(struct world *w, const char *line)
{
    post(w, EVENT_READ, line, false);
    engine_run(w->engine);
    return w->seen;
}

static void later(struct world *w, uint64_t ms)
{
    w->now += ms;
    engine_run(w->engine);
}

static void it_is_stored_before_it_leaves(void **state)
{
    struct world *w = *state;
    post(w, EVENT_ADD, "a", false);
    engine_run(w->engine);
    assert_int_equal(w->sent_count, 2);
    assert_int_equal(w->sent[0].stored, 1); /* net saw its row already committed */
    assert_int_equal(w->sent[1].id, 0);     /* the volatile reply */
    later(w, 100);
    assert_int_equal(count_rows(w, "SELECT count(*) FROM outbox"), 0);
    assert_int_equal(tally(w, "a"), 1);
}

static void one_commit_for_many_lines_and_order_within_a_line(void **state)
{
    struct world *w = *state;
    char line[8];
    for (int i = 0; i < 50; i++) {
        snprintf(line, sizeof line, "l%d", i);
        post(w, EVENT_ADD, line, false);
        post(w, EVENT_ADD, "same", false);
    }
    engine_run(w->engine);
    /* 50 lines and one event of "same" go together, the other 49 one after the other */
    assert_int_equal(engine_counts(w->engine).commits, 50);
    assert_int_equal(tally(w, "same"), 50);
    assert_int_equal(tally(w, "l49"), 1);
}

static void what_has_left_is_forgotten_with_the_next_commit(void **state)
{
    struct world *w = *state;
    post(w, EVENT_ADD, "a", false);
    engine_run(w->engine);
    assert_int_equal(count_rows(w, "SELECT count(*) FROM outbox"), 1);
    assert_int_equal(w->wake, w->now + 100); /* at the latest */
    post(w, EVENT_ADD, "b", false);
    engine_run(w->engine);
    assert_int_equal(engine_counts(w->engine).commits, 2);
    assert_int_equal(count_rows(w, "SELECT count(*) FROM outbox WHERE line='a'"), 0);
}

static void commits_are_rationed_after_a_burst(void **state)
{
    struct world *w = *state;
    ration(w, 4);
    for (unsigned i = 0; i < 20; i++) {
        post(w, EVENT_ADD, "a", false);
        engine_run(w->engine);
    }
    uint64_t burst = engine_counts(w->engine).commits;
    assert_in_range(burst, 8, 9);
    assert_int_equal(w->wake, w->now + 4);
    later(w, 4);
    assert_int_equal(count_rows(w, "SELECT n FROM tally WHERE line='a'"), 20);
    assert_true(engine_counts(w->engine).commits > burst);
}

static void a_crash_sends_the_same_bytes_again(void **state)
{
    struct world *w = *state;
    w->silent = true; /* sent, but no result before the crash */
    post(w, EVENT_ADD, "a", false);
    engine_run(w->engine);
    int64_t id = w->sent[0].id;
    crash(w);
    w->silent = false;
    w->answer = EFFECT_SENT;
    engine_run(w->engine);
    assert_int_equal(w->sent_count, 1);
    assert_int_equal(w->sent[0].id, id);
    assert_string_equal(w->sent[0].body, "added");
    later(w, 100);
    assert_int_equal(count_rows(w, "SELECT count(*) FROM outbox"), 0);
    crash(w);
    engine_run(w->engine);
    assert_int_equal(w->sent_count, 0);
    assert_int_equal(tally(w, "a"), 1);
}

static void a_failure_is_tried_again_later_until_given_up(void **state)
{
    struct world *w = *state;
    w->answer = EFFECT_FAILED;
    post(w, EVENT_ADD, "a", false);
    engine_run(w->engine);
    engine_run(w->engine);
    assert_int_equal(w->sent_count, 2); /* effect and reply, no repeat yet */
    w->now += 5000;
    engine_run(w->engine);
    assert_int_equal(w->sent_count, 3);
    w->now += 30000;
    engine_run(w->engine); /* the third try: the next one would be after the deadline */
    assert_int_equal(w->sent_count, 4);
    assert_int_equal(w->undelivered, 1);
    w->now += 3600000;
    engine_run(w->engine);
    assert_int_equal(w->sent_count, 4);
    assert_int_equal(count_rows(w, "SELECT count(*) FROM outbox"), 0);
}

static void an_answer_comes_back_as_an_event(void **state)
{
    struct world *w = *state;
    w->answer = EFFECT_SENT;
    post(w, EVENT_ADD, "a", true);
    engine_run(w->engine);
    assert_int_equal(w->delivered, 1);
    assert_string_equal(w->heard, "tell 200 thanks");
    assert_int_equal(count_rows(w, "SELECT count(*) FROM outbox"), 0);
}

static void an_answer_without_content_is_news_only_to_who_wants_it(void **state)
{
    struct world *w = *state;
    w->answer = EFFECT_SENT;
    w->thanks = SPAN_NONE;
    post(w, EVENT_ADD, "a", true);
    engine_run(w->engine);
    assert_int_equal(w->delivered, 1);
    w->content_wanted = true;
    post(w, EVENT_ADD, "a", true);
    engine_run(w->engine);
    assert_int_equal(w->delivered, 1);
    later(w, 100);
    assert_int_equal(count_rows(w, "SELECT count(*) FROM outbox"), 0); /* forgotten all the same */
    w->thanks = SPAN_LIT("a fault");
    post(w, EVENT_ADD, "a", true);
    engine_run(w->engine);
    assert_int_equal(w->delivered, 2);
}

static void timers_fire_once_even_over_a_crash(void **state)
{
    struct world *w = *state;
    post(w, EVENT_ADD, "a", false);
    engine_run(w->engine);
    later(w, 100); /* what has left is forgotten */
    assert_int_equal(w->wake, w->now + 900);
    crash(w);
    w->now += 899;
    engine_run(w->engine);
    assert_int_equal(w->timers, 0);
    w->now += 1;
    engine_run(w->engine);
    engine_run(w->engine);
    assert_int_equal(w->timers, 1);
    assert_int_equal(count_rows(w, "SELECT count(*) FROM timer"), 0);
}

static void a_conflict_runs_the_events_again_alone(void **state)
{
    struct world *w = *state;
    w->conflicts_wanted = 1;
    post(w, EVENT_ADD, "a", false);
    post(w, EVENT_ADD, "b", false);
    engine_run(w->engine);
    assert_int_equal(engine_counts(w->engine).conflicts, 1);
    assert_int_equal(tally(w, "a"), 1);
    assert_int_equal(tally(w, "b"), 1);
    assert_int_equal(w->sent_count, 4); /* nothing of the failed batch had left */
}

enum verdict call_step(void *role, struct rowset *rows, const struct event *event, struct writes *writes, struct outbox *outbox);
enum verdict call_step(void *role, struct rowset *rows, const struct event *event, struct writes *writes, struct outbox *outbox)
{
    struct world *w = role;
    struct call call;
    (void)outbox;
    if (!call_load(rows, "1.2.3", "call-1", &call))
        return STEP_NEED_ROWS;
    w->seen = call.state;
    snprintf(w->heard, sizeof w->heard, "%.*s", (int)call.answer.len, (const char *)call.answer.ptr);
    if (call.state == CALL_UNKNOWN)
        call_open(writes, "1.2.3", "call-1", "a", SPAN_LIT("digest"), SPAN_LIT("ctx"), event->now_ms, event->now_ms + 60000);
    else if (call.state == CALL_RUNNING)
        call_answer(writes, "1.2.3", "call-1", 200, SPAN_LIT("the answer"));
    return STEP_DONE;
}

static void answers_are_remembered(void **state)
{
    struct world *w = *state;
    struct engine *e;
    struct engine_config config = { .env = { .clock = &w->clock, .net = &w->net, .store = sqlite_store_seam(w->sqlite) },
                                    .step = call_step, .role = w };
    static const int want[] = { CALL_UNKNOWN, CALL_RUNNING, CALL_ANSWERED, CALL_ANSWERED };
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_ok(engine_new(&config, &e));
        assert_ok(engine_start(e));
        assert_ok(engine_post(e, engine_event(e, EVENT_ADD, "a")));
        engine_run(e);
        assert_int_equal(w->seen, want[i]);
        engine_free(e);
    }
    assert_string_equal(w->heard, "the answer");
}

static void a_full_store_is_asked_again_after_a_pause(void **state)
{
    struct world *w = *state;
    with_a_door(w);
    w->full = true;
    post(w, EVENT_ADD, "a", false);
    engine_run(w->engine);
    assert_int_equal(w->refused, 1); /* not at once */
    assert_int_equal(w->sent_count, 0);
    assert_true(w->wake > w->now && w->wake <= w->now + 1000);
    later(w, 1000);
    assert_int_equal(w->refused, 2);
    w->full = false;
    later(w, 1000);
    assert_int_equal(w->sent_count, 2); /* the effect, and the reply */
    assert_int_equal(tally(w, "a"), 1);
}

/* A timer that is due, and an effect whose lease cannot be written: neither may run in circles. */
static void a_full_store_stops_timers_and_effects(void **state)
{
    struct world *w = *state;
    with_a_door(w);
    w->answer = EFFECT_FAILED;
    post(w, EVENT_ADD, "a", false);
    engine_run(w->engine);
    assert_int_equal(count_rows(w, "SELECT count(*) FROM outbox"), 1);
    later(w, 200);
    size_t sent = w->sent_count;
    w->full = true;
    later(w, 10000);
    later(w, 500);
    assert_int_equal(w->sent_count, sent);
    assert_true(w->refused <= 2);
    w->full = false;
    w->answer = EFFECT_SENT;
    for (int i = 0; i < 200; i++)
        later(w, 1000);
    assert_true(w->sent_count > sent);
    assert_int_equal(w->timers, 1);
    assert_int_equal(count_rows(w, "SELECT count(*) FROM outbox"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_full_store_is_asked_again_after_a_pause),
        TEST(a_full_store_stops_timers_and_effects),
        TEST(it_is_stored_before_it_leaves),
        TEST(one_commit_for_many_lines_and_order_within_a_line),
        TEST(what_has_left_is_forgotten_with_the_next_commit),
        TEST(commits_are_rationed_after_a_burst),
        TEST(a_crash_sends_the_same_bytes_again),
        TEST(a_failure_is_tried_again_later_until_given_up),
        TEST(an_answer_comes_back_as_an_event),
        TEST(an_answer_without_content_is_news_only_to_who_wants_it),
        TEST(timers_fire_once_even_over_a_crash),
        TEST(a_conflict_runs_the_events_again_alone),
        TEST(answers_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
