/* Every ES5 command as secured SMS user data, and its PoR. */
#include "lib/scp/scp80.h"
#include "tests/support/test.h"

#define PATH "data/vectors/oncard-es5-scp80.json"
static struct span kic, kid;

static void packet_is_as_recorded(void **state)
{
    const json_t *v = vector_of(state);
    struct scp80_keys k = { kic, kid, 0 };
    struct reader spi = rd_of(vec_hex(v, "spi"));
    struct scp80_header h = { .spi1 = rd_u8(&spi),
                              .spi2 = rd_u8(&spi),
                              .kic = vec_hex(v, "kic").ptr[0],
                              .kid = vec_hex(v, "kid").ptr[0],
                              .counter = (uint64_t)json_integer_value(json_object_get(v, "counter")) },
                        back;
    struct span data, ud = vec_hex(v, "ud"), content;
    memcpy(h.tar, vec_hex(v, "tar").ptr, 3);
    content = vec_has(v, "script") ? vec_hex(v, "script") : vec_hex(v, "e1");
    WRITER_ON_STACK(w, 512);
    WRITER_ON_STACK(plain, 512);
    wr_bytes(&w, hex_lit("027000"));
    assert_ok(scp80_command_wrap(&h, &k, content, &w));
    assert_span_equal(wr_span(&w), ud);
    assert_ok(scp80_command_unwrap(SCP80_SMS, span_from(ud, 3), &k, &plain, &back, &data));
    assert_span_equal(data, content);
    if (!vec_has(v, "por_ud"))
        return;

    struct scp80_response r = { .counter = h.counter,
                                .status = vec_hex(v, "por_status").ptr[0],
                                .data = vec_hex(v, "r_script") },
                          got;
    memcpy(r.tar, h.tar, 3);
    w.len = 0;
    wr_bytes(&w, hex_lit("027100"));
    assert_ok(scp80_response_wrap(&h, &k, &r, &w));
    assert_span_equal(wr_span(&w), vec_hex(v, "por_ud"));
    assert_ok(scp80_response_unwrap(&h, span_from(vec_hex(v, "por_ud"), 3), &k, &plain, &got));
    assert_span_equal(got.data, r.data);
}

/* Packets that a real card took, and its plain PoRs. A sender's defect is named in the vector. */
static void real_packet_verifies(void **state)
{
    const json_t *v = vector_of(state);
    struct scp80_keys k = { kic, kid, 0 };
    struct scp80_header h;
    struct span data = SPAN_NONE;
    WRITER_ON_STACK(plain, 512);
    bool verified = json_is_true(json_object_get(v, "cc_verified"));
    struct reader cpl = rd_of(vec_hex(v, "CPL"));
    bool too_long =
        !verified && vec_hex(v, "ud").len - 3 > 2u + rd_u16(&cpl); /* octets beyond CPL: the card ignored them */
    verified |= too_long;
    enum err err = scp80_command_unwrap(SCP80_SMS, span_from(vec_hex(v, "ud"), 3), &k, &plain, &h, &data);
    assert_int_equal(err == ERR_NONE, verified);
    if (!verified) {
        assert_true(vec_has(v, "defect"));
        assert_int_equal(err, ERR_VERIFY);
        return;
    }
    struct reader counter = rd_of(vec_hex(v, "CNTR"));
    assert_span_equal(data, vec_hex(v, too_long ? "data_before_protection" : "data"));
    assert_int_equal(h.counter, rd_u40(&counter));

    const json_t *por = json_object_get(v, "por");
    if (!json_is_object(por) || !vec_has(por, "raw"))
        return;
    struct scp80_response r;
    assert_ok(scp80_response_unwrap(&h, span_from(vec_hex(por, "raw"), 3), &k, &plain, &r));
    assert_int_equal(r.counter, h.counter);
    assert_int_equal(r.status, SCP80_OK);
}

int main(void)
{
    const char *path = shared_path(PATH);
    if (!path)
        return run_vectors(NULL, NULL, packet_is_as_recorded);
    json_t *root = file_json(path);
    kic = vec_hex(root, "KIc");
    kid = vec_hex(root, "KID");
    int generated = run_vectors(path, "generated", packet_is_as_recorded);
    return generated ? generated : run_vectors(path, "real_sms", real_packet_verifies);
}
