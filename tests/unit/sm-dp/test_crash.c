/* The program dies at each commit, before it or right behind it, and starts again: the download ends all the same,
 * once. */
#include "world.h"

static unsigned commits_of_a_download(void)
{
    struct world *w = world_new();
    unsigned before = w->commits;
    world_download(w, true, 0, "the call");
    world_run(w, 5);
    assert_int_equal(w->smsr.state, PROFILE_ENABLED);
    unsigned n = w->commits - before;
    world_free(w);
    return n;
}

/* One answer for each message that asked and was not lost, all of them the same. */
static const struct told *answered(const struct world *w, enum exec_status exec)
{
    size_t count = world_answers(w, ES2_DOWNLOAD_PROFILE);
    const struct told *first = NULL;
    assert_true(count == 1 || count == 2);
    for (size_t i = 0; i < w->told_count; i++) {
        const struct told *t = &w->told[i];
        if (t->function != ES2_DOWNLOAD_PROFILE)
            continue;
        first = first ? first : t;
        assert_int_equal(t->status.exec, exec);
    }
    return first;
}

static void crash_at(unsigned n, bool after)
{
    struct world *w = world_new();
    w->crash_at = w->commits + n;
    w->crash_after = after;
    world_download(w, true, 0, "the call");
    world_run(w, 5);
    if (w->crashed) {
        world_restart(w);
        world_download(w, true, 0, "the call"); /* the operator repeats what was not answered */
        world_run(w, 1000);
    }
    (void)answered(w, EXECUTED_SUCCESS);
    assert_int_equal(w->smsr.state, PROFILE_ENABLED);
    assert_span_equal(wr_span(&w->smsr.stream), w->package);
    assert_int_equal(w->smsr.calls[ES3_CREATE_ISDP], 1);
    assert_int_equal(w->smsr.calls[ES3_ENABLE_PROFILE], 1);
    assert_int_equal(w->smsr.calls[ES3_DELETE_ISDP], 0);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 0);
    assert_int_equal(world_count(w, "SELECT state FROM profile"), 2);
    world_free(w);
}

/* The disk is full for a moment: the same event runs again, as if it had not run before. */
static void full_at_each_commit(void **state)
{
    (void)state;
    unsigned n = commits_of_a_download();
    for (unsigned i = 1; i <= n; i++) {
        struct world *w = world_new();
        w->full_at = w->commits + i;
        world_download(w, true, 0, "the call");
        world_run(w, 30);
        assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, EXECUTED_SUCCESS);
        assert_span_equal(wr_span(&w->smsr.stream), w->package);
        assert_int_equal(w->smsr.calls[ES3_CREATE_ISDP], 1);
        assert_int_equal(w->smsr.calls[ES3_ENABLE_PROFILE], 1);
        world_free(w);
    }
}

static void killed_at_each_commit(void **state)
{
    (void)state;
    unsigned n = commits_of_a_download();
    assert_true(n >= 10);
    for (unsigned i = 1; i <= n; i++) {
        crash_at(i, false);
        crash_at(i, true);
    }
}

/* The same on the way back: the receipt is wrong, everything is undone, the operator is told once. */
static unsigned undo_crashing_at(unsigned n, bool after)
{
    struct world *w = world_new();
    unsigned before = w->commits;
    w->smsr.bad_receipt = true;
    w->crash_at = n ? w->commits + n : 0;
    w->crash_after = after;
    world_download(w, true, 0, "the call");
    world_run(w, 5);
    if (w->crashed) {
        world_restart(w);
        world_download(w, true, 0, "the call");
        world_run(w, 1000);
    }
    assert_int_equal(answered(w, EXECUTED_FAILED)->status.reason, REASON_ISDP_FAILED);
    assert_int_equal(w->smsr.state, PROFILE_NONE);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 0);
    assert_int_equal(world_count(w, "SELECT state FROM profile"), 0);
    unsigned commits = w->commits - before;
    world_free(w);
    return commits;
}

static void killed_at_each_commit_of_an_undo(void **state)
{
    (void)state;
    unsigned n = undo_crashing_at(0, false);
    assert_true(n >= 6);
    for (unsigned i = 1; i <= n; i++) {
        undo_crashing_at(i, false);
        undo_crashing_at(i, true);
    }
}

int main(void)
{
    if (!shared_path("data/profiles/TS48v1_A.der"))
        return TEST_SKIPPED;
    const struct CMUnitTest tests[] = { cmocka_unit_test(killed_at_each_commit),
 cmocka_unit_test(full_at_each_commit),
                                        cmocka_unit_test(killed_at_each_commit_of_an_undo) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
