/* Profile segments protected by another implementation of the same construction (bound profile packages): tag 86; and
 * its derivation of the session's keys from a shared secret, ANSI X9.63 as in key establishment. */
#include "lib/codec/writer.h"
#include "lib/crypto/kdf.h"
#include "lib/scp/scp03t.h"
#include "tests/support/test.h"

static void keys_are_as_recorded(const json_t *v)
{
    struct span host = vec_hex(v, "host_id"), eid = vec_hex(v, "eid");
    uint8_t keys[48];
    WRITER_ON_STACK(info, 80);
    wr_bytes(&info, vec_hex(v, "key_type"));
    wr_u8(&info, (uint8_t)json_integer_value(json_object_get(v, "key_length")));
    wr_u8(&info, (uint8_t)host.len);
    wr_bytes(&info, host);
    wr_u8(&info, (uint8_t)eid.len);
    wr_bytes(&info, eid);
    assert_ok(kdf_x963(vec_hex(v, "shared_secret"), wr_span(&info), keys, sizeof keys));
    assert_span_equal(span_sub(SPAN_OF(keys), 0, 16), vec_hex(v, "initial_mac_chaining"));
    assert_span_equal(span_sub(SPAN_OF(keys), 16, 16), vec_hex(v, "s_enc"));
    assert_span_equal(span_sub(SPAN_OF(keys), 32, 16), vec_hex(v, "s_mac"));
}

static void segments_are_as_recorded(void **state)
{
    const json_t *v = vector_of(state), *steps = json_object_get(v, "steps");
    if (!strcmp(vec_text(v, "type"), "kdf")) {
        keys_are_as_recorded(v);
        return;
    }
    struct scp03_session host = { .state = SCP03_OPEN, .level = SCP03_LEVEL_FULL, .key_len = 16 };
    memcpy(host.s_enc, vec_hex(v, "s_enc").ptr, 16);
    memcpy(host.s_mac, vec_hex(v, "s_mac").ptr, 16);
    memcpy(host.chain, vec_hex(v, "mcv").ptr, 16);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        if (strcmp(vec_text(step, "op"), "encrypt+mac") || strcmp(vec_text(step, "tag"), "86"))
            return; /* tags that SCP03t has not */
        WRITER_ON_STACK(w, SCP03T_TLV_MAX);
        WRITER_ON_STACK(plain, SCP03T_TLV_MAX);
        struct scp03_session card = host;
        struct span data;
        assert_ok(scp03t_wrap(&host, vec_hex(step, "plain"), &w));
        assert_span_equal(wr_span(&w), vec_hex(step, "output"));
        assert_ok(scp03t_unwrap(&card, wr_span(&w), &plain, &data));
        assert_span_equal(data, vec_hex(step, "plain"));
    }
}

int main(void) { return run_vectors(shared_path("data/vectors/bsp_scp03t.json"), NULL, segments_are_as_recorded); }
