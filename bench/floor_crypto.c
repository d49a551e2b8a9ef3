/* Keys and contexts made once; P-256 throughout. */
#include "floor.h"

#include "lib/crypto/openssl.h"

#include <openssl/sha.h>

#define PACKAGE_LEN 12384u
#define PACKET_LEN  96u /* a script of 64 octets with its headers */

struct work {
    EVP_PKEY *key;
    EVP_PKEY_CTX *sign, *verify;
    EC_GROUP *group;
    EC_POINT *peer, *product;
    BIGNUM *scalar, *x;
    EVP_CIPHER_CTX *cbc, *gcm;
    uint8_t signature[80], point[65], digest[32], key_octets[32], data[PACKAGE_LEN], out[PACKAGE_LEN + 16];
    size_t signature_len;
};

static void must(int good) { bench_must(good ? ERR_NONE : ERR_CRYPTO, "OpenSSL"); }

static void sign(void *context, unsigned repeats)
{
    struct work *w = context;
    while (repeats--) {
        w->signature_len = sizeof w->signature;
        must(EVP_PKEY_sign(w->sign, w->signature, &w->signature_len, w->digest, sizeof w->digest) == 1);
    }
}

static void verify(void *context, unsigned repeats)
{
    struct work *w = context;
    while (repeats--)
        must(EVP_PKEY_verify(w->verify, w->signature, w->signature_len, w->digest, sizeof w->digest) == 1);
}

/* A fresh number and its point, the peer's point loaded and checked, the product. */
static void ecka(void *context, unsigned repeats)
{
    struct work *w = context;
    while (repeats--) {
        must(BN_priv_rand_range(w->scalar, EC_GROUP_get0_order(w->group)) == 1 &&
             EC_POINT_mul(w->group, w->product, w->scalar, NULL, NULL, NULL) == 1 &&
             EC_POINT_oct2point(w->group, w->peer, w->point, sizeof w->point, NULL) == 1 &&
             EC_POINT_mul(w->group, w->product, NULL, w->peer, w->scalar, NULL) == 1 &&
             EC_POINT_get_affine_coordinates(w->group, w->product, w->x, NULL, NULL) == 1);
    }
}

static void kdf(void *context, unsigned repeats)
{
    struct work *w = context;
    while (repeats--)
        for (int i = 0; i < 2; i++)
            SHA256(w->data, 64, w->out);
}

static void sha_1k(void *context, unsigned repeats)
{
    struct work *w = context;
    while (repeats--)
        SHA256(w->data, 1024, w->out);
}

static void cbc(struct work *w, size_t len, bool with_key)
{
    static const uint8_t iv[16];
    int n;
    must(EVP_EncryptInit_ex2(w->cbc, NULL, with_key ? w->key_octets : NULL, iv, NULL) == 1 &&
         EVP_EncryptUpdate(w->cbc, w->out, &n, w->data, (int)len) == 1);
}

/* The sub-key and the block. */
static void cmac_block(void *context, unsigned repeats)
{
    while (repeats--) {
        cbc(context, 16, true);
        cbc(context, 16, false);
    }
}

static void scp80(void *context, unsigned repeats)
{
    while (repeats--) {
        cbc(context, PACKET_LEN, true);
        cbc(context, PACKET_LEN, true);
    }
}

static void scp03t(void *context, unsigned repeats)
{
    while (repeats--) {
        cbc(context, PACKAGE_LEN, true);
        cbc(context, PACKAGE_LEN, true);
    }
}

static void gcm(void *context, unsigned repeats)
{
    static const uint8_t nonce[12];
    struct work *w = context;
    int n;
    while (repeats--)
        must(EVP_EncryptInit_ex2(w->gcm, NULL, NULL, nonce, NULL) == 1 &&
             EVP_EncryptUpdate(w->gcm, NULL, &n, w->data, 40) == 1 &&
             EVP_EncryptUpdate(w->gcm, w->out, &n, w->data, 48) == 1 && EVP_EncryptFinal_ex(w->gcm, w->out + n, &n) == 1 &&
             EVP_CIPHER_CTX_ctrl(w->gcm, EVP_CTRL_AEAD_GET_TAG, 16, w->out) == 1);
}

static void prepare(struct work *w)
{
    size_t len = 0;
    w->key = EVP_EC_gen("P-256");
    w->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    w->peer = EC_POINT_new(w->group);
    w->product = EC_POINT_new(w->group);
    w->scalar = BN_secure_new();
    w->x = BN_new();
    w->cbc = EVP_CIPHER_CTX_new();
    w->gcm = EVP_CIPHER_CTX_new();
    w->sign = EVP_PKEY_CTX_new_from_pkey(NULL, w->key, NULL);
    w->verify = EVP_PKEY_CTX_new_from_pkey(NULL, w->key, NULL);
    must(RAND_bytes(w->data, sizeof w->data) == 1 && RAND_bytes(w->digest, sizeof w->digest) == 1);
    must(EVP_PKEY_get_octet_string_param(w->key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, w->point, sizeof w->point, &len) == 1);
    must(EVP_PKEY_sign_init(w->sign) == 1 && EVP_PKEY_verify_init(w->verify) == 1);
    must(EVP_EncryptInit_ex(w->cbc, EVP_aes_128_cbc(), NULL, w->key_octets, NULL) == 1 &&
         EVP_CIPHER_CTX_set_padding(w->cbc, 0) == 1);
    must(EVP_EncryptInit_ex(w->gcm, EVP_aes_256_gcm(), NULL, w->key_octets, NULL) == 1);
}

static void done(struct work *w)
{
    EVP_PKEY_CTX_free(w->sign);
    EVP_PKEY_CTX_free(w->verify);
    EVP_PKEY_free(w->key);
    EC_POINT_free(w->peer);
    EC_POINT_free(w->product);
    EC_GROUP_free(w->group);
    BN_clear_free(w->scalar);
    BN_free(w->x);
    EVP_CIPHER_CTX_free(w->cbc);
    EVP_CIPHER_CTX_free(w->gcm);
}

void floor_crypto(double cost_us[FLOOR_UNIT_COUNT])
{
    static struct work w;
    static const struct {
        enum floor_unit unit;
        bench_work *work;
    } all[] = { { FLOOR_SIGN, sign },     { FLOOR_VERIFY, verify }, { FLOOR_ECKA, ecka },   { FLOOR_KDF, kdf },      { FLOOR_CMAC, cmac_block },
                { FLOOR_SHA_1K, sha_1k }, { FLOOR_GCM, gcm },       { FLOOR_SCP80, scp80 }, { FLOOR_SCP03T, scp03t } };
    prepare(&w);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        cost_us[all[i].unit] = bench_cost_us(all[i].work, &w);
    done(&w);
}
