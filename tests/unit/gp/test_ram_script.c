#include "lib/gp/ram_script.h"
#include "tests/support/test.h"

static size_t count_commands(const char *hex, uint8_t *ret_bad)
{
    struct ram_reader s;
    struct ram_item item;
    size_t n = 0;
    ram_commands_open(&s, hex_lit(hex));
    while (ram_commands_next(&s, &item))
        n++;
    *ret_bad = s.bad_format;
    return n;
}

static void a_script_is_read_in_each_format(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        size_t count;
        uint8_t bad;
    } scripts[] = {
        { "AA0C 2204 80CAFF21 2204 80CA005A", 2, 0 },
        { "AE80 2204 80CAFF21 0000", 1, 0 },
        { "AE06 2204 80CAFF21", 1, 0 },             /* AE with a definite length */
        { "AE80 830101 2204 80CAFF21 0000", 2, 0 }, /* chaining */
        { "AE80 AA0622 0480CAFF21 0000", 0, RAM_BAD_UNKNOWN_TAG },
        { "AA08 2204 80CAFF21 2104", 1, RAM_BAD_LENGTH },
        { "AA07 2204 80CAFF21 22", 1, RAM_BAD_NO_LENGTH },
        { "AA08 2204 80CAFF21", 0, RAM_BAD_LENGTH },
        { "AA", 0, RAM_BAD_NO_LENGTH },
        { "AA80 0000", 0, RAM_BAD_LENGTH },
        { "80CAFF2100 80F2400200", 2, 0 }, /* compact */
        { "", 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        uint8_t bad;
        assert_int_equal(count_commands(scripts[i].hex, &bad), scripts[i].count);
        assert_int_equal(bad, scripts[i].bad);
    }
}

static void an_answer_counts_and_says_bad_format(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, 128);
    struct ram_answer a;
    ram_answer_open(&a, &w, RAM_DEFINITE);
    ram_answer_rapdu(&a, hex_lit("009000"));
    ram_answer_rapdu(&a, hex_lit("6A88"));
    ram_answer_close(&a);
    assert_span_equal(wr_span(&w), hex_lit("AB0C 800102 2303009000 23026A88"));

    w.len = 0;
    ram_answer_open(&a, &w, RAM_INDEFINITE);
    ram_answer_bad_format(&a, RAM_BAD_UNKNOWN_TAG);
    ram_answer_close(&a);
    assert_span_equal(wr_span(&w), hex_lit("AF80 900101 0000")); /* seen from a card */

    w.len = 0;
    ram_answer_open(&a, &w, RAM_COMPACT);
    ram_answer_rapdu(&a, hex_lit("AABB9000"));
    ram_answer_rapdu(&a, hex_lit("6E00"));
    ram_answer_close(&a);
    assert_span_equal(wr_span(&w), hex_lit("026E00"));
}

static void answers_are_read(void **state)
{
    (void)state;
    struct ram_reader s;
    struct ram_item item;
    assert_ok(ram_results_open(&s, hex_lit("AB0C 800102 2303009000 23026A88")));
    assert_true(ram_results_next(&s, &item) && item.tag == RAM_TAG_RAPDU);
    assert_span_equal(item.value, hex_lit("009000"));
    assert_true(ram_results_next(&s, &item));
    assert_false(ram_results_next(&s, &item));
    assert_int_equal(s.r.err, ERR_NONE);
    assert_int_equal(s.executed, 2);

    assert_ok(ram_results_open(&s, hex_lit("AF80 8420000000000000000000003003704E8E9F8D0C1AB7A5D91C3DE6CC7A8BD9000001"
                                           "9F450102 0000")));
    assert_true(ram_results_next(&s, &item) && item.tag == RAM_TAG_SCP03T_INITIALIZE_UPDATE);
    assert_true(ram_results_next(&s, &item) && item.tag == 0x9F45);
    assert_false(ram_results_next(&s, &item));
    assert_int_equal(s.r.err, ERR_NONE);
    assert_int_equal(s.executed, -1);
}

static void broken_answers_are_refused(void **state)
{
    (void)state;
    struct ram_reader s;
    struct ram_item item;
    assert_fails(ram_results_open(&s, hex_lit("AA00")), ERR_BAD_TAG);
    assert_fails(ram_results_open(&s, hex_lit("")), ERR_BAD_TAG);
    assert_fails(ram_results_open(&s, hex_lit("AB09800101")), ERR_BAD_LENGTH);
    assert_ok(ram_results_open(&s, hex_lit("AF80 23059000")));
    assert_false(ram_results_next(&s, &item));
    assert_int_equal(s.r.err, ERR_TRUNCATED);
    struct ram_compact_result c;
    assert_fails(ram_compact_result_parse(hex_lit("0190"), &c), ERR_TRUNCATED);
    assert_ok(ram_compact_result_parse(hex_lit("016E00"), &c));
    assert_int_equal(c.last.sw, SW_WRONG_CLA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_is_read_in_each_format),
        cmocka_unit_test(an_answer_counts_and_says_bad_format),
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(broken_answers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
