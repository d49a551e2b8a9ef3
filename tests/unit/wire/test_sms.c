#include "lib/wire/sms.h"
#include "tests/support/test.h"

#include <stdlib.h>

static bool is_type(const json_t *v, const char *type) { return strcmp(vec_text(v, "type"), type) == 0; }

static uint8_t octet(const json_t *v, const char *member)
{
    struct span s = vec_hex(v, member);
    assert_int_equal(s.len, 1);
    return s.ptr[0];
}

static void deliver_vector(const json_t *v)
{
    const json_t *fields = json_object_get(v, "fields");
    struct span tpdu = vec_hex(v, "tpdu");
    struct sms_deliver m;
    enum err err = sms_deliver_read(tpdu, &m);
    if (vec_has(v, "note")) { /* its user data length is wrong */
        assert_fails(err, ERR_TOO_LONG);
        return;
    }
    assert_ok(err);
    assert_int_equal(m.pid, octet(fields, "pid"));
    assert_int_equal(m.dcs, octet(fields, "dcs"));
    assert_int_equal(m.from.ton_npi, octet(fields, "oa_ton_npi"));
    assert_int_equal(m.udhi, json_integer_value(json_object_get(fields, "udhi")));
    assert_int_equal(!m.more_to_send, json_integer_value(json_object_get(fields, "mms")));
    assert_int_equal(m.ud.len, json_integer_value(json_object_get(fields, "udl")));
}

static void udh_vector(const json_t *v)
{
    struct sms_header h;
    bool command = false, response = false;
    const json_t *ies = json_object_get(v, "ies");
    for (size_t i = 0; i < json_array_size(ies); i++) {
        const char *iei = json_string_value(json_array_get(json_array_get(ies, i), 0));
        command |= strcmp(iei, "70") == 0;
        response |= strcmp(iei, "71") == 0;
    }
    assert_ok(sms_header_read(vec_hex(v, "input"), &h));
    assert_int_equal(h.command, command);
    assert_int_equal(h.response, response);
    assert_span_equal(h.body, vec_hex(v, "tail"));
}

static void address_vector(const json_t *v)
{
    struct span encoded = vec_hex(v, "encoded");
    struct reader r = rd_of(encoded);
    struct sms_address a;
    WRITER_ON_STACK(w, 20);
    assert_ok(rd_sms_address(&r, &a));
    assert_string_equal(a.text, vec_text(v, "digits"));
    assert_int_equal(a.ton_npi, octet(v, "ton_npi"));
    wr_sms_address(&w, &a);
    assert_span_equal(wr_span(&w), encoded);
}

static void envelope_vector(const json_t *v)
{
    struct span envelope = span_from(vec_hex(v, "apdu"), 5), tpdu;
    struct sms_address centre;
    struct sms_deliver m;
    struct sms_header h;
    assert_ok(sms_envelope_read(envelope, &centre, &tpdu));
    assert_span_equal(tpdu, vec_hex(v, "sms_tpdu"));
    assert_ok(sms_deliver_read(tpdu, &m));
    assert_ok(sms_header_read(m.ud, &h));
    assert_true(h.command);
    assert_span_equal(h.body, vec_hex(v, "command_packet"));

    WRITER_ON_STACK(again, SMS_TPDU_MAX);
    wr_sms_deliver(&again, &m);
    assert_span_equal(wr_span(&again), tpdu);
    WRITER_ON_STACK(outer, 256);
    wr_sms_envelope(&outer, &centre, tpdu);
    assert_int_equal(outer.len, envelope.len);
    struct span inner;
    assert_ok(sms_envelope_read(wr_span(&outer), &centre, &inner));
    assert_span_equal(inner, tpdu);
}

static void vector(void **state)
{
    const json_t *v = vector_of(state);
    if (is_type(v, "SMS-DELIVER"))
        deliver_vector(v);
    else if (is_type(v, "UDH"))
        udh_vector(v);
    else if (is_type(v, "address"))
        address_vector(v);
    else if (is_type(v, "ENVELOPE"))
        envelope_vector(v);
    else
        fail_msg("a vector of a kind this test does not know");
}

/* ---- what the vectors do not have ---- */

static struct span packet_of(size_t len)
{
    uint8_t *p = malloc(len);
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(i * 7 + i / 251);
    return (struct span){ p, len };
}

static void packets_are_cut_and_joined(void **state)
{
    (void)state;
    static const struct {
        size_t len, parts;
    } cases[] = { { 0, 1 },   { 1, 1 },   { 137, 1 }, { 138, 2 },  { 266, 2 },
                  { 267, 3 }, { 400, 3 }, { 401, 4 }, { 3000, 23 } };
    static struct sms_reassembly joiner;
    for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
        struct span packet = packet_of(cases[c].len), parts[SMS_PARTS_MAX], whole = SPAN_NONE;
        WRITER_ON_STACK(w, 5000);
        size_t count = 0;
        uint8_t iei = 0;
        assert_ok(sms_split(packet, SMS_IEI_COMMAND, 0x42, &w, parts, &count));
        assert_int_equal(count, cases[c].parts);
        for (size_t i = count; i-- != 0;) { /* backwards, each twice */
            bool complete = false;
            assert_true(parts[i].len <= SMS_UD_MAX);
            assert_ok(sms_reassemble(&joiner, "1234", 1000, parts[i], &complete, &whole, &iei));
            assert_int_equal(complete, i == 0);
            if (i != 0)
                assert_ok(sms_reassemble(&joiner, "1234", 1000, parts[i], &complete, &whole, &iei));
        }
        assert_span_equal(whole, packet);
        assert_int_equal(iei, SMS_IEI_COMMAND);
        free((void *)(uintptr_t)packet.ptr);
    }
}

/* Byte for byte as oncard.md §7.5 says. */
static void headers_of_parts_are_those_of_the_book(void **state)
{
    (void)state;
    struct span packet = packet_of(200), parts[SMS_PARTS_MAX];
    WRITER_ON_STACK(w, 500);
    size_t count;
    assert_ok(sms_split(packet, SMS_IEI_COMMAND, 0x42, &w, parts, &count));
    assert_span_equal(span_sub(parts[0], 0, 8), hex_lit("07 00 03 42 02 01 70 00"));
    assert_span_equal(span_sub(parts[1], 0, 6), hex_lit("05 00 03 42 02 02"));
    assert_ok(sms_split(span_sub(packet, 0, 10), SMS_IEI_RESPONSE, 0, &w, parts, &count));
    assert_span_equal(span_sub(parts[0], 0, 3), hex_lit("02 71 00"));
    free((void *)(uintptr_t)packet.ptr);
    struct span huge = packet_of(4000);
    WRITER_ON_STACK(big, 6000);
    assert_fails(sms_split(huge, SMS_IEI_COMMAND, 1, &big, parts, &count), ERR_TOO_LONG);
    free((void *)(uintptr_t)huge.ptr);
}

static void late_parts_and_other_senders_do_not_mix(void **state)
{
    (void)state;
    static struct sms_reassembly j;
    struct span one = hex_lit("07 00 03 01 02 01 70 00 AA"), two = hex_lit("05 00 03 01 02 02 BB"), whole;
    bool complete = true;
    uint8_t iei;
    assert_ok(sms_reassemble(&j, "1", 1000, one, &complete, &whole, &iei));
    assert_ok(sms_reassemble(&j, "2", 1000, two, &complete, &whole, &iei));
    assert_false(complete);
    assert_ok(sms_reassemble(&j, "2", 1001, one, &complete, &whole, &iei));
    assert_true(complete);
    assert_span_equal(whole, hex_lit("AABB"));
    assert_ok(sms_reassemble(&j, "1", 1000 + SMS_REASSEMBLY_MS, two, &complete, &whole, &iei));
    assert_false(complete);
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    struct sms_header h;
    assert_fails(sms_header_read(hex_lit("05 70 00"), &h), ERR_TRUNCATED);
    assert_fails(sms_header_read(hex_lit("02 70 05 00"), &h), ERR_TRUNCATED);
    assert_fails(sms_header_read(hex_lit("04 00 02 01 01"), &h), ERR_BAD_LENGTH);
    assert_fails(sms_header_read(hex_lit("05 00 03 01 02 03"), &h), ERR_BAD_VALUE);
    assert_fails(sms_header_read(hex_lit("05 00 03 01 00 00"), &h), ERR_BAD_VALUE);
    assert_fails(sms_header_read(SPAN_NONE, &h), ERR_TRUNCATED);
    assert_ok(sms_header_read(hex_lit("08 08 04 12 34 02 01 70 00"), &h));
    assert_int_equal(h.reference, 0x1234);
}

static void a_submit_goes_and_comes(void **state)
{
    (void)state;
    struct sms_submit m = { .udhi = true, .reference = 3, .pid = SMS_PID_USIM_DOWNLOAD, .dcs = SMS_DCS_CLASS2_8BIT,
                            .vp_format = 2, .validity = { 0xA7 }, .ud = hex_lit("027100AABB") }, got;
    assert_ok(sms_address_of("+4917012345678", &m.to));
    WRITER_ON_STACK(w, SMS_TPDU_MAX);
    wr_sms_submit(&w, &m);
    assert_span_equal(wr_span(&w), hex_lit("51 03 0D 91 94 71 10 32 54 76 F8 7F F6 A7 05 027100AABB"));
    assert_ok(sms_submit_read(wr_span(&w), &got));
    assert_string_equal(got.to.text, "4917012345678");
    assert_span_equal(got.ud, m.ud);
    for (size_t len = 0; len < w.len; len++)
        assert_fails(sms_submit_read(span_sub(wr_span(&w), 0, len), &got), ERR_TRUNCATED);
    struct sms_deliver wrong;
    assert_fails(sms_deliver_read(wr_span(&w), &wrong), ERR_BAD_TAG);
}

static void addresses_have_bounds(void **state)
{
    (void)state;
    struct sms_address a;
    assert_fails(sms_address_of("", &a), ERR_BAD_VALUE);
    assert_fails(sms_address_of("12x4", &a), ERR_BAD_VALUE);
    assert_fails(sms_address_of("123456789012345678901", &a), ERR_TOO_LONG);
    assert_ok(sms_service_centre_read(hex_lit("9121436587F9"), &a));
    assert_string_equal(a.text, "123456789");
    uint8_t scts[7];
    sms_scts(1767322984000ull, scts); /* 2026-01-02T03:03:04Z */
    assert_span_equal(SPAN_OF(scts), hex_lit("62 10 20 30 30 40 00"));
}

/* TS 23.038: "hellohello" is a text book's example; seven characters fill eight places. */
static void text_is_packed_as_the_air_wants_it(void **state)
{
    (void)state;
    uint8_t out[SMS_CHARACTERS_MAX], all[SMS_CHARACTERS_MAX];
    WRITER_ON_STACK(w, SMS_UD_MAX);
    wr_sms_packed(&w, SPAN_LIT("hellohello"));
    assert_span_equal(wr_span(&w), hex_lit("E8329BFD4697D9EC37"));
    assert_int_equal(sms_unpack(wr_span(&w), out), 10);
    assert_memory_equal(out, "hellohello", 10);
    for (size_t len = 0; len <= sizeof all; len++) {
        memset(all, 'x', len);
        w.len = 0;
        wr_sms_packed(&w, (struct span){ all, len });
        assert_int_equal(w.err, ERR_NONE);
        assert_int_equal(sms_unpack(wr_span(&w), out), len);
        assert_memory_equal(out, all, len);
    }
    wr_sms_packed(&w, (struct span){ all, 1 });
    assert_int_equal(w.err, ERR_NO_SPACE); /* 161 */
    assert_true(sms_is_septets(0x00) && sms_is_septets(0xF1) && !sms_is_septets(0xF6) && !sms_is_septets(0x08));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_packed_as_the_air_wants_it),
        cmocka_unit_test(packets_are_cut_and_joined),
        cmocka_unit_test(headers_of_parts_are_those_of_the_book),
        cmocka_unit_test(late_parts_and_other_senders_do_not_mix),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(a_submit_goes_and_comes),
        cmocka_unit_test(addresses_have_bounds),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    const char *path = shared_path("data/vectors/sms.json");
    return failures ? failures : path ? run_vectors(path, NULL, vector) : 0;
}
