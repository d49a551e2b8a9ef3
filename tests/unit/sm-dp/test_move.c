/* An SM-SR change under a download (SGP.02 §3.8): what has begun goes on, or is taken away, where the eUICC is then. */
#include "world.h"

static void refuses(struct world *w, enum es_function function, enum reason reason)
{
    w->smsr.fail = function;
    w->smsr.fail_times = 1;
    w->smsr.fail_status = status_failed(reason, EID_TEST, "as asked for");
}

static int told_of_change(struct world *w) { return world_notify_change(w, OID_SMSR2, OID_SMSR2, OID_SMDP, w->now_ms); }

static void a_download_goes_on_at_the_other_smsr(void **state)
{
    (void)state;
    for (int restarted = 0; restarted < 2; restarted++) {
        struct world *w = world_new();
        refuses(w, ES3_SEND_DATA, REASON_EUICC_BUSY);
        world_download(w, true, 0, NULL);
        world_run(w, 10);
        assert_int_equal(w->smsr.state, PROFILE_CREATED);
        assert_int_equal(world_answers(w, ES2_DOWNLOAD_PROFILE), 0);
        w->smsr.home = OID_SMSR2;
        if (restarted)
            world_restart(w);
        assert_int_equal(told_of_change(w), 202);
        world_run(w, 10);
        assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, EXECUTED_SUCCESS);
        assert_int_equal(w->smsr.state, PROFILE_ENABLED);
        assert_span_equal(wr_span(&w->smsr.stream), w->package);
        assert_int_equal(world_count(w, "SELECT count(*) FROM profile WHERE state=2 AND smsr='" OID_SMSR2 "'"), 1);
        assert_int_equal(w->told_count, 1); /* what was meant for the SM-DP is not passed on */
        world_free(w);
    }
}

/* The change came to nothing. */
static void busy_is_waited_for(void **state)
{
    (void)state;
    struct world *w = world_new();
    refuses(w, ES3_SEND_DATA, REASON_EUICC_BUSY);
    w->smsr.fail_times = 3;
    world_download(w, false, 0, NULL);
    world_run(w, 30);
    assert_int_equal(world_answers(w, ES2_DOWNLOAD_PROFILE), 0);
    world_run(w, 60);
    assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, EXECUTED_SUCCESS);
    world_free(w);
}

static void busy_is_not_waited_for_without_end(void **state)
{
    (void)state;
    struct world *w = world_new();
    refuses(w, ES3_SEND_DATA, REASON_EUICC_BUSY);
    w->smsr.fail_times = 1000;
    world_download(w, false, 90, NULL);
    world_run(w, 100);
    assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, EXECUTED_EXPIRED);
    world_run(w, 100);
    assert_int_equal(w->smsr.state, PROFILE_NONE);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 0);
    world_free(w);
}

/* The eUICC is gone when the clean-up comes: the operator has its answer, and the clean-up waits to hear where to. */
static struct world *gone_before_the_clean_up(void)
{
    struct world *w = world_new();
    w->smsr.bad_receipt = true;
    refuses(w, ES3_DELETE_ISDP, REASON_EID_UNKNOWN);
    world_download(w, true, 0, NULL);
    world_run(w, 10);
    w->smsr.home = OID_SMSR2;
    assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.reason, REASON_ISDP_FAILED);
    assert_int_equal(w->smsr.state, PROFILE_CREATED);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 1);
    return w;
}

static void a_clean_up_follows(void **state)
{
    (void)state;
    struct world *w = gone_before_the_clean_up();
    world_run(w, 300);
    assert_int_equal(w->smsr.state, PROFILE_CREATED);
    assert_int_equal(told_of_change(w), 202);
    world_run(w, 10);
    assert_int_equal(w->smsr.state, PROFILE_NONE);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 0);
    assert_int_equal(world_count(w, "SELECT state FROM profile"), 0);
    assert_int_equal(w->told_count, 1);
    world_free(w);
}

static void who_hears_nothing_gives_up(void **state)
{
    (void)state;
    struct world *w = gone_before_the_clean_up();
    world_run(w, 3 * 3600);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 0);
    assert_int_equal(world_count(w, "SELECT state FROM profile"), 0);
    assert_true(w->smsr.calls[ES3_DELETE_ISDP] < 40);
    world_free(w);
}

/* Word of an earlier change that comes late, of another SM-SR than the one that says so, or of one that is none of ours. */
static void only_news_is_followed(void **state)
{
    (void)state;
    struct world *w = gone_before_the_clean_up();
    assert_int_equal(world_notify_change(w, OID_SMSR2, OID_SMSR2, OID_SMDP, w->now_ms - 3600000), 202);
    assert_int_equal(world_notify_change(w, OID_SMSR, OID_SMSR2, OID_SMDP, w->now_ms), 202);
    assert_int_equal(world_notify_change(w, OID_OP1, OID_SMSR2, OID_SMDP, w->now_ms), 403);
    world_run(w, 600);
    assert_int_equal(w->smsr.state, PROFILE_CREATED);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job WHERE smsr='" OID_SMSR "'"), 1);
    world_free(w);
}

int main(void)
{
    if (!shared_path("data/profiles/TS48v1_A.der"))
        return TEST_SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_download_goes_on_at_the_other_smsr), cmocka_unit_test(busy_is_waited_for),
        cmocka_unit_test(busy_is_not_waited_for_without_end),   cmocka_unit_test(a_clean_up_follows),
        cmocka_unit_test(who_hears_nothing_gives_up),           cmocka_unit_test(only_news_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
