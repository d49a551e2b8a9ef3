/* ESx: the emergency profile and the test profile, by the device alone; what stays forbidden to the SM-SR meanwhile; power
 * cuts anywhere. And the attach guard of a device that never stops resetting. */
#include "lab.h"

#define SECOND        "TS48V5-SAIP2-3-NOBERTLV-UNIQUE.der"
#define THIRD         "TS48v2_SAIP2.1_NoBERTLV.der"
#define ENABLE_10     "80E28800153A03124F10A0000005591010FFFFFFFF8900001000"
#define ENABLE_11     "80E28800153A03124F10A0000005591010FFFFFFFF8900001100"
#define DISABLE_11    "80E28800153A04124F10A0000005591010FFFFFFFF8900001100"
#define DELETE_10     "80E40040124F10A0000005591010FFFFFFFF890000100000"
#define DELETE_11     "80E40040124F10A0000005591010FFFFFFFF890000110000"
#define EMERGENCY_10  "80E28800153A09124F10A0000005591010FFFFFFFF8900001000"
#define EMERGENCY_11  "80E28800153A09124F10A0000005591010FFFFFFFF8900001100"
#define EMERGENCY_12  "80E28800153A09124F10A0000005591010FFFFFFFF8900001200"
#define FALLBACK_11   "80E28800153A05124F10A0000005591010FFFFFFFF8900001100"
#define EMERGENCY_ON  "3A0A00"
#define EMERGENCY_OFF "3A0B00"
#define TEST_ON       "3A0C00"
#define TEST_OFF      "3A0D00"

/* 0010 enabled and fall-back, 0011 disabled; with_test: 0011 is the factory's test profile and 0012 disabled. */
static struct lab *world(bool with_test)
{
    struct lab *lab = malloc(sizeof *lab);
    lab_init(lab);
    lab->p.bootstrap_package = lab_profile("TS48v3_SAIP2.3_NoBERTLV.der");
    if (with_test)
        lab->p.test_package = lab_profile(THIRD);
    lab_make(lab);
    lab_install(lab, with_test ? 0x12 : 0x11, lab_profile(SECOND));
    lab->terminal.serviced = true;
    terminal_boot(lab);
    smsr_settles(lab, ES5_FIRST_ATTACH, 0x10);
    return lab;
}

/* On a logical channel of its own: STORE DATA with these data to the ISD-R. */
static uint16_t local(struct lab *lab, const char *data)
{
    WRITER_ON_STACK(ret, EUICC_RAPDU_MAX);
    WRITER_ON_STACK(command, 40);
    assert_int_equal(terminal_apdu(lab, hex_lit("0070000001"), &ret), 0x9000);
    assert_int_equal(terminal_apdu(lab, hex_lit("01A4040C10A0000005591010FFFFFFFF8900000100"), &ret), 0x9000);
    struct span d = hex_lit(data);
    wr_bytes(&command, hex_lit("81E28800"));
    wr_u8(&command, (uint8_t)d.len);
    wr_bytes(&command, d);
    uint16_t sw = terminal_apdu(lab, wr_span(&command), &ret);
    (void)terminal_apdu(lab, hex_lit("0070800100"), &ret);
    terminal_run(lab);
    return sw;
}

static void the_device_enables_the_emergency_profile(void **state)
{
    (void)state;
    struct lab *lab = world(false);
    assert_int_equal(local(lab, EMERGENCY_ON), 0x6A88);
    assert_int_equal(smsr_sw(lab, hex_lit(EMERGENCY_10)), 0x6985); /* fall-back, and enabled */
    assert_int_equal(smsr_sw(lab, hex_lit(EMERGENCY_11)), 0x9000);
    assert_int_equal(lab_isdp(lab, 0x11)->attributes, ISDP_EMERGENCY);
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x6985); /* by the device alone */
    assert_int_equal(smsr_sw(lab, hex_lit(FALLBACK_11)), 0x6985);
    assert_int_equal(smsr_sw(lab, hex_lit(DELETE_11)), 0x6985);
    assert_int_equal(local(lab, EMERGENCY_OFF), 0x6985);
    struct isdp *home = lab_isdp(lab, 0x10);
    home->pol1 = POL1_NO_DISABLE | POL1_DELETE_ON_DISABLE; /* nobody asks it */
    size_t resets = lab->terminal.resets;
    assert_int_equal(local(lab, EMERGENCY_ON), 0x9000);
    assert_int_equal(lab->terminal.resets, resets + 1);
    assert_int_equal(lab_state(lab, 0x11), ISDP_ENABLED);
    assert_int_equal(lab_state(lab, 0x10), ISDP_DISABLED);
    smsr_settles(lab, ES5_LOCAL_ENABLE, 0x11);
    assert_int_equal(lab_state(lab, 0x10), ISDP_DISABLED); /* still there */
    assert_int_equal(local(lab, EMERGENCY_ON), 0x6985);
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_10)), 0x6985);
    assert_int_equal(smsr_sw(lab, hex_lit(DISABLE_11)), 0x6985);
    assert_int_equal(smsr_sw(lab, hex_lit(DELETE_10)), 0x6985);
    lab_power_cycle(lab);
    assert_int_equal(local(lab, EMERGENCY_OFF), 0x9000);
    assert_int_equal(lab_state(lab, 0x10), ISDP_ENABLED);
    smsr_settles(lab, ES5_LOCAL_DISABLE, 0x10);
    assert_int_equal(smsr_notification(lab).len, 0);
    lab_free(lab);
}

static void fall_back_is_suspended_meanwhile(void **state)
{
    (void)state;
    struct lab *lab = world(false);
    assert_int_equal(smsr_sw(lab, hex_lit(EMERGENCY_11)), 0x9000);
    lab->terminal.serviced = false;
    assert_int_equal(local(lab, EMERGENCY_ON), 0x9000);
    lab_wait(lab, 2000); /* neither guard nor fall-back */
    assert_int_equal(lab_state(lab, 0x11), ISDP_ENABLED);
    lab->terminal.serviced = true;
    terminal_location(lab, 0x00);
    smsr_settles(lab, ES5_LOCAL_ENABLE, 0x11);
    lab->terminal.serviced = false;
    terminal_location(lab, 0x02);
    lab_wait(lab, 2000);
    assert_int_equal(lab_state(lab, 0x11), ISDP_ENABLED);
    lab_free(lab);
}

static void the_test_profile_is_silent(void **state)
{
    (void)state;
    struct lab *lab = world(true);
    assert_int_equal(lab_isdp(lab, 0x11)->attributes, ISDP_TEST);
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x6985);
    assert_int_equal(smsr_sw(lab, hex_lit(EMERGENCY_11)), 0x6985);
    assert_int_equal(smsr_sw(lab, hex_lit(EMERGENCY_12)), 0x9000);
    assert_int_equal(local(lab, TEST_OFF), 0x6985);
    assert_int_equal(local(lab, TEST_ON), 0x9000);
    assert_int_equal(lab_state(lab, 0x11), ISDP_ENABLED);
    assert_int_equal(lab_phase(lab), SWITCH_IDLE);
    assert_int_equal(smsr_notification(lab).len, 0);
    assert_int_equal(local(lab, EMERGENCY_ON), 0x6985);
    assert_int_equal(local(lab, TEST_OFF), 0x9000);
    assert_int_equal(lab_state(lab, 0x10), ISDP_ENABLED);
    assert_int_equal(smsr_notification(lab).len, 0);
    assert_int_equal(local(lab, EMERGENCY_ON), 0x9000);
    smsr_settles(lab, ES5_LOCAL_ENABLE, 0x12);
    assert_int_equal(local(lab, TEST_ON), 0x6985);
    lab_free(lab);
}

static void nothing_else_is_taken_from_the_device(void **state)
{
    (void)state;
    struct lab *lab = world(true);
    static const char *const others[] = { "3A0C", "3A0C0100", "3A0F00", "3A03124F10A0000005591010FFFFFFFF8900001100" };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(local(lab, others[i]), 0x6982);
    WRITER_ON_STACK(ret, EUICC_RAPDU_MAX);
    assert_int_equal(terminal_apdu(lab, hex_lit("00A4040010A0000005591010FFFFFFFF8900000200"), &ret), 0x9000);
    assert_int_equal(terminal_apdu(lab, hex_lit("80E28800033A0C00"), &ret), 0x6982);
    assert_int_equal(lab_state(lab, 0x10), ISDP_ENABLED);
    lab_free(lab);
}

/* ---- the attach guard ---- */

static void a_device_that_keeps_resetting_rolls_back(void **state)
{
    (void)state;
    struct lab *lab = world(false);
    lab->terminal.serviced = false;
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    unsigned cycles = 0;
    for (; lab_state(lab, 0x11) == ISDP_ENABLED && cycles < 30; cycles++)
        lab_power_cycle(lab);
    assert_in_range(cycles, 10, SWITCH_GUARD_PARTS);
    assert_int_equal(lab_state(lab, 0x10), ISDP_ENABLED);
    lab->terminal.serviced = true;
    terminal_location(lab, 0x00);
    smsr_settles(lab, ES5_CHANGE_ROLLED_BACK, 0x10);
    lab_free(lab);
}

static void no_try_is_wasted_without_service(void **state)
{
    (void)state;
    struct lab *lab = world(false);
    assert_int_equal(smsr_sw(lab, hex_lit(ENABLE_11)), 0x9000);
    assert_true(smsr_notification(lab).len > 0);
    size_t submits = lab->terminal.submits;
    lab->terminal.serviced = false;
    terminal_location(lab, 0x02);
    lab_wait(lab, 200); /* three intervals: nothing is sent, no try counted */
    assert_int_equal(lab->terminal.submits, submits);
    assert_int_equal(lab_card(lab)->isdr->sw.state.tries, 1);
    lab->terminal.serviced = true;
    terminal_location(lab, 0x00);
    assert_int_equal(lab->terminal.submits, submits + 1); /* at once */
    smsr_settles(lab, ES5_CHANGE_SUCCEEDED, 0x11);
    lab_free(lab);
}

/* ---- power cuts ---- */

static void drive(struct lab *lab, uint32_t wanted, const char *command)
{
    for (int round = 0; round < 20 && !lab->terminal.no_power; round++) {
        struct es5_notification n;
        struct span e1 = smsr_notification(lab);
        if (e1.len && es5_notification_parse(e1, &n) == ERR_NONE)
            (void)smsr_confirm(lab, n.sequence);
        if (lab->terminal.no_power || (lab_phase(lab) == SWITCH_IDLE && lab_state(lab, wanted) == ISDP_ENABLED))
            return;
        if (lab_phase(lab) == SWITCH_IDLE)
            (void)local(lab, command);
        else
            lab_wait(lab, 61);
    }
    if (!lab->terminal.no_power)
        fail_msg("no end: phase %u", lab_phase(lab));
}

static void power_may_fail_in_a_local_switch(void **state)
{
    (void)state;
    struct lab *lab = world(false);
    assert_int_equal(smsr_sw(lab, hex_lit(EMERGENCY_11)), 0x9000);
    for (uint64_t at = 1; at < 700; at += 7) {
        bool on = lab_state(lab, 0x10) == ISDP_ENABLED;
        nvm_memory_cut_after(&lab->memory, at);
        /* the channel commands of local() do not write; a cut in the middle stops the terminal */
        WRITER_ON_STACK(ret, EUICC_RAPDU_MAX);
        (void)terminal_apdu(lab, hex_lit("00A4040010A0000005591010FFFFFFFF8900000100"), &ret);
        (void)terminal_apdu(lab, hex_lit(on ? "80E28800033A0A00" : "80E28800033A0B00"), &ret);
        if (!lab->terminal.no_power)
            terminal_run(lab);
        lab->terminal.no_power = false;
        lab->terminal.sms_count = 0;
        lab_power_cycle(lab);
        assert_int_equal((lab_state(lab, 0x10) == ISDP_ENABLED) + (lab_state(lab, 0x11) == ISDP_ENABLED), 1);
        drive(lab, on ? 0x11 : 0x10, on ? EMERGENCY_ON : EMERGENCY_OFF);
        assert_int_equal(lab_card(lab)->isdr->sw.state.home != 0, on);
        assert_int_equal(lab_isdp(lab, 0x11)->attributes, ISDP_EMERGENCY);
    }
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_enables_the_emergency_profile),
        cmocka_unit_test(fall_back_is_suspended_meanwhile),
        cmocka_unit_test(the_test_profile_is_silent),
        cmocka_unit_test(nothing_else_is_taken_from_the_device),
        cmocka_unit_test(a_device_that_keeps_resetting_rolls_back),
        cmocka_unit_test(no_try_is_wasted_without_service),
        cmocka_unit_test(power_may_fail_in_a_local_switch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
