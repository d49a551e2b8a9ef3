/* APDU sessions of a real card, and the generated one: the card end reproduces each answer from the recovered plain
 * commands, the server end verifies them. */
#include "scp03_case.h"

/* R-APDU of a good step in the clear: status word alone unless the vector says more. */
static struct rapdu plain_answer(const json_t *step)
{
    struct rapdu r = { .sw = SW_OK };
    static const char *const members[] = { "response_plain", "plain_response" };
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (vec_has(step, members[i]))
            r.data = vec_hex(step, members[i]);
    return r;
}

static void check_wrapped(const json_t *step, struct span bytes, struct scp03_session *card, struct scp03_session *host)
{
    struct capdu c, back;
    struct rapdu got, want = plain_answer(step);
    WRITER_ON_STACK(scratch, 1024);
    WRITER_ON_STACK(w, 1024);
    assert_ok(capdu_parse(bytes, &c));
    assert_ok(scp03_unwrap(card, &c, &scratch, &back));
    if (vec_has(step, "plain"))
        assert_span_equal(back.data, vec_hex(step, "plain"));
    assert_ok(scp03_wrap(host, &back, &w));
    assert_span_equal(wr_span(&w), bytes);
    if (!vec_has(step, "r_apdu"))
        return;
    struct span answer = vec_hex(step, "r_apdu");
    assert_ok(scp03_response_unwrap(host, answer, &scratch, &got));
    if (got.sw != SW_OK)
        return;
    if (want.data.len)
        assert_span_equal(got.data, want.data);
    w.len = 0;
    assert_ok(scp03_response_wrap(card, &got, &w));
    assert_span_equal(wr_span(&w), answer);
}

static void session_is_reproduced(void **state)
{
    const json_t *v = vector_of(state), *steps = json_object_get(v, "steps");
    if (!json_array_size(steps))
        return; /* an SCP03t session */
    struct scp03_keys k = case_keys(v);
    struct span aid = vec_hex(v, vec_has(v, "aid") ? "aid" : "target");
    struct scp03_session card = { 0 }, host = { 0 };
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        struct span bytes = vec_hex(step, "c_apdu");
        struct capdu c;
        WRITER_ON_STACK(w, 64);
        assert_ok(capdu_parse(bytes, &c));
        if (c.ins == INS_INITIALIZE_UPDATE) {
            struct rapdu r;
            struct scp03_initiation in;
            assert_ok(rapdu_parse(vec_hex(step, "r_apdu"), &r));
            assert_ok(scp03_initiation_parse(r.data, &in));
            assert_ok(scp03_open_card(&k, in.sequence_counter, aid, c.data, &card, &w));
            assert_span_equal(wr_span(&w), r.data);
            assert_ok(scp03_open_host(&k, c.data.ptr, r.data, aid, &host));
        } else if (json_is_false(json_object_get(step, "host_cryptogram_ok"))) { /* the card said 6982, then 6985 */
            assert_fails(scp03_external_authenticate_check(&card, &c), ERR_VERIFY);
        } else if (json_is_false(json_object_get(step, "mac_ok"))) {
            assert_fails(scp03_unwrap(&card, &c, &w, &c), ERR_STATE);
        } else if (c.ins == INS_EXTERNAL_AUTHENTICATE) {
            assert_ok(scp03_external_authenticate_write(&host, c.p1, &w));
            assert_span_equal(wr_span(&w), span_sub(bytes, 0, w.len)); /* some senders append Le */
            assert_ok(scp03_external_authenticate_check(&card, &c));
        } else {
            check_wrapped(step, bytes, &card, &host);
        }
    }
}

int main(void)
{
    const char *path = shared_path("data/vectors/oncard-scp03.json");
    int failed = run_vectors(path, "generated", session_is_reproduced);
    return failed ? failed : run_vectors(path, "real_scp03_apdu", session_is_reproduced);
}
