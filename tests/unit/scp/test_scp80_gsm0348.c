/* Packets of another project's data set: single DES to AES-256, CC of 4 and 8 octets, CRC32, PoRs of real cards. */
#include "lib/scp/scp80.h"
#include "tests/support/test.h"

static void check_command(const json_t *v, const struct scp80_keys *k)
{
    struct reader spi = rd_of(vec_hex(v, "spi")), counter = rd_of(vec_hex(v, "cntr"));
    struct scp80_header h = { .spi1 = rd_u8(&spi),
                              .spi2 = rd_u8(&spi),
                              .kic = vec_hex(v, "kic_byte").ptr[0],
                              .kid = vec_hex(v, "kid_byte").ptr[0],
                              .counter = rd_u40(&counter) },
                        back;
    struct span data;
    WRITER_ON_STACK(w, 512);
    WRITER_ON_STACK(plain, 512);
    memcpy(h.tar, vec_hex(v, "tar").ptr, 3);
    assert_ok(scp80_command_wrap(&h, k, vec_hex(v, "secured_data"), &w));
    assert_span_equal(wr_span(&w), vec_hex(v, "command_packet"));
    assert_ok(scp80_command_unwrap(SCP80_SMS, vec_hex(v, "command_packet"), k, &plain, &back, &data));
    assert_span_equal(data, vec_hex(v, "secured_data"));
    assert_int_equal(back.counter, h.counter);
}

static void check_response(const json_t *v, const struct scp80_keys *k)
{
    struct scp80_header h = { .spi2 = 0x01, .kic = 0x12, .kid = 0x12 };
    struct scp80_response r;
    struct reader counter = rd_of(vec_hex(v, "cntr"));
    WRITER_ON_STACK(plain, 256);
    assert_string_equal(vec_text(v, "por_security"), "NO_SECURITY");
    assert_ok(scp80_response_unwrap(&h, vec_hex(v, "response_packet_after_udh"), k, &plain, &r));
    assert_int_equal(r.counter, rd_u40(&counter));
    assert_int_equal(r.status, vec_hex(v, "status").ptr[0]);
    assert_span_equal(r.data, vec_hex(v, "additional_data"));
    assert_memory_equal(r.tar, vec_hex(v, "tar").ptr, 3);
}

static void packet_is_as_recorded(void **state)
{
    const json_t *v = vector_of(state);
    struct scp80_keys k = { vec_hex(v, "key_kic"), vec_hex(v, "key_kid"), 0 };
    if (!strcmp(vec_text(v, "type"), "response")) {
        check_response(v, &k);
        return;
    }
    k.cc_len = (uint8_t)json_integer_value(json_object_get(v, "cc_length"));
    check_command(v, &k);
}

int main(void) { return run_vectors(shared_path("data/vectors/scp80_gsm0348.json"), NULL, packet_is_as_recorded); }
