#include "world.h"

/* The thin thread: an eUICC is registered, seen, and its profiles are switched over SMS. */

static struct world w;

static int setup(void **state)
{
    (void)state;
    world_make(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_free(&w);
    return 0;
}

static void ask_profile(const char *oid, enum es_function function, const char *call_id, const char *iccid,
                        uint32_t validity)
{
    struct es_profile_request r = { .base = world_call(call_id, validity),
                                    .eid = world_eid(),
                                    .iccid = world_iccid(iccid) };
    assert_int_equal(world_ask(&w, oid, function, &r), 202);
}

static void assert_told(enum es_function function, enum exec_status exec, const char *subject, const char *code)
{
    const struct told *t = world_told(&w, function);
    assert_non_null(t);
    if (t->status.exec != exec || strcmp(t->status.subject, subject) || strcmp(t->status.code, code))
        fail_msg("got %s %s/%s (%s)", exec_status_xml(t->status.exec), t->status.subject, t->status.code,
                 t->status.detail);
}

static void registered_is_seen(void **state)
{
    (void)state;
    world_register(&w);
    struct es_eid_request r = { .base = world_call("g", 0), .eid = world_eid() };
    assert_int_equal(world_ask(&w, OID_OP1, ES4_GET_EIS, &r), 200);
    const struct es_eis_response *answer = (const struct es_eis_response *)world_answer(&w);
    assert_true(status_ok(&answer->base.status));
    assert_int_equal(answer->eis->profile_count, 1);
    assert_string_equal(answer->eis->profiles[0].iccid.digits, ICCID_A);
    assert_int_equal(answer->eis->isdr.keysets[0].key_count, 0);
    assert_int_equal(world_ask(&w, OID_SMDP, ES3_GET_EIS, &r), 200);
    assert_true(status_ok(&world_answer(&w)->status));
    assert_int_equal(world_ask(&w, OID_OP2, ES4_GET_EIS, &r), 200);
    assert_string_equal(world_answer(&w)->status.subject, "8.6");
    r.eid.octets[0] = 0x89;
    assert_ok(eid_from_text(SPAN_LIT("89044045113010000000000000000002"), &r.eid));
    assert_int_equal(world_ask(&w, OID_SMDP, ES3_GET_EIS, &r), 200);
    assert_string_equal(world_answer(&w)->status.subject, "8.1.1");
}

static void enabled_over_sms(void **state)
{
    (void)state;
    world_register(&w);
    world_add_profile(&w, ICCID_B, OID_OP1, 0x11, "882000002", 0);
    ask_profile(OID_OP1, ES4_ENABLE_PROFILE, "e1", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_SUCCESS, "", "");
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_ENABLED);
    assert_int_equal(world_state(&w, ICCID_A), PROFILE_DISABLED);
    assert_int_equal(world_told_count(&w, ES4_PROFILE_DISABLED_NOTIFICATION), 1);
    assert_int_equal(world_told_count(&w, ES4_PROFILE_ENABLED_NOTIFICATION), 0);
    world_check_agreement(&w);
    assert_false(w.card.pending);
}

static void asked_again_is_answered_again(void **state)
{
    (void)state;
    world_register(&w);
    world_add_profile(&w, ICCID_B, OID_OP1, 0x11, "882000002", 0);
    ask_profile(OID_OP1, ES4_ENABLE_PROFILE, "e1", ICCID_B, 600);
    ask_profile(OID_OP1, ES4_ENABLE_PROFILE, "e1", ICCID_B, 600);
    world_settle(&w);
    assert_int_equal(world_told_count(&w, ES4_ENABLE_PROFILE), 2); /* each message has its answer */
    assert_string_not_equal(w.told[w.told_count - 1].relates_to, w.told[w.told_count - 2].relates_to);
    assert_int_equal(w.card.enables, 1);
    ask_profile(OID_OP1, ES4_ENABLE_PROFILE, "e1", ICCID_B, 600);
    world_settle(&w);
    assert_int_equal(world_told_count(&w, ES4_ENABLE_PROFILE), 3);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_SUCCESS, "", "");
    assert_int_equal(w.card.enables, 1);
    struct es_profile_request r = { .base = world_call("e1", 600), .eid = world_eid(), .iccid = world_iccid(ICCID_A) };
    assert_int_equal(world_ask(&w, OID_OP1, ES4_ENABLE_PROFILE, &r), 200);
    assert_string_equal(world_answer(&w)->status.subject, "1.6");
    assert_string_equal(world_answer(&w)->status.code, "3.3");
}

static void send_data(const char *call_id, const char *hex, bool more)
{
    struct es3_send_data r = { .base = world_call(call_id, 600), .eid = world_eid(), .sd_aid = aid_isdp(0x11),
                               .data = hex_lit(hex), .more_to_do = more };
    assert_int_equal(world_ask(&w, OID_SMDP, ES3_SEND_DATA, &r), 202);
    world_settle(&w);
    assert_told(ES3_SEND_DATA, EXECUTED_SUCCESS, "", "");
}

/* An ISD-P keeps its channel from script to script only in a chain; what comes between ends it. */
static void scripts_of_a_download_are_chained(void **state)
{
    struct es_audit_request audit = { .base = world_call("audit", 600), .eid = world_eid() };
    (void)state;
    world_register(&w);
    world_add_profile(&w, ICCID_B, OID_OP1, 0x11, "882000002", 0);
    send_data("1", "8603010203", true);
    send_data("2", "8603010203", true);
    send_data("3", "8603010203", false);
    assert_span_equal(((struct span){ w.card.links, w.card.link_count }), hex_lit("010203"));
    send_data("4", "8603010203", false); /* alone: no chain */
    assert_int_equal(w.card.link_count, 3);
    send_data("5", "8603010203", true);
    assert_int_equal(world_ask(&w, OID_OP1, ES4_AUDIT_EIS, &audit), 202);
    world_settle(&w);
    send_data("6", "8603010203", true); /* the audit ended the chain: this begins another */
    send_data("7", "2207 80E2090002AABB", true); /* for the ISD-R: another target, another chain */
    assert_span_equal(((struct span){ w.card.links, w.card.link_count }), hex_lit("010203 01 01 01"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(registered_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(enabled_over_sms, setup, teardown),
        cmocka_unit_test_setup_teardown(asked_again_is_answered_again, setup, teardown),
        cmocka_unit_test_setup_teardown(scripts_of_a_download_are_chained, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
