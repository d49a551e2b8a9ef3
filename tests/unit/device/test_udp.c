/* Datagrams through a modem: what the card stores goes out as one, what comes is told and fetched one by one. */
#include "bench.h"

#include "lib/codec/comprehension_tlv.h"

#define OPEN_UDP "D01C 8103014000 82028182 350103 3902 05DC 3C03 01 2328 3E05 21 C0000205"

static struct bench *channel(const struct modem_quirks *quirks)
{
    struct bench *b = bench_new(quirks);
    (void)bench_serve(b, "D00C 8103010500 82028182 990109"); /* wants to hear of data */
    bench_attach(b);
    uint8_t result = bench_serve(b, OPEN_UDP);
    assert_true(result == 0x00 || result == 0x07);
    return b;
}

static size_t data(struct bench *b, struct span datagram)
{
    size_t taken = 0;
    (void)modem_channel_data(b->modem, b->now_ms, 1, datagram, &taken);
    return taken;
}

/* SEND DATA with that qualifier. */
static uint8_t up(struct bench *b, unsigned qualifier, const char *octets)
{
    char command[100];
    size_t len = strlen(octets) / 2;
    snprintf(command, sizeof command, "D0%02zX 81030143%02X 82028121 B6%02zX%s", 11 + len, qualifier, len, octets);
    return bench_serve(b, command);
}

static void receive(struct bench *b, unsigned asked, const char *octets, unsigned left)
{
    char command[40];
    snprintf(command, sizeof command, "D00C 8103014200 82028121 B701%02X", asked);
    assert_int_equal(bench_serve(b, command), 0x00);
    assert_span_equal(bench_answered(b, 0x36), hex_lit(octets));
    assert_int_equal(bench_answered(b, 0x37).ptr[0], left);
}

static unsigned octets_told(const struct bench *b)
{
    struct span body, len;
    assert_true(tlv_find((struct span){ b->envelope, b->envelope_len }, 0xD6, &body) && ctlv_find(body, 0x37, &len));
    return len.ptr[0];
}

static void a_channel_goes_where_the_card_says(void **state)
{
    (void)state;
    struct modem_quirks none = { 0 };
    struct bench *b = channel(&none);
    assert_int_equal(b->transport, MODEM_UDP);
    assert_memory_equal(b->address, "\xC0\x00\x02\x05", 4);
    assert_int_equal(b->port, 9000);
    assert_span_equal(bench_answered(b, 0x38), hex_lit("8100"));
    assert_span_equal(bench_answered(b, 0x39), hex_lit("05DC"));
    assert_int_equal(bench_serve(b, "D009 8103014100 82028121"), 0x00);
    assert_int_equal(b->closed, 1);
    assert_int_equal(bench_serve(b, "D009 8103014100 82028121"), 0x3A);
    modem_free(b->modem);
}

static void what_is_stored_is_one_datagram(void **state)
{
    (void)state;
    struct modem_quirks none = { 0 };
    struct bench *b = channel(&none);
    assert_int_equal(up(b, 0, "AABB"), 0x00);
    assert_int_equal(up(b, 0, "CC"), 0x00);
    assert_int_equal(b->sent, 0);
    assert_int_equal(up(b, 1, "DDEEFF"), 0x00);
    assert_int_equal(b->sent, 1);
    assert_span_equal(((struct span){ b->datagram, b->datagram_len }), hex_lit("AABBCCDDEEFF"));
    assert_int_equal(up(b, 1, "01"), 0x00); /* nothing of the last one is left */
    assert_span_equal(((struct span){ b->datagram, b->datagram_len }), hex_lit("01"));
    modem_free(b->modem);
}

static void datagrams_do_not_run_together(void **state)
{
    (void)state;
    struct modem_quirks none = { 0 };
    struct bench *b = channel(&none);
    assert_int_equal(data(b, hex_lit("0102030405")), 5);
    assert_int_equal(data(b, hex_lit("0A0B")), 2);
    bench_wait_s(b, 1);
    assert_int_equal(octets_told(b), 5); /* the first alone */
    receive(b, 3, "010203", 2);
    receive(b, 200, "0405", 0); /* its rest, and nothing of the next */
    bench_wait_s(b, 1);
    assert_int_equal(octets_told(b), 2);
    receive(b, 200, "0A0B", 0);
    modem_free(b->modem);
}

static void what_does_not_fit_is_lost(void **state)
{
    (void)state;
    struct modem_quirks none = { 0 };
    struct bench *b = channel(&none);
    static uint8_t big[1500];
    size_t kept = 0;
    memset(big, 0x5A, sizeof big);
    for (unsigned i = 0; i < 100; i++) /* 150 kB for a buffer of 64 */
        kept += data(b, SPAN_OF(big));
    assert_int_equal(kept, 100 * sizeof big); /* taken from the network, as a network does it */
    size_t whole = 0;
    for (size_t i = 0; i < MODEM_CHANNEL_RX_MAX / sizeof big; i++) {
        for (size_t left = sizeof big; left;) {
            assert_int_equal(bench_serve(b, "D00C 8103014200 82028121 B701ED"), 0x00);
            left -= bench_answered(b, 0x36).len;
        }
        whole++;
    }
    assert_int_equal(bench_serve(b, "D00C 8103014200 82028121 B701ED"), 0x00);
    assert_int_equal(bench_answered(b, 0x36).len, 0); /* whole ones, and no piece of the next */
    assert_int_equal(whole, 43);
    modem_free(b->modem);
}

/* The card may not put more into a datagram than the buffer it was told of. */
static void a_small_buffer_is_a_limit(void **state)
{
    (void)state;
    struct modem_quirks small = { .bip_buffer = 4 };
    struct bench *b = channel(&small);
    assert_span_equal(bench_answered(b, 0x39), hex_lit("0004"));
    assert_int_equal(up(b, 0, "010203"), 0x00);
    assert_int_equal(bench_answered(b, 0x37).ptr[0], 1);
    assert_int_equal(up(b, 1, "0405"), 0x36);
    assert_int_equal(b->sent, 0);
    assert_int_equal(up(b, 1, "04"), 0x00);
    assert_span_equal(((struct span){ b->datagram, b->datagram_len }), hex_lit("01020304"));
    modem_free(b->modem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_goes_where_the_card_says), cmocka_unit_test(what_is_stored_is_one_datagram),
        cmocka_unit_test(datagrams_do_not_run_together),      cmocka_unit_test(what_does_not_fit_is_lost),
        cmocka_unit_test(a_small_buffer_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
