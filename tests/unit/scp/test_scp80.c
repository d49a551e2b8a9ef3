/* scp80_packets: command and response packets, made and taken apart; then what must not pass. */
#include "lib/codec/ber_tlv.h"
#include "lib/scp/scp80.h"
#include "tests/support/test.h"

#include <stdlib.h>

static struct scp80_keys keys_of(const json_t *v)
{
    return (struct scp80_keys){ vec_hex(v, "key_kic"), vec_hex(v, "key_kid"), 0 };
}

static void header_of(const json_t *v, struct scp80_header *h)
{
    struct reader spi = rd_of(vec_hex(v, "spi")), counter = rd_of(vec_hex(v, "cntr"));
    *h = (struct scp80_header){ .spi1 = rd_u8(&spi),
                                .spi2 = rd_u8(&spi),
                                .kic = vec_hex(v, "kic_byte").ptr[0],
                                .kid = vec_hex(v, "kid_byte").ptr[0],
                                .counter = rd_u40(&counter) };
    memcpy(h->tar, vec_hex(v, "tar").ptr, 3);
}

static void check_command(const json_t *v)
{
    struct scp80_header h, back;
    struct scp80_keys k = keys_of(v);
    struct span data;
    WRITER_ON_STACK(w, 512);
    WRITER_ON_STACK(plain, 512);
    header_of(v, &h);
    assert_ok(scp80_command_wrap(&h, &k, vec_hex(v, "secured_data"), &w));
    assert_span_equal(wr_span(&w), vec_hex(v, "command_packet"));

    assert_ok(scp80_command_unwrap(SCP80_SMS, vec_hex(v, "command_packet"), &k, &plain, &back, &data));
    assert_span_equal(data, vec_hex(v, "secured_data"));
    assert_int_equal(back.counter, h.counter);
    assert_memory_equal(back.tar, h.tar, 3);
}

static void check_response(const json_t *v)
{
    uint8_t aes = strcmp(vec_text(v, "algorithm"), "aes") ? 0x15 : 0x12;
    struct scp80_header h = { .spi2 = vec_hex(v, "spi2").ptr[0], .kic = aes, .kid = aes };
    struct scp80_keys k = keys_of(v);
    struct reader counter = rd_of(vec_hex(v, "cntr"));
    struct scp80_response r = { .counter = rd_u40(&counter),
                                .status = vec_hex(v, "status").ptr[0],
                                .data = vec_hex(v, "additional_data") },
                          back;
    memcpy(r.tar, vec_hex(v, "tar").ptr, 3);
    struct span packet = span_from(vec_hex(v, "udh_and_response_packet"), 3);
    WRITER_ON_STACK(w, 256);
    WRITER_ON_STACK(plain, 256);
    assert_ok(scp80_response_wrap(&h, &k, &r, &w));
    assert_span_equal(wr_span(&w), packet);
    assert_ok(scp80_response_unwrap(&h, packet, &k, &plain, &back));
    assert_int_equal(back.status, r.status);
    assert_int_equal(back.counter, r.counter);
    assert_span_equal(back.data, r.data);
}

static void packet_is_as_recorded(void **state)
{
    const json_t *v = vector_of(state);
    if (!strcmp(vec_text(v, "type"), "command"))
        check_command(v);
    else
        check_response(v);
}

/* ---- own cases */

static const uint8_t key[16] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
                                 0x99, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16 };
static const struct scp80_keys keys = { { key, 16 }, { key, 16 }, 0 };
static const struct scp80_header full = { 0x16, 0x39, 0x12, 0x12, { 0, 0, 1 }, 7 };

static void each_bit_of_a_packet_is_protected(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, 256);
    assert_ok(scp80_command_wrap(&full, &keys, SPAN_LIT("what shall be done"), &w));
    for (size_t bit = 0; bit < 8 * w.len; bit++) {
        uint8_t copy[256];
        WRITER_ON_STACK(plain, 256);
        struct scp80_header h;
        struct span data = SPAN_LIT("untouched");
        memcpy(copy, w.buf, w.len);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum err err = scp80_command_unwrap(SCP80_SMS, (struct span){ copy, w.len }, &keys, &plain, &h, &data);
        bool spi1 = bit / 8 == 3; /* says itself what is protected: the policy refuses it */
        if (err == ERR_NONE && spi1)
            assert_fails(scp80_policy_isdr(&h), ERR_DENIED);
        else
            assert_int_not_equal(err, ERR_NONE);
    }
}

static void a_cut_packet_is_refused(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, 256);
    assert_ok(scp80_command_wrap(&full, &keys, SPAN_LIT("cut"), &w));
    for (size_t len = 0; len < w.len; len++) {
        WRITER_ON_STACK(plain, 256);
        struct scp80_header h;
        struct span data;
        assert_fails(scp80_command_unwrap(SCP80_SMS, (struct span){ w.buf, len }, &keys, &plain, &h, &data), ERR_TRUNCATED);
    }
}

static void octets_behind_the_packet_are_ignored(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, 256);
    WRITER_ON_STACK(plain, 256);
    struct scp80_header h;
    struct span data;
    assert_ok(scp80_command_wrap(&full, &keys, SPAN_LIT("more follows"), &w));
    wr_fill(&w, 0xEE, 5);
    assert_ok(scp80_command_unwrap(SCP80_SMS, wr_span(&w), &keys, &plain, &h, &data));
    assert_span_equal(data, SPAN_LIT("more follows"));
}

/* TS 102 225: identifier and BER lengths; the same content in the form of short messages is another packet. */
static void over_cat_tp_a_packet_has_its_identifier_and_ber_lengths(void **state)
{
    (void)state;
    static const size_t lengths[] = { 3, 90, 200, 4000 };
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        uint8_t content[4000] = { 0xAE, 0x80 };
        WRITER_ON_STACK(w, 4200);
        WRITER_ON_STACK(plain, 8400);
        struct scp80_header h = full, back;
        struct span data;
        struct tlv t;
        struct scp80_response por = { .tar = { 0, 0, 1 }, .counter = 7, .data = { content, lengths[i] } }, said;
        h.form = SCP80_CAT_TP;
        assert_ok(scp80_command_wrap(&h, &keys, por.data, &w));
        struct reader r = rd_of(wr_span(&w));
        assert_true(tlv_next(&r, &t) && rd_at_end(&r));
        assert_int_equal(t.tag, 0x01);
        assert_span_equal(span_sub(t.val, 0, 8), hex_lit("15 1639 1212 000001"));
        assert_ok(scp80_command_unwrap(SCP80_CAT_TP, wr_span(&w), &keys, &plain, &back, &data));
        assert_span_equal(data, por.data);
        assert_int_equal(back.form, SCP80_CAT_TP);
        assert_false(scp80_is_response(wr_span(&w)));
        assert_true(scp80_command_unwrap(SCP80_SMS, wr_span(&w), &keys, &plain, &back, &data) != ERR_NONE);
        w.len = plain.len = 0;
        assert_ok(scp80_response_wrap(&h, &keys, &por, &w));
        assert_true(scp80_is_response(wr_span(&w)));
        assert_ok(scp80_response_unwrap(&h, wr_span(&w), &keys, &plain, &said));
        assert_span_equal(said.data, por.data);
        for (size_t at = 0; at < 12; at++) {
            w.buf[at] ^= 0x04;
            plain.len = 0;
            assert_true(scp80_response_unwrap(&h, wr_span(&w), &keys, &plain, &said) != ERR_NONE);
            w.buf[at] ^= 0x04;
        }
    }
}

static void counters_only_go_up(void **state)
{
    (void)state;
    assert_int_equal(scp80_counter_check(0x16, 7, 8), SCP80_OK);
    assert_int_equal(scp80_counter_check(0x16, 7, 7), SCP80_COUNTER_LOW);
    assert_int_equal(scp80_counter_check(0x16, 7, 6), SCP80_COUNTER_LOW);
    assert_int_equal(scp80_counter_check(0x16, 7, 900), SCP80_OK);
    assert_int_equal(scp80_counter_check(0x1E, 7, 8), SCP80_OK);
    assert_int_equal(scp80_counter_check(0x1E, 7, 9), SCP80_COUNTER_HIGH);
    assert_int_equal(scp80_counter_check(0x16, SCP80_COUNTER_MAX, 1), SCP80_COUNTER_BLOCKED);
    assert_int_equal(scp80_counter_check(0x0E, 7, 1), SCP80_OK); /* no check */
}

static void the_isdr_wants_everything(void **state)
{
    (void)state;
    static const struct {
        uint8_t spi1, kic, kid;
        enum err err;
    } rows[] = {
        { 0x16, 0x12, 0x12, ERR_NONE },   { 0x1E, 0x12, 0x12, ERR_NONE },   { 0x12, 0x12, 0x12, ERR_DENIED },
        { 0x14, 0x12, 0x12, ERR_DENIED }, { 0x15, 0x12, 0x12, ERR_DENIED }, { 0x06, 0x12, 0x12, ERR_DENIED },
        { 0x0E, 0x12, 0x12, ERR_DENIED }, { 0x16, 0x15, 0x12, ERR_DENIED }, { 0x16, 0x12, 0x15, ERR_DENIED },
        { 0x00, 0x12, 0x12, ERR_DENIED },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scp80_header h = { .spi1 = rows[i].spi1, .kic = rows[i].kic, .kid = rows[i].kid };
        assert_fails(scp80_policy_isdr(&h), rows[i].err);
    }
}

static void a_por_weaker_than_asked_for_is_not_believed(void **state)
{
    (void)state;
    struct scp80_header plain_por = full;
    plain_por.spi2 = 0x01;
    struct scp80_response r = { .tar = { 0, 0, 1 }, .counter = 7, .status = SCP80_OK, .data = SPAN_LIT("yes") }, back;
    WRITER_ON_STACK(w, 256);
    WRITER_ON_STACK(plain, 256);
    assert_ok(scp80_response_wrap(&plain_por, &keys, &r, &w));
    assert_fails(scp80_response_unwrap(&full, wr_span(&w), &keys, &plain, &back), ERR_DENIED);
    r.data = SPAN_NONE; /* "done" without proof: no */
    w.len = 0;
    assert_ok(scp80_response_wrap(&plain_por, &keys, &r, &w));
    assert_fails(scp80_response_unwrap(&full, wr_span(&w), &keys, &plain, &back), ERR_DENIED);
    r.status = SCP80_TAR_UNKNOWN; /* a bare refusal says only that it failed */
    w.len = 0;
    assert_ok(scp80_response_wrap(&plain_por, &keys, &r, &w));
    assert_ok(scp80_response_unwrap(&full, wr_span(&w), &keys, &plain, &back));
    assert_int_equal(back.status, SCP80_TAR_UNKNOWN);
}

static void limits_hold(void **state)
{
    (void)state;
    WRITER_ON_STACK(small, 20);
    struct scp80_header h = full;
    assert_fails(scp80_command_wrap(&h, &keys, SPAN_LIT("no room for this"), &small), ERR_NO_SPACE);
    WRITER_ON_STACK(w, 256);
    h.counter = SCP80_COUNTER_MAX + 1;
    assert_fails(scp80_command_wrap(&h, &keys, SPAN_LIT("x"), &w), ERR_TOO_LONG);
    h = full;
    h.kic = 0x10; /* implicit algorithm */
    assert_fails(scp80_command_wrap(&h, &keys, SPAN_LIT("x"), &w), ERR_UNSUPPORTED);
    h = full;
    h.spi1 = 0x17; /* digital signature */
    assert_fails(scp80_command_wrap(&h, &keys, SPAN_LIT("x"), &w), ERR_UNSUPPORTED);
    struct scp80_keys short_key = { { key, 15 }, { key, 16 }, 0 };
    assert_fails(scp80_command_wrap(&full, &short_key, SPAN_LIT("x"), &w), ERR_BAD_LENGTH);
    assert_int_equal(w.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bit_of_a_packet_is_protected),
        cmocka_unit_test(a_cut_packet_is_refused),
        cmocka_unit_test(octets_behind_the_packet_are_ignored),
        cmocka_unit_test(over_cat_tp_a_packet_has_its_identifier_and_ber_lengths),
        cmocka_unit_test(counters_only_go_up),
        cmocka_unit_test(the_isdr_wants_everything),
        cmocka_unit_test(a_por_weaker_than_asked_for_is_not_believed),
        cmocka_unit_test(limits_hold),
    };
    int own = cmocka_run_group_tests(tests, NULL, NULL);
    return own ? own : run_vectors(shared_path("data/vectors/scp80_packets.json"), NULL, packet_is_as_recorded);
}
