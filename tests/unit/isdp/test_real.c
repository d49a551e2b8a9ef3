/* Profiles that real cards took over the air: recovered from the recorded sessions (with the library's AES alone) and
 * given to the interpreter, segment by segment as they came. It must say what the card said. */
#include "lib/crypto/openssl.h"
#include "rig.h"

#include "euicc/isdp/applications.h"

#define STREAM_MAX 16384u
#define TAG_86     0x86u

static void aes(const EVP_CIPHER *mode, struct span key, const uint8_t *iv, struct span in, uint8_t *out, int encrypt)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len = 0;
    assert_int_equal(EVP_CipherInit_ex(c, mode, NULL, key.ptr, iv, encrypt), 1);
    EVP_CIPHER_CTX_set_padding(c, 0);
    assert_int_equal(EVP_CipherUpdate(c, out, &len, in.ptr, (int)in.len), 1);
    EVP_CIPHER_CTX_free(c);
}

/* GlobalPlatform Amendment D: the IV is the encrypted counter; data end with 80 00… */
static struct span plain_of(struct span key, uint32_t counter, struct span value, uint8_t *out)
{
    uint8_t block[16] = { 0 }, iv[16];
    struct span encrypted = span_sub(value, 0, value.len - 8);
    for (unsigned i = 0; i < 4; i++)
        block[15 - i] = (uint8_t)(counter >> (8 * i));
    aes(EVP_aes_128_ecb(), key, NULL, SPAN_OF(block), iv, 1);
    aes(EVP_aes_128_cbc(), key, iv, encrypted, out, 0);
    size_t len = encrypted.len;
    while (len && out[len - 1] == 0)
        len--;
    assert_true(len && out[len - 1] == 0x80);
    return (struct span){ out, len - 1 };
}

static bool answer_of(const json_t *session, struct span *ret)
{
    const json_t *responses = json_object_get(session, "responses_with_data");
    if (json_array_size(responses) != 1)
        return false;
    *ret = vec_hex(json_array_get(responses, 0), "plain");
    return true;
}

static void the_interpreter_says_what_the_card_said(void **state)
{
    const json_t *session = vector_of(state);
    struct span key = vec_hex(session, "S_ENC"), want;
    static uint8_t stream[STREAM_MAX], response_octets[INSTALL_RESPONSE_MAX];
    struct writer response = wr_of(response_octets, sizeof response_octets);
    struct rig *r = rig_new(0);
    struct installation *in = install_new(&r->card, r->isdp);
    enum install_result result = INSTALL_MORE;
    uint32_t counter = 0;
    size_t len = 0;

    assert_true(answer_of(session, &want));
    const json_t *scripts = json_object_get(session, "scripts");
    for (size_t i = 0; i < json_array_size(scripts); i++) {
        struct span command = vec_hex(json_array_get(scripts, i), "command");
        struct reader items = rd_of(span_sub(command, 2, command.len - 4)); /* AE 80 … 00 00 */
        struct tlv t;
        while (tlv_next(&items, &t)) {
            if (t.tag != TAG_86)
                continue;
            assert_int_equal(result, INSTALL_MORE);
            assert_true(len + t.val.len <= sizeof stream);
            struct span plain = plain_of(key, ++counter, t.val, stream + len);
            len += plain.len;
            result = install_feed(in, plain, &response);
        }
    }
    uint8_t digest[32];
    assert_int_equal(EVP_Digest(stream, len, digest, NULL, EVP_sha256(), NULL), 1);
    assert_span_equal(SPAN_OF(digest), vec_hex(session, "profile_stream_sha256"));
    assert_span_equal(wr_span(&response), want);
    assert_int_equal(result, INSTALL_DONE);
    install_free(in);
    rig_power_cycle(r);
    assert_int_equal(r->isdp->state, ISDP_DISABLED);
    struct application_sd sd;
    assert_ok(application_sd_get(r->card.objects, 1, 0, &sd));
    assert_span_equal(aid_span(&sd.aid), hex_lit("A000000151000000"));
    rig_free(r);
}

int main(void)
{
    return run_vectors(shared_path("data/vectors/oncard-scp03.json"), "real_scp03t",
                       the_interpreter_says_what_the_card_said);
}
