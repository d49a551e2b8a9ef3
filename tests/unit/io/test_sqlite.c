#include "lib/io/file.h"
#include "lib/io/sqlite.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct migration migrations[] = {
    { "0001_cards", "CREATE TABLE card (eid TEXT PRIMARY KEY, version INTEGER NOT NULL, blob BLOB);" },
    { "0002_log", "CREATE TABLE log (line TEXT NOT NULL); CREATE INDEX log_line ON log (line);" },
};
static const struct statement insert = { "card_insert", "INSERT INTO card VALUES (?1, ?2, ?3)", NULL };
static const struct statement update = { "card_update",
                                         "UPDATE card SET version = version + 1 WHERE eid = ?1 AND version = ?2",
                                         NULL };
static const struct statement get = { "card_get", "SELECT eid, version, blob, NULL FROM card WHERE eid = ?1", NULL };
static const struct statement all = { "card_all", "SELECT eid FROM card ORDER BY eid", NULL };
static const struct statement broken = { "broken", "SELECT nothing FROM nowhere", NULL };

struct outcome {
    enum err err;
    int calls;
};

static void done(void *context, enum err err)
{
    struct outcome *o = context;
    o->err = err;
    o->calls++;
}

static char folder[64];

static const char *db_path(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/test.db", folder);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/osprey-sqlite-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int drop_folder(void **state)
{
    (void)state;
    static const char *const tails[] = { "", "-wal", "-shm" };
    char path[160];
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        snprintf(path, sizeof path, "%s%s", db_path(), tails[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static struct sqlite_store *opened(const char *path, size_t count)
{
    enum err err;
    char detail[SQLITE_DETAIL_MAX];
    struct sqlite_store *s =
        sqlite_store_open(&(struct sqlite_options){ path, migrations, count }, &err, detail);
    if (s == NULL)
        fail_msg("%s", detail);
    return s;
}

static enum err commit(struct sqlite_store *s, const struct write *writes, size_t count)
{
    struct store *seam = sqlite_store_seam(s);
    struct outcome o = { ERR_COUNT, 0 };
    seam->commit(seam, writes, count, done, &o);
    assert_int_equal(o.calls, 1);
    return o.err;
}

static enum err load(struct sqlite_store *s, struct rowset *set)
{
    struct store *seam = sqlite_store_seam(s);
    struct outcome o = { ERR_COUNT, 0 };
    seam->load(seam, set, done, &o);
    assert_int_equal(o.calls, 1);
    return o.err;
}

/* A write with its parameters in memory of its own. */
struct change {
    struct value params[3];
    struct write write;
};

static const struct write *insert_of(struct change *c, const char *eid, int64_t version, struct span blob)
{
    c->params[0] = value_text(eid), c->params[1] = value_int(version), c->params[2] = value_blob(blob);
    c->write = (struct write){ &insert, c->params, 3, 1 };
    return &c->write;
}

static const struct write *update_of(struct change *c, const char *eid, int64_t version)
{
    c->params[0] = value_text(eid), c->params[1] = value_int(version);
    c->write = (struct write){ &update, c->params, 2, 1 };
    return &c->write;
}

static const struct span two = { (const uint8_t *)"\x00\x01", 2 };

static size_t rows_of(struct sqlite_store *s)
{
    ARENA_ON_STACK(a, 16384);
    struct rowset set = { .arena = &a };
    rowset_want(&set, &all, NULL, 0);
    assert_ok(load(s, &set));
    return rowset_find(&set, &all)->row_count;
}

static void what_was_committed_is_loaded(void **state)
{
    (void)state;
    struct sqlite_store *s = opened(":memory:", 2);
    struct change c[2];
    struct write w[] = { *insert_of(&c[0], "8904", 7, two), *insert_of(&c[1], "8905", 1, two) };
    assert_ok(commit(s, w, 2));

    ARENA_ON_STACK(a, 8192);
    struct rowset set = { .arena = &a };
    struct value eid = value_text("8904"), other = value_text("none");
    struct query *found = rowset_want(&set, &get, &eid, 1), *none = rowset_want(&set, &get, &other, 1);
    assert_ok(load(s, &set));
    assert_int_equal(found->row_count, 1);
    assert_int_equal(none->row_count, 0);
    assert_true(none->loaded);
    assert_span_equal(row_bytes(&found->rows[0], 0), SPAN_LIT("8904"));
    assert_int_equal(row_int(&found->rows[0], 1), 7);
    assert_span_equal(row_bytes(&found->rows[0], 2), SPAN_LIT("\x00\x01"));
    assert_int_equal(found->rows[0].columns[3].type, VALUE_NULL);
    sqlite_store_close(s);
}

static void a_version_that_is_gone_undoes_the_whole_commit(void **state)
{
    (void)state;
    struct sqlite_store *s = opened(":memory:", 2);
    struct change c[2];
    assert_ok(commit(s, insert_of(&c[0], "8904", 7, two), 1));
    struct write w[] = { *insert_of(&c[0], "8905", 1, two), *update_of(&c[1], "8904", 6) };
    assert_fails(commit(s, w, 2), ERR_CONFLICT);
    assert_int_equal(rows_of(s), 1);
    c[1].params[1] = value_int(7);
    assert_ok(commit(s, w, 2));
    assert_int_equal(rows_of(s), 2);
    sqlite_store_close(s);
}

static void a_duplicate_key_is_a_conflict(void **state)
{
    (void)state;
    struct sqlite_store *s = opened(":memory:", 2);
    struct change c[2];
    struct write w[] = { *insert_of(&c[0], "8905", 1, two), *insert_of(&c[1], "8905", 1, two) };
    assert_fails(commit(s, w, 2), ERR_CONFLICT);
    assert_int_equal(rows_of(s), 0);
    sqlite_store_close(s);
}

static void a_full_disk_is_no_space_and_writes_nothing(void **state)
{
    (void)state;
    static const struct statement limit = { "limit", "PRAGMA max_page_count = 8", NULL };
    static uint8_t big[100000];
    struct sqlite_store *s = opened(":memory:", 2);
    ARENA_ON_STACK(a, 4096);
    struct rowset set = { .arena = &a };
    rowset_want(&set, &limit, NULL, 0);
    assert_ok(load(s, &set));
    struct change c[2];
    struct write w[] = { *insert_of(&c[0], "1", 1, two), *insert_of(&c[1], "2", 1, (struct span){ big, sizeof big }) };
    assert_fails(commit(s, w, 2), ERR_NO_SPACE);
    assert_int_equal(rows_of(s), 0);
    sqlite_store_close(s);
}

static void a_statement_that_is_wrong_is_named(void **state)
{
    (void)state;
    struct sqlite_store *s = opened(":memory:", 2);
    ARENA_ON_STACK(a, 4096);
    struct rowset set = { .arena = &a };
    rowset_want(&set, &broken, NULL, 0);
    assert_fails(load(s, &set), ERR_BAD_VALUE);
    assert_non_null(strstr(sqlite_store_detail(s), "broken"));
    struct value one = value_text("1");
    struct write w = { &insert, &one, 1, -1 };
    assert_fails(commit(s, &w, 1), ERR_BAD_VALUE);
    sqlite_store_close(s);
}

static void a_small_arena_says_so(void **state)
{
    (void)state;
    struct sqlite_store *s = opened(":memory:", 2);
    static uint8_t big[5000];
    struct change c;
    assert_ok(commit(s, insert_of(&c, "8904", 7, (struct span){ big, sizeof big }), 1));
    ARENA_ON_STACK(a, 1024);
    struct rowset set = { .arena = &a };
    struct value eid = value_text("8904");
    rowset_want(&set, &get, &eid, 1);
    assert_fails(load(s, &set), ERR_NO_SPACE);
    sqlite_store_close(s);
}

static void migrations_run_once_and_a_newer_schema_is_refused(void **state)
{
    (void)state;
    struct sqlite_store *s = opened(db_path(), 1);
    struct change c;
    assert_ok(commit(s, insert_of(&c, "8904", 7, two), 1));
    sqlite_store_close(s);

    s = opened(db_path(), 2);
    assert_int_equal(rows_of(s), 1);
    sqlite_store_close(s);

    enum err err = ERR_NONE;
    char detail[SQLITE_DETAIL_MAX];
    assert_null(sqlite_store_open(&(struct sqlite_options){ db_path(), migrations, 1 }, &err, detail));
    assert_fails(err, ERR_UNSUPPORTED);
    assert_non_null(strstr(detail, "version 2"));
}

static void a_migration_that_fails_leaves_the_old_schema(void **state)
{
    (void)state;
    const struct migration bad[] = { migrations[0], { "0002_bad", "CREATE TABLE more (a); CREATE TABLE card (b);" } };
    enum err err = ERR_NONE;
    char detail[SQLITE_DETAIL_MAX];
    assert_null(sqlite_store_open(&(struct sqlite_options){ db_path(), bad, 2 }, &err, detail));
    assert_fails(err, ERR_BAD_VALUE);
    assert_non_null(strstr(detail, "0002_bad"));
    struct sqlite_store *s = opened(db_path(), 1);
    assert_int_equal(rows_of(s), 0);
    sqlite_store_close(s);
}

static void a_second_process_is_kept_out(void **state)
{
    (void)state;
    struct sqlite_store *s = opened(db_path(), 2);
    pid_t child = fork();
    if (child == 0) {
        enum err err = ERR_NONE;
        struct sqlite_store *second =
            sqlite_store_open(&(struct sqlite_options){ db_path(), migrations, 2 }, &err, NULL);
        _exit(second == NULL ? (int)err : 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), ERR_BUSY);
    sqlite_store_close(s);
}

static void what_was_committed_survives_a_kill(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct sqlite_store *s = opened(db_path(), 2);
        struct change c;
        if (commit(s, insert_of(&c, "8904", 7, two), 1) == ERR_NONE)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    struct sqlite_store *s = opened(db_path(), 2);
    assert_int_equal(rows_of(s), 1);
    sqlite_store_close(s);
}

static void files_are_written_whole(void **state)
{
    (void)state;
    ARENA_ON_STACK(a, 4096);
    struct span got;
    assert_fails(file_read(db_path(), 100, &a, &got), ERR_NOT_FOUND);
    assert_ok(file_write(db_path(), SPAN_LIT("first")));
    assert_ok(file_write(db_path(), SPAN_LIT("second one")));
    assert_ok(file_read(db_path(), 100, &a, &got));
    assert_span_equal(got, SPAN_LIT("second one"));
    assert_fails(file_read(db_path(), 5, &a, &got), ERR_TOO_LONG);
}

static void card_memory_keeps_its_content(void **state)
{
    (void)state;
    enum err err;
    uint8_t got[4];
    struct nvm_file *f = nvm_file_open(db_path(), 10000, &err);
    assert_ok(err);
    struct nvm *n = nvm_file_seam(f);
    assert_ok(n->read(n, 9996, got, 4));
    assert_span_equal(SPAN_OF(got), SPAN_LIT("\xFF\xFF\xFF\xFF"));
    assert_ok(n->write(n, 9997, SPAN_LIT("abc")));
    assert_fails(n->write(n, 9998, SPAN_LIT("abc")), ERR_BAD_LENGTH);
    assert_ok(n->sync(n));
    assert_null(nvm_file_open(db_path(), 10000, &err));
    assert_fails(err, ERR_BUSY);
    nvm_file_close(f);
    assert_null(nvm_file_open(db_path(), 20000, &err));
    assert_fails(err, ERR_BAD_LENGTH);
    f = nvm_file_open(db_path(), 0, &err);
    assert_ok(err);
    n = nvm_file_seam(f);
    assert_int_equal(n->size, 10000);
    assert_ok(n->read(n, 9996, got, 4));
    assert_span_equal(SPAN_OF(got), SPAN_LIT("\xFF" "abc"));
    nvm_file_close(f);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_committed_is_loaded),
        cmocka_unit_test(a_version_that_is_gone_undoes_the_whole_commit),
        cmocka_unit_test(a_duplicate_key_is_a_conflict),
        cmocka_unit_test(a_full_disk_is_no_space_and_writes_nothing),
        cmocka_unit_test(a_statement_that_is_wrong_is_named),
        cmocka_unit_test(a_small_arena_says_so),
        WITH_FOLDER(migrations_run_once_and_a_newer_schema_is_refused),
        WITH_FOLDER(a_migration_that_fails_leaves_the_old_schema),
        WITH_FOLDER(a_second_process_is_kept_out),
        WITH_FOLDER(what_was_committed_survives_a_kill),
        WITH_FOLDER(files_are_written_whole),
        WITH_FOLDER(card_memory_keeps_its_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
