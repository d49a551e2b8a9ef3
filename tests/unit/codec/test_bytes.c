#include "tests/support/test.h"
#include "lib/codec/reader.h"

static void a_fault_sticks(void **state)
{
    (void)state;
    struct reader r = rd_of(hex_lit("0102"));
    assert_int_equal(rd_u8(&r), 1);
    assert_int_equal(rd_u16(&r), 0);
    assert_int_equal(rd_u8(&r), 0);
    assert_int_equal(r.err, ERR_TRUNCATED);
}

static void what_is_left_is_too_long(void **state)
{
    (void)state;
    struct reader r = rd_of(hex_lit("0102"));
    rd_u8(&r);
    assert_fails(rd_finish(&r), ERR_TOO_LONG);
}

static void a_full_writer_stays_full(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, 3);
    wr_u16(&w, 0x0102);
    wr_u16(&w, 0x0304);
    wr_u8(&w, 5);
    assert_int_equal(w.err, ERR_NO_SPACE);
    assert_int_equal(w.len, 2);
}

static void printf_needs_its_room(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, 5);
    wr_printf(&w, "%s", "abcd");
    assert_span_equal(wr_span(&w), SPAN_LIT("abcd"));
    wr_printf(&w, "%s", "");
    assert_int_equal(w.err, ERR_NONE);
    wr_printf(&w, "%d", 12);
    assert_int_equal(w.err, ERR_NO_SPACE);
}

static void hex_takes_only_digits(void **state)
{
    (void)state;
    uint8_t out[4];
    size_t len;
    assert_ok(hex_read(SPAN_LIT("00aFfe"), out, sizeof out, &len));
    assert_span_equal(((struct span){ out, len }), hex_lit("00AFFE"));
    assert_fails(hex_read(SPAN_LIT("0"), out, sizeof out, &len), ERR_BAD_LENGTH);
    assert_fails(hex_read(SPAN_LIT("0g"), out, sizeof out, &len), ERR_BAD_VALUE);
    assert_fails(hex_read(SPAN_LIT("0011223344"), out, sizeof out, &len), ERR_TOO_LONG);
}

static void bcd_swaps_and_fills(void **state)
{
    (void)state;
    uint8_t out[10];
    char text[21];
    size_t len;
    assert_ok(bcd_read(SPAN_LIT("8900012"), true, out, sizeof out, &len));
    assert_span_equal(((struct span){ out, len }), hex_lit("980010F2"));
    assert_ok(bcd_text(hex_lit("980010F2"), true, text, sizeof text));
    assert_string_equal(text, "8900012");
    assert_fails(bcd_text(hex_lit("9A"), true, text, sizeof text), ERR_BAD_VALUE);
    assert_fails(bcd_text(hex_lit("980010F2"), true, text, 4), ERR_TOO_LONG);
}

/* What arena_room says fits without a block, and not an octet more. */
static void arena_tells_its_room(void **state)
{
    (void)state;
    _Alignas(max_align_t) uint8_t first[1000];
    struct arena a;
    for (size_t used = 0; used < 900; used += 7) {
        arena_init_buffer(&a, first, sizeof first, 100000);
        assert_non_null(arena_alloc(&a, used));
        size_t room = arena_room(&a);
        assert_true(room + used + 64 > sizeof first);
        assert_non_null(arena_alloc(&a, room));
        assert_null(a.blocks);
        assert_non_null(arena_alloc(&a, 32));
        assert_non_null(a.blocks);
        arena_release(&a);
    }
    arena_init(&a, 40);
    assert_int_equal(arena_room(&a), 0);
    assert_non_null(arena_alloc(&a, 32));
    assert_true(arena_room(&a) <= 8);
    arena_release(&a);
}

static void arena_stops_at_its_ceiling(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 10000);
    assert_non_null(arena_alloc(&a, 9000));
    assert_null(arena_alloc(&a, 2000));
    arena_release(&a);
    assert_non_null(arena_alloc(&a, 9000));
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_sticks),        cmocka_unit_test(what_is_left_is_too_long),
        cmocka_unit_test(a_full_writer_stays_full), cmocka_unit_test(printf_needs_its_room),
        cmocka_unit_test(hex_takes_only_digits), cmocka_unit_test(bcd_swaps_and_fills),
        cmocka_unit_test(arena_stops_at_its_ceiling),
        cmocka_unit_test(arena_tells_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
