#include "gcm.h"

#include "scratch.h"

static bool feed(EVP_CIPHER_CTX *context, struct span aad, struct span in, uint8_t *out)
{
    int len = 0;
    if (aad.len != 0 && EVP_CipherUpdate(context, NULL, &len, aad.ptr, (int)aad.len) != 1)
        return false;
    return in.len == 0 || EVP_CipherUpdate(context, out, &len, in.ptr, (int)in.len) == 1;
}

enum err gcm_seal(const uint8_t key[GCM_KEY_LEN], const uint8_t nonce[GCM_NONCE_LEN], struct span aad,
                  struct span plain, uint8_t *out, uint8_t ret_tag[GCM_TAG_LEN])
{
    uint8_t rest[16];
    int len = 0;
    struct aes_slot *slot = scratch_aes(MODE_GCM, true, (struct span){ key, GCM_KEY_LEN }, nonce);
    EVP_CIPHER_CTX *context = slot ? slot->context : NULL;
    if (!context || !feed(context, aad, plain, out) || EVP_CipherFinal_ex(context, rest, &len) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, ret_tag) != 1)
        return ERR_CRYPTO;
    return ERR_NONE;
}

enum err gcm_open(const uint8_t key[GCM_KEY_LEN], const uint8_t nonce[GCM_NONCE_LEN], struct span aad,
                  struct span cipher, const uint8_t tag[GCM_TAG_LEN], uint8_t *out)
{
    uint8_t rest[16], expected[GCM_TAG_LEN];
    int len = 0;
    struct aes_slot *slot = scratch_aes(MODE_GCM, false, (struct span){ key, GCM_KEY_LEN }, nonce);
    EVP_CIPHER_CTX *context = slot ? slot->context : NULL;
    memcpy(expected, tag, sizeof expected);
    if (!context || !feed(context, aad, cipher, out) ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, expected) != 1)
        return ERR_CRYPTO;
    if (EVP_CipherFinal_ex(context, rest, &len) == 1)
        return ERR_NONE;
    wipe(out, cipher.len);
    return ERR_VERIFY;
}
