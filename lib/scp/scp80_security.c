#include "scp80_security.h"

#include "lib/crypto/cmac.h"
#include "lib/crypto/des3.h"

enum err scp80_cipher_of(uint8_t key_byte, enum scp80_cipher *ret)
{
    static const struct {
        uint8_t nibble;
        enum scp80_cipher cipher;
    } known[] = {
        { 0x02, SCP80_CIPHER_AES },  { 0x01, SCP80_CIPHER_DES },     { 0x05, SCP80_CIPHER_DES3 },
        { 0x09, SCP80_CIPHER_DES3 }, { 0x0D, SCP80_CIPHER_DES_ECB },
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].nibble == (key_byte & 0x0F)) {
            *ret = known[i].cipher;
            return ERR_NONE;
        }
    return ERR_UNSUPPORTED;
}

size_t scp80_cipher_block(enum scp80_cipher cipher)
{
    return cipher == SCP80_CIPHER_NONE ? 1 : cipher == SCP80_CIPHER_AES ? AES_BLOCK : DES_BLOCK;
}

/* Single DES is triple DES with one key thrice. */
static struct span des_key(enum scp80_cipher cipher, struct span key, uint8_t twice[16])
{
    if ((cipher != SCP80_CIPHER_DES && cipher != SCP80_CIPHER_DES_ECB) || key.len != 8)
        return key;
    memcpy(twice, key.ptr, 8);
    memcpy(twice + 8, key.ptr, 8);
    return (struct span){ twice, 16 };
}

typedef enum err des_run(struct span key, const uint8_t *iv, struct span in, uint8_t *out);

/* ECB is CBC begun anew for each block. */
static enum err des_all(des_run *run, enum scp80_cipher cipher, struct span key, uint8_t *bytes, size_t len)
{
    uint8_t twice[16];
    struct span k = des_key(cipher, key, twice);
    size_t step = cipher == SCP80_CIPHER_DES_ECB ? DES_BLOCK : len;
    enum err err = ERR_NONE;
    for (size_t at = 0; at < len && err == ERR_NONE; at += step)
        err = run(k, NULL, (struct span){ bytes + at, step }, bytes + at);
    wipe(twice, sizeof twice);
    return err;
}

enum err scp80_encrypt(enum scp80_cipher cipher, struct span key, uint8_t *bytes, size_t len)
{
    if (cipher == SCP80_CIPHER_AES)
        return aes_cbc_encrypt(key, NULL, (struct span){ bytes, len }, bytes);
    return des_all(des3_cbc_encrypt, cipher, key, bytes, len);
}

enum err scp80_decrypt(enum scp80_cipher cipher, struct span key, uint8_t *bytes, size_t len)
{
    if (cipher == SCP80_CIPHER_AES)
        return aes_cbc_decrypt(key, NULL, (struct span){ bytes, len }, bytes);
    return len % DES_BLOCK ? ERR_BAD_LENGTH : des_all(des3_cbc_decrypt, cipher, key, bytes, len);
}

/* Last block of the CBC of the zero-padded message, block by block. */
static enum err des_mac(enum scp80_cipher cipher, struct span key, const struct span *parts, size_t count,
                        uint8_t ret[DES_BLOCK])
{
    uint8_t twice[16], chain[DES_BLOCK] = { 0 }, block[DES_BLOCK] = { 0 };
    struct span k = des_key(cipher, key, twice);
    size_t filled = 0;
    enum err err = ERR_NONE;
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < parts[p].len && err == ERR_NONE; i++) {
            block[filled++] = parts[p].ptr[i];
            if (filled == DES_BLOCK) {
                err = des3_cbc_encrypt(k, chain, SPAN_OF(block), chain);
                filled = 0;
            }
        }
    if (filled && err == ERR_NONE) {
        memset(block + filled, 0, DES_BLOCK - filled);
        err = des3_cbc_encrypt(k, chain, SPAN_OF(block), chain);
    }
    if (err == ERR_NONE)
        memcpy(ret, chain, DES_BLOCK);
    wipe(twice, sizeof twice);
    return err;
}

static uint32_t crc32(const struct span *parts, size_t count)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < parts[p].len; i++) {
            crc ^= parts[p].ptr[i];
            for (int bit = 0; bit < 8; bit++)
                crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
        }
    return ~crc;
}

size_t scp80_check_len(uint8_t integrity, uint8_t key_byte, const struct scp80_keys *k)
{
    if (integrity == 0)
        return 0;
    if (integrity == SPI1_RC)
        return (key_byte & 0x0F) == 0x01 ? 2 : 4;
    return k->cc_len ? k->cc_len : 8;
}

enum err scp80_check(uint8_t integrity, uint8_t key_byte, const struct scp80_keys *k, const struct span *parts,
                     size_t count, uint8_t ret[SCP80_CC_MAX])
{
    if (integrity == SPI1_RC) {
        if ((key_byte & 0x0F) == 0x01) /* CRC16 */
            return ERR_UNSUPPORTED;
        uint32_t crc = crc32(parts, count);
        for (int i = 0; i < 4; i++)
            ret[i] = (uint8_t)(crc >> 8 * (3 - i));
        return ERR_NONE;
    }
    enum scp80_cipher cipher;
    enum err err = integrity == SPI1_CC ? scp80_cipher_of(key_byte, &cipher) : ERR_UNSUPPORTED;
    if (err != ERR_NONE)
        return err;
    if (cipher != SCP80_CIPHER_AES)
        return des_mac(cipher, k->kid, parts, count, ret);
    uint8_t mac[CMAC_LEN];
    err = cmac_parts(k->kid, parts, count, mac);
    if (err == ERR_NONE)
        memcpy(ret, mac, SCP80_CC_MAX);
    return err;
}
