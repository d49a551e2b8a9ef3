#include "lib/scp/scp80.h"
#include "tests/support/test.h"

static void packet_is_refused(void **state)
{
    const json_t *v = vector_of(state);
    WRITER_ON_STACK(plain, 256);
    if (vec_has(v, "udh_and_response_packet")) {
        struct scp80_header h = { .spi2 = vec_hex(v, "spi2").ptr[0], .kic = 0x15, .kid = 0x15 };
        struct scp80_keys k = { SPAN_NONE, vec_hex(v, "key_kid"), 0 };
        struct scp80_response r;
        assert_fails(scp80_response_unwrap(&h, span_from(vec_hex(v, "udh_and_response_packet"), 3), &k, &plain, &r),
                     ERR_VERIFY);
        return;
    }
    bool has_keys = vec_has(v, "key_kic");
    struct scp80_keys k = { has_keys ? vec_hex(v, "key_kic") : SPAN_NONE, has_keys ? vec_hex(v, "key_kid") : SPAN_NONE,
                            0 };
    struct scp80_header h;
    struct span data;
    assert_fails(scp80_command_unwrap(SCP80_SMS, vec_hex(v, "command_packet"), &k, &plain, &h, &data),
                 has_keys ? ERR_VERIFY : ERR_TRUNCATED);
}

int main(void) { return run_vectors(shared_path("data/vectors/scp80_negative.json"), NULL, packet_is_refused); }
