/* Generated sessions: every command and answer, both ends; a session stored and reloaded in the middle goes on. */
#include "scp03_case.h"

static void reload(struct scp03_session *s)
{
    WRITER_ON_STACK(w, SCP03_SESSION_STORED_MAX);
    struct scp03_session again;
    scp03_session_write(&w, s);
    assert_int_equal(w.err, ERR_NONE);
    scp03_session_close(s);
    assert_ok(scp03_session_read(wr_span(&w), &again));
    *s = again;
}

static void check_keys(const json_t *v, const struct scp03_session *s)
{
    assert_span_equal(((struct span){ s->s_enc, 16 }), vec_hex(v, "S_ENC"));
    assert_span_equal(((struct span){ s->s_mac, 16 }), vec_hex(v, "S_MAC"));
    assert_span_equal(((struct span){ s->s_rmac, 16 }), vec_hex(v, "S_RMAC"));
    assert_span_equal(SPAN_OF(s->card_cryptogram), vec_hex(v, "card_cryptogram"));
    assert_span_equal(SPAN_OF(s->host_cryptogram), vec_hex(v, "host_cryptogram"));
}

static void check_data(const json_t *list, struct scp03_session *host, struct scp03_session *card)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *c = json_array_get(list, i);
        WRITER_ON_STACK(w, SCP03T_TLV_MAX);
        WRITER_ON_STACK(plain, SCP03T_TLV_MAX);
        struct span data;
        assert_ok(scp03t_wrap(host, vec_hex(c, "plain"), &w));
        assert_span_equal(wr_span(&w), vec_hex(c, "tlv"));
        assert_span_equal(SPAN_OF(host->chain), vec_hex(c, "cmac"));
        assert_ok(scp03t_unwrap(card, wr_span(&w), &plain, &data));
        assert_span_equal(data, vec_hex(c, "plain"));
        reload(host);
        reload(card);
    }
}

static void check_replacement(const json_t *v, struct scp03_session *host, struct scp03_session *card)
{
    const json_t *r = json_object_get(v, "replace");
    struct scp03t_replacement n = { .has_chain = true };
    WRITER_ON_STACK(w, 128);
    WRITER_ON_STACK(plain, 128);
    struct span data;
    memcpy(n.chain, vec_hex(r, "initial_chaining_value").ptr, 16);
    memcpy(n.enc, vec_hex(r, "PPK_ENC").ptr, 16);
    memcpy(n.mac, vec_hex(r, "PPK_MAC").ptr, 16);
    memcpy(n.rmac, vec_hex(r, "PPK_RMAC").ptr, 16);
    assert_ok(scp03t_replace_keys_write(host, &n, &w));
    assert_span_equal(wr_span(&w), vec_hex(json_object_get(v, "command_87"), "tlv"));
    assert_ok(scp03t_unwrap(card, wr_span(&w), &plain, &data));
    assert_ok(scp03t_replace_keys(card, data));
    check_data(json_object_get(v, "commands_86_with_new_keys"), host, card);
}

static void check_answer(const json_t *r, struct scp03_session *host, struct scp03_session *card)
{
    WRITER_ON_STACK(w, 128);
    WRITER_ON_STACK(plain, 128);
    struct span data;
    assert_ok(scp03t_response_wrap(card, vec_hex(r, "plain"), &w));
    assert_span_equal(wr_span(&w), vec_hex(r, "tlv"));
    assert_ok(scp03t_response_unwrap(host, span_from(wr_span(&w), 2), &plain, &data));
    assert_span_equal(data, vec_hex(r, "plain"));
    for (size_t bit = 16; bit < 8 * w.len; bit++) { /* behind tag and length */
        plain.len = 0;
        w.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_fails(scp03t_response_unwrap(host, span_from(wr_span(&w), 2), &plain, &data), ERR_VERIFY);
        w.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void session_is_as_generated(void **state)
{
    const json_t *v = vector_of(state);
    if (!vec_has(v, "cmd_84"))
        return; /* the APDU session: test_scp03_cards */
    struct scp03_keys k = case_keys(v);
    struct scp03_session host, card;
    struct span hc = vec_hex(v, "host_challenge");
    WRITER_ON_STACK(w, 64);
    scp03t_initialize_update_write(&w, 0x30, hc.ptr);
    assert_span_equal(wr_span(&w), vec_hex(v, "cmd_84"));
    w.len = 0;
    assert_ok(scp03t_open_card(&k, case_counter(v), vec_hex(v, "aid"), hc.ptr, &card, &w));
    assert_span_equal(wr_span(&w), vec_hex(v, "resp_84"));
    assert_ok(scp03t_open_host(&k, hc.ptr, span_from(wr_span(&w), 2), vec_hex(v, "aid"), &host));
    check_keys(v, &host);
    check_keys(v, &card);
    w.len = 0;
    assert_ok(scp03t_external_authenticate_write(&host, &w));
    assert_span_equal(wr_span(&w), vec_hex(v, "cmd_85"));
    assert_ok(scp03t_external_authenticate_check(&card, wr_span(&w)));
    check_data(json_object_get(v, "commands_86"), &host, &card);
    if (vec_has(v, "replace"))
        check_replacement(v, &host, &card);
    if (vec_has(v, "response_data"))
        check_answer(json_object_get(v, "response_data"), &host, &card);
}

static void a_wrong_card_is_found_out(void **state)
{
    (void)state;
    struct scp03_keys k = { .kvn = 0x30, .key_len = 16 }, other = k;
    const uint8_t hc[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    struct span aid = hex_lit("A0000005591010FFFFFFFF8900001000");
    struct scp03_session card, host;
    WRITER_ON_STACK(w, 64);
    other.mac[0] ^= 1;
    assert_ok(scp03t_open_card(&other, 1, aid, hc, &card, &w));
    assert_fails(scp03t_open_host(&k, hc, span_from(wr_span(&w), 2), SPAN_NONE, &host), ERR_VERIFY);
    w.len = 0;
    assert_ok(scp03t_open_card(&k, 1, hex_lit("A0000005591010FFFFFFFF8900001100"), hc, &card, &w));
    assert_fails(scp03t_open_host(&k, hc, span_from(wr_span(&w), 2), aid, &host), ERR_VERIFY); /* another ISD-P */
    w.buf[2 + 12] = 0x60;                                                                      /* i */
    assert_fails(scp03t_open_host(&k, hc, span_from(wr_span(&w), 2), aid, &host), ERR_UNSUPPORTED);
    assert_fails(scp03t_open_host(&k, hc, span_sub(wr_span(&w), 2, 28), aid, &host), ERR_TRUNCATED);
}

static void calls_out_of_order_are_refused(void **state)
{
    (void)state;
    struct scp03_session s = { 0 };
    WRITER_ON_STACK(w, 64);
    struct span data;
    assert_fails(scp03t_wrap(&s, SPAN_LIT("x"), &w), ERR_CLOSED);
    assert_fails(scp03t_external_authenticate_write(&s, &w), ERR_STATE);
    assert_fails(scp03t_response_unwrap(&s, hex_lit("00112233445566778899AABBCCDDEEFF0011223344556677"), &w, &data),
                 ERR_CLOSED);
    assert_int_equal(w.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_card_is_found_out),
        cmocka_unit_test(calls_out_of_order_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed
                  : run_vectors(shared_path("data/vectors/oncard-scp03.json"), "generated", session_is_as_generated);
}
