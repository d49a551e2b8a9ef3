/* Elliptic-curve keys: agreements and signatures made elsewhere, points and scalars that must be refused. */
#include "lib/crypto/ec.h"
#include "tests/support/test.h"

#define P256_ORDER "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"
#define P256_G                                                                                                         \
    "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"                                               \
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"

static enum ec_curve curve_of(const json_t *v)
{
    enum ec_curve curve;
    assert_ok(ec_curve_read(vec_text(v, "curve"), &curve));
    return curve;
}

static struct ec_key *pair_of(const json_t *v, const char *who)
{
    const json_t *pair = json_object_get(json_object_get(v, "inputs"), who);
    struct ec_key *key = NULL;
    uint8_t point[EC_POINT_LEN];
    assert_ok(ec_private_new(curve_of(v), vec_hex(pair, "private"), &key));
    ec_key_point(key, point);
    assert_span_equal(SPAN_OF(point), vec_hex(pair, "public"));
    return key;
}

/* Both ends of a generated exchange find the shared secret; the certificate verifies under the CI and only there. */
static void exchange_is_recomputed(void **state)
{
    const json_t *v = vector_of(state);
    struct ec_key *ci = pair_of(v, "CI"), *ecasd = pair_of(v, "ECASD"), *own = pair_of(v, "ephemeral");
    const json_t *certificate = json_object_get(v, "certificate"), *middle = json_object_get(v, "intermediate");
    uint8_t x[EC_FIELD_LEN], y[EC_FIELD_LEN];

    assert_ok(ec_shared_x(own, ecasd, x));
    assert_ok(ec_shared_x(ecasd, own, y));
    assert_span_equal(SPAN_OF(x), SPAN_OF(y));
    assert_span_equal(SPAN_OF(x), vec_hex(middle, "ShS"));
    struct span text = vec_hex(certificate, "to_be_signed"), signature = vec_hex(certificate, "signature");
    assert_ok(ec_verify(ci, text, signature));
    assert_fails(ec_verify(ecasd, text, signature), ERR_VERIFY);
    assert_fails(ec_verify(ci, span_from(text, 1), signature), ERR_VERIFY);
    assert_fails(ec_verify(ci, text, span_sub(signature, 0, 63)), ERR_VERIFY);
    ec_key_free(ci);
    ec_key_free(ecasd);
    ec_key_free(own);
}

static void signs_and_verifies(void **state)
{
    (void)state;
    static const enum ec_curve both[] = { EC_P256, EC_BRAINPOOL_P256R1 };
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        struct ec_key *key = NULL, *public = NULL;
        uint8_t s[EC_SIGNATURE_LEN], zero[EC_SIGNATURE_LEN] = { 0 }, point[EC_POINT_LEN];
        assert_ok(ec_generate(both[i], NULL, &key));
        ec_key_point(key, point);
        assert_ok(ec_public_new(both[i], SPAN_OF(point), &public));
        for (int round = 0; round < 40; round++) { /* short r and s come by once in 128 rounds or so */
            struct span message = { point, (size_t)round };
            assert_ok(ec_sign(key, message, s));
            assert_ok(ec_verify(public, message, SPAN_OF(s)));
            s[round] ^= 0x40;
            assert_fails(ec_verify(public, message, SPAN_OF(s)), ERR_VERIFY);
        }
        assert_fails(ec_verify(public, SPAN_NONE, SPAN_OF(zero)), ERR_VERIFY);
        assert_fails(ec_sign(public, SPAN_NONE, s), ERR_MISSING);
        assert_fails(ec_key_scalar(public, s), ERR_MISSING);
        ec_key_free(key);
        ec_key_free(public);
    }
}

static void bad_points_are_refused(void **state)
{
    (void)state;
    struct ec_key *key = NULL;
    struct span g = hex_lit(P256_G);
    uint8_t off[EC_POINT_LEN];
    memcpy(off, g.ptr, sizeof off);
    off[64] ^= 1;
    assert_fails(ec_public_new(EC_P256, SPAN_OF(off), &key), ERR_BAD_VALUE);
    assert_fails(ec_public_new(EC_BRAINPOOL_P256R1, g, &key), ERR_BAD_VALUE);
    assert_fails(ec_public_new(EC_P256, span_sub(g, 0, 64), &key), ERR_BAD_LENGTH);
    assert_fails(ec_public_new(EC_P256, hex_lit("00"), &key), ERR_BAD_LENGTH); /* the point at infinity */
    assert_fails(ec_public_new((enum ec_curve)1, g, &key), ERR_UNSUPPORTED);
    off[64] ^= 1;
    off[0] = 0x06; /* hybrid form */
    assert_fails(ec_public_new(EC_P256, SPAN_OF(off), &key), ERR_BAD_VALUE);
    memset(off, 0, sizeof off);
    off[0] = 0x04;
    assert_fails(ec_public_new(EC_P256, SPAN_OF(off), &key), ERR_BAD_VALUE);
    memset(off + 1, 0xFF, 64); /* not reduced */
    assert_fails(ec_public_new(EC_P256, SPAN_OF(off), &key), ERR_BAD_VALUE);
    assert_null(key);
}

static void scalars_have_their_range(void **state)
{
    (void)state;
    struct ec_key *key = NULL;
    uint8_t point[EC_POINT_LEN], scalar[EC_FIELD_LEN], order[EC_FIELD_LEN];
    memcpy(order, hex_lit(P256_ORDER).ptr, sizeof order);
    assert_fails(ec_private_new(EC_P256, SPAN_OF(order), &key), ERR_BAD_VALUE);
    assert_fails(ec_private_new(EC_P256, hex_lit("00"), &key), ERR_BAD_VALUE);
    assert_fails(ec_private_new(EC_P256, SPAN_NONE, &key), ERR_BAD_LENGTH);
    assert_fails(ec_private_new(EC_P256, hex_lit(P256_ORDER "00"), &key), ERR_BAD_LENGTH);
    assert_ok(ec_private_new(EC_P256, hex_lit("01"), &key));
    ec_key_point(key, point);
    assert_span_equal(SPAN_OF(point), hex_lit(P256_G));
    assert_ok(ec_key_scalar(key, scalar));
    assert_int_equal(scalar[31], 1);
    ec_key_free(key);
    key = NULL;
    order[31]--; /* n - 1: the greatest */
    assert_ok(ec_private_new(EC_P256, SPAN_OF(order), &key));
    ec_key_free(key);
}

static void curves_do_not_mix(void **state)
{
    (void)state;
    struct ec_key *a = NULL, *b = NULL;
    uint8_t x[EC_FIELD_LEN];
    assert_ok(ec_generate(EC_P256, NULL, &a));
    assert_ok(ec_generate(EC_BRAINPOOL_P256R1, NULL, &b));
    assert_fails(ec_shared_x(a, b, x), ERR_BAD_VALUE);
    ec_key_free(a);
    ec_key_free(b);
}

struct counting_rng {
    struct rng rng;
    uint8_t next;
};

static void count_up(struct rng *rng, uint8_t *out, size_t len)
{
    struct counting_rng *c = (struct counting_rng *)rng;
    memset(out, c->next++, len);
}

/* The seam decides: the same chance gives the same key, and a draw over the order is drawn again. */
static void chance_comes_from_the_seam(void **state)
{
    (void)state;
    struct counting_rng rng = { { count_up }, 0xFF }; /* FF…FF, then 00…00, then 01…01 */
    struct ec_key *key = NULL;
    uint8_t scalar[EC_FIELD_LEN], want[EC_FIELD_LEN];
    memset(want, 1, sizeof want);
    assert_ok(ec_generate(EC_P256, &rng.rng, &key));
    assert_ok(ec_key_scalar(key, scalar));
    assert_span_equal(SPAN_OF(scalar), SPAN_OF(want));
    ec_key_free(key);
}

static void pem_goes_there_and_back(void **state)
{
    (void)state;
    static const enum ec_curve both[] = { EC_P256, EC_BRAINPOOL_P256R1 };
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        struct ec_key *key = NULL, *again = NULL;
        char *pem = NULL;
        uint8_t a[EC_FIELD_LEN], b[EC_FIELD_LEN];
        assert_ok(ec_generate(both[i], NULL, &key));
        assert_ok(ec_private_pem(key, &pem));
        assert_ok(ec_private_read_pem(span_text(pem), &again));
        assert_int_equal(ec_key_curve(again), both[i]);
        assert_ok(ec_key_scalar(key, a));
        assert_ok(ec_key_scalar(again, b));
        assert_span_equal(SPAN_OF(a), SPAN_OF(b));
        ec_pem_free(pem);
        ec_key_free(key);
        ec_key_free(again);
    }
    struct ec_key *key = NULL;
    assert_fails(ec_private_read_pem(SPAN_LIT("-----BEGIN NOTHING-----\n"), &key), ERR_BAD_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_and_verifies),         cmocka_unit_test(bad_points_are_refused),
        cmocka_unit_test(scalars_have_their_range),   cmocka_unit_test(curves_do_not_mix),
        cmocka_unit_test(chance_comes_from_the_seam), cmocka_unit_test(pem_goes_there_and_back),
    };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    return bad ? bad
               : run_vectors(shared_path("data/vectors/oncard-keyagreement.json"), "generated", exchange_is_recomputed);
}
