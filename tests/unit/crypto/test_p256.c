/* P-256 signatures by prepared multiples: what OpenSSL says of the same key, digest and signature is the truth. */
#include "lib/crypto/openssl.h"
#include "lib/crypto/p256.h"
#include "tests/support/test.h"

static BN_CTX *scratch;
static BIGNUM *order;

static const char *const special[] = { "01",
                                       "02",
                                       "03",
                                       "1F",
                                       "20",
                                       "21",
                                       "40",
                                       "41",
                                       "1000000000000000000000000000000000000000",
                                       "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550",
                                       "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC63254F",
                                       "7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8" };

struct pair {
    struct ec_key *openssl;
    struct p256_key *ours;
};

static void number_octets(const BIGNUM *n, uint8_t out[EC_FIELD_LEN])
{
    assert_int_equal(BN_bn2binpad(n, out, EC_FIELD_LEN), EC_FIELD_LEN);
}

/* Under a key without history OpenSSL alone decides. */
static bool openssl_says(const uint8_t point[EC_POINT_LEN], const uint8_t digest[32], const uint8_t signature[64])
{
    struct ec_key *key = NULL;
    assert_ok(ec_public_new(EC_P256, (struct span){ point, EC_POINT_LEN }, &key));
    enum err err = ec_verify_digest(key, digest, (struct span){ signature, EC_SIGNATURE_LEN });
    ec_key_free(key);
    return err == ERR_NONE;
}

static void same_verdict(struct p256_key *ours, const uint8_t *point, const uint8_t *digest, const uint8_t *signature,
                         bool want)
{
    assert_int_equal(openssl_says(point, digest, signature), want);
    assert_int_equal(p256_verify(ours, digest, signature), want);
}

static void random_signatures(void **state)
{
    (void)state;
    for (int keys = 0; keys < 8; keys++) {
        struct ec_key *key = NULL;
        uint8_t point[EC_POINT_LEN], digest[EC_DIGEST_LEN], s[EC_SIGNATURE_LEN];
        assert_ok(ec_generate(EC_P256, NULL, &key));
        ec_key_point(key, point);
        struct p256_key *ours = p256_key_new(point);
        assert_non_null(ours);
        for (int round = 0; round < 64; round++) {
            assert_int_equal(RAND_bytes(digest, sizeof digest), 1);
            if (round < 2)
                memset(digest, round ? 0xFF : 0, sizeof digest);
            assert_ok(ec_sign_digest(key, digest, s));
            same_verdict(ours, point, digest, s, true);
            s[round] ^= 1u << round % 8;
            same_verdict(ours, point, digest, s, false);
            s[round] ^= 1u << round % 8;
            digest[round % 32] ^= 0x80;
            same_verdict(ours, point, digest, s, false);
        }
        p256_key_free(ours);
        ec_key_free(key);
    }
}

/* r, s and a digest for which the sum is u1 x G + u2 x (d x G); false: that is the point at infinity. */
static bool signature_for(const BIGNUM *d, const BIGNUM *u1, const BIGNUM *u2, uint8_t digest[32],
                          uint8_t signature[64])
{
    BIGNUM *k = BN_new(), *r = BN_new(), *s = BN_new(), *e = BN_new();
    struct ec_key *sum = NULL;
    uint8_t point[EC_POINT_LEN], octets[EC_FIELD_LEN];
    BN_mod_mul(k, u2, d, order, scratch);
    BN_mod_add(k, k, u1, order, scratch);
    bool there = !BN_is_zero(k);
    if (there) {
        number_octets(k, octets);
        assert_ok(ec_private_new(EC_P256, SPAN_OF(octets), &sum));
        ec_key_point(sum, point);
        BN_bin2bn(point + 1, EC_FIELD_LEN, r);
        BN_nnmod(r, r, order, scratch);
        BN_mod_inverse(s, u2, order, scratch);
        BN_mod_mul(s, s, r, order, scratch);
        BN_mod_mul(e, u1, s, order, scratch);
        number_octets(e, digest);
        number_octets(r, signature);
        number_octets(s, signature + EC_FIELD_LEN);
    }
    ec_key_free(sum);
    BN_free(k), BN_free(r), BN_free(s), BN_free(e);
    return there;
}

/* Small and great factors under keys near the generator: the sum comes to a multiple that is being added, and to its
 * opposite. */
static void meeting_points(void **state)
{
    (void)state;
    BIGNUM *d = BN_new(), *u1 = BN_new(), *u2 = BN_new();
    uint8_t octets[EC_FIELD_LEN], point[EC_POINT_LEN], digest[EC_DIGEST_LEN], s[EC_SIGNATURE_LEN];
    size_t infinite = 0;
    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        struct ec_key *key = NULL;
        BN_hex2bn(&d, special[i]);
        number_octets(d, octets);
        assert_ok(ec_private_new(EC_P256, SPAN_OF(octets), &key));
        ec_key_point(key, point);
        struct p256_key *ours = p256_key_new(point);
        for (size_t j = 0; j < ARRAY_LEN(special) * ARRAY_LEN(special); j++) {
            BN_hex2bn(&u1, special[j / ARRAY_LEN(special)]);
            BN_hex2bn(&u2, special[j % ARRAY_LEN(special)]);
            if (!signature_for(d, u1, u2, digest, s)) {
                infinite++;
                continue;
            }
            assert_true(p256_verify(ours, digest, s));
            if (j % 16 == 0)
                same_verdict(ours, point, digest, s, true);
            s[40] ^= 1;
            assert_false(p256_verify(ours, digest, s));
        }
        p256_key_free(ours);
        ec_key_free(key);
    }
    assert_true(infinite > 0);
    BN_free(d), BN_free(u1), BN_free(u2);
}

/* The sum is the point at infinity: u1 = -u2 d. No r belongs to it. */
static void nothing_is_signed_by_infinity(void **state)
{
    (void)state;
    struct ec_key *key = NULL;
    uint8_t point[EC_POINT_LEN], digest[EC_DIGEST_LEN], s[EC_SIGNATURE_LEN] = { 0 };
    assert_ok(ec_private_new(EC_P256, hex_lit("01"), &key));
    ec_key_point(key, point);
    struct p256_key *ours = p256_key_new(point);
    s[31] = s[63] = 7; /* u2 = 1 */
    memcpy(digest, hex_lit("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC63254A").ptr,
           sizeof digest); /* -7 */
    same_verdict(ours, point, digest, s, false);
    p256_key_free(ours);
    ec_key_free(key);
}

static void numbers_out_of_range(void **state)
{
    (void)state;
    static const char *const bad[] = { "0000000000000000000000000000000000000000000000000000000000000000",
                                       "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
                                       "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632552",
                                       "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF" };
    struct ec_key *key = NULL;
    uint8_t point[EC_POINT_LEN], digest[EC_DIGEST_LEN] = { 9 }, s[EC_SIGNATURE_LEN];
    assert_ok(ec_generate(EC_P256, NULL, &key));
    ec_key_point(key, point);
    struct p256_key *ours = p256_key_new(point);
    for (size_t i = 0; i < 2 * ARRAY_LEN(bad); i++) {
        assert_ok(ec_sign_digest(key, digest, s));
        memcpy(s + (i % 2 ? EC_FIELD_LEN : 0), hex_lit(bad[i / 2]).ptr, EC_FIELD_LEN);
        same_verdict(ours, point, digest, s, false);
    }
    p256_key_free(ours);
    ec_key_free(key);
}

/* x of the sum is n + 3: r is 3. (Worked out from the curve's equation; chance gives one in 2^32.) */
static void a_sum_beyond_the_order(void **state)
{
    (void)state;
    struct span point = hex_lit("04e256b28a99161529bbbec6edef63457d1b8f79c49f118c06ad7391333ebbd3ed"
                                "6d20d4d462753843b6d167b14ddea1473d3399d8c01243760bd4b30139d78866");
    struct span digest = hex_lit("3e48d3b1c124fe44550f345f3876ca26b9c90dca542a4134e309bdea1af1ed47");
    struct span signature = hex_lit("0000000000000000000000000000000000000000000000000000000000000003"
                                    "000000000000000000000000000000001234567890abcdef1122334455667788");
    uint8_t other[EC_SIGNATURE_LEN];
    struct p256_key *ours = p256_key_new(point.ptr);
    same_verdict(ours, point.ptr, digest.ptr, signature.ptr, true);
    memcpy(other, signature.ptr, sizeof other);
    other[31] = 4;
    same_verdict(ours, point.ptr, digest.ptr, other, false);
    p256_key_free(ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_signatures),
        cmocka_unit_test(meeting_points),
        cmocka_unit_test(nothing_is_signed_by_infinity),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(a_sum_beyond_the_order),
    };
#ifndef __SIZEOF_INT128__
    return TEST_SKIPPED;
#endif
    scratch = BN_CTX_new();
    order = NULL;
    BN_hex2bn(&order, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    BN_free(order);
    BN_CTX_free(scratch);
    return bad;
}
