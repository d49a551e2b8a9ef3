/* AES, CMAC, key derivation, GCM, 3DES, check values: as NIST, RFC 4493 and a real key establishment have them. */
#include "lib/crypto/cmac.h"
#include "lib/crypto/des3.h"
#include "lib/crypto/gcm.h"
#include "lib/crypto/kdf.h"
#include "lib/crypto/sha256.h"
#include "tests/support/test.h"

#define NIST_KEY   "2b7e151628aed2a6abf7158809cf4f3c"
#define NIST_KEY24 "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"
#define NIST_KEY32 "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
#define NIST_PLAIN                                                                                                     \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                                                 \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
#define NIST_IV "000102030405060708090a0b0c0d0e0f"

/* SP 800-38A F.2, first two blocks each */
static void cbc_is_that_of_nist(void **state)
{
    (void)state;
    static const struct {
        const char *key, *cipher;
    } rows[] = {
        { NIST_KEY, "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2" },
        { NIST_KEY24, "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a" },
        { NIST_KEY32, "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct span plain = span_sub(hex_lit(NIST_PLAIN), 0, 32), iv = hex_lit(NIST_IV);
        uint8_t out[32];
        assert_ok(aes_cbc_encrypt(hex_lit(rows[i].key), iv.ptr, plain, out));
        assert_span_equal(SPAN_OF(out), hex_lit(rows[i].cipher));
        assert_ok(aes_cbc_decrypt(hex_lit(rows[i].key), iv.ptr, SPAN_OF(out), out)); /* in place */
        assert_span_equal(SPAN_OF(out), plain);
    }
}

/* SP 800-38A F.1.1 and F.5.1 */
static void ecb_and_ctr_are_those_of_nist(void **state)
{
    (void)state;
    uint8_t out[32];
    struct span key = hex_lit(NIST_KEY), plain = span_sub(hex_lit(NIST_PLAIN), 0, 32);
    assert_ok(aes_ecb_encrypt(key, plain, out));
    assert_span_equal(SPAN_OF(out), hex_lit("3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"));
    assert_ok(aes_ecb_decrypt(key, SPAN_OF(out), out));
    assert_span_equal(SPAN_OF(out), plain);
    assert_ok(aes_ctr(key, hex_lit("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").ptr, span_sub(plain, 0, 21), out));
    assert_span_equal(span_sub(SPAN_OF(out), 0, 21), hex_lit("874d6191b620e3261bef6864990db6ce9806f66b79"));
}

static void bad_lengths_change_nothing(void **state)
{
    (void)state;
    uint8_t out[32] = { 0xEE };
    struct span key = hex_lit(NIST_KEY), plain = span_sub(hex_lit(NIST_PLAIN), 0, 32);
    assert_fails(aes_cbc_encrypt(span_sub(key, 0, 15), NULL, plain, out), ERR_BAD_LENGTH);
    assert_fails(aes_cbc_encrypt(key, NULL, span_sub(plain, 0, 31), out), ERR_BAD_LENGTH);
    assert_fails(aes_ecb_decrypt(SPAN_NONE, plain, out), ERR_BAD_LENGTH);
    assert_fails(cmac(span_sub(key, 0, 8), plain, out), ERR_BAD_LENGTH);
    assert_fails(des3_cbc_encrypt(span_sub(key, 0, 8), NULL, plain, out), ERR_BAD_LENGTH);
    assert_fails(des3_cbc_encrypt(key, NULL, span_sub(plain, 0, 9), out), ERR_BAD_LENGTH);
    assert_int_equal(out[0], 0xEE);
    assert_ok(aes_cbc_encrypt(key, NULL, SPAN_NONE, out));
}

static void own_context_is_rekeyed(void **state)
{
    (void)state;
    struct aes_cbc c;
    uint8_t out[32], want[32];
    struct span plain = span_sub(hex_lit(NIST_PLAIN), 0, 32);
    static const char *const keys[] = { NIST_KEY, NIST_KEY32, NIST_KEY24, NIST_KEY };
    assert_ok(aes_cbc_init(&c, true));
    assert_fails(aes_cbc_run(&c, NULL, plain, out), ERR_STATE);
    assert_fails(aes_cbc_key(&c, hex_lit("00")), ERR_BAD_LENGTH);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        assert_ok(aes_cbc_key(&c, hex_lit(keys[i])));
        assert_ok(aes_cbc_run(&c, hex_lit(NIST_IV).ptr, plain, out));
        assert_ok(aes_cbc_encrypt(hex_lit(keys[i]), hex_lit(NIST_IV).ptr, plain, want));
        assert_span_equal(SPAN_OF(out), SPAN_OF(want));
        assert_fails(aes_cbc_run(&c, NULL, span_sub(plain, 0, 17), out), ERR_BAD_LENGTH);
    }
    aes_cbc_done(&c);
}

/* RFC 4493, and SP 800-38B for AES-256 */
static void cmac_is_that_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        size_t len;
        const char *mac;
    } rows[] = {
        { NIST_KEY, 0, "bb1d6929e95937287fa37d129b756746" },    { NIST_KEY, 16, "070a16b46b4d4144f79bdd9dd04a287c" },
        { NIST_KEY, 40, "dfa66747de9ae63030ca32611497c827" },   { NIST_KEY, 64, "51f0bebf7e3b9d92fc49741779363cfe" },
        { NIST_KEY32, 40, "aaf3d8f1de5640c232f5b169b9c911e6" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t mac[CMAC_LEN];
        assert_ok(cmac(hex_lit(rows[i].key), span_sub(hex_lit(NIST_PLAIN), 0, rows[i].len), mac));
        assert_span_equal(SPAN_OF(mac), hex_lit(rows[i].mac));
    }
}

static void cmac_does_not_care_how_it_is_cut(void **state)
{
    (void)state;
    uint8_t message[2600], want[CMAC_LEN], got[CMAC_LEN];
    struct cmac_key key;
    struct cmac c;
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(i * 7);
    assert_ok(cmac_key_set(&key, hex_lit(NIST_KEY)));
    assert_ok(cmac(hex_lit(NIST_KEY), SPAN_OF(message), want));
    for (size_t piece = 1; piece < 70; piece++) {
        cmac_begin(&c, &key);
        for (size_t at = 0; at < sizeof message; at += piece)
            cmac_update(&c, span_sub(SPAN_OF(message), at, piece));
        assert_ok(cmac_final(&c, got));
        assert_span_equal(SPAN_OF(got), SPAN_OF(want));
    }
}

/* FIPS 180-2 */
static void digests_are_those_of_nist(void **state)
{
    (void)state;
    uint8_t d[SHA256_LEN], s[SHA1_LEN];
    assert_ok(sha256(SPAN_LIT("abc"), d));
    assert_span_equal(SPAN_OF(d), hex_lit("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    assert_ok(sha256_parts((struct span[]){ SPAN_LIT("a"), SPAN_NONE, SPAN_LIT("bc") }, 3, d));
    assert_span_equal(SPAN_OF(d), hex_lit("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    assert_ok(sha1(SPAN_LIT("abc"), s));
    assert_span_equal(SPAN_OF(s), hex_lit("a9993e364706816aba3e25717850c26c9cd0d89d"));
}

/* The exchange printed in the on-card fact book, 3.6: a real card's receipt proves it. */
static void x963_gives_a_real_cards_keys(void **state)
{
    (void)state;
    uint8_t keys[64], mac[CMAC_LEN];
    assert_ok(kdf_x963(hex_lit("F8F0B7EC3D55A20C4A1B124E7D624D24161F90D795F1D57F64C62F24F070D6EF"), hex_lit("108810"),
                       keys, sizeof keys));
    assert_span_equal(SPAN_OF(keys), hex_lit("8ABBF060BF49CEDE61C00126FD8029EE91E024FEA3082E3CA3E845ABA790E1EB"
                                             "2A125F83BC941A924CAF2B7E75F692D16334CC14E049299A58BF2D51B369A20F"));
    assert_ok(cmac(span_sub(SPAN_OF(keys), 0, 16), hex_lit("A615900203099501108001888101108201018301309100"), mac));
    assert_span_equal(SPAN_OF(mac), hex_lit("DB6F580CAA6E1CF93179FB5F101A966C"));
    assert_fails(kdf_x963(SPAN_NONE, SPAN_NONE, keys, KDF_OUT_MAX + 1), ERR_TOO_LONG);
}

static void gcm_is_that_of_nist(void **state) /* GCM specification, test case 16 */
{
    (void)state;
    struct span key = hex_lit("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    struct span nonce = hex_lit("cafebabefacedbaddecaf888"), aad = hex_lit("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    struct span plain = hex_lit("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c9595680953"
                                "2fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    uint8_t out[60], back[60], tag[GCM_TAG_LEN];
    assert_ok(gcm_seal(key.ptr, nonce.ptr, aad, plain, out, tag));
    assert_span_equal(SPAN_OF(out),
                      hex_lit("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590d"
                              "bb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"));
    assert_span_equal(SPAN_OF(tag), hex_lit("76fc6ece0f4e1768cddf8853bb2d551b"));
    assert_ok(gcm_open(key.ptr, nonce.ptr, aad, SPAN_OF(out), tag, back));
    assert_span_equal(SPAN_OF(back), plain);
    tag[3] ^= 1;
    assert_fails(gcm_open(key.ptr, nonce.ptr, aad, SPAN_OF(out), tag, back), ERR_VERIFY);
    assert_int_equal(back[0] | back[59], 0);
    tag[3] ^= 1;
    assert_fails(gcm_open(key.ptr, nonce.ptr, SPAN_NONE, SPAN_OF(out), tag, back), ERR_VERIFY);
    assert_ok(gcm_open(key.ptr, nonce.ptr, aad, SPAN_OF(out), tag, back));
}

static void des3_knows_single_des(void **state) /* FIPS 81: with three equal keys 3DES is DES */
{
    (void)state;
    uint8_t out[8], kcv[3];
    struct span key = hex_lit("0123456789abcdef0123456789abcdef");
    assert_ok(des3_cbc_encrypt(key, NULL, SPAN_LIT("Now is t"), out));
    assert_span_equal(SPAN_OF(out), hex_lit("3fa40e8a984d4815"));
    assert_ok(des3_cbc_decrypt(key, NULL, SPAN_OF(out), out));
    assert_span_equal(SPAN_OF(out), SPAN_LIT("Now is t"));
    assert_ok(des3_kcv(hex_lit("0123456789abcdef0123456789abcdef0123456789abcdef"), kcv));
    assert_span_equal(SPAN_OF(kcv), hex_lit("d5d44f"));
}

static void contexts_can_be_forgotten(void **state)
{
    cbc_is_that_of_nist(state);
    aes_forget();
    aes_forget();
    cbc_is_that_of_nist(state);
}

static void kcv_is_right(void **state)
{
    const json_t *v = vector_of(state);
    uint8_t kcv[KCV_LEN];
    assert_string_equal(vec_text(v, "type"), "88");
    assert_ok(aes_kcv(vec_hex(v, "key"), kcv));
    assert_span_equal(SPAN_OF(kcv), vec_hex(v, "kcv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cbc_is_that_of_nist),        cmocka_unit_test(ecb_and_ctr_are_those_of_nist),
        cmocka_unit_test(bad_lengths_change_nothing), cmocka_unit_test(own_context_is_rekeyed),
        cmocka_unit_test(cmac_is_that_of_the_rfc),    cmocka_unit_test(cmac_does_not_care_how_it_is_cut),
        cmocka_unit_test(digests_are_those_of_nist),  cmocka_unit_test(x963_gives_a_real_cards_keys),
        cmocka_unit_test(gcm_is_that_of_nist),        cmocka_unit_test(des3_knows_single_des),
        cmocka_unit_test(contexts_can_be_forgotten),
    };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    return bad ? bad : run_vectors(shared_path("data/vectors/kcv.json"), NULL, kcv_is_right);
}
