#include "lib/gp/apdu.h"
#include "lib/gp/install.h"
#include "lib/gp/put_key.h"
#include "lib/gp/store_data.h"
#include "tests/support/test.h"

static const struct {
    const char *hex;
    size_t data_len;
    uint32_t le;
    bool extended;
} cases[] = {
    { "00A40000", 0, 0, false },
    { "00B0000010", 0, 16, false },
    { "00B0000000", 0, 256, false },
    { "00A40004023F00", 2, 0, false },
    { "00A40004023F0000", 2, 256, false },
    { "00B00000000100", 0, 256, true },
    { "00B00000000000", 0, 65536, true },
    { "00D6000000000400010203", 4, 0, true },
    { "00D60000000004000102030000", 4, 65536, true },
};

static void every_case_reads_and_writes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct capdu c;
        WRITER_ON_STACK(w, 64);
        assert_ok(capdu_parse(hex_lit(cases[i].hex), &c));
        assert_int_equal(c.data.len, cases[i].data_len);
        assert_int_equal(c.le, cases[i].le);
        assert_int_equal(c.extended, cases[i].extended);
        capdu_write(&w, &c);
        assert_span_equal(wr_span(&w), hex_lit(cases[i].hex));
    }
}

static void broken_lengths_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum err err;
    } bad[] = {
        { "", ERR_TRUNCATED },
        { "00A400", ERR_TRUNCATED },
        { "00A40000053F00", ERR_TRUNCATED },
        { "00A40004023F000000", ERR_BAD_LENGTH },
        { "00D60000000005000102", ERR_TRUNCATED },
        { "00D6000000000001", ERR_BAD_LENGTH },
        { "00A400000000", ERR_BAD_LENGTH },
        { "00D60000000001AA000000", ERR_BAD_LENGTH },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct capdu c = { .ins = 0x5A };
        assert_fails(capdu_parse(hex_lit(bad[i].hex), &c), bad[i].err);
        assert_int_equal(c.ins, 0x5A); /* untouched */
    }
}

static void long_data_take_the_extended_form(void **state)
{
    (void)state;
    static uint8_t data[300], room[400];
    struct writer w = wr_of(room, sizeof room);
    struct capdu c = { 0x80, INS_STORE_DATA, 0x88, 0, SPAN_OF(data), 0, false }, back;
    capdu_write(&w, &c);
    assert_ok(capdu_parse(wr_span(&w), &back));
    assert_true(back.extended);
    assert_int_equal(back.data.len, 300);
}

static void status_words_have_words(void **state)
{
    (void)state;
    assert_string_equal(sw_text(0x9000), "done");
    assert_string_equal(sw_text(0x69E1), "POL1 of a concerned profile forbids it");
    assert_string_equal(sw_text(0x910B), "done, a proactive command waits");
    assert_true(sw_is_positive(0x9000) && sw_is_positive(0x6310) && sw_is_positive(0x910B) && sw_is_positive(0x6110));
    assert_false(sw_is_positive(0x6985) || sw_is_positive(0x6A88) || sw_is_positive(0x9485));
    struct rapdu r;
    assert_fails(rapdu_parse(hex_lit("90"), &r), ERR_TRUNCATED);
    assert_ok(rapdu_parse(hex_lit("009000"), &r));
    assert_int_equal(r.data.len, 1);
}

static void store_data_is_cut_into_blocks(void **state)
{
    (void)state;
    static uint8_t data[300], room[400];
    struct writer w = wr_of(room, sizeof room);
    struct capdu c;
    struct store_data s;
    assert_int_equal(store_data_block_count(sizeof data), 2);
    size_t at = store_data_block_write(&w, SPAN_OF(data), 0, 0, true, true, 0);
    assert_int_equal(at, 255);
    assert_ok(capdu_parse(wr_span(&w), &c));
    assert_int_equal(c.p1, 0x09); /* not the last */
    w.len = 0;
    assert_int_equal(store_data_block_write(&w, SPAN_OF(data), at, 1, true, true, 0), 300);
    assert_ok(capdu_parse(wr_span(&w), &c));
    assert_int_equal(c.p1, 0x89);
    assert_ok(store_data_parse(&c, &s));
    assert_true(s.last && s.dgi && s.answer && s.block == 1 && s.data.len == 45);
    c.p1 = 0x68; /* encrypted: not used */
    assert_fails(store_data_parse(&c, &s), ERR_BAD_VALUE);
}

static void install_reads_what_it_writes(void **state)
{
    (void)state;
    struct span real = hex_lit("80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010"
                               "A0000005591010FFFFFFFF89000013000380C00006C904810203700000");
    struct capdu c;
    struct install i;
    WRITER_ON_STACK(w, 128);
    assert_ok(capdu_parse(real, &c));
    assert_ok(install_parse(&c, &i));
    assert_int_equal(i.p1, INSTALL_FOR_INSTALL_AND_MAKE_SELECTABLE);
    assert_span_equal(i.privileges, hex_lit("80C000"));
    assert_span_equal(i.parameters, hex_lit("C90481020370"));
    install_write(&w, &i, 256);
    assert_span_equal(wr_span(&w), real);
    c.data.len--;
    assert_fails(install_parse(&c, &i), ERR_TRUNCATED);
}

static void put_key_reads_what_it_writes(void **state)
{
    (void)state;
    struct span real = hex_lit("80D8000118708810000102030405060708090A0B0C0D0E0F03814F2C");
    struct capdu c;
    struct put_key p;
    WRITER_ON_STACK(w, 64);
    uint8_t bytes[64];
    memcpy(bytes, real.ptr, real.len);
    bytes[4] = (uint8_t)(real.len - 5);
    struct span good = { bytes, real.len };
    assert_ok(capdu_parse(good, &c));
    assert_ok(put_key_parse(&c, &p));
    assert_int_equal(p.kvn, 0x70);
    assert_int_equal(p.kid, 1);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.keys[0].type, KEY_TYPE_AES);
    assert_span_equal(p.keys[0].kcv, hex_lit("814F2C"));
    put_key_write(&w, &p, 0);
    assert_span_equal(wr_span(&w), good);
    c.data.len -= 4;
    assert_fails(put_key_parse(&c, &p), ERR_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_reads_and_writes_back), cmocka_unit_test(broken_lengths_are_refused),
        cmocka_unit_test(long_data_take_the_extended_form), cmocka_unit_test(status_words_have_words),
        cmocka_unit_test(store_data_is_cut_into_blocks),    cmocka_unit_test(install_reads_what_it_writes),
        cmocka_unit_test(put_key_reads_what_it_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
