#include "des3.h"

#include "scratch.h"

static enum err des3_run(bool encrypts, struct span key, const uint8_t *iv, struct span in, uint8_t *out)
{
    static const uint8_t zeroes[DES_BLOCK];
    const EVP_CIPHER *cipher = algorithm_des3(key.len);
    int len = 0;
    if (!cipher || in.len % DES_BLOCK != 0)
        return ERR_BAD_LENGTH;
    if (in.len == 0)
        return ERR_NONE;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = context && EVP_CipherInit_ex2(context, cipher, key.ptr, iv ? iv : zeroes, encrypts, NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
                EVP_CipherUpdate(context, out, &len, in.ptr, (int)in.len) == 1 && (size_t)len == in.len;
    EVP_CIPHER_CTX_free(context);
    return good ? ERR_NONE : ERR_CRYPTO;
}

enum err des3_cbc_encrypt(struct span key, const uint8_t *iv, struct span in, uint8_t *out)
{
    return des3_run(true, key, iv, in, out);
}

enum err des3_cbc_decrypt(struct span key, const uint8_t *iv, struct span in, uint8_t *out)
{
    return des3_run(false, key, iv, in, out);
}

enum err des3_kcv(struct span key, uint8_t ret_kcv[3])
{
    static const uint8_t zeroes[DES_BLOCK];
    uint8_t block[DES_BLOCK];
    enum err err = des3_cbc_encrypt(key, NULL, SPAN_OF(zeroes), block);
    if (err == ERR_NONE)
        memcpy(ret_kcv, block, 3);
    return err;
}
