#include "suci.h"

#include "aes.h"
#include "ec.h"
#include "kdf.h"
#include "openssl.h"

#define X25519_LEN     32u
#define COMPRESSED_LEN 33u
#define MAC_KEY_LEN    32u
#define MAC_LEN        8u

/* What both profiles come to: their ephemeral public key as it is sent, and the shared secret. */
struct agreement {
    uint8_t public_key[COMPRESSED_LEN];
    size_t public_len;
    uint8_t secret[32];
};

/* ---- X25519 ---- */

static enum err x25519_derive(EVP_PKEY *own, EVP_PKEY *peer, uint8_t ret[32])
{
    size_t len = 32;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(own, NULL);
    bool good = c && EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer(c, peer) == 1 &&
                EVP_PKEY_derive(c, ret, &len) == 1 && len == 32;
    EVP_PKEY_CTX_free(c);
    return good ? ERR_NONE : ERR_CRYPTO;
}

static enum err agree_a(struct span key, struct rng *rng, struct agreement *ret)
{
    uint8_t scalar[X25519_LEN];
    if (key.len != X25519_LEN)
        return ERR_BAD_LENGTH;
    rng->fill(rng, scalar, sizeof scalar);
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, scalar, sizeof scalar);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, key.ptr, key.len);
    wipe(scalar, sizeof scalar);
    ret->public_len = X25519_LEN;
    size_t len = X25519_LEN;
    enum err err = own && peer && EVP_PKEY_get_raw_public_key(own, ret->public_key, &len) == 1 ? ERR_NONE : ERR_CRYPTO;
    if (err == ERR_NONE)
        err = x25519_derive(own, peer, ret->secret) == ERR_NONE ? ERR_NONE : ERR_BAD_VALUE; /* a point of small order */
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    return err;
}

/* ---- P-256 ---- */

static enum err p256_public(struct span key, struct ec_key **ret)
{
    char group[] = "prime256v1";
    EVP_PKEY *pkey = NULL;
    if (key.len == EC_POINT_LEN)
        return ec_public_new(EC_P256, key, ret);
    if (key.len != COMPRESSED_LEN)
        return ERR_BAD_LENGTH;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)key.ptr, key.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    bool good = c && EVP_PKEY_fromdata_init(c) == 1 &&
                EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params) == 1;
    EVP_PKEY_CTX_free(c);
    enum err err = good ? ec_key_from_openssl(pkey, ret) : ERR_BAD_VALUE;
    EVP_PKEY_free(pkey);
    return err;
}

static enum err agree_b(struct span key, struct rng *rng, struct agreement *ret)
{
    struct ec_key *own = NULL, *peer = NULL;
    uint8_t point[EC_POINT_LEN];
    enum err err = p256_public(key, &peer);
    if (err == ERR_NONE)
        err = ec_generate(EC_P256, rng, &own);
    if (err == ERR_NONE)
        err = ec_shared_x(own, peer, ret->secret);
    if (err == ERR_NONE) {
        ec_key_point(own, point);
        ret->public_key[0] = (uint8_t)(0x02 | (point[EC_POINT_LEN - 1] & 1));
        memcpy(ret->public_key + 1, point + 1, EC_FIELD_LEN);
        ret->public_len = COMPRESSED_LEN;
    }
    ec_key_free(own);
    ec_key_free(peer);
    return err;
}

/* ---- both ---- */

static enum err seal(const struct agreement *a, struct span plain, struct writer *out)
{
    uint8_t keys[AES_BLOCK + AES_BLOCK + MAC_KEY_LEN], cipher[SUCI_PLAIN_MAX], mac[32];
    struct span public_key = { a->public_key, a->public_len };
    enum err err = kdf_x963(SPAN_OF(a->secret), public_key, keys, sizeof keys);
    if (err == ERR_NONE)
        err = aes_ctr((struct span){ keys, AES_BLOCK }, keys + AES_BLOCK, plain, cipher);
    if (err == ERR_NONE && !HMAC(EVP_sha256(), keys + 2 * AES_BLOCK, MAC_KEY_LEN, cipher, plain.len, mac, NULL))
        err = ERR_CRYPTO;
    wipe(keys, sizeof keys);
    if (err != ERR_NONE)
        return err;
    wr_bytes(out, public_key);
    wr_bytes(out, (struct span){ cipher, plain.len });
    wr_bytes(out, (struct span){ mac, MAC_LEN });
    return out->err;
}

enum err suci_conceal(enum suci_scheme scheme, struct span key, struct rng *rng, struct span plain, struct writer *out)
{
    struct agreement a = { .public_len = 0 };
    if (plain.len > SUCI_PLAIN_MAX)
        return ERR_TOO_LONG;
    if (scheme == SUCI_NULL) {
        wr_bytes(out, plain);
        return out->err;
    }
    if (scheme != SUCI_PROFILE_A && scheme != SUCI_PROFILE_B)
        return ERR_UNSUPPORTED;
    enum err err = scheme == SUCI_PROFILE_A ? agree_a(key, rng, &a) : agree_b(key, rng, &a);
    if (err == ERR_NONE)
        err = seal(&a, plain, out);
    wipe(&a, sizeof a);
    return err;
}
