/* Exchanges of a real card: our server end derives its keys from the recorded ephemeral key and finds the receipt
 * right; the recorded signatures verify over what we say is signed. */
#include "ka_card.h"

#define PATH "data/vectors/oncard-keyagreement.json"
static struct span pk_dp;

static const json_t *step(const json_t *v, const char *name, size_t index)
{
    const json_t *steps = json_object_get(v, "steps");
    return steps ? json_array_get(steps, index) : json_object_get(v, name);
}

static struct span answer_of(const json_t *s)
{
    const json_t *r = json_object_get(s, "r_apdu");
    struct rapdu a;
    if (json_is_array(r))
        r = json_array_get(r, 0);
    assert_ok(rapdu_parse(hex_lit(json_string_value(r)), &a));
    return a.data;
}

static void check(const json_t *v)
{
    struct capdu c;
    struct store_data s;
    struct ka_command k;
    struct ka_host h = { .curve = EC_P256 };
    struct ka_keys keys;
    struct span rc;
    WRITER_ON_STACK(w, KA_COMMAND_MAX);
    assert_ok(capdu_parse(vec_hex(step(v, "store_data_3A02", 2), "c_apdu"), &c));
    assert_ok(store_data_parse(&c, &s));
    assert_ok(ka_command_parse(s.data, &k));
    assert_int_equal(k.curve, -1); /* the naked point of old platforms */
    assert_ok(ka_challenge_parse(answer_of(step(v, "store_data_3A01", 1)), &rc));
    assert_span_equal(rc, vec_hex(v, "RC"));
    ka_to_be_signed_write(&w, k.crt, k.public_key, rc);
    assert_true(ka_verify(EC_P256, pk_dp, wr_span(&w), k.signature));

    memcpy(h.crt, k.crt.ptr, k.crt.len);
    h.crt_len = (uint8_t)k.crt.len;
    memcpy(h.private_key, vec_hex(v, "eSK_DP").ptr, 32);
    memcpy(h.point, k.point.ptr, sizeof h.point);
    assert_ok(ka_host_finish(&h, vec_hex(v, "PK_ECASD"), answer_of(step(v, "store_data_3A02", 2)), &keys));
    assert_span_equal(SPAN_OF(keys.receipt_key), vec_hex(v, "receipt_key"));
    assert_span_equal(SPAN_OF(keys.keys[0]), vec_hex(v, "K_ENC"));
    assert_span_equal(SPAN_OF(keys.keys[1]), vec_hex(v, "K_MAC"));
    assert_span_equal(SPAN_OF(keys.keys[2]), vec_hex(v, "K_DEK"));
}

static void exchange_recomputes(void **state)
{
    const json_t *v = vector_of(state), *checks = json_object_get(v, "checks");
    if (checks && !json_is_true(json_object_get(v, "verified_all_steps")))
        skip(); /* a log whose parts come from different runs */
    check(v);
}

static void fact_book_exchange_recomputes(void **state) { check(*state); }

int main(void)
{
    const char *path = shared_path(PATH);
    if (!path)
        return run_vectors(NULL, NULL, exchange_recomputes);
    json_t *root = file_json(path);
    pk_dp = vec_hex(root, "PK_DP");
    const struct CMUnitTest tests[] = {
        { "fact book", fact_book_exchange_recomputes, NULL, NULL, json_object_get(root, "real_fact_book") },
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed : run_vectors(path, "real", exchange_recomputes);
}
