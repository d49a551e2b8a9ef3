#include "aes.h"

#include <assert.h>
#include <limits.h>

#include "scratch.h"

static enum err run_blocks(EVP_CIPHER_CTX *context, struct span in, uint8_t *out)
{
    int len = 0;
    assert(in.len <= INT_MAX);
    if (in.len == 0)
        return ERR_NONE;
    if (EVP_CipherUpdate(context, out, &len, in.ptr, (int)in.len) != 1 || (size_t)len != in.len)
        return ERR_CRYPTO;
    return ERR_NONE;
}

static enum err aes_run(enum cipher_mode mode, bool encrypts, struct span key, const uint8_t *iv, struct span in,
                        uint8_t *out)
{
    static const uint8_t zeroes[AES_BLOCK];
    if (!algorithm_aes(mode, key.len) || (mode != MODE_CTR && in.len % AES_BLOCK != 0))
        return ERR_BAD_LENGTH;
    struct aes_slot *slot = scratch_aes(mode, encrypts, key, mode == MODE_ECB ? NULL : iv ? iv : zeroes);
    if (!slot)
        return ERR_CRYPTO;
    slot->chained = false;
    return run_blocks(slot->context, in, out);
}

enum err aes_cbc_encrypt(struct span key, const uint8_t *iv, struct span in, uint8_t *out)
{
    return aes_run(MODE_CBC, true, key, iv, in, out);
}

enum err aes_cbc_decrypt(struct span key, const uint8_t *iv, struct span in, uint8_t *out)
{
    return aes_run(MODE_CBC, false, key, iv, in, out);
}

enum err aes_ecb_encrypt(struct span key, struct span in, uint8_t *out)
{
    return aes_run(MODE_ECB, true, key, NULL, in, out);
}

enum err aes_ecb_decrypt(struct span key, struct span in, uint8_t *out)
{
    return aes_run(MODE_ECB, false, key, NULL, in, out);
}

enum err aes_ctr(struct span key, const uint8_t *counter, struct span in, uint8_t *out)
{
    return aes_run(MODE_CTR, true, key, counter, in, out);
}

enum err aes_kcv(struct span key, uint8_t ret_kcv[KCV_LEN])
{
    static const uint8_t ones[AES_BLOCK] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    uint8_t block[AES_BLOCK];
    enum err err = aes_ecb_encrypt(key, SPAN_OF(ones), block);
    if (err == ERR_NONE)
        memcpy(ret_kcv, block, KCV_LEN);
    return err;
}

enum err aes_cbc_mac(struct span key, uint8_t chain[AES_BLOCK], struct span in)
{
    uint8_t out[1024];
    struct aes_slot *slot = scratch_aes(MODE_CBC, true, key, chain);
    if (!slot)
        return ERR_CRYPTO;
    slot->chained = false;
    for (size_t at = 0; at < in.len; at += sizeof out) {
        struct span piece = span_sub(in, at, sizeof out);
        if (run_blocks(slot->context, piece, out) != ERR_NONE)
            return ERR_CRYPTO;
        memcpy(chain, out + piece.len - AES_BLOCK, AES_BLOCK);
    }
    memcpy(slot->chain, chain, AES_BLOCK);
    slot->chained = true;
    return ERR_NONE;
}

enum err aes_cbc_init(struct aes_cbc *c, bool encrypts)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context)
        return ERR_NO_MEMORY;
    *c = (struct aes_cbc){ context, encrypts };
    return ERR_NONE;
}

enum err aes_cbc_key(struct aes_cbc *c, struct span key)
{
    const EVP_CIPHER *cipher = algorithm_aes(MODE_CBC, key.len);
    if (!cipher)
        return ERR_BAD_LENGTH;
    const EVP_CIPHER *present = EVP_CIPHER_CTX_get0_cipher(c->context);
    if (EVP_CipherInit_ex2(c->context, present == cipher ? NULL : cipher, key.ptr, NULL, c->encrypts, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(c->context, 0) != 1)
        return ERR_CRYPTO;
    return ERR_NONE;
}

enum err aes_cbc_run(struct aes_cbc *c, const uint8_t *iv, struct span in, uint8_t *out)
{
    static const uint8_t zeroes[AES_BLOCK];
    if (in.len % AES_BLOCK != 0)
        return ERR_BAD_LENGTH;
    if (!EVP_CIPHER_CTX_get0_cipher(c->context))
        return ERR_STATE;
    if (EVP_CipherInit_ex2(c->context, NULL, NULL, iv ? iv : zeroes, -1, NULL) != 1)
        return ERR_CRYPTO;
    return run_blocks(c->context, in, out);
}

void aes_cbc_done(struct aes_cbc *c)
{
    EVP_CIPHER_CTX_free(c->context);
    c->context = NULL;
}

void aes_forget(void) { scratch_forget(); }
