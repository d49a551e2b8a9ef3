/* Triple DES at work: a GlobalPlatform SCP02 session that another implementation recorded (scp02.json), recomputed with
 * lib/crypto alone. No card of SGP.02 speaks SCP02; operators' keys of that kind are what the cipher is here for. */
#include "lib/codec/writer.h"
#include "lib/crypto/des3.h"
#include "tests/support/test.h"

struct scp02 {
    uint8_t enc[16], mac[16];
    uint8_t chain[DES_BLOCK]; /* the last C-MAC */
    bool chained;
};

static void session_key(struct span key, uint16_t constant, struct span sequence, uint8_t ret[16])
{
    const uint8_t data[16] = { (uint8_t)(constant >> 8), (uint8_t)constant, sequence.ptr[0], sequence.ptr[1] };
    assert_ok(des3_cbc_encrypt(key, NULL, SPAN_OF(data), ret));
}

/* One octet 80, then 00 to a whole block. */
static void pad(struct writer *w)
{
    wr_u8(w, 0x80);
    wr_fill(w, 0x00, (DES_BLOCK - w->len % DES_BLOCK) % DES_BLOCK);
}

static void cryptogram(const struct scp02 *s, struct span first, struct span second, uint8_t ret[DES_BLOCK])
{
    uint8_t out[64];
    WRITER_ON_STACK(w, 64);
    wr_bytes(&w, first);
    wr_bytes(&w, second);
    pad(&w);
    assert_ok(des3_cbc_encrypt(SPAN_OF(s->enc), NULL, wr_span(&w), out));
    memcpy(ret, out + w.len - DES_BLOCK, DES_BLOCK);
}

/* Single DES: triple DES whose keys are all the same. */
static void single_des(const uint8_t key[DES_BLOCK], const uint8_t iv[DES_BLOCK], struct span in, uint8_t *out)
{
    uint8_t twice[2 * DES_BLOCK];
    memcpy(twice, key, DES_BLOCK);
    memcpy(twice + DES_BLOCK, key, DES_BLOCK);
    assert_ok(des3_cbc_encrypt(SPAN_OF(twice), iv, in, out));
}

/* The retail MAC (ISO 9797-1, algorithm 3); the start is the last MAC, enciphered. */
static void command_mac(struct scp02 *s, struct span header_and_data)
{
    uint8_t out[300], start[DES_BLOCK] = { 0 };
    WRITER_ON_STACK(w, 300);
    wr_bytes(&w, header_and_data);
    pad(&w);
    if (s->chained)
        single_des(s->mac, start, SPAN_OF(s->chain), start);
    const uint8_t *last_start = start;
    if (w.len > DES_BLOCK) {
        single_des(s->mac, start, (struct span){ w.buf, w.len - DES_BLOCK }, out);
        last_start = out + w.len - 2 * DES_BLOCK;
    }
    assert_ok(
        des3_cbc_encrypt(SPAN_OF(s->mac), last_start, (struct span){ w.buf + w.len - DES_BLOCK, DES_BLOCK }, s->chain));
    s->chained = true;
}

/* A command without its MAC, as it is sent. */
static void wrapped_is(struct scp02 *s, struct span plain, struct span want)
{
    WRITER_ON_STACK(w, 300);
    size_t lc = plain.len > 5 ? plain.ptr[4] : 0;
    const uint8_t header[] = { 0x84, plain.ptr[1], plain.ptr[2], plain.ptr[3], (uint8_t)(lc + DES_BLOCK) };
    wr_bytes(&w, SPAN_OF(header));
    wr_bytes(&w, span_sub(plain, 5, lc));
    command_mac(s, wr_span(&w));
    wr_bytes(&w, SPAN_OF(s->chain));
    size_t before_le = lc ? 5 + lc : 4;
    wr_bytes(&w, span_from(plain, before_le));
    assert_span_equal(wr_span(&w), want);
}

static void the_session_is_recomputed(void **state)
{
    const json_t *v = json_array_get(json_object_get(*state, "vectors"), 0), *pair;
    struct span answer = vec_hex(v, "initialize_update_response"), challenge = vec_hex(v, "host_challenge");
    struct span sequence = span_sub(answer, 12, 2), card = span_sub(answer, 12, 8); /* with the card challenge */
    struct scp02 s = { .chained = false };
    uint8_t got[DES_BLOCK];
    size_t i;
    session_key(vec_hex(v, "key_enc"), 0x0182, sequence, s.enc);
    session_key(vec_hex(v, "key_mac"), 0x0101, sequence, s.mac);
    cryptogram(&s, challenge, card, got);
    assert_span_equal(SPAN_OF(got), span_from(answer, 20));
    cryptogram(&s, card, challenge, got);
    struct span authenticate = vec_hex(v, "external_authenticate");
    assert_span_equal(SPAN_OF(got), span_sub(authenticate, 5, DES_BLOCK));
    command_mac(&s, span_sub(authenticate, 0, 5 + DES_BLOCK));
    assert_span_equal(SPAN_OF(s.chain), span_from(authenticate, 5 + DES_BLOCK));
    json_array_foreach(json_object_get(v, "wrapped"), i, pair) wrapped_is(
        &s, hex_lit(json_string_value(json_array_get(pair, 0))), hex_lit(json_string_value(json_array_get(pair, 1))));
    assert_int_equal(i, 4);
}

int main(void)
{
    const char *path = shared_path("data/vectors/scp02.json");
    if (!path)
        return TEST_SKIPPED;
    const struct CMUnitTest tests[] = { cmocka_unit_test_prestate(the_session_is_recomputed, file_json(path)) };
    return cmocka_run_group_tests_name("triple DES in SCP02", tests, NULL, NULL);
}
