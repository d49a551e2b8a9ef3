/* Milenage, TUAK, Keccak and the test algorithm against the values of 3GPP (shared vectors). */
#include "lib/crypto/aka.h"
#include "tests/support/test.h"

#define ASSERT_OUT(array, len, member) assert_span_equal(((struct span){ (array), (len) }), vec_hex(v, (member)))

static void milenage_gives_the_values_of_the_standard(void **state)
{
    const json_t *v = vector_of(state);
    struct span k = vec_hex(v, "k"), rand = vec_hex(v, "rand");
    uint8_t opc[16], mac_a[8], mac_s[8];
    struct aka aka;
    struct aka_keys keys;

    assert_ok(milenage_opc(k, vec_hex(v, "op"), opc));
    ASSERT_OUT(opc, 16, "opc");
    assert_ok(aka_init(&aka, AKA_MILENAGE, k, SPAN_OF(opc), 0));
    assert_ok(aka_f1(&aka, rand.ptr, vec_hex(v, "sqn").ptr, vec_hex(v, "amf").ptr, mac_a, mac_s));
    ASSERT_OUT(mac_a, 8, "f1");
    ASSERT_OUT(mac_s, 8, "f1star");
    assert_ok(aka_f2345(&aka, rand.ptr, &keys));
    ASSERT_OUT(keys.res, keys.res_len, "f2_res");
    ASSERT_OUT(keys.ck, keys.ck_len, "f3_ck");
    ASSERT_OUT(keys.ik, keys.ik_len, "f4_ik");
    ASSERT_OUT(keys.ak, 6, "f5_ak");
    ASSERT_OUT(keys.ak_star, 6, "f5star_ak");
}

static uint8_t octets_of_bits(const json_t *v, const char *member)
{
    return (uint8_t)(json_integer_value(json_object_get(v, member)) / 8);
}

static void tuak_macs(const json_t *v, struct tuak *t)
{
    uint8_t mac_a[TUAK_OUT_MAX], mac_s[TUAK_OUT_MAX];
    t->mac_len = octets_of_bits(v, "mac_len_bits");
    assert_ok(tuak_f1(t, vec_hex(v, "rand").ptr, vec_hex(v, "sqn").ptr, vec_hex(v, "amf").ptr, mac_a, mac_s));
    ASSERT_OUT(mac_a, t->mac_len, "f1");
    ASSERT_OUT(mac_s, t->mac_len, "f1star");
}

static void tuak_keys(const json_t *v, struct tuak *t)
{
    uint8_t res[TUAK_OUT_MAX], ck[TUAK_OUT_MAX], ik[TUAK_OUT_MAX], ak[6], ak_star[6];
    t->res_len = octets_of_bits(v, "res_len_bits");
    t->ck_len = octets_of_bits(v, "ck_len_bits");
    t->ik_len = octets_of_bits(v, "ik_len_bits");
    assert_ok(tuak_f2345(t, vec_hex(v, "rand").ptr, res, ck, ik, ak, ak_star));
    ASSERT_OUT(res, t->res_len, "f2_res");
    ASSERT_OUT(ck, t->ck_len, "f3_ck");
    ASSERT_OUT(ik, t->ik_len, "f4_ik");
    ASSERT_OUT(ak, 6, "f5_ak");
    ASSERT_OUT(ak_star, 6, "f5star_ak");
}

static void tuak_gives_the_values_of_the_standard(void **state)
{
    const json_t *v = vector_of(state);
    struct span k = vec_hex(v, "k");
    unsigned iterations = (unsigned)json_integer_value(json_object_get(v, "keccak_iterations"));
    uint8_t topc[32];
    struct tuak t;

    assert_ok(tuak_topc(k, vec_hex(v, "top"), iterations, topc));
    ASSERT_OUT(topc, 32, "topc");
    assert_ok(tuak_init(&t, k, SPAN_OF(topc), iterations));
    if (vec_has(v, "f1"))
        tuak_macs(v, &t);
    if (vec_has(v, "f2_res"))
        tuak_keys(v, &t);
    assert_true(vec_has(v, "f1") || vec_has(v, "f2_res"));
}

static void keccak_permutes(void **state)
{
    const json_t *v = vector_of(state);
    uint8_t s[KECCAK_STATE_LEN];
    struct span in = vec_hex(v, "input");
    assert_int_equal(in.len, sizeof s);
    memcpy(s, in.ptr, sizeof s);
    keccak_f1600(s);
    ASSERT_OUT(s, sizeof s, "output");
}

static void test_algorithm_xors(void **state)
{
    const json_t *v = vector_of(state);
    struct span rand = vec_hex(v, "rand");
    static const uint8_t no_amf[2];
    uint8_t mac_a[8], mac_s[8];
    struct aka aka;
    struct aka_keys keys;

    assert_ok(aka_init(&aka, AKA_XOR_TEST, vec_hex(v, "k"), SPAN_NONE, 0));
    assert_ok(aka_f1(&aka, rand.ptr, vec_hex(v, "sqn").ptr, vec_hex(v, "amf").ptr, mac_a, mac_s));
    ASSERT_OUT(mac_a, 8, "mac_a");
    assert_ok(aka_f1(&aka, rand.ptr, vec_hex(v, "sqn").ptr, no_amf, mac_a, mac_s));
    ASSERT_OUT(mac_s, 8, "mac_s_with_amf_0000");
    assert_ok(aka_f2345(&aka, rand.ptr, &keys));
    ASSERT_OUT(keys.res, keys.res_len, "res_16");
    ASSERT_OUT(keys.ck, 16, "ck");
    ASSERT_OUT(keys.ik, 16, "ik");
    ASSERT_OUT(keys.ak, 6, "ak");
}

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    static const uint8_t zeroes[64];
    struct span z = SPAN_OF(zeroes);
    uint8_t out[32], ak[6];
    struct milenage m;
    struct tuak t;
    struct aka aka = { .algorithm = AKA_TUAK };

    assert_fails(milenage_init(&m, span_sub(z, 0, 15), span_sub(z, 0, 16)), ERR_BAD_LENGTH);
    assert_fails(milenage_init(&m, span_sub(z, 0, 16), span_sub(z, 0, 17)), ERR_BAD_LENGTH);
    assert_fails(tuak_init(&t, span_sub(z, 0, 24), span_sub(z, 0, 32), 1), ERR_BAD_LENGTH);
    assert_fails(tuak_init(&t, span_sub(z, 0, 16), span_sub(z, 0, 16), 1), ERR_BAD_LENGTH);
    assert_fails(tuak_init(&t, span_sub(z, 0, 16), span_sub(z, 0, 32), 0), ERR_BAD_VALUE);
    assert_fails(tuak_init(&t, span_sub(z, 0, 16), span_sub(z, 0, 32), 256), ERR_BAD_VALUE);
    assert_ok(tuak_init(&t, span_sub(z, 0, 16), span_sub(z, 0, 32), 1));
    t.res_len = 5;
    assert_fails(tuak_f2345(&t, zeroes, out, out, out, ak, ak), ERR_BAD_LENGTH);
    assert_fails(aka_init(&aka, (enum aka_algorithm)9, z, z, 1), ERR_UNSUPPORTED);
    assert_int_equal(aka.algorithm, AKA_TUAK);
}

/* TS 33.102 6.8.1.2 on values easy to follow by hand. */
static void gsm_answers_are_folded(void **state)
{
    (void)state;
    struct aka_keys keys = { .res = { 1, 2, 3, 4, 0x10, 0x20, 0x30, 0x40 }, .res_len = 8, .ck_len = 16, .ik_len = 16 };
    uint8_t sres[4], kc[8];
    keys.ck[0] = 0x01, keys.ck[8] = 0x02, keys.ik[0] = 0x04, keys.ik[15] = 0x80;
    aka_gsm(&keys, sres, kc);
    assert_span_equal(SPAN_OF(sres), hex_lit("11223344"));
    assert_span_equal(SPAN_OF(kc), hex_lit("0700000000000080"));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(wrong_sizes_are_refused),
                                        cmocka_unit_test(gsm_answers_are_folded) };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    const char *milenage = shared_path("data/vectors/milenage.json");
    if (bad || !milenage)
        return bad ? bad : TEST_SKIPPED;
    bad |= run_vectors(milenage, NULL, milenage_gives_the_values_of_the_standard);
    bad |= run_vectors(shared_path("data/vectors/tuak.json"), NULL, tuak_gives_the_values_of_the_standard);
    bad |= run_vectors(shared_path("data/vectors/keccak_f1600.json"), NULL, keccak_permutes);
    bad |= run_vectors(shared_path("data/vectors/usim_test_algorithm.json"), NULL, test_algorithm_xors);
    return bad;
}
