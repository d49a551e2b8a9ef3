#include "kdf.h"

#include "sha256.h"

static size_t copy_some(uint8_t *out, size_t left, const uint8_t *block, size_t block_len)
{
    size_t n = left < block_len ? left : block_len;
    memcpy(out, block, n);
    return n;
}

enum err kdf_scp03(const struct cmac_key *key, uint8_t constant, struct span context, uint8_t *out, size_t len)
{
    uint8_t head[16] = { [11] = constant, [13] = (uint8_t)(len * 8 >> 8), [14] = (uint8_t)(len * 8) };
    uint8_t result[KDF_OUT_MAX], block[CMAC_LEN];
    enum err err = ERR_NONE;
    if (len > KDF_OUT_MAX)
        return ERR_TOO_LONG;
    for (size_t done = 0; done < len && err == ERR_NONE;) {
        struct cmac c;
        head[15]++;
        cmac_begin(&c, key);
        cmac_update(&c, SPAN_OF(head));
        cmac_update(&c, context);
        err = cmac_final(&c, block);
        if (err == ERR_NONE)
            done += copy_some(result + done, len - done, block, sizeof block);
    }
    if (err == ERR_NONE && len)
        memcpy(out, result, len);
    wipe(block, sizeof block);
    wipe(result, len);
    return err;
}

enum err kdf_x963(struct span secret, struct span shared_info, uint8_t *out, size_t len)
{
    uint8_t result[KDF_OUT_MAX], block[SHA256_LEN], counter[4] = { 0 };
    enum err err = ERR_NONE;
    if (len > KDF_OUT_MAX)
        return ERR_TOO_LONG;
    for (size_t done = 0; done < len && err == ERR_NONE;) {
        counter[3]++;
        err = sha256_parts((struct span[]){ secret, SPAN_OF(counter), shared_info }, 3, block);
        if (err == ERR_NONE)
            done += copy_some(result + done, len - done, block, sizeof block);
    }
    if (err == ERR_NONE && len)
        memcpy(out, result, len);
    wipe(block, sizeof block);
    wipe(result, len);
    return err;
}
