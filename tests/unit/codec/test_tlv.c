#include "tests/support/test.h"
#include "lib/codec/comprehension_tlv.h"

static void nested_tlv_closes_with_the_shortest_length(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, 400);
    size_t outer = wr_tlv_open(&w, 0xE3);
    wr_tlv(&w, 0x4F, hex_lit("A000000559"));
    size_t inner = wr_tlv_open(&w, 0x7F21);
    wr_fill(&w, 0xAA, 130);
    wr_tlv_close(&w, inner);
    wr_tlv_close(&w, outer);
    struct reader r = rd_of(wr_span(&w));
    struct tlv t;
    assert_true(tlv_next(&r, &t));
    assert_int_equal(t.tag, 0xE3);
    assert_int_equal(t.val.len, 7 + 4 + 130);
    struct span found;
    assert_true(tlv_find(t.val, 0x7F21, &found));
    assert_int_equal(found.len, 130);
    assert_ok(rd_finish(&r));
}

static void broken_tlv_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum err want;
    } cases[] = {
        { "4F", ERR_TRUNCATED },         { "4F02AA", ERR_TRUNCATED },       { "4F80", ERR_BAD_LENGTH },
        { "4F85010203040500", ERR_BAD_LENGTH }, { "9F", ERR_TRUNCATED },    { "1F8181818101AA", ERR_BAD_TAG },
        { "4F8201", ERR_TRUNCATED },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reader r = rd_of(hex_lit(cases[i].hex));
        struct tlv t;
        assert_false(tlv_next(&r, &t));
        assert_int_equal(r.err, cases[i].want);
    }
}

static void dgi_lengths_are_not_ber(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, 600);
    uint8_t data[300] = { 0 };
    wr_dgi(&w, 0x3A01, (struct span){ data, 0xA9 });
    wr_dgi(&w, 0x3A02, (struct span){ data, 300 });
    assert_span_equal(span_sub(wr_span(&w), 0, 3), hex_lit("3A01A9"));
    struct reader r = rd_of(wr_span(&w));
    struct tlv t;
    assert_true(dgi_next(&r, &t));
    assert_int_equal(t.val.len, 0xA9);
    assert_true(dgi_next(&r, &t));
    assert_int_equal(t.val.len, 300);
    assert_span_equal(span_sub(t.raw, 0, 5), hex_lit("3A02FF012C"));
    assert_false(dgi_next(&r, &t));
    assert_ok(rd_finish(&r));
}

static void comprehension_flag_is_not_part_of_the_tag(void **state)
{
    (void)state;
    struct span found;
    struct span in = hex_lit("8103014001 82028182 0B8101AA");
    assert_true(ctlv_find(in, 0x0B, &found));
    assert_span_equal(found, hex_lit("AA"));
    assert_true(ctlv_find(in, 0x02, &found));
    assert_span_equal(found, hex_lit("8182"));
    assert_false(ctlv_find(in, 0x35, &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_tlv_closes_with_the_shortest_length),
        cmocka_unit_test(broken_tlv_is_refused),
        cmocka_unit_test(dgi_lengths_are_not_ber),
        cmocka_unit_test(comprehension_flag_is_not_part_of_the_tag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
