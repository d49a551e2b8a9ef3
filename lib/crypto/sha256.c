#include "sha256.h"

#include "scratch.h"

static enum err digest(enum digest_kind kind, const struct span *parts, size_t count, uint8_t *out)
{
    EVP_MD_CTX *context = scratch_digest(kind);
    if (!context)
        return ERR_CRYPTO;
    for (size_t i = 0; i < count; i++)
        if (parts[i].len != 0 && EVP_DigestUpdate(context, parts[i].ptr, parts[i].len) != 1)
            return ERR_CRYPTO;
    return EVP_DigestFinal_ex(context, out, NULL) == 1 ? ERR_NONE : ERR_CRYPTO;
}

enum err sha256(struct span message, uint8_t ret_digest[SHA256_LEN])
{
    return digest(DIGEST_SHA256, &message, 1, ret_digest);
}

enum err sha256_parts(const struct span *parts, size_t count, uint8_t ret_digest[SHA256_LEN])
{
    return digest(DIGEST_SHA256, parts, count, ret_digest);
}

enum err sha1(struct span message, uint8_t ret_digest[SHA1_LEN])
{
    return digest(DIGEST_SHA1, &message, 1, ret_digest);
}
