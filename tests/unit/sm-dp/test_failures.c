/* What goes wrong on the way: each failure has its status, and nothing stays on the card. */
#include "world.h"

static void outcome(struct world *w, enum exec_status exec, enum reason reason, enum profile_state on_card)
{
    const struct told *t = world_answer(w, ES2_DOWNLOAD_PROFILE);
    assert_int_equal(t->status.exec, exec);
    assert_int_equal(t->status.reason, reason);
    assert_int_equal(w->smsr.state, on_card);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 0);
    assert_int_equal(world_count(w, "SELECT state FROM profile"), on_card == PROFILE_NONE ? 0 : 2);
}

static void a_wrong_receipt_undoes_everything(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.bad_receipt = true;
    world_download(w, true, 0, NULL);
    world_run(w, 10);
    outcome(w, EXECUTED_FAILED, REASON_ISDP_FAILED, PROFILE_NONE);
    assert_non_null(strstr(w->told[0].status.detail, "receipt"));
    assert_int_equal(w->smsr.calls[ES3_DELETE_ISDP], 1);
    world_free(w);
}

static void a_bad_profile_element_is_named(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.pe_status = 3;
    world_download(w, true, 0, NULL);
    world_run(w, 10);
    outcome(w, EXECUTED_FAILED, REASON_ISDP_FAILED, PROFILE_NONE);
    assert_non_null(strstr(w->told[0].status.detail, "bad values"));
    world_free(w);
}

static void a_card_that_never_says_complete_is_not_believed(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.no_final_answer = true;
    world_download(w, true, 0, NULL);
    world_run(w, 10);
    outcome(w, EXECUTED_FAILED, REASON_ISDP_FAILED, PROFILE_NONE);
    world_free(w);
}

static void a_lost_channel_is_opened_anew(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 17; n += 4) {
        struct world *w = world_new();
        w->smsr.lose_session_at = n;
        world_download(w, false, 0, NULL);
        world_run(w, 10);
        outcome(w, EXECUTED_SUCCESS, REASON_NONE, PROFILE_DISABLED);
        assert_span_equal(wr_span(&w->smsr.stream), w->package);
        world_free(w);
    }
}

static void no_memory_is_told_before_anything_is_made(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.memory = 1000;
    world_download(w, true, 0, NULL);
    world_run(w, 10);
    outcome(w, EXECUTED_FAILED, REASON_EUICC_MEMORY, PROFILE_NONE);
    assert_int_equal(w->smsr.calls[ES3_CREATE_ISDP], 0);
    world_free(w);
}

static void a_forged_ecasd_certificate_is_found(void **state)
{
    (void)state;
    struct world *w = world_new();
    static uint8_t forged[1024];
    memcpy(forged, w->smsr.ecasd_certificate.ptr, w->smsr.ecasd_certificate.len);
    forged[w->smsr.ecasd_certificate.len - 1] ^= 1;
    w->smsr.ecasd_certificate.ptr = forged;
    world_download(w, true, 0, NULL);
    world_run(w, 10);
    outcome(w, EXECUTED_FAILED, REASON_ECASD_CERT_INVALID, PROFILE_NONE);
    world_free(w);
}

/* What nobody signed, or what is not what was signed, gets no ISD-P. */
static void an_eis_the_eum_did_not_sign_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct world *w = world_new();
        w->smsr.tampered_eis = i == 0;
        w->smsr.unsigned_eis = i == 1;
        world_download(w, false, 0, NULL);
        world_run(w, 30);
        assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.reason, REASON_EIS_SIGNATURE);
        assert_int_equal(w->smsr.calls[ES3_CREATE_ISDP], 0);
        world_free(w);
    }
}

static void an_unsigned_eis_will_do_where_that_is_configured(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct world *w = world_new();
        w->config.unsigned_eis = true;
        world_restart(w);
        w->smsr.tampered_eis = i == 0;
        w->smsr.unsigned_eis = i == 1;
        world_download(w, false, 0, NULL);
        world_run(w, 30);
        assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, i ? EXECUTED_SUCCESS : EXECUTED_FAILED);
        world_free(w);
    }
}

static void an_expired_certificate_is_told_as_that(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->now_ms += 2ull * 365 * 24 * 3600 * 1000;
    world_download(w, true, 0, NULL);
    world_run(w, 10);
    outcome(w, EXECUTED_FAILED, REASON_ECASD_CERT_EXPIRED, PROFILE_NONE);
    world_free(w);
}

/* The list says it of the EUM, of the eUICC, or of what we would show to the card. */
static void who_is_revoked_is_told_as_that(void **state)
{
    static const enum reason reasons[] = { REASON_EUM_CERT_REVOKED, REASON_ECASD_CERT_REVOKED, REASON_DP_CERT_REVOKED };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        struct world *w = world_new();
        world_revoke(w, i == 1, i == 0 ? world_serial_of_eum(w) : world_serial_of_gp(i == 1 ? w->smsr.ecasd_certificate
                                  : (struct span){ w->config.certificates.list[0].octets, w->config.certificates.list[0].len }));
        world_download(w, true, 0, NULL);
        world_run(w, 10);
        outcome(w, EXECUTED_FAILED, reasons[i], PROFILE_NONE);
        assert_int_equal(w->smsr.calls[ES3_CREATE_ISDP], 0);
        world_free(w);
    }
}

/* Expired, or of a CI that we do not know. */
static void our_own_certificate_is_looked_at(void **state)
{
    (void)state;
    for (int foreign = 0; foreign < 2; foreign++) {
        struct world *w = world_new();
        struct card_certificate *own = &w->config.certificates.list[0];
        struct gp_certificate gp;
        uint8_t former[GP_CERTIFICATE_MAX];
        struct writer out = wr_of(own->octets, sizeof own->octets);
        memcpy(former, own->octets, own->len);
        assert_ok(gp_certificate_decode((struct span){ former, own->len }, &gp));
        gp.discretionary = SPAN_NONE;
        if (foreign)
            gp.authority_key_id = SPAN_LIT("twenty octets of one");
        else
            memcpy(gp.expiration, "\x20\x26\x06\x30", sizeof gp.expiration);
        assert_ok(gp_certificate_issue(&gp, w->ci_key, &out));
        own->len = out.len;
        world_restart(w);
        world_download(w, true, 0, NULL);
        world_run(w, 10);
        outcome(w, EXECUTED_FAILED, foreign ? REASON_DP_CERT_INVALID : REASON_DP_CERT_EXPIRED, PROFILE_NONE);
        world_free(w);
    }
}

static void without_a_list_nothing_goes_when_one_is_required(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->trust.lists_required = true;
    world_download(w, true, 0, NULL);
    world_run(w, 10);
    outcome(w, EXECUTED_FAILED, REASON_EUM_CERT_INVALID, PROFILE_NONE);
    world_free(w);
}

static void a_card_on_a_curve_without_certificate_is_unsuitable(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->config.certificates.list[0].curve = EC_BRAINPOOL_P256R1;
    world_restart(w);
    world_download(w, true, 0, NULL);
    world_run(w, 10);
    outcome(w, EXECUTED_FAILED, REASON_EUICC_UNSUITABLE, PROFILE_NONE);
    world_free(w);
}

static void another_euiccs_eis_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.wrong_eid = true;
    world_download(w, true, 0, NULL);
    world_run(w, 10);
    outcome(w, EXECUTED_FAILED, REASON_EXTERNAL_FAILED, PROFILE_NONE);
    world_free(w);
}

/* Every function of the SM-SR refuses once. */
static void a_refusal_is_passed_on(void **state)
{
    static const struct {
        enum es_function f;
        enum reason reason;
        enum exec_status exec;
        enum profile_state on_card;
    } rows[] = {
        { ES3_GET_EIS, REASON_EID_UNKNOWN, EXECUTED_FAILED, PROFILE_NONE },
        { ES3_CREATE_ISDP, REASON_EUICC_MEMORY, EXECUTED_FAILED, PROFILE_NONE },
        { ES3_SEND_DATA, REASON_ISDR_FAILED, EXECUTED_FAILED, PROFILE_NONE },
        { ES3_PROFILE_DOWNLOAD_COMPLETED, REASON_POL2_INVALID, EXECUTED_FAILED, PROFILE_NONE },
        { ES3_ENABLE_PROFILE, REASON_POL2_REFUSED, EXECUTED_WITH_WARNING, PROFILE_DISABLED },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new();
        w->smsr.fail = rows[i].f;
        w->smsr.fail_times = 1;
        w->smsr.fail_status = status_failed(rows[i].reason, EID_TEST, "as asked for");
        world_download(w, true, 0, NULL);
        world_run(w, 10);
        outcome(w, rows[i].exec, rows[i].reason, rows[i].on_card);
        world_free(w);
    }
}

static void an_expired_creation_is_cleaned_up(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.fail = ES3_CREATE_ISDP;
    w->smsr.fail_times = 1;
    w->smsr.fail_status = status_expired();
    world_download(w, true, 0, NULL);
    world_run(w, 10);
    assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, EXECUTED_EXPIRED);
    assert_int_equal(w->smsr.calls[ES3_DELETE_ISDP], 1);
    world_free(w);
}

/* SGP.02 §3.1.4: the card refuses the clean-up by POL1, so the installation was complete. */
static void refused_by_pol1_means_complete(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.no_final_answer = true;
    w->smsr.fail = ES3_DELETE_ISDP;
    w->smsr.fail_times = 1;
    w->smsr.fail_status = status_failed(REASON_POL1_REFUSED, "", "delete not allowed");
    world_download(w, false, 0, NULL);
    world_run(w, 10);
    outcome(w, EXECUTED_SUCCESS, REASON_NONE, PROFILE_DISABLED);
    world_free(w);
}

static void an_unreachable_smsr_is_waited_for(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.deaf = true;
    world_download(w, false, 0, NULL);
    world_run(w, 30);
    assert_int_equal(world_answers(w, ES2_DOWNLOAD_PROFILE), 0);
    w->smsr.deaf = false;
    world_run(w, 120);
    outcome(w, EXECUTED_SUCCESS, REASON_NONE, PROFILE_DISABLED);
    world_free(w);
}

static void never_reached_is_told(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.deaf = true;
    world_download(w, false, 20, NULL);
    world_run(w, 19);
    assert_int_equal(world_answers(w, ES2_DOWNLOAD_PROFILE), 0);
    world_run(w, 3);
    outcome(w, EXECUTED_FAILED, REASON_EXTERNAL_UNREACHABLE, PROFILE_NONE);
    world_free(w);
}

/* The SM-SR takes the call and never answers: the operator has its answer in time, the clean-up follows. */
static void half_made_and_time_over_is_cleaned_up_behind_the_answer(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->smsr.silent = true;
    world_download(w, false, 20, NULL);
    world_run(w, 25);
    assert_int_equal(world_answer(w, ES2_DOWNLOAD_PROFILE)->status.exec, EXECUTED_EXPIRED);
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 1);
    w->smsr.silent = false;
    world_run(w, 1000);
    assert_int_equal(w->smsr.calls[ES3_DELETE_ISDP], 1);
    outcome(w, EXECUTED_EXPIRED, REASON_CALL_EXPIRED, PROFILE_NONE);
    world_free(w);
}

int main(void)
{
    if (!shared_path("data/profiles/TS48v1_A.der"))
        return TEST_SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_receipt_undoes_everything),
        cmocka_unit_test(a_bad_profile_element_is_named),
        cmocka_unit_test(a_card_that_never_says_complete_is_not_believed),
        cmocka_unit_test(a_lost_channel_is_opened_anew),
        cmocka_unit_test(no_memory_is_told_before_anything_is_made),
        cmocka_unit_test(a_forged_ecasd_certificate_is_found),
        cmocka_unit_test(an_expired_certificate_is_told_as_that),
        cmocka_unit_test(who_is_revoked_is_told_as_that),
        cmocka_unit_test(our_own_certificate_is_looked_at),
        cmocka_unit_test(without_a_list_nothing_goes_when_one_is_required),
        cmocka_unit_test(an_eis_the_eum_did_not_sign_is_refused),
        cmocka_unit_test(an_unsigned_eis_will_do_where_that_is_configured),
        cmocka_unit_test(a_card_on_a_curve_without_certificate_is_unsuitable),
        cmocka_unit_test(another_euiccs_eis_is_refused),
        cmocka_unit_test(a_refusal_is_passed_on),
        cmocka_unit_test(an_expired_creation_is_cleaned_up),
        cmocka_unit_test(refused_by_pol1_means_complete),
        cmocka_unit_test(an_unreachable_smsr_is_waited_for),
        cmocka_unit_test(never_reached_is_told),
        cmocka_unit_test(half_made_and_time_over_is_cleaned_up_behind_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
