/* Real downloads to a real card: our card end reproduces each answer of the card, our server end each command. */
#include "scp03_case.h"

#include "lib/crypto/sha256.h"

#define STREAM_MAX 65536

static uint8_t stream_memory[STREAM_MAX];
static json_t *root;

static const json_t *script_at(const json_t *v, size_t i) { return json_array_get(json_object_get(v, "scripts"), i); }
static size_t script_count(const json_t *v) { return json_array_size(json_object_get(v, "scripts")); }

static size_t count_data(const json_t *v)
{
    size_t n = 0;
    for (size_t i = 0; i < script_count(v); i++) {
        struct ram_reader r;
        struct ram_item item;
        ram_commands_open(&r, vec_hex(script_at(v, i), "command"));
        while (ram_commands_next(&r, &item))
            n += item.tag == SCP03T_DATA;
    }
    return n;
}

static void the_card_answers_as_the_real_one(void **state)
{
    const json_t *v = vector_of(state), *answers = json_object_get(v, "responses_with_data");
    struct writer stream = wr_of(stream_memory, sizeof stream_memory);
    struct case_card card = { .keys = case_keys(v),
                              .has_keys = true,
                              .counter = case_counter(v),
                              .stream = &stream,
                              .aid = case_aid(json_string_value(json_array_get(json_object_get(v, "targeted"), 0))) };
    if (json_array_size(answers)) {
        card.last_answer = vec_hex(json_array_get(answers, 0), "plain");
        card.data_left = count_data(v);
    } else {
        card.data_left = SIZE_MAX;
    }
    for (size_t i = 0; i < script_count(v); i++) {
        if (!vec_has(script_at(v, i), "response"))
            continue;
        WRITER_ON_STACK(out, 2048);
        case_card_script(&card, vec_hex(script_at(v, i), "command"), &out);
        assert_span_equal(wr_span(&out), vec_hex(script_at(v, i), "response"));
    }
    if (!vec_has(v, "profile_stream_sha256"))
        return;
    uint8_t digest[SHA256_LEN];
    assert_ok(sha256(wr_span(&stream), digest));
    assert_span_equal(SPAN_OF(digest), vec_hex(v, "profile_stream_sha256"));
}

/* The server end: same commands from the plain stream. */
static void the_server_sends_the_recorded_commands(void **state)
{
    const json_t *v = vector_of(state);
    struct span aid = case_aid(json_string_value(json_array_get(json_object_get(v, "targeted"), 0)));
    struct scp03_keys k = case_keys(v);
    struct scp03_session server, card;
    struct span hc = vec_hex(v, "host_challenge");
    WRITER_ON_STACK(initiation, 64);
    assert_ok(scp03t_open_card(&k, case_counter(v), aid, hc.ptr, &card, &initiation));
    assert_ok(scp03t_open_host(&k, hc.ptr, span_from(wr_span(&initiation), 2), aid, &server));
    for (size_t i = 0; i < script_count(v); i++) {
        struct ram_reader r;
        struct ram_item item;
        ram_commands_open(&r, vec_hex(script_at(v, i), "command"));
        while (ram_commands_next(&r, &item)) {
            WRITER_ON_STACK(w, SCP03T_TLV_MAX);
            WRITER_ON_STACK(plain, SCP03T_TLV_MAX);
            struct span data;
            if (item.tag == SCP03T_INITIALIZE_UPDATE) {
                scp03t_initialize_update_write(&w, k.kvn, hc.ptr);
            } else if (item.tag == SCP03T_EXTERNAL_AUTHENTICATE) {
                assert_ok(scp03t_external_authenticate_write(&server, &w));
                assert_ok(scp03t_external_authenticate_check(&card, item.raw));
            } else {
                assert_ok(scp03t_unwrap(&card, item.raw, &plain, &data));
                assert_ok(scp03t_wrap(&server, data, &w));
            }
            if (item.tag != SCP03T_INITIALIZE_UPDATE || item.value.ptr[0] == k.kvn)
                assert_span_equal(wr_span(&w), item.raw);
        }
    }
}

static void refused_sessions_are_refused(void **state)
{
    const json_t *v = vector_of(state);
    struct case_card card = { .counter = 1, .data_left = SIZE_MAX }; /* no keys: as in the recorded sessions */
    if (!strstr(vec_text(v, "explained"), "without keys"))
        skip();
    for (size_t i = 0; i < script_count(v); i++) {
        if (!vec_has(script_at(v, i), "response"))
            continue;
        WRITER_ON_STACK(out, 256);
        case_card_script(&card, vec_hex(script_at(v, i), "command"), &out);
        assert_span_equal(wr_span(&out), vec_hex(script_at(v, i), "response"));
    }
}

/* The one session the fact book prints: its commands' MACs and its last answer. */
static void fact_book_session_verifies(void **state)
{
    (void)state;
    const json_t *v = json_object_get(root, "real_fact_book"), *blocks = json_object_get(v, "blocks");
    struct scp03_keys k = case_keys(v);
    struct scp03_session card, server;
    WRITER_ON_STACK(w, 64);
    assert_ok(scp03t_open_card(&k, case_counter(v), vec_hex(v, "aid"), vec_hex(v, "host_challenge").ptr, &card, &w));
    assert_span_equal(SPAN_OF(card.card_challenge), vec_hex(v, "card_challenge"));
    assert_span_equal(SPAN_OF(card.card_cryptogram), vec_hex(v, "card_cryptogram"));
    assert_span_equal(SPAN_OF(card.host_cryptogram), vec_hex(v, "host_cryptogram"));
    assert_span_equal(((struct span){ card.s_enc, 16 }), vec_hex(v, "S_ENC"));
    assert_span_equal(((struct span){ card.s_mac, 16 }), vec_hex(v, "S_MAC"));
    assert_span_equal(((struct span){ card.s_rmac, 16 }), vec_hex(v, "S_RMAC"));
    assert_ok(scp03t_external_authenticate_check(&card, vec_hex(v, "cmd_85")));
    for (size_t i = 0; i < json_array_size(blocks); i++) {
        WRITER_ON_STACK(plain, 2048);
        struct span data;
        assert_ok(scp03t_unwrap(&card, hex_lit(json_string_value(json_array_get(blocks, i))), &plain, &data));
    }
    server = card; /* the same state on both ends */
    WRITER_ON_STACK(plain, 64);
    struct span answer, final = hex_lit("861892D41D5EE541E3283FEA1C37BDC091D4411FED39E079B9D6");
    assert_ok(scp03t_response_unwrap(&server, span_from(final, 2), &plain, &answer));
    assert_span_equal(answer, hex_lit("3007A0053003800100"));
}

int main(void)
{
    const char *path = shared_path("data/vectors/oncard-scp03.json");
    if (!path)
        return run_vectors(NULL, NULL, the_card_answers_as_the_real_one);
    root = file_json(path);
    const struct CMUnitTest tests[] = { cmocka_unit_test(fact_book_session_verifies) };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed = failed ? failed : run_vectors(path, "real_scp03t", the_card_answers_as_the_real_one);
    failed = failed ? failed : run_vectors(path, "real_scp03t", the_server_sends_the_recorded_commands);
    return failed ? failed : run_vectors(path, "real_scp03t_refused", refused_sessions_are_refused);
}
