/* PINs, their counters, and the access rules that ask for them. */
#include "rig.h"

#include "euicc/uicc/pin.h"
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

#define WRONG "30303030FFFFFFFF"

static void a_pin_opens_what_asks_for_it(void **state)
{
    (void)state;
    apdu("00A4080C047F106F3A", "9000");
    apdu("00B2010400", "6982");
    apdu("00200001", "63C3");
    apdu("0020000100", "63C3");
    apdu("0020000108" RIG_PIN1, "9000");
    apdu("00B2010400", "*9000");
    euicc_reset(rig.card, NULL);
    apdu("00A4080C047F106F3A", "9000");
    apdu("00B2010400", "6982"); /* a session's verification does not outlive it */
}

static void tries_run_out_and_the_puk_helps(void **state)
{
    (void)state;
    apdu("0020000108" WRONG, "63C2");
    apdu("0020000108" RIG_PIN1, "9000"); /* full again */
    apdu("0020000108" WRONG, "63C2");
    apdu("0020000108" WRONG, "63C1");
    rig_close(&rig); /* the counter survives the power */
    rig_open(&rig);
    apdu("00200001", "63C1");
    apdu("0020000108" WRONG, "63C0");
    apdu("0020000108" RIG_PIN1, "6983");
    apdu("00200001", "6983");
    apdu("002C0001", "63CA");
    apdu("002C000110" WRONG "34343434FFFFFFFF", "63C9");
    apdu("002C000110" RIG_PUK1 "34343434FFFFFFFF", "9000");
    apdu("002C0001", "63CA");
    apdu("00A4080C047F106F3A", "9000");
    apdu("00B2010400", "*9000"); /* verified by the way */
    euicc_reset(rig.card, NULL);
    apdu("0020000108" RIG_PIN1, "63C2");
    apdu("0020000108 34343434FFFFFFFF", "9000");
}

static void changing_disabling_enabling(void **state)
{
    (void)state;
    apdu("0024000110" WRONG RIG_PIN1, "63C2");
    apdu("0024000110" RIG_PIN1 "35353535FFFFFFFF", "9000");
    apdu("0028000108 35353535FFFFFFFF", "6985"); /* enabled already */
    apdu("0026800108 35353535FFFFFFFF", "6A88"); /* there is no universal PIN to take its place */
    apdu("0026000108" WRONG, "63C2");
    apdu("0026000108 35353535FFFFFFFF", "9000");
    apdu("0026000108 35353535FFFFFFFF", "6985");
    apdu("0020000108 35353535FFFFFFFF", "6984");
    apdu("0024000110 35353535FFFFFFFF" RIG_PIN1, "6984");
    euicc_reset(rig.card, NULL);
    apdu("00A4080C047F106F3A", "9000");
    apdu("00B2010400", "*9000"); /* disabled: nobody is asked */
    apdu("0028000108" WRONG, "63C2");
    apdu("0028000108 35353535FFFFFFFF", "9000");
    euicc_reset(rig.card, NULL);
    apdu("00A4080C047F106F3A", "9000");
    apdu("00B2010400", "6982");
    /* what is not allowed, or not there */
    apdu("0026000A08" RIG_ADM1, "6985");
    apdu("0024000A10" RIG_ADM1 RIG_ADM1, "6985"); /* not changeable */
    apdu("0020000208" RIG_PIN1, "6A88");
    apdu("002C000A10" RIG_PUK1 RIG_PIN1, "6A88");
    apdu("0020010108" RIG_PIN1, "6A86");
    apdu("0020000107 31323334FFFFFF", "6700");
    apdu("0024000108" RIG_PIN1, "6700");
    apdu("00240001", "6700");
    apdu("002600010031", "6700");
}

static void a_local_pin_belongs_to_its_application(void **state)
{
    (void)state;
    apdu("0020008108" RIG_PIN2, "6A88"); /* nothing local at the MF */
    apdu("00A4040C09" RIG_USIM1, "9000");
    apdu("00A4000C026F05", "9000");
    apdu("00B0000004", "656E6465 9000");
    apdu("00D6000001FF", "6982");
    apdu("0020008108" RIG_PIN2, "9000");
    apdu("00D6000001FF", "9000"); /* PIN1 or PIN2 */
    apdu("00A4040C09" RIG_USIM2, "9000");
    apdu("00A4000C026F05", "9000");
    apdu("00D6000001FF", "6982"); /* that one's PIN2 is another */
    apdu("0020000108" RIG_PIN1, "9000");
    apdu("00D6000001FF", "9000");
}

static void the_pin_status_follows(void **state)
{
    (void)state;
    struct span fcp = rig_get(&rig, "00A4000400", 0x9000);
    assert_non_null(memmem(fcp.ptr, fcp.len, "\x90\x01\xC0\x83\x01\x01", 6));
    apdu("0026000108" RIG_PIN1, "9000");
    fcp = rig_get(&rig, "00A4000400", 0x9000);
    assert_non_null(memmem(fcp.ptr, fcp.len, "\x90\x01\x40\x83\x01\x01", 6));
}

/* ---- rules ---- */

static bool allows(const char *rule, uint8_t right, uint8_t ins)
{
    struct card *card = rig_card(&rig);
    struct command cmd = { .apdu = { .ins = ins }, .channel = &card->channels[0] };
    return access_rule_allows(card, &cmd, FS_MF, hex_lit(rule), right);
}

static void rules_say_who_may(void **state)
{
    (void)state;
    assert_true(allows("8001019000", ACCESS_READ, 0xB0));
    assert_false(allows("8001019000", ACCESS_UPDATE, 0xD6));
    assert_false(allows("8001019700", ACCESS_READ, 0xB0));
    assert_false(allows("", ACCESS_READ, 0xB0));
    assert_false(allows("FFFFFFFF", ACCESS_READ, 0xB0));
    assert_false(allows("FF8001019000", ACCESS_READ, 0xB0)); /* padding ends it */
    assert_false(allows("80010190", ACCESS_READ, 0xB0));     /* cut short */
    assert_true(allows("800102970080010190 00FFFF", ACCESS_READ, 0xB0));
    assert_true(allows("800101A40683010195010890 00", ACCESS_READ, 0xB0)); /* or: always */
    assert_false(allows("8001029000 800101A406830101950108", ACCESS_READ, 0xB0));
    assert_true(allows("800101A0089000A406830101950108", ACCESS_READ, 0xB0) ==
                false); /* A0 with a wrong length inside */
    assert_true(allows("800101A00A9000A406830101950108", ACCESS_READ, 0xB0));
    assert_false(allows("800101AF0A9000A406830101950108", ACCESS_READ, 0xB0));
    assert_true(allows("800101AF049000 9000", ACCESS_READ, 0xB0));
    assert_true(allows("800101A7029700", ACCESS_READ, 0xB0));
    assert_true(allows("8401329000", ACCESS_BY_INS, 0x32));
    assert_false(allows("8401329000", ACCESS_BY_INS, 0xD4));
    assert_true(allows("840232D49000", ACCESS_BY_INS, 0xD4));
    assert_true(allows("8602D4009000", ACCESS_BY_INS, 0xD4)); /* INS and P1 */
    assert_false(allows("8602D4019000", ACCESS_BY_INS, 0xD4));
    rig_apdu(&rig, "0020000108" RIG_PIN1, "9000");
    assert_true(allows("8001029000 800101A406830101950108", ACCESS_READ, 0xB0));
    assert_true(allows("800101AF0A9000A406830101950108", ACCESS_READ, 0xB0));
    assert_false(allows("800101A7029000", ACCESS_READ, 0xB0));
}

/* The two rules of arr.json are real; what they mean is said there in words. */
static void recorded_rules_mean_what_they_mean(void **state)
{
    (void)state;
    const char *path = shared_path("data/vectors/arr.json");
    if (!path)
        skip();
    json_t *file = file_json(path);
    const json_t *list = json_object_get(file, "vectors");
    const char *first = vec_text(json_array_get(list, 0), "rule"), *second = vec_text(json_array_get(list, 1), "rule");
    assert_false(allows(first, ACCESS_READ, 0xB0)); /* ADM1 */
    assert_true(allows(first, ACCESS_UPDATE, 0xD6));
    assert_true(allows(first, ACCESS_WRITE, 0));
    assert_false(allows(first, ACCESS_DELETE, 0xE4)); /* never */
    assert_false(allows(first, ACCESS_BY_INS, 0xD4));
    assert_true(allows(second, ACCESS_READ, 0xB0));
    assert_false(allows(second, ACCESS_UPDATE, 0xD6)); /* never */
    assert_false(allows(second, ACCESS_ACTIVATE, 0x44));
    rig_apdu(&rig, "0020000A08" RIG_ADM1, "9000");
    assert_true(allows(first, ACCESS_READ, 0xB0));
    assert_false(allows(first, ACCESS_TERMINATE, 0xE8));
    assert_true(allows(first, ACCESS_BY_INS, 0xD4));
    assert_false(allows(second, ACCESS_UPDATE, 0xD6));
    assert_true(allows(second, ACCESS_DEACTIVATE, 0x04));
    assert_true(allows(second, ACCESS_BY_INS, 0xD4));
    json_decref(file);
}

/* Over the air the access domain speaks, not the session's PINs. */
static void scripts_have_their_own_rights(void **state)
{
    (void)state;
    struct card *card = rig_card(&rig);
    struct channel channel;
    WRITER_ON_STACK(rsp, CARD_RESPONSE_MAX);
    card_script_channel(card, &channel, FS_NONE);
    struct span select = hex_lit("00A4080C047F106F3A"), read = hex_lit("00B2010400"), never = hex_lit("00B0000000");
    assert_int_equal(card_script_command(card, &channel, select, 0, &rsp), 0x9000);
    assert_int_equal(card_script_command(card, &channel, read, 0, &rsp), 0x6982);
    assert_int_equal(card_script_command(card, &channel, read, 0x010000, &rsp), 0x9000); /* PIN 01 */
    assert_span_equal(wr_span(&rsp), hex_lit("10111213141516171819"));
    assert_int_equal(card_script_command(card, &channel, read, ACCESS_ALL, &rsp), 0x9000);
    assert_int_equal(card_script_command(card, &channel, hex_lit("00A4080C022F11"), ACCESS_ALL, &rsp), 0x9000);
    assert_int_equal(card_script_command(card, &channel, never, ACCESS_ALL, &rsp), 0x6982); /* NEVER is never */
    assert_int_equal(card_script_command(card, &channel, hex_lit("00A4040009" RIG_USIM1), ACCESS_ALL, &rsp), 0x6A81);
    apdu("00B0000000", "6986"); /* the terminal's channel did not move */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, with_card, without_card)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pin_opens_what_asks_for_it),
        TEST(tries_run_out_and_the_puk_helps),
        TEST(changing_disabling_enabling),
        TEST(a_local_pin_belongs_to_its_application),
        TEST(the_pin_status_follows),
        TEST(rules_say_who_may),
        TEST(recorded_rules_mean_what_they_mean),
        TEST(scripts_have_their_own_rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
