#include "store_tests.h"

#include <stdlib.h>

const char *(*store_tests_name)(void);

static const struct migration migrations[] = {
    { "0001_cards", "CREATE TABLE card (eid TEXT PRIMARY KEY, version INTEGER NOT NULL, image BLOB) WITHOUT ROWID;", false },
    { "0002_log", "CREATE TABLE log (line TEXT NOT NULL); CREATE INDEX log_line ON log (line);", true },
    { "0003_bad", "CREATE TABLE good (n INTEGER); CREATE TABLE good (n INTEGER);", false },
};
static const struct statement INSERT = { "insert", "INSERT INTO card (eid, version, image) VALUES (?1, ?2, ?3)", NULL };
static const struct statement RAISE = { "raise", "UPDATE card SET version=version+1 WHERE eid=?1 AND version=?2", NULL };
static const struct statement GET = { "get", "SELECT eid, version, image, NULL FROM card WHERE eid=?1", NULL };
static const struct statement ALL = { "all", "SELECT eid FROM card ORDER BY eid", NULL };
static const struct statement PUT = {
    "put", "INSERT INTO card (eid, version, image) VALUES (?1,?2,?3) ON CONFLICT (eid) DO UPDATE SET version=?2, image=?3", NULL
};
static const struct statement WRONG = { "wrong", "SELECT nothing FROM nowhere", NULL };

static void note(void *context, enum err err) { *(enum err *)context = err; }

static struct database *open_with(const char *name, size_t count, enum err *ret_err, char *detail)
{
    return database_open(name, migrations, count, "a", ret_err, detail);
}

static struct database *opened(const char *name)
{
    char detail[DATABASE_DETAIL_MAX] = "";
    enum err err;
    struct database *d = open_with(name, 2, &err, detail);
    if (!d)
        fail_msg("%s: %s", err_text(err), detail);
    return d;
}

static enum err commit(struct database *d, const struct write *writes, size_t count)
{
    enum err err = ERR_COUNT;
    database_seam(d)->commit(database_seam(d), writes, count, note, &err);
    return err;
}

#define PARAMS(...) (const struct value[]){ __VA_ARGS__ }
static struct write insert_of(const struct value *three) { return (struct write){ &INSERT, three, 3, 1 }; }

static enum err load(struct database *d, struct rowset *rows)
{
    enum err err = ERR_COUNT;
    database_seam(d)->load(database_seam(d), rows, note, &err);
    return err;
}

static size_t card_count(struct database *d)
{
    struct arena arena;
    arena_init(&arena, 1u << 20);
    struct rowset rows = { .arena = &arena };
    rowset_want(&rows, &ALL, NULL, 0);
    assert_ok(load(d, &rows));
    size_t count = rows.queries[0].row_count;
    arena_release(&arena);
    return count;
}

static void what_was_committed_is_loaded(void **state)
{
    (void)state;
    const char *name = store_tests_name();
    struct database *d = opened(name);
    uint8_t image[3] = { 0, 255, 7 };
    struct write writes[] = { insert_of(PARAMS(value_text("one"), value_int(-5), value_blob(SPAN_OF(image)))),
                              insert_of(PARAMS(value_text(""), value_int(1ll << 40), value_null())) };
    assert_ok(commit(d, writes, 2));
    database_close(d);
    d = opened(name);
    ARENA_ON_STACK(arena, 8192);
    struct rowset rows = { .arena = &arena };
    const struct value first = value_text("one"), second = value_text(""), none = value_text("none");
    const struct query *a = rowset_want(&rows, &GET, &first, 1), *b = rowset_want(&rows, &GET, &second, 1),
                       *c = rowset_want(&rows, &GET, &none, 1);
    assert_ok(load(d, &rows));
    assert_int_equal(a->row_count, 1);
    assert_span_equal(row_bytes(&a->rows[0], 0), SPAN_LIT("one"));
    assert_int_equal(row_int(&a->rows[0], 1), -5);
    assert_span_equal(row_bytes(&a->rows[0], 2), SPAN_OF(image));
    assert_int_equal(a->rows[0].columns[2].type, VALUE_BLOB);
    assert_int_equal(a->rows[0].columns[3].type, VALUE_NULL);
    assert_int_equal(row_int(&b->rows[0], 1), 1ll << 40);
    assert_int_equal(b->rows[0].columns[2].type, VALUE_NULL);
    assert_true(c->loaded && c->row_count == 0);
    database_close(d);
}

static void a_version_that_is_gone_undoes_the_whole_commit(void **state)
{
    (void)state;
    struct database *d = opened(store_tests_name());
    struct write first = insert_of(PARAMS(value_text("one"), value_int(1), value_null()));
    assert_ok(commit(d, &first, 1));
    struct write both[] = { insert_of(PARAMS(value_text("two"), value_int(1), value_null())),
                            { &RAISE, PARAMS(value_text("one"), value_int(9)), 2, 1 } };
    assert_fails(commit(d, both, 2), ERR_CONFLICT);
    assert_int_equal(card_count(d), 1);
    both[1].params = PARAMS(value_text("one"), value_int(1));
    assert_ok(commit(d, both, 2));
    assert_int_equal(card_count(d), 2);
    database_close(d);
}

static void a_key_twice_is_a_conflict(void **state)
{
    (void)state;
    struct database *d = opened(store_tests_name());
    struct write twice[] = { insert_of(PARAMS(value_text("one"), value_int(1), value_null())),
                             insert_of(PARAMS(value_text("one"), value_int(2), value_null())) };
    assert_fails(commit(d, twice, 2), ERR_CONFLICT);
    assert_int_equal(card_count(d), 0);
    struct write put[] = { { &PUT, PARAMS(value_text("one"), value_int(1), value_null()), 3, 1 },
                           { &PUT, PARAMS(value_text("one"), value_int(2), value_null()), 3, 1 } };
    assert_ok(commit(d, put, 2));
    assert_int_equal(card_count(d), 1);
    database_close(d);
}

static void a_wrong_statement_is_named_and_harmless(void **state)
{
    (void)state;
    struct database *d = opened(store_tests_name());
    ARENA_ON_STACK(arena, 8192);
    for (int i = 0; i < 2; i++) {
        struct rowset rows = { .arena = &arena };
        rowset_want(&rows, &ALL, NULL, 0);
        rowset_want(&rows, &WRONG, NULL, 0);
        assert_fails(load(d, &rows), ERR_BAD_VALUE);
        assert_non_null(strstr(database_detail(d), "wrong"));
    }
    struct write write = { &INSERT, PARAMS(value_text("one"), value_int(1)), 2, 1 }; /* one parameter is missing */
    assert_fails(commit(d, &write, 1), ERR_BAD_VALUE);
    write = insert_of(PARAMS(value_text("one"), value_int(1), value_null()));
    assert_ok(commit(d, &write, 1));
    assert_int_equal(card_count(d), 1);
    database_close(d);
}

static void a_small_arena_says_so(void **state)
{
    (void)state;
    struct database *d = opened(store_tests_name());
    uint8_t *big = calloc(1, 10000);
    struct write write = insert_of(PARAMS(value_text("one"), value_int(1), value_blob((struct span){ big, 10000 })));
    assert_ok(commit(d, &write, 1));
    ARENA_ON_STACK(arena, 4096);
    struct rowset rows = { .arena = &arena };
    struct value key = value_text("one");
    rowset_want(&rows, &GET, &key, 1);
    assert_fails(load(d, &rows), ERR_NO_SPACE);
    assert_int_equal(card_count(d), 1);
    free(big);
    database_close(d);
}

static void migrations_run_once_and_a_newer_schema_is_refused(void **state)
{
    (void)state;
    const char *name = store_tests_name();
    enum err err;
    char detail[DATABASE_DETAIL_MAX];
    database_close(open_with(name, 1, &err, detail));
    assert_ok(err);
    database_close(open_with(name, 2, &err, detail));
    assert_ok(err);
    database_close(open_with(name, 2, &err, detail));
    assert_ok(err);
    assert_null(open_with(name, 1, &err, detail));
    assert_int_equal(err, ERR_UNSUPPORTED);
    assert_null(open_with(name, 3, &err, detail));
    assert_int_equal(err, ERR_BAD_VALUE);
    assert_non_null(strstr(detail, "0003_bad"));
    database_close(open_with(name, 2, &err, detail)); /* the old schema is still there, whole */
    assert_ok(err);
}

static void one_process_at_a_time(void **state)
{
    (void)state;
    const char *name = store_tests_name();
    enum err err;
    char detail[DATABASE_DETAIL_MAX];
    struct database *d = opened(name);
    assert_null(open_with(name, 2, &err, detail));
    assert_int_equal(err, ERR_BUSY);
    database_close(d);
    database_close(opened(name));
}

static void a_batch_of_a_hundred(void **state)
{
    (void)state;
    struct database *d = opened(store_tests_name());
    static char keys[100][16];
    static struct value params[100][3];
    static struct write writes[100];
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 100; i++) {
            snprintf(keys[i], sizeof keys[i], "card-%zu", i);
            params[i][0] = value_text(keys[i]);
            params[i][1] = value_int((int64_t)round);
            params[i][2] = value_null();
            writes[i] = (struct write){ &PUT, params[i], 3, 1 };
        }
        assert_ok(commit(d, writes, 100));
    }
    assert_int_equal(card_count(d), 100);
    database_close(d);
}

const struct CMUnitTest store_tests[] = {
    cmocka_unit_test(what_was_committed_is_loaded),
    cmocka_unit_test(a_version_that_is_gone_undoes_the_whole_commit),
    cmocka_unit_test(a_key_twice_is_a_conflict),
    cmocka_unit_test(a_wrong_statement_is_named_and_harmless),
    cmocka_unit_test(a_small_arena_says_so),
    cmocka_unit_test(migrations_run_once_and_a_newer_schema_is_refused),
    cmocka_unit_test(one_process_at_a_time),
    cmocka_unit_test(a_batch_of_a_hundred),
};
const size_t store_tests_count = ARRAY_LEN(store_tests);
