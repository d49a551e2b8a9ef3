#include "world.h"

/* What can happen in the life of an eUICC beside the good path: policy, roll-back, fall-back, expiry, audit, queues. */

static struct world w;

static int setup(void **state)
{
    (void)state;
    world_make(&w);
    world_register(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_free(&w);
    return 0;
}

static void ask(const char *oid, enum es_function function, const char *call_id, const char *iccid, uint32_t validity_s)
{
    struct es_profile_request r = { .base = world_call(call_id, validity_s),
                                    .eid = world_eid(),
                                    .iccid = world_iccid(iccid) };
    assert_int_equal(world_ask(&w, oid, function, &r), 202);
}

static void audit(const char *oid, const char *call_id, const char *iccid)
{
    struct iccid one = { "" };
    struct es_audit_request r = { .base = world_call(call_id, 600), .eid = world_eid(), .iccids = &one };
    if (iccid) {
        one = world_iccid(iccid);
        r.iccid_count = 1;
    }
    assert_int_equal(world_ask(&w, oid, ES4_AUDIT_EIS, &r), 202);
    world_settle(&w);
}

static void assert_told(enum es_function function, enum exec_status exec, const char *subject, const char *code)
{
    const struct told *t = world_told(&w, function);
    if (!t)
        fail_msg("no answer to %s", es_function_info(function)->name);
    if (t->status.exec != exec || strcmp(t->status.subject, subject) || strcmp(t->status.code, code))
        fail_msg("got %s %s/%s (%s)", exec_status_xml(t->status.exec), t->status.subject, t->status.code,
                 t->status.detail);
}

static void b(const char *mno, int pol2) { world_add_profile(&w, ICCID_B, mno, 0x11, "882000002", pol2); }
static void c(const char *mno, int pol2) { world_add_profile(&w, ICCID_C, mno, 0x12, "882000003", pol2); }
static void set_pol2(const char *oid, const char *iccid, uint8_t rules)
{
    struct es_pol2_request r = { .base = world_call("pol2", 0),
                                 .eid = world_eid(),
                                 .iccid = world_iccid(iccid),
                                 .has_pol2 = true,
                                 .pol2 = { rules } };
    assert_int_equal(world_ask(&w, oid, ES4_UPDATE_POLICY_RULES, &r), 200);
    assert_true(status_ok(&world_answer(&w)->status));
}

/* ---- policy */

static void pol2_of_the_enabled_one_forbids(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    set_pol2(OID_OP1, ICCID_A, POL2_RULE(POL2_DISABLE, POL2_NOT_ALLOWED));
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_FAILED, "8.2.3", "3.8");
    assert_int_equal(w.sms_out, 0);
}

static void pol1_forbids(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    w.card.isdp[0].pol1_no_disable = true;
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_FAILED, "8.2.2", "3.8");
    assert_span_equal(((struct span){ world_told(&w, ES4_ENABLE_PROFILE)->data, 2 }), hex_lit("69E1"));
    world_check_agreement(&w);
}

static void pol2_deletes_what_is_disabled(void **state)
{
    (void)state;
    b(OID_OP2, POL2_RULE(POL2_DISABLE, POL2_AUTO_DELETE));
    ask(OID_OP2, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_SUCCESS, "", "");
    ask(OID_OP2, ES4_DISABLE_PROFILE, "2", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_DISABLE_PROFILE, EXECUTED_SUCCESS, "", "");
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_NONE);
    assert_int_equal(world_told_count(&w, ES3_PROFILE_DELETED_NOTIFICATION),
                     1); /* operator 2 is told through its SM-DP */
    assert_string_equal(world_told(&w, ES3_PROFILE_DELETED_NOTIFICATION)->mno, OID_OP2);
    assert_string_equal(world_told(&w, ES3_PROFILE_DELETED_NOTIFICATION)->url, "https://dp.example/es3");
    world_check_agreement(&w);
}

static void pol2_deletion_refused_is_a_warning(void **state)
{
    (void)state;
    b(OID_OP1, POL2_RULE(POL2_DISABLE, POL2_AUTO_DELETE));
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    w.card.isdp[1].pol1_no_delete = true;
    ask(OID_OP1, ES4_DISABLE_PROFILE, "2", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_DISABLE_PROFILE, EXECUTED_WITH_WARNING, "8.2.2", "3.8");
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_DISABLED);
    world_check_agreement(&w);
}

static void pol1_deletes_what_is_disabled(void **state)
{
    (void)state;
    b(OID_OP2, 0);
    ask(OID_OP2, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    w.card.isdp[1].pol1_delete_on_disable = true;
    ask(OID_OP2, ES4_DISABLE_PROFILE, "2", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_DISABLE_PROFILE, EXECUTED_SUCCESS, "", "");
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_NONE);
    assert_int_equal(world_told_count(&w, ES3_PROFILE_DELETED_NOTIFICATION), 1);
    world_check_agreement(&w);
}

static void delete_refused_by_pol1(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    w.card.isdp[1].pol1_no_delete = true;
    ask(OID_OP1, ES4_DELETE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_DELETE_PROFILE, EXECUTED_FAILED, "8.2.2", "3.8");
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_DISABLED);
    world_check_agreement(&w);
}

static void delete_of_the_enabled_one_disables_it_first(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    ask(OID_OP1, ES4_DELETE_PROFILE, "2", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_DELETE_PROFILE, EXECUTED_SUCCESS, "", "");
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_NONE);
    assert_int_equal(world_state(&w, ICCID_A), PROFILE_ENABLED);
    assert_int_equal(world_told_count(&w, ES4_DELETE_PROFILE), 1);
    assert_int_equal(world_told_count(&w, ES4_PROFILE_DELETED_NOTIFICATION), 0); /* the caller asked for it */
    world_check_agreement(&w);
}

/* ---- others' profiles */

static void another_operator_is_told(void **state)
{
    (void)state;
    b(OID_OP2, 0);
    ask(OID_OP2, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_SUCCESS, "", "");
    assert_string_equal(world_told(&w, ES4_ENABLE_PROFILE)->url, "https://op2.example/es4"); /* its ReplyTo */
    const struct told *t = world_told(&w, ES4_PROFILE_DISABLED_NOTIFICATION);
    assert_non_null(t);
    assert_string_equal(t->iccid, ICCID_A);
    assert_string_equal(t->url, "https://op1.example/es4");
    assert_int_equal(world_told_count(&w, ES3_PROFILE_ENABLED_NOTIFICATION), 0);
    ask(OID_OP2, ES4_DISABLE_PROFILE, "2", ICCID_B, 600);
    world_settle(&w);
    assert_string_equal(world_told(&w, ES4_PROFILE_ENABLED_NOTIFICATION)->iccid, ICCID_A);
    world_check_agreement(&w);
}

/* ---- roll-back, fall-back */

static void no_network_rolls_back(void **state)
{
    (void)state;
    b(OID_OP2, 0);
    w.card.isdp[1].no_network = true;
    ask(OID_OP2, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_FAILED, "8.4", "4.2");
    assert_int_equal(world_state(&w, ICCID_A), PROFILE_ENABLED);
    assert_int_equal(world_told_count(&w, ES4_PROFILE_DISABLED_NOTIFICATION), 0);
    assert_false(w.card.pending);
    world_check_agreement(&w);
}

static void the_card_falls_back_by_itself(void **state)
{
    (void)state;
    b(OID_OP2, POL2_RULE(POL2_DISABLE, POL2_AUTO_DELETE));
    ask(OID_OP2, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    w.told_count = 0;
    card_fall_back(&w);
    world_settle(&w);
    assert_int_equal(world_state(&w, ICCID_A), PROFILE_ENABLED);
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_DISABLED); /* not deleted: POL2 is not for this */
    assert_string_equal(world_told(&w, ES4_PROFILE_ENABLED_NOTIFICATION)->iccid, ICCID_A);
    assert_string_equal(world_told(&w, ES3_PROFILE_DISABLED_NOTIFICATION)->iccid, ICCID_B);
    assert_int_equal(w.told_count, 2);
    card_repeat(&w); /* the same notification once more: confirmed, and nothing else */
    world_settle(&w);
    assert_int_equal(w.told_count, 2);
    world_check_agreement(&w);
}

/* Local enabling and disabling (ESx): the EIS follows the card. */
static void the_device_changes_by_itself(void **state)
{
    (void)state;
    b(OID_OP2, 0);
    for (uint8_t type = ES5_LOCAL_ENABLE; type <= ES5_LOCAL_DISABLE; type++) {
        ask(OID_OP2, ES4_ENABLE_PROFILE, type == ES5_LOCAL_ENABLE ? "1" : "2", ICCID_B, 600);
        world_settle(&w);
        assert_int_equal(world_state(&w, ICCID_B), PROFILE_ENABLED);
        card_goes_home(&w, type);
        world_settle(&w);
        assert_int_equal(world_state(&w, ICCID_A), PROFILE_ENABLED);
        assert_int_equal(world_state(&w, ICCID_B), PROFILE_DISABLED);
        assert_false(w.card.pending);
        world_check_agreement(&w);
    }
}

static void fall_back_ends_what_runs(void **state)
{
    (void)state;
    b(OID_OP2, 0);
    c(OID_OP1, 0);
    ask(OID_OP2, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    w.sms_lost_to_card = 1;
    ask(OID_OP1, ES4_ENABLE_PROFILE, "2", ICCID_C, 600);
    world_settle(&w);
    card_fall_back(&w);
    world_settle(&w);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_FAILED, "8.4", "4.2");
    world_check_agreement(&w);
}

/* The card has switched and said so, and falls back while the operation still has the former profile to delete. */
static void a_switch_that_is_undone_is_not_told(void **state)
{
    (void)state;
    b(OID_OP2, 0);
    c(OID_OP1, POL2_RULE(POL2_DISABLE, POL2_AUTO_DELETE));
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_C, 600);
    world_settle(&w);
    w.told_count = 0;
    w.radio_lost_at = w.radio_carried + 7; /* the command to delete it */
    ask(OID_OP2, ES4_ENABLE_PROFILE, "2", ICCID_B, 600);
    world_settle(&w);
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_ENABLED);
    assert_null(world_told(&w, ES4_ENABLE_PROFILE));
    card_fall_back(&w);
    world_settle(&w);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_FAILED, "1.6", "5.4");
    for (size_t i = 0; i < w.told_count; i++)
        if (w.told[i].function == ES4_PROFILE_ENABLED_NOTIFICATION || w.told[i].function == ES3_PROFILE_ENABLED_NOTIFICATION)
            assert_string_equal(w.told[i].iccid, ICCID_A);
    world_check_agreement(&w);
}

/* ---- time */

static void nothing_heard_expires(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    w.card.off = true;
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 60);
    world_pass(&w, 59000);
    assert_null(world_told(&w, ES4_ENABLE_PROFILE));
    world_pass(&w, 2000);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_EXPIRED, "1.6", "5.3");
    assert_int_equal(world_count(&w, "operation"), 1); /* our own audit: the card's state is open */
    w.card.off = false;
    world_pass(&w, 120000);
    assert_int_equal(world_state(&w, ICCID_A), PROFILE_ENABLED);
    assert_int_equal(world_told_count(&w, ES4_ENABLE_PROFILE), 1);
    world_check_agreement(&w);
}

static void a_late_success_is_not_confirmed(void **state)
{
    (void)state;
    b(OID_OP2, 0);
    w.sms_lost_from_card = 2; /* the PoR and the notification */
    ask(OID_OP2, ES4_ENABLE_PROFILE, "1", ICCID_B, 4);
    world_pass(&w, 5000);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_EXPIRED, "1.6", "5.3");
    unsigned executed = w.card.executed;
    card_repeat(&w);
    world_settle(&w);
    assert_true(w.card.pending);
    assert_int_equal(w.card.executed, executed);
    card_confirm_missing(&w);
    world_pass(&w, 60000);
    assert_false(w.card.pending);
    assert_int_equal(world_state(&w, ICCID_A), PROFILE_ENABLED);
    world_check_agreement(&w);
}

static void the_answer_is_lost_the_notification_proves(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    w.sms_lost_from_card = 1; /* the PoR */
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_SUCCESS, "", "");
    assert_int_equal(w.card.enables, 1);
    world_check_agreement(&w);
}

static void a_lost_answer_of_a_deletion_is_looked_up(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    w.card.keeps_por = false; /* a repeat gets "counter low" */
    w.sms_lost_from_card = 1;
    ask(OID_OP1, ES4_DELETE_PROFILE, "1", ICCID_B, 600);
    world_pass(&w, 30000);
    assert_told(ES4_DELETE_PROFILE, EXECUTED_SUCCESS, "", "");
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_NONE);
    world_check_agreement(&w);
}

static void the_cards_counter_is_ahead(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    w.card.counter = 100; /* a restored backup */
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_pass(&w, 60000);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_SUCCESS, "", "");
    assert_int_equal(w.card.enables, 1);
    world_check_agreement(&w);
}

static void a_confirmation_that_was_used_up_leaves_anew(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    w.card.keeps_por = false;
    w.card.power_fails = true;
    ask(OID_OP1, ES4_DELETE_PROFILE, "2", ICCID_B, 600);
    world_settle(&w);
    assert_false(w.card.power_fails);
    assert_false(w.card.pending);
    assert_told(ES4_DELETE_PROFILE, EXECUTED_SUCCESS, "", "");
    world_check_agreement(&w);
}

/* ---- one at a time */

static void two_at_once_follow_each_other(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    c(OID_OP1, 0);
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    ask(OID_OP1, ES4_ENABLE_PROFILE, "2", ICCID_C, 600);
    assert_int_equal(w.sms_out, 1);
    world_settle(&w);
    assert_int_equal(world_told_count(&w, ES4_ENABLE_PROFILE), 2);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_SUCCESS, "", "");
    assert_int_equal(world_state(&w, ICCID_C), PROFILE_ENABLED);
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_DISABLED);
    world_check_agreement(&w);
}

static void too_many_wait(void **state)
{
    (void)state;
    char id[8];
    b(OID_OP1, 0);
    w.card.off = true;
    for (int i = 0; i < 16; i++) {
        snprintf(id, sizeof id, "%d", i);
        ask(OID_OP1, ES4_ENABLE_PROFILE, id, ICCID_B, 600);
    }
    struct es_profile_request r = { .base = world_call("x", 600), .eid = world_eid(), .iccid = world_iccid(ICCID_B) };
    assert_int_equal(world_ask(&w, OID_OP1, ES4_ENABLE_PROFILE, &r), 200);
    assert_string_equal(world_answer(&w)->status.code, "4.4");
}

/* ---- audit */

static void an_audit_mends_the_eis(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    c(OID_OP2, 0);
    w.card.isdp[0].state = ISDP_DISABLED; /* the EIS is wrong about who is enabled, and C is gone */
    w.card.isdp[1].state = ISDP_ENABLED;
    snprintf(w.card.isdp[1].msisdn, sizeof w.card.isdp[1].msisdn, "882000001");
    w.card.isdp[2].state = 0;
    w.card.free_memory = 12345;
    audit(OID_OP1, "a", NULL);
    assert_told(ES4_AUDIT_EIS, EXECUTED_SUCCESS, "", "");
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_ENABLED);
    assert_int_equal(world_state(&w, ICCID_A), PROFILE_DISABLED);
    assert_int_equal(world_state(&w, ICCID_C), PROFILE_NONE);
    world_check_agreement(&w);
    struct es_eid_request r = { .base = world_call("g", 0), .eid = world_eid() };
    assert_int_equal(world_ask(&w, OID_OP1, ES4_GET_EIS, &r), 200);
    const struct eis *eis = ((const struct es_eis_response *)world_answer(&w))->eis;
    assert_int_equal(eis->remaining_memory, 12345);
    assert_int_equal(eis->last_audit_ms, w.now_ms);
}

static void an_audit_of_others_is_refused(void **state)
{
    (void)state;
    b(OID_OP2, 0);
    audit(OID_OP1, "a", ICCID_B);
    assert_told(ES4_AUDIT_EIS, EXECUTED_FAILED, "8.2", "1.2");
    assert_int_equal(w.card.executed, 0);
    audit(OID_OP1, "b", ICCID_A);
    assert_told(ES4_AUDIT_EIS, EXECUTED_SUCCESS, "", "");
}

/* ---- partners */

static void a_callback_waits_for_its_partner(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    w.partners_down = true;
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_pass(&w, 600000);
    assert_int_equal(w.told_count, 0);
    world_restart(&w);
    w.partners_down = false;
    world_pass(&w, 700000);
    assert_int_equal(world_told_count(&w, ES4_ENABLE_PROFILE), 1);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_SUCCESS, "", "");
}

static void a_new_address_counts_at_once(void **state)
{
    (void)state;
    struct es_address_request r = {
        .base = world_call("addr", 0), .eid = world_eid(), .iccid = world_iccid(ICCID_A), .address = { "", "882000777" }
    };
    b(OID_OP1, 0);
    snprintf(w.card.isdp[0].msisdn, sizeof w.card.isdp[0].msisdn, "882000777");
    assert_int_equal(world_ask(&w, OID_OP1, ES4_UPDATE_SUBSCRIPTION_ADDRESS, &r), 200);
    assert_true(status_ok(&world_answer(&w)->status));
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_ENABLE_PROFILE, EXECUTED_SUCCESS, "", "");
}

/* ---- the fall-back attribute */

static void the_fallback_attribute_moves(void **state)
{
    (void)state;
    b(OID_OP1, 0);
    c(OID_OP2, 0);
    ask(OID_OP1, ES4_SET_FALLBACK_ATTRIBUTE, "1", ICCID_B, 600);
    world_settle(&w);
    assert_told(ES4_SET_FALLBACK_ATTRIBUTE, EXECUTED_SUCCESS, "", "");
    world_check_agreement(&w);
    assert_true(w.card.isdp[1].fallback);
    unsigned executed = w.card.executed;
    ask(OID_OP1, ES4_SET_FALLBACK_ATTRIBUTE, "2", ICCID_B, 600); /* it has it: no word to the card */
    assert_told(ES4_SET_FALLBACK_ATTRIBUTE, EXECUTED_SUCCESS, "", "");
    assert_int_equal(w.card.executed, executed);
    ask(OID_OP2, ES4_SET_FALLBACK_ATTRIBUTE, "3", ICCID_C, 600);
    assert_told(ES4_SET_FALLBACK_ATTRIBUTE, EXECUTED_FAILED, "8.2.4", "1.2");
    ask(OID_OP1, ES4_DELETE_PROFILE, "4", ICCID_B, 600);
    assert_told(ES4_DELETE_PROFILE, EXECUTED_FAILED, "8.2.4", "3.8");
}

/* ---- the radio brings nonsense */

static void old_notification(bool by_its_packet)
{
    b(OID_OP1, 0);
    w.card.counts_notifications = by_its_packet;
    ask(OID_OP1, ES4_ENABLE_PROFILE, "1", ICCID_B, 600);
    world_settle(&w);
    ask(OID_OP1, ES4_ENABLE_PROFILE, "2", ICCID_A, 600);
    world_settle(&w);
    assert_int_equal(world_state(&w, ICCID_A), PROFILE_ENABLED);
    unsigned executed = w.card.executed;
    card_replay_first(&w); /* "B is enabled now" */
    world_settle(&w);
    assert_int_equal(world_state(&w, ICCID_A), PROFILE_ENABLED);
    assert_int_equal(w.card.executed, executed + (by_its_packet ? 0 : 2)); /* an audit's two questions */
    world_check_agreement(&w);
}

static void an_old_notification_changes_nothing(void **state) { (void)state, old_notification(true); }
static void a_notification_that_was_held_up_changes_nothing(void **state) { (void)state, old_notification(false); }

static void foreign_packets_change_nothing(void **state)
{
    (void)state;
    unsigned commits = w.commits;
    struct reply_ref none = { 0 };
    smsr_short_message(
        w.smsr, "882000001",
        hex_lit("027000002815161212120000011122334455667788990011223344556677889900112233445566778899001122334455"),
        none);
    smsr_short_message(w.smsr, "999", hex_lit("02700000281516121212000001112233"), none);
    smsr_short_message(w.smsr, "882000001", hex_lit("FF"), none);
    smsr_short_message(w.smsr, "882000001", SPAN_NONE, none);
    smsr_short_message(w.smsr, "882000001", hex_lit("0271000010120000016B8D370352F00DEBD1C4"), none);
    world_settle(&w);
    assert_int_equal(w.commits, commits);
    w.card.kid[0] ^= 1; /* a notification with a wrong MAC */
    card_notify(&w, ES5_FALLBACK);
    world_settle(&w);
    assert_int_equal(w.commits, commits);
    assert_true(w.card.pending);
}

#define LIFE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        LIFE_TEST(pol2_of_the_enabled_one_forbids),
        LIFE_TEST(pol1_forbids),
        LIFE_TEST(pol2_deletes_what_is_disabled),
        LIFE_TEST(pol2_deletion_refused_is_a_warning),
        LIFE_TEST(pol1_deletes_what_is_disabled),
        LIFE_TEST(delete_refused_by_pol1),
        LIFE_TEST(delete_of_the_enabled_one_disables_it_first),
        LIFE_TEST(another_operator_is_told),
        LIFE_TEST(no_network_rolls_back),
        LIFE_TEST(the_card_falls_back_by_itself),
        LIFE_TEST(fall_back_ends_what_runs),
        LIFE_TEST(a_switch_that_is_undone_is_not_told),
        LIFE_TEST(the_device_changes_by_itself),
        LIFE_TEST(nothing_heard_expires),
        LIFE_TEST(a_late_success_is_not_confirmed),
        LIFE_TEST(the_answer_is_lost_the_notification_proves),
        LIFE_TEST(a_lost_answer_of_a_deletion_is_looked_up),
        LIFE_TEST(the_cards_counter_is_ahead),
        LIFE_TEST(a_confirmation_that_was_used_up_leaves_anew),
        LIFE_TEST(two_at_once_follow_each_other),
        LIFE_TEST(too_many_wait),
        LIFE_TEST(an_audit_mends_the_eis),
        LIFE_TEST(an_audit_of_others_is_refused),
        LIFE_TEST(a_callback_waits_for_its_partner),
        LIFE_TEST(a_new_address_counts_at_once),
        LIFE_TEST(foreign_packets_change_nothing),
        LIFE_TEST(the_fallback_attribute_moves),
        LIFE_TEST(an_old_notification_changes_nothing),
        LIFE_TEST(a_notification_that_was_held_up_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
