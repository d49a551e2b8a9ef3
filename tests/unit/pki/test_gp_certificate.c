/* GlobalPlatform certificates: the shared vectors taken apart, rebuilt and verified; and what must be refused. */
#include <time.h>

#include "lib/pki/gp_certificate.h"
#include "lib/codec/ber_tlv.h"
#include "tests/support/test.h"

#define DAY_MS 86400000ull

/* The certificate a real card accepted (v2: no 5F25, no C9, key usage 88). */
#define REAL_CERTIFICATE                                                                                               \
    "7F2181A59301024201025F2001029501885F2404214501017303C801017F4946B041046466E042804FAAC48F839EA53E85D0B8"           \
    "B93F2F015028A472F07F3227AF408170ACFB39D198BA7D0DCFF3DE5032A6CC8F6ACC84EF556BFE530DEC0FF75F2AF59AF001005F3740"     \
    "73290FA04853244598F90D320497D21CE94A7FB755CBC2EF9429A53FD9662FA0B838C209E8CB17EE1ABCAB7BA8ABE3FD48C1C4A01D3D"     \
    "0143D965B238CA24EEB4"
#define REAL_CI                                                                                                        \
    "04F5D2FFB5293ED953053DAF0865F7FCAEE9790216AD861246777B3CCBE4077BA261BB8A999DD9D56F987E5AC8548AFBA5B11A91A786"     \
    "ACFCA4982B18C5192D15CA"

static void a_real_cards_certificate_verifies(void **state)
{
    (void)state;
    struct gp_certificate c;
    struct ec_key *ci = NULL, *dp = NULL;
    assert_ok(gp_certificate_decode(hex_lit(REAL_CERTIFICATE), &c));
    assert_int_equal(c.role, GP_ROLE_SM_DP);
    assert_int_equal(c.key_usage, GP_USAGE_VERIFY_OLD);
    assert_false(c.has_effective);
    assert_int_equal(c.authority_key_id.len, 0);
    assert_span_equal(SPAN_OF(c.expiration), hex_lit("21450101"));
    assert_ok(ec_public_new(EC_P256, hex_lit(REAL_CI), &ci));
    assert_ok(gp_certificate_verify(&c, ci));
    assert_ok(gp_certificate_key(&c, &dp));
    assert_fails(gp_certificate_verify(&c, dp), ERR_VERIFY);
    assert_ok(gp_certificate_is_for(&c, GP_ROLE_SM_DP));
    assert_fails(gp_certificate_is_for(&c, GP_ROLE_SM_SR), ERR_BAD_VALUE);
    ec_key_free(ci);
    ec_key_free(dp);
}

static struct span after_role_and_key_id(struct span discretionary)
{
    struct reader r = rd_of(discretionary);
    struct tlv t;
    size_t at = 0;
    while (tlv_next(&r, &t) && (t.tag == 0xC8 || t.tag == 0xC9))
        at += t.raw.len;
    return span_from(discretionary, at);
}

/* Taken apart and put together again it is the same, octet for octet; the authority key identifier is the CI's. */
static void vectors_are_rebuilt(void **state)
{
    const json_t *v = vector_of(state), *certificate = json_object_get(v, "certificate");
    const json_t *ci_pair = json_object_get(json_object_get(v, "inputs"), "CI");
    struct span tlv = vec_hex(certificate, "tlv");
    struct gp_certificate c;
    struct ec_key *ci = NULL;
    uint8_t ski[GP_SKI_LEN];
    WRITER_ON_STACK(to_sign, GP_CERTIFICATE_MAX);
    WRITER_ON_STACK(whole, GP_CERTIFICATE_MAX);

    assert_ok(gp_certificate_decode(tlv, &c));
    assert_span_equal(c.signed_part, vec_hex(certificate, "to_be_signed"));
    assert_span_equal(c.signature, vec_hex(certificate, "signature"));
    assert_ok(ec_private_new(c.curve, vec_hex(ci_pair, "private"), &ci));
    assert_ok(gp_certificate_verify(&c, ci));
    assert_ok(gp_ski(ci, ski));
    if (c.authority_key_id.len)
        assert_span_equal(c.authority_key_id, SPAN_OF(ski));
    c.discretionary = after_role_and_key_id(c.discretionary);
    assert_ok(gp_certificate_to_sign(&c, &to_sign));
    assert_span_equal(wr_span(&to_sign), c.signed_part);
    gp_certificate_close(wr_span(&to_sign), c.signature, &whole);
    assert_span_equal(wr_span(&whole), tlv);
    ec_key_free(ci);
}

/* A certificate of our own, its fields to be spoilt. */
static struct gp_certificate sample(struct ec_key *subject)
{
    static uint8_t point[EC_POINT_LEN], serial[4] = { 1, 2, 3, 4 };
    ec_key_point(subject, point);
    return (struct gp_certificate){
        .serial = SPAN_OF(serial),
        .ca_id = SPAN_LIT("\x2B\x06\x01"),
        .subject_id = SPAN_LIT("\x88\x37\x0A"),
        .key_usage = GP_USAGE_VERIFY,
        .key_usage_len = 1,
        .has_effective = true,
        .effective = { 0x20, 0x24, 0x02, 0x29 },
        .expiration = { 0x20, 0x34, 0x01, 0x31 },
        .role = GP_ROLE_SM_SR,
        .curve = ec_key_curve(subject),
        .point = SPAN_OF(point),
    };
}

static void issued_ones_hold(void **state)
{
    (void)state;
    static const enum ec_curve both[] = { EC_P256, EC_BRAINPOOL_P256R1 };
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        struct ec_key *ci = NULL, *sr = NULL;
        struct gp_certificate c;
        WRITER_ON_STACK(w, GP_CERTIFICATE_MAX);
        assert_ok(ec_generate(both[i], NULL, &ci));
        assert_ok(ec_generate(both[i], NULL, &sr));
        struct gp_certificate wanted = sample(sr);
        wanted.discretionary = hex_lit("CA0101"); /* something unknown */
        assert_ok(gp_certificate_issue(&wanted, ci, &w));
        assert_ok(gp_certificate_decode(wr_span(&w), &c));
        assert_ok(gp_certificate_verify(&c, ci));
        assert_ok(gp_certificate_is_for(&c, GP_ROLE_SM_SR));
        assert_int_equal(c.curve, both[i]);
        w.buf[20] ^= 1; /* in the signed part */
        if (gp_certificate_decode(wr_span(&w), &c) == ERR_NONE)
            assert_fails(gp_certificate_verify(&c, ci), ERR_VERIFY);
        ec_key_free(ci);
        ec_key_free(sr);
    }
}

static void bad_fields_are_not_issued(void **state)
{
    (void)state;
    struct ec_key *key = NULL;
    assert_ok(ec_generate(EC_P256, NULL, &key));
    for (int i = 0; i < 7; i++) {
        WRITER_ON_STACK(w, GP_CERTIFICATE_MAX);
        struct gp_certificate c = sample(key);
        if (i == 0)
            c.serial = SPAN_NONE;
        if (i == 1)
            c.subject_id = SPAN_LIT("seventeen octets!");
        if (i == 2)
            c.key_usage_len = 3;
        if (i == 3)
            c.expiration[2] = 0x13;
        if (i == 4)
            c.effective[3] = 0x00;
        if (i == 5)
            c.point.len--;
        if (i == 6)
            c.expiration[0] = 0x2A;
        enum err err = gp_certificate_issue(&c, key, &w);
        assert_true(err == ERR_BAD_LENGTH || err == ERR_BAD_VALUE);
        assert_int_equal(w.len, 0);
    }
    ec_key_free(key);
}

static uint64_t at_day(int year, int month, int day)
{
    struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };
    return (uint64_t)timegm(&tm) * 1000;
}

static void validity_has_two_ends(void **state)
{
    (void)state;
    struct gp_certificate c = { .has_effective = true,
                                .effective = { 0x20, 0x24, 0x02, 0x29 },
                                .expiration = { 0x20, 0x34, 0x01, 0x31 } };
    assert_fails(gp_certificate_valid_at(&c, at_day(2024, 2, 29) - 1), ERR_EXPIRED);
    assert_ok(gp_certificate_valid_at(&c, at_day(2024, 2, 29)));
    assert_ok(gp_certificate_valid_at(&c, at_day(2034, 1, 31) + DAY_MS - 1));
    assert_fails(gp_certificate_valid_at(&c, at_day(2034, 2, 1)), ERR_EXPIRED);
    c.has_effective = false;
    assert_ok(gp_certificate_valid_at(&c, 0));
    uint8_t bcd[4];
    gp_date(at_day(2026, 11, 22), bcd);
    assert_span_equal(SPAN_OF(bcd), hex_lit("20261122"));
}

/* Every shorter or longer form of a good certificate is refused, and so is each one that lacks or repeats a field. */
static void broken_ones_are_refused(void **state)
{
    (void)state;
    struct span good = hex_lit(REAL_CERTIFICATE), body, field;
    struct gp_certificate c;
    struct tlv t;
    assert_true(tlv_find(good, 0x7F21, &body));
    for (size_t len = 0; len < good.len; len++)
        assert_true(gp_certificate_decode(span_sub(good, 0, len), &c) != ERR_NONE);
    for (int repeat = 0; repeat < 2; repeat++) {
        struct reader outer = rd_of(body);
        for (size_t skip = 0; tlv_next(&outer, &t); skip++) {
            WRITER_ON_STACK(w, GP_CERTIFICATE_MAX);
            struct reader r = rd_of(body);
            size_t mark = wr_tlv_open(&w, 0x7F21), i = 0;
            for (struct tlv each; tlv_next(&r, &each); i++)
                for (int n = i == skip ? 2 * repeat : 1; n > 0; n--)
                    wr_bytes(&w, each.raw);
            wr_tlv_close(&w, mark);
            assert_fails(gp_certificate_decode(wr_span(&w), &c), repeat ? ERR_BAD_TAG : ERR_MISSING);
        }
    }
    assert_true(tlv_find(body, 0x5F37, &field));
    WRITER_ON_STACK(w, GP_CERTIFICATE_MAX);
    wr_bytes(&w, good);
    wr_u8(&w, 0);
    assert_true(gp_certificate_decode(wr_span(&w), &c) != ERR_NONE);
    w.len = 0;
    wr_fill(&w, 0, GP_CERTIFICATE_MAX);
    assert_fails(gp_certificate_decode((struct span){ w.buf, GP_CERTIFICATE_MAX }, &c), ERR_BAD_TAG);
}

static enum err decode_changed(const char *from, const char *to)
{
    static char text[sizeof REAL_CERTIFICATE];
    struct gp_certificate c;
    memcpy(text, REAL_CERTIFICATE, sizeof text);
    char *at = strstr(text, from);
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    return gp_certificate_decode(hex_lit(text), &c);
}

static void wrong_content_is_refused(void **state)
{
    (void)state;
    assert_fails(decode_changed("C80101", "C80103"), ERR_BAD_VALUE);   /* no such role */
    assert_fails(decode_changed("F00100", "F00101"), ERR_UNSUPPORTED); /* P-384 */
    assert_fails(decode_changed("F00100", "F10100"), ERR_BAD_TAG);
    assert_fails(decode_changed("21450101", "21451301"), ERR_BAD_VALUE);
    assert_fails(decode_changed("21450101", "2A450101"), ERR_BAD_VALUE);
    assert_fails(decode_changed("7F2181", "7F2281"), ERR_BAD_TAG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_cards_certificate_verifies), cmocka_unit_test(issued_ones_hold),
        cmocka_unit_test(bad_fields_are_not_issued),         cmocka_unit_test(validity_has_two_ends),
        cmocka_unit_test(broken_ones_are_refused),           cmocka_unit_test(wrong_content_is_refused),
    };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    return bad ? bad
               : run_vectors(shared_path("data/vectors/oncard-keyagreement.json"), "generated", vectors_are_rebuilt);
}
