/* The implementers' test data of 3GPP TS 33.501 annex C.4: IMSI 274012001002086, with the ephemeral keys given there. */
#include "tests/support/test.h"

#include "lib/crypto/suci.h"

static struct span dictated;
static void fill(struct rng *r, uint8_t *out, size_t len)
{
    (void)r;
    assert_int_equal(len, dictated.len);
    memcpy(out, dictated.ptr, len);
}
static struct rng rng = { fill };

static const struct vector {
    enum suci_scheme scheme;
    const char *key, *ephemeral, *output;
} vectors[] = {
    { SUCI_PROFILE_A, "5A8D38864820197C3394B92613B20B91633CBD897119273BF8E4A6F4EEC0A650",
      "C80949F13EBE61AF4EBDBD293EA4F942696B9E815D7E8F0096BBF6ED7DE62256",
      "B2E92F836055A255837DEBF850B528997CE0201CB82ADFE4BE1F587D07D8457D CB02352410 CDDD9E730EF3FA87" },
    { SUCI_PROFILE_B, "0272DA71976234CE833A6907425867B82E074D44EF907DFB4B3E21C1C2256EBCD1",
      "99798858A1DC6A2C68637149A4B1DBFD1FDFF5ADDD62A2142F06699ED7602529",
      "039AAB8376597021E855679A9778EA0B67396E68C66DF32C0F41E9ACCA2DA9B9D1 46A33FC271 6AC7DAE96AA30A4D" },
};

static void recorded_output(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        WRITER_ON_STACK(w, SUCI_OUTPUT_MAX);
        dictated = hex_lit(v->ephemeral);
        assert_ok(suci_conceal(v->scheme, hex_lit(v->key), &rng, hex_lit("00012080F6"), &w));
        assert_span_equal(wr_span(&w), hex_lit(v->output));
    }
}

static void null_scheme_conceals_nothing(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, SUCI_OUTPUT_MAX);
    assert_ok(suci_conceal(SUCI_NULL, SPAN_NONE, &rng, hex_lit("00012080F6"), &w));
    assert_span_equal(wr_span(&w), hex_lit("00012080F6"));
}

static void bad_keys_are_refused(void **state)
{
    (void)state;
    static const uint8_t zero[32], long_plain[SUCI_PLAIN_MAX + 1];
    WRITER_ON_STACK(w, SUCI_OUTPUT_MAX);
    dictated = hex_lit(vectors[0].ephemeral);
    assert_fails(suci_conceal(SUCI_PROFILE_A, span_sub(hex_lit(vectors[0].key), 0, 31), &rng, SPAN_NONE, &w),
                 ERR_BAD_LENGTH);
    assert_fails(suci_conceal(SUCI_PROFILE_A, SPAN_OF(zero), &rng, SPAN_NONE, &w), ERR_BAD_VALUE);
    assert_fails(suci_conceal(SUCI_PROFILE_B, SPAN_OF(zero), &rng, SPAN_NONE, &w), ERR_BAD_LENGTH);
    assert_fails(suci_conceal(SUCI_PROFILE_B,
                              hex_lit("0572DA71976234CE833A6907425867B82E074D44EF907DFB4B3E21C1C2256EBCD1"), &rng,
                              SPAN_NONE, &w), ERR_BAD_VALUE);
    assert_fails(suci_conceal((enum suci_scheme)3, SPAN_NONE, &rng, SPAN_NONE, &w), ERR_UNSUPPORTED);
    assert_fails(suci_conceal(SUCI_NULL, SPAN_NONE, &rng, SPAN_OF(long_plain), &w), ERR_TOO_LONG);
    assert_int_equal(w.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_output),
        cmocka_unit_test(null_scheme_conceals_nothing),
        cmocka_unit_test(bad_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
