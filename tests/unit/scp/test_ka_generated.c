/* Key establishments with every input known: the card end's answers, the server end's commands, keys and receipt. */
#include "ka_card.h"

static enum ec_curve curve_of(const json_t *v)
{
    return strstr(vec_text(v, "curve"), "brain") ? EC_BRAINPOOL_P256R1 : EC_P256;
}
static struct span opt(const json_t *o, const char *m) { return vec_has(o, m) ? vec_hex(o, m) : SPAN_NONE; }
static struct span key_of(const json_t *inputs, const char *who, const char *part)
{
    const json_t *pair = json_object_get(inputs, who);
    return vec_hex(pair ? pair : json_object_get(inputs, "SR"), part);
}

static struct ka_parameters parameters_of(const json_t *in)
{
    return (struct ka_parameters){ .parameters = vec_hex(in, "scenario_parameter").ptr[0],
                                   .usage = vec_hex(in, "key_usage").ptr[0],
                                   .key_type = vec_hex(in, "key_type").ptr[0],
                                   .key_len = 16,
                                   .kid = 1,
                                   .kvn = vec_hex(in, "key_version").ptr[0],
                                   .host_id = ka_id_of(opt(in, "host_id")),
                                   .sdin = ka_id_of(opt(in, "SDIN")),
                                   .sin = ka_id_of(opt(in, "SIN")) };
}

static void check_card(const json_t *v, struct ka_card *card)
{
    const json_t *in = json_object_get(v, "inputs"), *steps = json_object_get(v, "steps");
    card->curve = curve_of(v);
    card->pk_ci = key_of(in, "CI", "public");
    card->sk_ecasd = key_of(in, "ECASD", "private");
    card->rc = vec_hex(in, "RC");
    card->dr = opt(in, "DR");
    card->role = strstr(vec_text(v, "target"), "ISD-R") ? 2 : 1;
    card->sin = ka_id_of(opt(in, "SIN"));
    card->sdin = ka_id_of(opt(in, "SDIN"));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        WRITER_ON_STACK(out, 256);
        ka_card_apdu(card, vec_hex(step, "c_apdu"), &out);
        assert_span_equal(wr_span(&out), vec_hex(step, "r_apdu"));
    }
}

static void reload(struct ka_host *h)
{
    WRITER_ON_STACK(w, KA_HOST_STORED_MAX);
    struct ka_host again;
    ka_host_write(&w, h);
    assert_int_equal(w.err, ERR_NONE);
    assert_ok(ka_host_read(wr_span(&w), &again));
    assert_fails(ka_host_read(span_sub(wr_span(&w), 0, w.len - 1), &again), ERR_TRUNCATED);
    assert_ok(ka_host_read(wr_span(&w), &again));
    *h = again;
}

static void check_server(const json_t *v, const struct ka_card *card)
{
    const json_t *in = json_object_get(v, "inputs"), *mid = json_object_get(v, "intermediate"),
                 *steps = json_object_get(v, "steps");
    struct ka_parameters p = parameters_of(in);
    struct ka_host h;
    struct ka_keys k;
    struct rapdu last;
    WRITER_ON_STACK(w, KA_COMMAND_MAX);
    bool naked = strstr(vec_text(v, "name"), "naked"); /* the old form: ours is the new one */
    struct span crt = vec_hex(mid, "crt_A6");
    assert_ok(ka_host_init(&p, (uint8_t)card->curve, key_of(in, "ephemeral", "private").ptr,
                           key_of(in, "ephemeral", "public").ptr, &h));
    assert_span_equal(((struct span){ h.crt, h.crt_len }), crt);
    reload(&h);
    ka_host_to_be_signed(&w, &h, vec_hex(in, "RC"));
    if (!naked)
        assert_span_equal(wr_span(&w), vec_hex(mid, "to_be_signed_3A02"));
    assert_ok(rapdu_parse(vec_hex(json_array_get(steps, json_array_size(steps) - 1), "r_apdu"), &last));
    assert_ok(ka_host_finish(&h, key_of(in, "ECASD", "public"), last.data, &k));
    assert_memory_equal(&k, &card->keys, sizeof k);

    uint8_t answer[64];
    memcpy(answer, last.data.ptr, last.data.len);
    answer[last.data.len - 1] ^= 1;
    assert_fails(ka_host_finish(&h, key_of(in, "ECASD", "public"), (struct span){ answer, last.data.len }, &k),
                 ERR_VERIFY);
    assert_fails(ka_host_finish(&h, key_of(in, "CI", "public"), last.data, &k), ERR_VERIFY); /* another eUICC */
}

static void establishment_is_as_generated(void **state)
{
    const json_t *v = vector_of(state), *keys = json_object_get(json_object_get(v, "outputs"), "keys");
    struct ka_card card = { 0 };
    check_card(v, &card);
    assert_span_equal(SPAN_OF(card.keys.receipt_key), vec_hex(json_object_get(v, "intermediate"), "receipt_key"));
    assert_int_equal(card.keys.count, json_object_size(keys));
    size_t i = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)keys, name, value)
        assert_span_equal(SPAN_OF(card.keys.keys[i++]), hex_lit(json_string_value(value)));
    check_server(v, &card);
}

/* ---- broken CRTs and commands */

static void broken_crts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum err err;
    } rows[] = {
        { "A615 9002030B 950110 800188 810110 820101 830130 9100", ERR_NONE },
        { "A615 9002020B 950110 800188 810110 820101 830130 9100", ERR_BAD_VALUE }, /* scenario */
        { "A615 9002031B 950110 800188 810110 820101 830130 9100", ERR_BAD_VALUE }, /* unknown flag */
        { "A615 9002030B 950120 800188 810110 820101 830130 9100", ERR_BAD_VALUE }, /* usage */
        { "A615 9002030B 950110 800199 810110 820101 830130 9100", ERR_BAD_VALUE }, /* type */
        { "A615 9002030B 950110 800188 810120 820101 830130 9100", ERR_BAD_VALUE }, /* length */
        { "A613 9002030B 950110 800188 810110 820101 830130", ERR_MISSING },        /* counter */
        { "A618 9002030B 950110 800188 810110 820101 830130 830131 9100", ERR_BAD_TAG },
        { "A615 9002030F 950110 800188 810110 820101 830130 9100", ERR_MISSING }, /* Host ID announced */
        { "A615 9002030B 950110 800188 810110 820101 830130", ERR_BAD_LENGTH },
        { "A715 9002030B 950110 800188 810110 820101 830130 9100", ERR_BAD_TAG },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ka_parameters p;
        assert_fails(ka_crt_parse(hex_lit(rows[i].hex), &p), rows[i].err);
    }
}

static void broken_answers_are_refused(void **state)
{
    (void)state;
    struct span dr, receipt, rc;
    assert_fails(ka_challenge_parse(hex_lit("850F000102030405060708090A0B0C0D0E"), &rc), ERR_BAD_LENGTH);
    assert_fails(ka_challenge_parse(hex_lit(""), &rc), ERR_MISSING);
    assert_fails(ka_challenge_parse(hex_lit("8610000102030405060708090A0B0C0D0E0F"), &rc), ERR_BAD_TAG);
    assert_ok(ka_challenge_parse(hex_lit("8510000102030405060708090A0B0C0D0E0F"), &rc));
    assert_fails(ka_answer_parse(hex_lit("8510000102030405060708090A0B0C0D0E0F"), &dr, &receipt), ERR_MISSING);
    assert_fails(ka_answer_parse(hex_lit("860F000102030405060708090A0B0C0D0E"), &dr, &receipt), ERR_BAD_LENGTH);
    struct ka_command c;
    assert_fails(ka_command_parse(hex_lit("3A0202A600"), &c), ERR_MISSING);
    assert_fails(ka_command_parse(hex_lit("3A0102A600 7F4900 5F3700"), &c), ERR_BAD_TAG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_crts_are_refused),
        cmocka_unit_test(broken_answers_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed
                  : run_vectors(shared_path("data/vectors/oncard-keyagreement.json"), "generated",
                                establishment_is_as_generated);
}
