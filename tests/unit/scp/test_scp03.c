/* SCP03 sessions of another implementation: AES-128, 192, 256, levels 11 and 03, commands with and without data. */
#include "lib/scp/scp03.h"
#include "tests/support/test.h"

static struct scp03_keys keys_of(const json_t *v)
{
    struct scp03_keys k = { .kvn = vec_hex(v, "kvn").ptr[0], .key_len = (uint8_t)vec_hex(v, "key_enc").len };
    memcpy(k.enc, vec_hex(v, "key_enc").ptr, k.key_len);
    memcpy(k.mac, vec_hex(v, "key_mac").ptr, k.key_len);
    memcpy(k.dek, vec_hex(v, "key_dek").ptr, k.key_len);
    return k;
}

/* Bare data of the vectors as R-APDU. */
static struct span with_sw(struct span data, struct writer *w)
{
    wr_bytes(w, data);
    wr_u16(w, SW_OK);
    return wr_span(w);
}

static void check_step(const json_t *step, struct scp03_session *host, struct scp03_session *card)
{
    struct capdu plain, wrapped, back;
    WRITER_ON_STACK(w, 128);
    WRITER_ON_STACK(scratch, 128);
    assert_ok(capdu_parse(vec_hex(step, "plain"), &plain));
    assert_ok(scp03_wrap(host, &plain, &w));
    assert_span_equal(wr_span(&w), vec_hex(step, "wrapped"));
    assert_ok(capdu_parse(wr_span(&w), &wrapped));
    assert_ok(scp03_unwrap(card, &wrapped, &scratch, &back));
    assert_int_equal(back.cla, plain.cla);
    assert_span_equal(back.data, plain.data);
    if (!vec_has(step, "wrapped_response"))
        return;
    WRITER_ON_STACK(answer, 128);
    WRITER_ON_STACK(want, 128);
    struct rapdu r = { vec_hex(step, "plain_response"), SW_OK }, got;
    assert_ok(scp03_response_wrap(card, &r, &answer));
    assert_span_equal(wr_span(&answer), with_sw(vec_hex(step, "wrapped_response"), &want));
    assert_ok(scp03_response_unwrap(host, wr_span(&answer), &scratch, &got));
    assert_span_equal(got.data, r.data);
}

static void session_is_as_recorded(void **state)
{
    const json_t *v = vector_of(state), *sequence = json_object_get(v, "sequence");
    struct scp03_keys k = keys_of(v);
    struct scp03_session host, card;
    struct capdu iu, ea;
    WRITER_ON_STACK(w, 64);
    assert_ok(capdu_parse(vec_hex(v, "initialize_update"), &iu));
    scp03_initialize_update_write(&w, k.kvn, iu.data.ptr);
    assert_span_equal(wr_span(&w), vec_hex(v, "initialize_update"));
    assert_ok(scp03_open_host(&k, iu.data.ptr, vec_hex(v, "initialize_update_response"), SPAN_NONE, &host));
    card = host;
    w.len = 0;
    assert_ok(scp03_external_authenticate_write(&host, vec_hex(v, "security_level").ptr[0], &w));
    assert_span_equal(wr_span(&w), vec_hex(v, "external_authenticate"));
    assert_ok(capdu_parse(wr_span(&w), &ea));
    assert_ok(scp03_external_authenticate_check(&card, &ea));
    for (size_t i = 0; i < json_array_size(sequence); i++)
        check_step(json_array_get(sequence, i), &host, &card);
}

static void a_stored_session_must_be_whole(void **state)
{
    (void)state;
    struct scp03_session s = { .state = SCP03_OPEN, .key_len = 16, .counter = 0x123456789A }, back;
    WRITER_ON_STACK(w, SCP03_SESSION_STORED_MAX);
    scp03_session_write(&w, &s);
    assert_ok(scp03_session_read(wr_span(&w), &back));
    assert_int_equal(back.counter, s.counter);
    assert_fails(scp03_session_read(span_sub(wr_span(&w), 0, w.len - 1), &back), ERR_TRUNCATED);
    w.buf[0] = 9;
    assert_fails(scp03_session_read(wr_span(&w), &back), ERR_BAD_VALUE);
}

static void large_commands_are_extended(void **state)
{
    (void)state;
    static uint8_t data[600], room[800], scratch_memory[800];
    struct scp03_keys k = { .kvn = 0x30, .key_len = 16 };
    const uint8_t challenge[8] = { 0 };
    struct scp03_session host, card;
    struct capdu c = { 0x80, INS_STORE_DATA, 0x88, 0, SPAN_OF(data), 0, false }, wrapped, back, ea;
    struct writer w = wr_of(room, sizeof room), scratch = wr_of(scratch_memory, sizeof scratch_memory);
    assert_ok(scp03_session_derive(&k, challenge, challenge, &host));
    card = host;
    assert_ok(scp03_external_authenticate_write(&host, SCP03_LEVEL_FULL, &w));
    assert_ok(capdu_parse(wr_span(&w), &ea));
    assert_ok(scp03_external_authenticate_check(&card, &ea));
    w.len = 0;
    assert_ok(scp03_wrap(&host, &c, &w));
    assert_ok(capdu_parse(wr_span(&w), &wrapped));
    assert_true(wrapped.extended);
    assert_ok(scp03_unwrap(&card, &wrapped, &scratch, &back));
    assert_span_equal(back.data, SPAN_OF(data));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stored_session_must_be_whole),
        cmocka_unit_test(large_commands_are_extended),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed : run_vectors(shared_path("data/vectors/scp03.json"), NULL, session_is_as_recorded);
}
