#include "lib/gp/store_data.h"
#include "lib/ota/es8.h"
#include "tests/support/test.h"

static void key_establishment_scripts_are_those_of_the_platforms(void **state)
{
    (void)state;
    static uint8_t dgi[400];
    struct aid isdp = aid_isdp(0x13);
    uint8_t room[1024], next;
    struct writer w = wr_of(room, sizeof room);
    struct ram_script s;
    struct ram_reader r;
    struct ram_item item;
    struct capdu c;
    ram_script_open(&s, &w, RAM_INDEFINITE);
    es8_authenticate_write(&s, &isdp, SPAN_OF(dgi), &next);
    ram_script_close(&s);
    assert_int_equal(next, 2); /* 255 and 145 octets */
    ram_commands_open(&r, wr_span(&w));
    assert_true(ram_commands_next(&r, &item));
    assert_span_equal(item.value, hex_lit("80E6200016000010A0000005591010FFFFFFFF8900001300000000"));
    assert_true(ram_commands_next(&r, &item));
    assert_ok(capdu_parse(item.value, &c));
    assert_true(c.p1 == 0x09 && c.p2 == 0 && c.data.len == 255);
    assert_true(ram_commands_next(&r, &item));
    assert_ok(capdu_parse(item.value, &c));
    assert_true(c.p1 == 0x09 && c.p2 == 1 && c.data.len == 145);
    assert_false(ram_commands_next(&r, &item));

    w.len = 0;
    ram_script_open(&s, &w, RAM_INDEFINITE);
    es8_establish_write(&s, (struct span){ dgi, 166 }, next);
    ram_script_close(&s);
    ram_commands_open(&r, wr_span(&w));
    assert_true(ram_commands_next(&r, &item));
    assert_ok(capdu_parse(item.value, &c));
    assert_true(c.p1 == 0x89 && c.p2 == 2 && c.data.len == 166);
}

static void the_answer_that_counts_is_found(void **state)
{
    (void)state;
    struct rapdu r;
    assert_ok(es8_last_rapdu(hex_lit("AF80 2303009000 2304AABB9000 0000"), 2, &r));
    assert_span_equal(r.data, hex_lit("AABB"));
    assert_ok(es8_last_rapdu(hex_lit("AF80 2303009000 23026982 0000"), 3, &r));
    assert_int_equal(r.sw, SW_SECURITY_STATUS);
    assert_fails(es8_last_rapdu(hex_lit("AF80 2303009000 0000"), 2, &r), ERR_MISSING);
    assert_ok(es8_last_rapdu(hex_lit("AB07 800102 23029000"), 2, &r)); /* definite: the last one is enough */
    assert_fails(es8_last_rapdu(hex_lit("AF80 900101 0000"), 1, &r), ERR_BAD_VALUE);
    assert_fails(es8_last_rapdu(hex_lit("AF80 0000"), 1, &r), ERR_MISSING);
    assert_fails(es8_last_rapdu(hex_lit("6985"), 1, &r), ERR_BAD_TAG);
    assert_fails(es8_last_rapdu(hex_lit("AF80 23019000 00"), 1, &r), ERR_TRUNCATED);
}

static void profile_responses(void **state)
{
    (void)state;
    struct es8_profile_response r;
    WRITER_ON_STACK(w, 128);
    assert_ok(es8_profile_response_parse(hex_lit("3007A0053003800100"), &r));
    assert_true(es8_profile_response_ok(&r));
    es8_profile_response_write(&w, &r);
    assert_span_equal(wr_span(&w), hex_lit("3007A0053003800100"));
    assert_ok(es8_profile_response_parse(hex_lit("300F A00B 3009 800103 810112 820105 8100"), &r));
    assert_false(es8_profile_response_ok(&r));
    assert_true(r.count == 1 && r.status[0].status == 3 && r.status[0].identification == 0x12 && r.aborted);
    assert_string_equal(es8_pe_status_text(r.status[0].status), "bad values");
    w.len = 0;
    es8_profile_response_write(&w, &r);
    assert_span_equal(wr_span(&w), hex_lit("300F A00B 3009 800103 810112 820105 8100"));
    r.status[0].identification = 200; /* DER: 00C8 */
    w.len = 0;
    es8_profile_response_write(&w, &r);
    assert_span_equal(wr_span(&w), hex_lit("3010 A00C 300A 800103 810200C8 820105 8100"));
    assert_fails(es8_profile_response_parse(hex_lit("3002A005"), &r), ERR_TRUNCATED);
    assert_fails(es8_profile_response_parse(hex_lit("3000"), &r), ERR_MISSING);
    assert_fails(es8_profile_response_parse(hex_lit("3007A0053003810100"), &r), ERR_MISSING);
    assert_fails(es8_profile_response_parse(hex_lit("A000"), &r), ERR_BAD_TAG);
    assert_ok(es8_profile_response_parse(hex_lit("300F A00D 3003800100 3006 800101 810112"), &r));
    assert_true(es8_profile_response_ok(&r)); /* an element that was not mandated is missing: installed all the same */
    assert_ok(es8_profile_response_parse(hex_lit("3002A000"), &r));
    assert_false(es8_profile_response_ok(&r)); /* no status at all is not success */
}

static void provider_data(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, 64);
    es8_provider_data_write(&w, 0x42, SPAN_LIT("ISDP\x01"));
    assert_span_equal(wr_span(&w), hex_lit("80E288000A 0070 07 4205 4953445001"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_establishment_scripts_are_those_of_the_platforms),
        cmocka_unit_test(the_answer_that_counts_is_found),
        cmocka_unit_test(profile_responses),
        cmocka_unit_test(provider_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
