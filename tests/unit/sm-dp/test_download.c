#include "world.h"

static void a_profile_is_brought_and_enabled(void **state)
{
    (void)state;
    struct world *w = world_new();
    assert_int_equal(world_download(w, true, 0, NULL), 202);
    world_run(w, 5);
    const struct told *t = world_answer(w, ES2_DOWNLOAD_PROFILE);
    assert_int_equal(t->status.exec, EXECUTED_SUCCESS);
    assert_true(iccid_eq(&t->iccid, &w->iccid));
    assert_int_equal(w->smsr.state, PROFILE_ENABLED);
    assert_span_equal(wr_span(&w->smsr.stream), w->package); /* octet for octet on the card */
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 0);
    assert_int_equal(world_count(w, "SELECT count(*) FROM outbox"), 0);
    assert_int_equal(world_count(w, "SELECT count(*) FROM timer WHERE line<>''"), 0);
    assert_int_equal(world_count(w, "SELECT state FROM profile"), 2);
    assert_int_equal(world_count(w, "SELECT length(keys)>0 AND length(isdp)=16 FROM profile"), 1);
    world_free(w);
}

static void on_the_other_curve_too(void **state)
{
    (void)state;
    struct world *w = world_new_on(EC_BRAINPOOL_P256R1);
    world_download(w, true, 0, NULL);
    world_run(w, 5);
    assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, EXECUTED_SUCCESS);
    assert_int_equal(w->smsr.state, PROFILE_ENABLED);
    world_free(w);
}

static void another_profile_for_the_same_card_waits_its_turn(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct smdp_order order = { .package = file_bytes(shared_path("data/profiles/TS48V1-A-UNIQUE.der")) };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP1), &order.owner));
    assert_ok(smdp_order(w->smdp, &order, NULL));
    w->smsr.silent = true;
    world_download(w, false, 0, "first");
    assert_ok(iccid_from_text(SPAN_LIT("8949449999999990023"), &w->iccid));
    world_download(w, false, 0, "second");
    world_run(w, 5);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 2);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job WHERE step IS NULL"), 1);
    assert_int_equal(w->smsr.calls[ES3_GET_EIS], 1);
    w->smsr.silent = false;
    world_run(w, 300);
    assert_int_equal(world_answers(w, ES2_DOWNLOAD_PROFILE), 2);
    assert_int_equal(w->smsr.calls[ES3_GET_EIS], 2);
    assert_int_equal(w->told[0].status.exec, EXECUTED_SUCCESS);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 0);
    world_free(w);
}

static void without_enabling_it_stays_disabled(void **state)
{
    (void)state;
    struct world *w = world_new();
    assert_int_equal(world_download(w, false, 0, NULL), 202);
    world_run(w, 5);
    assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, EXECUTED_SUCCESS);
    assert_int_equal(w->smsr.state, PROFILE_DISABLED);
    assert_int_equal(w->smsr.calls[ES3_ENABLE_PROFILE], 0);
    world_free(w);
}

#define SMSC "\xA0\x09\x06\x07\x91\x33\x36\x99\x08\x21\xF3"

static struct world *with_parameters(void)
{
    struct world *w = world_new();
    struct smdp_order order = { .package = file_bytes(shared_path("data/profiles/TS48V1-A-UNIQUE.der")),
                                .connectivity = SPAN_LIT("\xA0\x01") };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP1), &order.owner));
    assert_int_equal(smdp_order(w->smdp, &order, NULL), ERR_BAD_VALUE);
    order.connectivity = SPAN_LIT(SMSC);
    assert_ok(smdp_order(w->smdp, &order, NULL));
    assert_ok(iccid_from_text(SPAN_LIT("8949449999999990023"), &w->iccid));
    w->package = order.package;
    world_download(w, true, 0, NULL);
    return w;
}

/* Connectivity parameters that were ordered: over SCP03, behind the installation and before it is enabled. */
static void connectivity_parameters_are_set(void **state)
{
    (void)state;
    for (unsigned lost = 0; lost < 4; lost++) {
        struct world *w = with_parameters();
        w->smsr.lose_channels = lost; /* the card was reset between the two calls */
        world_run(w, 5);
        bool too_often = lost == 3;
        assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, too_often ? EXECUTED_WITH_WARNING : EXECUTED_SUCCESS);
        assert_int_equal(w->smsr.channels, too_often ? 3 : lost + 1);
        assert_int_equal(w->smsr.calls[ES3_UPDATE_CONNECTIVITY_PARAMETERS], too_often ? 3 : lost + 1);
        assert_int_equal(w->smsr.calls[ES3_ENABLE_PROFILE], !too_often);
        struct span want = too_often ? SPAN_NONE : SPAN_LIT("\x3A\x07\x0B" SMSC);
        assert_span_equal(((struct span){ w->smsr.connectivity, w->smsr.connectivity_len }), want);
        assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 0);
        assert_int_equal(world_count(w, "SELECT count(*) FROM profile WHERE state=2"), 1); /* installed in any case */
        world_free(w);
    }
    struct world *w = with_parameters();
    w->smsr.store_sw = 0x6A80;
    world_run(w, 5);
    assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, EXECUTED_WITH_WARNING);
    assert_string_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.subject, "8.3");
    assert_int_equal(w->smsr.calls[ES3_ENABLE_PROFILE], 0);
    world_free(w);
}

static void by_type_one_is_chosen(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct es2_download_profile body = { .eid = world_eid(), .profile_type = SPAN_LIT("no such type") };
    assert_ok(oid_from_text(SPAN_LIT(OID_SMSR), &body.smsr_id));
    world_call(w, OID_OP1, ES2_DOWNLOAD_PROFILE, &body, 0, NULL);
    world_run(w, 1);
    assert_int_equal(w->told[0].status.reason, REASON_TYPE_UNKNOWN);

    body.profile_type = SPAN_LIT(TYPE_TEST);
    world_call(w, OID_OP2, ES2_DOWNLOAD_PROFILE, &body, 0, NULL);
    world_run(w, 1);
    world_call(w, OID_OP1, ES2_DOWNLOAD_PROFILE, &body, 0, NULL);
    world_run(w, 5);
    world_call(w, OID_OP1, ES2_DOWNLOAD_PROFILE, &body, 0, NULL);
    world_run(w, 5);
    assert_int_equal(w->told[1].status.reason, REASON_TYPE_NOT_ALLOWED);
    assert_int_equal(w->told[2].status.exec, EXECUTED_SUCCESS);
    assert_true(iccid_eq(&w->told[2].iccid, &w->iccid));
    assert_int_equal(w->told[3].status.reason, REASON_TYPE_EXHAUSTED);
    world_free(w);
}

static void what_was_left_over_is_cleaned_up_first(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.left_over = true;
    assert_ok(iccid_from_text(SPAN_LIT("8900000000000000099"), &w->smsr.left_over_iccid));
    world_download(w, false, 0, NULL);
    world_run(w, 5);
    assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, EXECUTED_SUCCESS);
    assert_int_equal(w->smsr.calls[ES3_DELETE_ISDP], 1);
    assert_false(w->smsr.left_over);
    world_free(w);
}

static void a_second_download_to_the_same_card_waits(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.silent = true;
    world_download(w, false, 0, "first");
    assert_int_equal(world_download(w, false, 0, "second"), 202);
    world_run(w, 1);
    /* the profile is reserved: the second is told so at once, and the first goes on */
    assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.reason, REASON_ICCID_IN_USE);
    w->smsr.silent = false;
    world_run(w, 300); /* the call that was never answered leaves again, unchanged */
    assert_int_equal(world_answers(w, ES2_DOWNLOAD_PROFILE), 2);
    assert_int_equal(w->smsr.state, PROFILE_DISABLED);
    world_free(w);
}

int main(void)
{
    if (!shared_path("data/profiles/TS48v1_A.der"))
        return TEST_SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_brought_and_enabled),
        cmocka_unit_test(on_the_other_curve_too),
        cmocka_unit_test(connectivity_parameters_are_set),
        cmocka_unit_test(another_profile_for_the_same_card_waits_its_turn),
        cmocka_unit_test(without_enabling_it_stays_disabled),
        cmocka_unit_test(by_type_one_is_chosen),
        cmocka_unit_test(what_was_left_over_is_cleaned_up_first),
        cmocka_unit_test(a_second_download_to_the_same_card_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
