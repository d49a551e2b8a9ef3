/* The life of a profile switch: enable, reset, attach, notify, confirm; roll-back and fall-back; power cuts anywhere.
 */
#include "lab.h"

#include "euicc/isdr/keyset.h"

#define ENABLE_11  "80E28800153A03124F10A0000005591010FFFFFFFF8900001100"
#define DISABLE_11 "80E28800153A04124F10A0000005591010FFFFFFFF8900001100"
#define DELETE_10  "80E40040124F10A0000005591010FFFFFFFF890000100000"
#define SECOND     "TS48V5-SAIP2-3-NOBERTLV-UNIQUE.der"

/* Bootstrap profile on 0010 (enabled, fall-back), another one on 0011 (disabled), attached, first attach confirmed. */
static struct lab *world(void)
{
    struct lab *lab = lab_new(true);
    lab_install(lab, 0x11, lab_profile(SECOND));
    lab->terminal.serviced = true;
    terminal_boot(lab);
    smsr_settles(lab, ES5_FIRST_ATTACH, 0x10);
    return lab;
}

static void expect_notification(struct lab *lab, uint8_t type, uint32_t tar)
{
    struct es5_notification n = smsr_notified(lab);
    assert_int_equal(n.type, type);
    assert_int_equal(aid_tar(&n.isdp), tar);
    assert_true(n.has_imei);
}

static void expect_states(struct lab *lab, uint8_t ten, uint8_t eleven)
{
    assert_int_equal(lab_state(lab, 0x10), ten);
    assert_int_equal(lab_state(lab, 0x11), eleven);
}

static void enable_switches_notifies_and_is_confirmed(void **state)
{
    (void)state;
    struct lab *lab = world();
    size_t resets = lab->terminal.resets;
    lab->terminal.serviced = false;
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    assert_int_equal(lab->terminal.refreshes, 1);
    assert_int_equal(lab->terminal.resets, resets + 1);
    expect_states(lab, ISDP_DISABLED, ISDP_ENABLED);
    assert_int_equal(lab_phase(lab), SWITCH_ATTACHING);
    assert_int_equal(smsr_notification(lab).len, 0);
    terminal_location(lab, 0x00);
    struct es5_notification n = smsr_notified(lab);
    assert_int_equal(n.type, ES5_CHANGE_SUCCEEDED);
    assert_int_equal(aid_tar(&n.isdp), 0x11);
    assert_int_equal(n.sequence, 2);
    assert_int_equal(smsr_confirm(lab, 1), 0x6A88);
    assert_int_equal(smsr_confirm(lab, n.sequence), 0x9000);
    assert_int_equal(lab_phase(lab), SWITCH_IDLE);
    assert_int_equal(smsr_confirm(lab, n.sequence), 0x6985);
    lab_wait(lab, 400);
    assert_int_equal(smsr_notification(lab).len, 0);
    expect_states(lab, ISDP_DISABLED, ISDP_ENABLED);
    lab_free(lab);
}

static void the_notification_packet_is_the_recorded_one(void **state)
{
    (void)state;
    const char *path = shared_path("data/vectors/oncard-es5-scp80.json");
    const json_t *v;
    size_t i;
    struct lab *lab = lab_new_with(SECOND);
    bool compared = false;
    json_array_foreach(json_object_get(file_json(path), "generated"), i, v)
    {
        if (strcmp(vec_text(v, "name"), "Notification_MO_1600") != 0)
            continue;
        struct keyset_counters c = { 0, 6 };
        assert_ok(keyset_counters_write(lab_card(lab), 0x01, &c));
        card_begin(lab_card(lab)); /* a switch to 0010 that looks for the network */
        assert_ok(objects_put(lab_card(lab)->objects, ISDR_KEY(ISDR_SWITCH), hex_lit("02 01 00 00 0001 0000 0000 00")));
        assert_ok(card_commit(lab_card(lab)));
        lab->terminal.serviced = true;
        lab_power_cycle(lab);
        assert_int_equal(lab->terminal.sms_count, 1);
        assert_span_equal(((struct span){ lab->terminal.sms[0].ud, lab->terminal.sms[0].len }), vec_hex(v, "ud"));
        assert_string_equal(lab->terminal.sms[0].to, "33639980123");
        compared = true;
    }
    assert_true(compared);
    lab_free(lab);
}

static void the_same_notification_is_repeated(void **state)
{
    (void)state;
    struct lab *lab = world();
    uint8_t first[100];
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    struct span e1 = smsr_notification(lab);
    size_t len = e1.len;
    assert_in_range(len, 40, 90);
    memcpy(first, e1.ptr, len);
    lab_wait(lab, 61);
    e1 = smsr_notification(lab);
    assert_span_equal(e1, ((struct span){ first, len }));
    lab_power_cycle(lab);
    e1 = smsr_notification(lab);
    assert_span_equal(e1, ((struct span){ first, len }));
    assert_int_equal(smsr_confirm(lab, 2), 0x9000);
    lab_free(lab);
}

static void first_attach_is_told_once_in_a_life(void **state)
{
    (void)state;
    struct lab *lab = world();
    lab_power_cycle(lab);
    lab_wait(lab, 100);
    assert_int_equal(smsr_notification(lab).len, 0);
    lab_free(lab);
}

static void no_attach_rolls_back(void **state)
{
    (void)state;
    struct lab *lab = world();
    lab->terminal.serviced = false;
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    lab_wait(lab, 299);
    expect_states(lab, ISDP_DISABLED, ISDP_ENABLED);
    lab_wait(lab, 3);
    expect_states(lab, ISDP_ENABLED, ISDP_DISABLED);
    terminal_location(lab, 0x00);
    expect_notification(lab, ES5_CHANGE_ROLLED_BACK, 0x10);
    assert_int_equal(smsr_confirm(lab, 2), 0x9000);
    lab_free(lab);
}

static void no_confirmation_rolls_back(void **state)
{
    (void)state;
    struct lab *lab = world();
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    expect_notification(lab, ES5_CHANGE_SUCCEEDED, 0x11);
    lab_wait(lab, 3 * 60 + 1);
    expect_states(lab, ISDP_ENABLED, ISDP_DISABLED);
    expect_notification(lab, ES5_CHANGE_ROLLED_BACK, 0x10);
    assert_int_equal(smsr_confirm(lab, 3), 0x9000);
    lab_free(lab);
}

static void short_messages_that_fail_roll_back(void **state)
{
    (void)state;
    struct lab *lab = world();
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000); /* PoR out, then the network takes nothing more */
    (void)smsr_notification(lab);
    lab->terminal.sms_result = 0x35;
    lab_wait(lab, 400);
    lab->terminal.sms_result = 0;
    expect_states(lab, ISDP_ENABLED, ISDP_DISABLED);
    lab_wait(lab, 120);
    expect_notification(lab, ES5_CHANGE_ROLLED_BACK, 0x10);
    lab_free(lab);
}

static void a_failed_roll_back_falls_back(void **state)
{
    (void)state;
    struct lab *lab = world();
    lab_install(lab, 0x12, lab_profile("TS48v4_SAIP2.3_NoBERTLV.der"));
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    assert_int_equal(smsr_confirm(lab, smsr_notified(lab).sequence), 0x9000);
    lab->terminal.serviced = false;
    assert_int_equal(smsr_sw(lab, hex_lit("80E28800153A03124F10A0000005591010FFFFFFFF8900001200")), 0x9000);
    lab_wait(lab, 301);
    assert_int_equal(lab_state(lab, 0x11), ISDP_ENABLED); /* rolled back */
    lab_wait(lab, 301);
    assert_int_equal(lab_state(lab, 0x10), ISDP_ENABLED); /* fall-back */
    terminal_location(lab, 0x00);
    expect_notification(lab, ES5_FALLBACK, 0x10);
    lab_free(lab);
}

static void disable_brings_the_fallback_profile(void **state)
{
    (void)state;
    struct lab *lab = world();
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    assert_int_equal(smsr_sw(lab, hex_lit(DISABLE_11)), 0x6985); /* not before the switch is confirmed */
    assert_int_equal(smsr_sw(lab, hex_lit(DELETE_10)), 0x6985);  /* where a roll-back would go */
    assert_int_equal(smsr_confirm(lab, smsr_notified(lab).sequence), 0x9000);
    assert_int_equal(smsr_sw(lab, hex_lit(DISABLE_11)), 0x9000);
    expect_states(lab, ISDP_ENABLED, ISDP_DISABLED);
    expect_notification(lab, ES5_CHANGE_SUCCEEDED, 0x10);
    lab_free(lab);
}

static void pol1_deletes_after_the_confirmation(void **state)
{
    (void)state;
    struct lab *lab = world();
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    assert_int_equal(smsr_confirm(lab, smsr_notified(lab).sequence), 0x9000);
    lab_isdp(lab, 0x11)->pol1 = POL1_DELETE_ON_DISABLE;
    card_begin(lab_card(lab));
    assert_ok(registry_store(lab_card(lab), lab_isdp(lab, 0x11)));
    assert_ok(card_commit(lab_card(lab)));
    assert_int_equal(smsr_sw(lab, hex_lit(DISABLE_11)), 0x9000);
    expect_states(lab, ISDP_ENABLED, ISDP_DISABLED);
    WRITER_ON_STACK(w, 32);
    es5_notification_confirmation_write(&w, smsr_notified(lab).sequence);
    assert_span_equal(smsr_capdu(lab, wr_span(&w)), hex_lit("80124F10A0000005591010FFFFFFFF89000011009000"));
    expect_states(lab, ISDP_ENABLED, 0);
    lab_free(lab);
}

static void loss_of_network_falls_back(void **state)
{
    (void)state;
    struct lab *lab = world();
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    assert_int_equal(smsr_confirm(lab, smsr_notified(lab).sequence), 0x9000);
    lab_isdp(lab, 0x11)->pol1 = POL1_NO_DISABLE; /* does not count here */
    terminal_location(lab, 0x02);
    lab_wait(lab, 599);
    expect_states(lab, ISDP_DISABLED, ISDP_ENABLED);
    terminal_location(lab, 0x00);
    terminal_location(lab, 0x01);
    lab_wait(lab, 599);
    expect_states(lab, ISDP_DISABLED, ISDP_ENABLED);
    lab_wait(lab, 2);
    expect_states(lab, ISDP_ENABLED, ISDP_DISABLED);
    terminal_location(lab, 0x00);
    expect_notification(lab, ES5_FALLBACK, 0x10);
    assert_int_equal(smsr_confirm(lab, 3), 0x9000);
    lab_free(lab);
}

static void a_terminal_that_is_busy_is_asked_again(void **state)
{
    (void)state;
    struct lab *lab = world();
    lab->terminal.refresh_result = 0x20;
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    expect_states(lab, ISDP_ENABLED, ISDP_DISABLED);
    lab_wait(lab, 25);
    assert_in_range(lab->terminal.refreshes, 3, 4);
    lab->terminal.refresh_result = 0;
    lab_wait(lab, 11);
    expect_states(lab, ISDP_DISABLED, ISDP_ENABLED);
    lab_free(lab);
}

/* It says that it does the REFRESH and does nothing: the switch stays pending, and it is asked less and less often. */
static void a_terminal_that_ignores_refresh_is_asked_less_and_less(void **state)
{
    (void)state;
    struct lab *lab = world();
    lab->terminal.ignores_refresh = true;
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    lab_wait(lab, 31); /* after 10 and 20 seconds more */
    assert_int_equal(lab->terminal.refreshes, 3);
    size_t before = lab->terminal.refreshes;
    lab_wait(lab, 600); /* 40, then never later than the 60 of a notification's next try */
    assert_in_range(lab->terminal.refreshes - before, 9, 11);
    expect_states(lab, ISDP_ENABLED, ISDP_DISABLED);
    lab_power_cycle(lab);
    expect_states(lab, ISDP_DISABLED, ISDP_ENABLED);
    expect_notification(lab, ES5_CHANGE_SUCCEEDED, 0x11);
    lab_free(lab);
}

static void power_lost_before_the_refresh_switches_at_the_next_start(void **state)
{
    (void)state;
    struct lab *lab = world();
    lab->terminal.ignores_refresh = true;
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    expect_states(lab, ISDP_ENABLED, ISDP_DISABLED);
    lab_power_cycle(lab);
    expect_states(lab, ISDP_DISABLED, ISDP_ENABLED);
    expect_notification(lab, ES5_CHANGE_SUCCEEDED, 0x11);
    lab_free(lab);
}

/* Polling costs power: only while the card waits for a time of its own or for the network. */
static void it_polls_only_while_it_waits(void **state)
{
    (void)state;
    struct lab *lab = world();
    lab_wait(lab, 1);
    assert_int_equal(lab_card(lab)->isdr->polling, POLLING_OFF);
    assert_int_equal(euicc_idle(lab->euicc, lab->clock.now_ms), EUICC_NO_WAKE);
    terminal_location(lab, 0x02);
    lab_wait(lab, 1);
    assert_int_equal(lab_card(lab)->isdr->polling, POLLING_ASKED);
    terminal_location(lab, 0x00);
    lab_wait(lab, 1);
    assert_int_equal(lab_card(lab)->isdr->polling, POLLING_OFF);
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    lab_wait(lab, 1);
    assert_int_equal(lab_card(lab)->isdr->polling, POLLING_ASKED); /* nobody has confirmed */
    assert_int_equal(smsr_confirm(lab, smsr_notified(lab).sequence), 0x9000);
    lab_wait(lab, 1);
    assert_int_equal(lab_card(lab)->isdr->polling, POLLING_OFF);
    lab_free(lab);
}

/* ---- power cuts ---- */

static void prepare_nothing(struct lab *lab) { (void)lab; }
static void prepare_refused(struct lab *lab) { lab->terminal.serves_only = 0x10; }
static void prepare_enabled(struct lab *lab)
{
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    assert_int_equal(smsr_confirm(lab, smsr_notified(lab).sequence), 0x9000);
}
static void prepare_lost(struct lab *lab)
{
    prepare_enabled(lab);
    lab->terminal.serves_only = 0x10;
    terminal_location(lab, 0x02);
}
static void prepare_deleting(struct lab *lab)
{
    prepare_enabled(lab);
    lab_isdp(lab, 0x11)->pol1 = POL1_DELETE_ON_DISABLE;
    card_begin(lab_card(lab));
    assert_ok(registry_store(lab_card(lab), lab_isdp(lab, 0x11)));
    assert_ok(card_commit(lab_card(lab)));
}

/* From the prepared card to its end, with an SM-SR that never gives up. */
static const struct scenario {
    const char *name;
    void (*prepare)(struct lab *);
    const char *command; /* sent while the card is idle and the end is not reached; NULL: things happen by themselves */
    uint8_t ten, eleven; /* states at the end */
    uint8_t must_see;    /* type of notification without which the end is not reached; 0: none */
} scenarios[] = {
    { "power may fail while a profile is enabled", prepare_nothing, ENABLE_11, ISDP_DISABLED, ISDP_ENABLED, 0 },
    { "power may fail in a roll-back", prepare_refused, ENABLE_11, ISDP_ENABLED, ISDP_DISABLED,
      ES5_CHANGE_ROLLED_BACK },
    { "power may fail while a profile is disabled and deleted by POL1", prepare_deleting, DISABLE_11, ISDP_ENABLED, 0,
      0 },
    { "power may fail in a fall-back", prepare_lost, NULL, ISDP_ENABLED, ISDP_DISABLED, 0 },
};

static bool is_over(struct lab *lab, const struct scenario *sc, bool seen)
{
    return lab_phase(lab) == SWITCH_IDLE && lab_state(lab, 0x10) == sc->ten && lab_state(lab, 0x11) == sc->eleven &&
           (seen || !sc->must_see);
}

static void drive_to_the_end(struct lab *lab, const struct scenario *sc, bool *seen)
{
    for (int round = 0; round < 40 && !lab->terminal.no_power; round++) {
        struct span e1 = smsr_notification(lab);
        struct es5_notification n;
        if (e1.len) {
            assert_ok(es5_notification_parse(e1, &n));
            *seen = *seen || n.type == sc->must_see;
            (void)smsr_confirm(lab, n.sequence);
        }
        if (lab->terminal.no_power || is_over(lab, sc, *seen))
            return;
        if (lab_phase(lab) == SWITCH_IDLE && sc->command)
            (void)smsr_sw(lab, hex_lit(sc->command));
        else
            lab_wait(lab, 61);
    }
    if (!lab->terminal.no_power)
        fail_msg("no end: phase %u", lab_phase(lab));
}

static unsigned step = 13; /* octets between two cuts; 1: every one */

static void power_may_fail(void **state)
{
    const struct scenario *sc = *state;
    struct lab *lab = world();
    sc->prepare(lab);
    uint8_t *image = malloc(lab->memory.nvm.size);
    uint64_t counter = lab->sent_counter;
    memcpy(image, lab->memory.bytes, lab->memory.nvm.size);
    lab_restore(lab, image, counter);
    uint64_t begin = lab->memory.written;
    bool seen = false;
    drive_to_the_end(lab, sc, &seen);
    uint64_t total = lab->memory.written - begin;
    assert_in_range(total, 100, 20000);
    size_t cuts = 0;
    for (uint64_t at = 0; at < total; at += at < 64 ? 1 : step, cuts++) {
        lab_restore(lab, image, counter);
        nvm_memory_cut_after(&lab->memory, at);
        seen = false;
        drive_to_the_end(lab, sc, &seen);
        lab->terminal.no_power = false;
        lab_power_cycle(lab);
        lab_expect_one_enabled(lab);
        drive_to_the_end(lab, sc, &seen);
        lab_expect_one_enabled(lab);
        expect_states(lab, sc->ten, sc->eleven);
    }
    print_message("%zu cuts in %llu octets\n", cuts, (unsigned long long)total);
    free(image);
    lab_free(lab);
}

/* With an argument: cut at every octet. */
int main(int argc, char **argv)
{
    (void)argv;
    step = argc > 1 ? 1 : step;
    if (!shared_path("data/profiles/" SECOND))
        return TEST_SKIPPED;
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(enable_switches_notifies_and_is_confirmed),
        cmocka_unit_test(the_notification_packet_is_the_recorded_one),
        cmocka_unit_test(the_same_notification_is_repeated),
        cmocka_unit_test(first_attach_is_told_once_in_a_life),
        cmocka_unit_test(no_attach_rolls_back),
        cmocka_unit_test(no_confirmation_rolls_back),
        cmocka_unit_test(short_messages_that_fail_roll_back),
        cmocka_unit_test(a_failed_roll_back_falls_back),
        cmocka_unit_test(disable_brings_the_fallback_profile),
        cmocka_unit_test(pol1_deletes_after_the_confirmation),
        cmocka_unit_test(loss_of_network_falls_back),
        cmocka_unit_test(a_terminal_that_is_busy_is_asked_again),
        cmocka_unit_test(it_polls_only_while_it_waits),
        cmocka_unit_test(a_terminal_that_ignores_refresh_is_asked_less_and_less),
        cmocka_unit_test(power_lost_before_the_refresh_switches_at_the_next_start),
    };
    struct CMUnitTest cuts[ARRAY_LEN(scenarios)];
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
        cuts[i] = (struct CMUnitTest){ scenarios[i].name, power_may_fail, NULL, NULL, (void *)&scenarios[i] };
    return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests_name("power cuts", cuts, NULL, NULL);
}
