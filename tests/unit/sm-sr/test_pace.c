#include "world.h"

/* When commands leave for a card that is not there: delivery modes, tries, budgets. */

static struct world w;

static int setup(void **state)
{
    (void)state;
    world_make(&w);
    world_register(&w);
    world_add_profile(&w, ICCID_B, OID_OP1, 0x11, "882000002", 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_free(&w);
    return 0;
}

static struct smsr_partner *operator1(void) { return &w.partners[2]; }

static void configure(void) { smsr_reload(w.smsr, &w.config); }

static void enable(const char *call_id, uint32_t validity_s)
{
    struct es_profile_request r = { .base = world_call(call_id, validity_s), .eid = world_eid(), .iccid = world_iccid(ICCID_B) };
    assert_int_equal(world_ask(&w, OID_OP1, ES4_ENABLE_PROFILE, &r), 202);
    world_settle(&w);
}

static void audit(const char *call_id, uint32_t validity_s)
{
    struct es_audit_request r = { .base = world_call(call_id, validity_s), .eid = world_eid() };
    assert_int_equal(world_ask(&w, OID_OP1, ES4_AUDIT_EIS, &r), 202);
    world_settle(&w);
}

static void expect(enum es_function function, enum exec_status exec)
{
    const struct told *t = world_told(&w, function);
    assert_non_null(t);
    if (t->status.exec != exec)
        fail_msg("%s %s/%s (%s)", exec_status_xml(t->status.exec), t->status.subject, t->status.code, t->status.detail);
}

/* Nothing leaves for a card of which nothing is known; its next word takes the command along. */
static void waits_for_a_network_event(void **state)
{
    (void)state;
    operator1()->delivery = SMSR_DELIVERY_EVENT;
    configure();
    unsigned before = w.sms_out;
    enable("e", 86400);
    world_pass(&w, 3600 * 1000);
    assert_int_equal(w.sms_out, before);
    world_restart(&w);
    world_pass(&w, 3600 * 1000);
    assert_int_equal(w.sms_out, before);
    card_notify(&w, ES5_FIRST_ATTACH);
    world_settle(&w);
    expect(ES4_ENABLE_PROFILE, EXECUTED_SUCCESS);
    world_check_agreement(&w);
}

static void the_network_says_it_is_reachable(void **state)
{
    (void)state;
    operator1()->delivery = SMSR_DELIVERY_EVENT;
    configure();
    audit("a", 86400);
    unsigned before = w.sms_out;
    smsr_reachable(w.smsr, "+4411");  /* somebody else */
    world_settle(&w);
    assert_int_equal(w.sms_out, before);
    smsr_reachable(w.smsr, "+882000001");
    world_settle(&w);
    expect(ES4_AUDIT_EIS, EXECUTED_SUCCESS);
}

/* It leaves twice for each event, and is silent then. */
static void an_event_is_no_licence_to_call_for_ever(void **state)
{
    (void)state;
    operator1()->delivery = SMSR_DELIVERY_EVENT;
    configure();
    audit("a", 86400);
    w.card.off = true;
    for (unsigned event = 1; event <= 3; event++) {
        unsigned before = w.sms_out;
        smsr_reachable(w.smsr, "882000001");
        world_settle(&w);
        world_pass(&w, 3600 * 1000);
        world_pass(&w, 3600 * 1000);
        assert_int_equal(w.sms_out - before, 2);
    }
    w.card.off = false;
    smsr_reachable(w.smsr, "882000001");
    world_settle(&w);
    expect(ES4_AUDIT_EIS, EXECUTED_SUCCESS);
}

static void what_waits_expires_all_the_same(void **state)
{
    (void)state;
    operator1()->delivery = SMSR_DELIVERY_EVENT;
    configure();
    enable("e", 600);
    world_pass(&w, 601 * 1000);
    expect(ES4_ENABLE_PROFILE, EXECUTED_EXPIRED);
    assert_int_equal(w.card.enables, 0);
}

static void now_is_not_later(void **state)
{
    (void)state;
    operator1()->delivery = SMSR_DELIVERY_NOW;
    w.config.now_s = 30;
    configure();
    audit("quick", 86400);
    expect(ES4_AUDIT_EIS, EXECUTED_SUCCESS);
    w.card.off = true;
    enable("slow", 86400);
    world_pass(&w, 29 * 1000);
    assert_null(world_told(&w, ES4_ENABLE_PROFILE));
    world_pass(&w, 2 * 1000);
    expect(ES4_ENABLE_PROFILE, EXECUTED_EXPIRED);
}

/* How many messages leave in so many seconds. */
static unsigned sent_in(unsigned seconds)
{
    unsigned before = w.sms_out;
    for (unsigned s = 0; s < seconds; s++)
        world_pass(&w, 1000);
    return w.sms_out - before;
}

static void tries_have_a_number(void **state)
{
    (void)state;
    w.config.tries_max = 4;
    configure();
    w.card.off = true;
    unsigned before = w.sms_out;
    audit("a", 86400);
    sent_in(1000);
    assert_int_equal(w.sms_out - before, 4);
    w.card.off = false;
    smsr_reachable(w.smsr, "882000001");
    world_settle(&w);
    expect(ES4_AUDIT_EIS, EXECUTED_SUCCESS);
}

static void pauses_differ_from_card_to_card(void **state)
{
    unsigned least = 40, most = 50; /* 1000 s: 5, 10, 20, 20 … and up to a quarter more each */
    (void)state;
    w.card.off = true;
    audit("a", 86400);
    unsigned count = sent_in(1000);
    if (count < least || count > most)
        fail_msg("%u tries", count);
}

static void a_network_has_a_budget(void **state)
{
    (void)state;
    w.config.networks[0] = (struct smsr_network){ "elsewhere", { "49" }, 1, { 1, 1 } };
    w.config.networks[1] = (struct smsr_network){ "here", { "77", "882" }, 2, { 1, 1 } }; /* one a minute */
    w.config.network_count = 2;
    configure();
    w.card.off = true;
    audit("a", 86400);
    unsigned count = sent_in(1000);
    if (count < 13 || count > 17)
        fail_msg("%u tries", count);
    assert_true(smsr_counts(w.smsr).held_back > 0);
    w.card.off = false;
    sent_in(120);
    expect(ES4_AUDIT_EIS, EXECUTED_SUCCESS);
}

static void a_campaign_has_a_budget_of_its_own(void **state)
{
    (void)state;
    operator1()->campaign_retries = (struct bucket_rate){ 1, 1 };
    configure();
    w.card.off = true;
    audit("meters.1", 1000); /* of the campaign "meters" */
    unsigned counted = sent_in(999);
    audit("alone", 1000);
    unsigned free = sent_in(999);
    if (counted > 17 || free < 40)
        fail_msg("%u tries in the campaign, %u outside", counted, free);
}

static void a_partner_has_a_budget(void **state)
{
    (void)state;
    operator1()->retries = (struct bucket_rate){ 2, 1 };
    configure();
    w.card.off = true;
    audit("a", 1000);
    unsigned count = sent_in(999);
    if (count < 25 || count > 34)
        fail_msg("%u tries", count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(waits_for_a_network_event, setup, teardown),
        cmocka_unit_test_setup_teardown(the_network_says_it_is_reachable, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_is_no_licence_to_call_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_expires_all_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(now_is_not_later, setup, teardown),
        cmocka_unit_test_setup_teardown(tries_have_a_number, setup, teardown),
        cmocka_unit_test_setup_teardown(pauses_differ_from_card_to_card, setup, teardown),
        cmocka_unit_test_setup_teardown(a_network_has_a_budget, setup, teardown),
        cmocka_unit_test_setup_teardown(a_campaign_has_a_budget_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(a_partner_has_a_budget, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
