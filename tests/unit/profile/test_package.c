/* Cutting a package into elements, however its segments are cut; what is no package. */
#include "lib/profile/package.h"
#include "tests/support/test.h"

#define ARENA_MAX ((size_t)1024 * 1024)

/* Elements of the stream fed in pieces of that size; the last fault in *ret_err. */
static size_t count_elements(struct span stream, size_t piece, enum err *ret_err, bool *ret_between)
{
    struct arena a;
    struct package_reader p;
    struct package_element e;
    size_t count = 0;
    arena_init(&a, ARENA_MAX);
    package_init_arena(&p, &a);
    for (size_t at = 0; at < stream.len && p.err == ERR_NONE; at += piece) {
        struct reader segment = rd_of(span_sub(stream, at, piece));
        while (package_next(&p, &segment, &e)) {
            assert_span_equal(e.raw, span_sub(stream, e.offset, e.raw.len));
            count++;
        }
    }
    *ret_err = p.err;
    *ret_between = package_between(&p);
    arena_release(&a);
    return count;
}

static void expect(const char *hex, size_t count, enum err err, bool between)
{
    struct span stream = hex_lit(hex);
    for (size_t piece = 1; piece <= stream.len; piece++) {
        enum err got;
        bool at_border;
        assert_int_equal(count_elements(stream, piece, &got, &at_border), count);
        assert_int_equal(got, err);
        if (err == ERR_NONE)
            assert_int_equal(at_border, between);
    }
}

static void streams_are_cut_the_same(void **state)
{
    (void)state;
    expect("A103800100 BF20028100", 2, ERR_NONE, true);
    expect("A103800100 BF2003810000 AA07A0058000810101", 3, ERR_NONE, true);
    expect("A181 03 800100 A182 0003 800100", 2, ERR_NONE, true); /* longer lengths than needed are taken */
    expect("A103800100 A1038001", 1, ERR_NONE, false);
    expect("A103800100 BF", 1, ERR_NONE, false);
}

static void what_is_no_element_breaks_the_stream(void **state)
{
    (void)state;
    expect("A103800100 3000", 1, ERR_BAD_TAG, false);
    expect("A103800100 8000", 1, ERR_BAD_TAG, false);
    expect("A103800100 A180", 1, ERR_BAD_LENGTH, false);
    expect("A103800100 A1850000000001", 1, ERR_BAD_LENGTH, false);
    expect("AA07A0058000810101 A100", 1, ERR_STATE, false);
}

static void an_element_over_the_limit_is_told_with_its_head(void **state)
{
    (void)state;
    uint8_t head[40];
    struct writer w = wr_of(head, sizeof head);
    wr_bytes(&w, hex_lit("A883 010000 A0058000810163 A1820FF0"));
    wr_fill(&w, 0xCA, sizeof head - w.len);
    for (size_t piece = 1; piece <= sizeof head; piece++) {
        struct arena a;
        struct package_reader p;
        struct package_element e = { 0 };
        struct pe_header header;
        arena_init(&a, ARENA_MAX);
        package_init_arena(&p, &a);
        for (size_t at = 0; at < sizeof head && p.err == ERR_NONE; at += piece) {
            struct reader segment = rd_of(span_sub(SPAN_OF(head), at, piece));
            assert_false(package_next(&p, &segment, &e));
        }
        assert_int_equal(p.err, ERR_TOO_LONG);
        assert_int_equal(e.tag, 0xA8);
        assert_true(pe_peek(e.raw, &header));
        assert_int_equal(header.identification, 0x63);
        arena_release(&a);
    }
}

static void peek_finds_the_header_of_what_does_not_decode(void **state)
{
    (void)state;
    struct pe_header header;
    assert_true(pe_peek(hex_lit("BF7B07A0058000810164"), &header));
    assert_true(header.mandated);
    assert_int_equal(header.identification, 100);
    assert_true(pe_peek(hex_lit("A205A003810105"), &header));
    assert_false(header.mandated);
    assert_false(pe_peek(hex_lit("A0038001 02"), &header));
    assert_false(pe_peek(hex_lit("A203A003"), &header));
    assert_false(pe_peek(SPAN_NONE, &header));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_cut_the_same),
        cmocka_unit_test(what_is_no_element_breaks_the_stream),
        cmocka_unit_test(an_element_over_the_limit_is_told_with_its_head),
        cmocka_unit_test(peek_finds_the_header_of_what_does_not_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
