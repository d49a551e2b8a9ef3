/* SUSPEND UICC: a session that outlives a loss of power, for who has the token, once. */
#include "rig.h"

#include "euicc/uicc/uicc.h"

static struct rig rig;

static int with_card(void **state)
{
    (void)state;
    rig_make_own(&rig);
    return 0;
}
static int without_card(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}
static void apdu(const char *command, const char *want) { rig_apdu(&rig, command, want); }

#define NO_PIN "6982"

static uint8_t token[8];

/* An hour at least, two days at most. */
static void suspend(void)
{
    struct span got = rig_get(&rig, "8076000004 0201 0302", 0x9000);
    assert_int_equal(got.len, 10);
    assert_span_equal(span_sub(got, 0, 2), hex_lit("0302"));
    memcpy(token, got.ptr + 2, sizeof token);
}

static void resume(uint16_t want_sw)
{
    uint8_t command[5 + 8] = { 0x80, 0x76, 0x01, 0x00, 8 };
    uint16_t sw;
    memcpy(command + 5, token, 8);
    (void)rig_exchange(&rig, SPAN_OF(command), &sw);
    assert_int_equal(sw, want_sw);
}

static void sleep_an_hour(void)
{
    rig_close(&rig);
    rig.now_ms += 3600u * 1000u;
    rig_open(&rig);
}

/* In ADF.USIM on a second channel with EF.IMSI current, PIN verified. */
static void settle(void)
{
    apdu("0020000108" RIG_PIN1, "9000");
    apdu("0070000001", "01 9000");
    rig_get(&rig, "01A4040C09" RIG_USIM1, 0x9000);
    apdu("01A4000C02 6F07", "9000");
}

static void goes_on_where_it_fell_asleep(void **state)
{
    (void)state;
    settle();
    suspend();
    sleep_an_hour();
    resume(0x9000);
    apdu("01B0000009", "082943019134876765 9000");
    apdu("0070800100", "9000");
    apdu("01B0000009", "6881");
    resume(0x6985); /* once */
}

static void a_token_is_for_one_time(void **state)
{
    (void)state;
    suspend();
    sleep_an_hour();
    resume(0x9000);
    sleep_an_hour();
    resume(0x6985);
}

static void another_token_opens_nothing(void **state)
{
    (void)state;
    settle();
    suspend();
    sleep_an_hour();
    token[3] ^= 1;
    resume(0x6982);
    apdu("01B0000009", "6881");
    rig_get(&rig, "00A4040C09" RIG_USIM1, 0x9000);
    apdu("00A4000C02 6F07", "9000");
    apdu("00B0000009", NO_PIN);
    token[3] ^= 1;
    resume(0x6985);
}

static void any_other_command_ends_it(void **state)
{
    (void)state;
    settle();
    suspend();
    sleep_an_hour();
    apdu("00A4000C02 3F00", "9000");
    resume(0x6985);
    sleep_an_hour();
    resume(0x6985); /* it is gone from the memory, too */
}

/* The terminal did not take the power away after all: the session is still there, the token is worth nothing. */
static void without_a_loss_of_power(void **state)
{
    (void)state;
    settle();
    suspend();
    resume(0x6985);
    apdu("01B0000009", "082943019134876765 9000");
    suspend();
    apdu("01B0000009", "082943019134876765 9000");
    sleep_an_hour();
    resume(0x6985);
}

static void durations(void **state)
{
    (void)state;
    apdu("8076000004 0404 0404", "9864"); /* forty days */
    apdu("8076000004 0302 0201", "6A80"); /* at least more than at most */
    apdu("8076000004 0501 0502", "6A80"); /* no such unit */
    apdu("8076000003 020102", "6700");
    apdu("8076000005 0201020102", "6700");
    apdu("8076020004 0201 0202", "6A86");
    apdu("8076000104 0201 0202", "6A86");
    struct span got = rig_get(&rig, "8076000004 0000 0404", 0x9000);
    assert_span_equal(span_sub(got, 0, 2), hex_lit("031E")); /* thirty days are what the card takes */
    sleep_an_hour();
    apdu("8076010007 01020304050607", "6700");
}

static void not_offered_not_there(void **state)
{
    (void)state;
    apdu("00A4000C02 2F08", "9000");
    apdu("00D6000203 000000", "9000");
    apdu("8076000004 0201 0302", "6D00");
    apdu("8076010008 0102030405060708", "6D00");
}

static void not_now(void **state)
{
    (void)state;
    rig_get(&rig, "0070000001", 0x9000);
    apdu("8176000004 0201 0302", "6881"); /* of the basic channel alone */
    rig_get(&rig, "01A4040C10 A0000005591010FFFFFFFF8900000100", 0x9000);
    apdu("8076000004 0201 0302", "6985"); /* a security domain is selected on another channel */
    rig_get(&rig, "00A4040C09" RIG_USIM1, 0x9000);
    assert_ok(proactive_refresh(rig_card(&rig), REFRESH_FILE_CHANGE, NULL, NULL));
    apdu("8076000004 0201 0302", "6985"); /* the terminal has something to fetch */
}

/* The terminal profile is not sent again: what the card asks for afterwards is announced all the same. */
static void the_toolkit_session_goes_on(void **state)
{
    (void)state;
    struct card *card = rig_card(&rig);
    uint16_t sw;
    rig_get(&rig, "8010000014 0000800000000000000000000000000000000000", 0x9000); /* REFRESH alone */
    assert_true(proactive_is_idle(card));
    suspend();
    sleep_an_hour();
    resume(0x9000);
    card = rig_card(&rig);
    assert_int_equal(proactive_local_info(card, 0, NULL, NULL), ERR_UNSUPPORTED); /* what it cannot is known, too */
    assert_ok(proactive_refresh(card, REFRESH_FILE_CHANGE, NULL, NULL));
    (void)rig_exchange(&rig, hex_lit("80F2000C00"), &sw);
    assert_int_equal(sw, 0x910B);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_on_where_it_fell_asleep, with_card, without_card),
        cmocka_unit_test_setup_teardown(a_token_is_for_one_time, with_card, without_card),
        cmocka_unit_test_setup_teardown(another_token_opens_nothing, with_card, without_card),
        cmocka_unit_test_setup_teardown(any_other_command_ends_it, with_card, without_card),
        cmocka_unit_test_setup_teardown(without_a_loss_of_power, with_card, without_card),
        cmocka_unit_test_setup_teardown(durations, with_card, without_card),
        cmocka_unit_test_setup_teardown(not_offered_not_there, with_card, without_card),
        cmocka_unit_test_setup_teardown(not_now, with_card, without_card),
        cmocka_unit_test_setup_teardown(the_toolkit_session_goes_on, with_card, without_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
