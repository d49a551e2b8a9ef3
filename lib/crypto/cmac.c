#include "cmac.h"

#include "scratch.h"

/* Doubling in GF(2^128), NIST SP 800-38B 6.1. */
static void subkey_double(const uint8_t in[AES_BLOCK], uint8_t out[AES_BLOCK])
{
    uint8_t carry = in[0] >> 7;
    for (size_t i = 0; i < AES_BLOCK - 1; i++)
        out[i] = (uint8_t)(in[i] << 1 | in[i + 1] >> 7);
    out[AES_BLOCK - 1] = (uint8_t)(in[AES_BLOCK - 1] << 1 ^ (carry ? 0x87 : 0));
}

static struct span key_span(const struct cmac_key *k) { return (struct span){ k->key, k->key_len }; }

/* The sub-keys of a key that is still scheduled are there already. */
static enum err slot_subkeys(struct aes_slot *slot)
{
    static const uint8_t zeroes[AES_BLOCK];
    uint8_t l[AES_BLOCK];
    int len = 0;
    if (slot->has_subkeys)
        return ERR_NONE;
    slot->chained = false;
    if (EVP_CipherInit_ex2(slot->context, NULL, NULL, zeroes, -1, NULL) != 1 ||
        EVP_CipherUpdate(slot->context, l, &len, zeroes, sizeof zeroes) != 1 || len != (int)sizeof l)
        return ERR_CRYPTO;
    subkey_double(l, slot->k1);
    subkey_double(slot->k1, slot->k2);
    slot->has_subkeys = true;
    wipe(l, sizeof l);
    return ERR_NONE;
}

enum err cmac_key_set(struct cmac_key *k, struct span key)
{
    if (!algorithm_aes(MODE_CBC, key.len))
        return ERR_BAD_LENGTH;
    struct aes_slot *slot = scratch_aes(MODE_CBC, true, key, NULL);
    enum err err = slot ? slot_subkeys(slot) : ERR_CRYPTO;
    if (err != ERR_NONE)
        return err;
    memcpy(k->key, key.ptr, key.len);
    k->key_len = (uint8_t)key.len;
    memcpy(k->k1, slot->k1, AES_BLOCK);
    memcpy(k->k2, slot->k2, AES_BLOCK);
    return ERR_NONE;
}

void cmac_begin(struct cmac *c, const struct cmac_key *key)
{
    memset(c, 0, sizeof *c);
    c->key = key;
}

static void absorb(struct cmac *c, struct span blocks)
{
    if (c->err == ERR_NONE && blocks.len != 0)
        c->err = aes_cbc_mac(key_span(c->key), c->chain, blocks);
}

static void fill_tail(struct cmac *c, struct span *bytes)
{
    struct span take = span_sub(*bytes, 0, AES_BLOCK - c->tail_len);
    if (take.len != 0)
        memcpy(c->tail + c->tail_len, take.ptr, take.len);
    c->tail_len += take.len;
    *bytes = span_from(*bytes, take.len);
}

/* At least one octet always stays in the tail: the last block is treated otherwise. */
void cmac_update(struct cmac *c, struct span bytes)
{
    if (c->tail_len != 0) {
        fill_tail(c, &bytes);
        if (bytes.len == 0)
            return;
        absorb(c, SPAN_OF(c->tail));
        c->tail_len = 0;
    }
    if (bytes.len > AES_BLOCK) {
        size_t whole = (bytes.len - 1) / AES_BLOCK * AES_BLOCK;
        absorb(c, span_sub(bytes, 0, whole));
        bytes = span_from(bytes, whole);
    }
    fill_tail(c, &bytes);
}

enum err cmac_final(struct cmac *c, uint8_t ret_mac[CMAC_LEN])
{
    const uint8_t *subkey = c->key->k1;
    if (c->tail_len < AES_BLOCK) {
        memset(c->tail + c->tail_len, 0, AES_BLOCK - c->tail_len);
        c->tail[c->tail_len] = 0x80;
        subkey = c->key->k2;
    }
    for (size_t i = 0; i < AES_BLOCK; i++)
        c->tail[i] ^= subkey[i];
    absorb(c, SPAN_OF(c->tail));
    enum err err = c->err;
    if (err == ERR_NONE)
        memcpy(ret_mac, c->chain, CMAC_LEN);
    wipe(c, sizeof *c);
    return err;
}

enum err cmac_parts(struct span key, const struct span *parts, size_t count, uint8_t ret_mac[CMAC_LEN])
{
    struct cmac_key k;
    struct cmac c;
    enum err err = cmac_key_set(&k, key);
    if (err != ERR_NONE)
        return err;
    cmac_begin(&c, &k);
    for (size_t i = 0; i < count; i++)
        cmac_update(&c, parts[i]);
    err = cmac_final(&c, ret_mac);
    wipe(&k, sizeof k);
    return err;
}

enum err cmac(struct span key, struct span message, uint8_t ret_mac[CMAC_LEN])
{
    return cmac_parts(key, &message, 1, ret_mac);
}
