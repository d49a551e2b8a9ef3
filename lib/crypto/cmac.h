/* lib/crypto/cmac.h: AES-CMAC (NIST SP 800-38B), computed as CBC passes over the prepared AES context of aes.h.
 * All state is a plain value: copy it, keep it, wipe it. */
#ifndef OSPREY_CRYPTO_CMAC_H
#define OSPREY_CRYPTO_CMAC_H

#include "aes.h"

#define CMAC_LEN 16u

/* A key with its two sub-keys; worth keeping where many MACs are made under one key. */
struct cmac_key {
    uint8_t key[AES_KEY_MAX], k1[AES_BLOCK], k2[AES_BLOCK];
    uint8_t key_len;
};
MUST_USE enum err cmac_key_set(struct cmac_key *k, struct span key); /* ERR_BAD_LENGTH */

/* Piece by piece. The key must outlive the run. */
struct cmac {
    const struct cmac_key *key;
    uint8_t chain[AES_BLOCK], tail[AES_BLOCK];
    size_t tail_len;
    enum err err; /* sticks, comes out of cmac_final */
};
void cmac_begin(struct cmac *c, const struct cmac_key *key);
void cmac_update(struct cmac *c, struct span bytes);
MUST_USE enum err cmac_final(struct cmac *c, uint8_t ret_mac[CMAC_LEN]); /* untouched on failure; c is wiped */

/* One shot; cmac_parts runs over several spans one behind the other. */
MUST_USE enum err cmac(struct span key, struct span message, uint8_t ret_mac[CMAC_LEN]);
MUST_USE enum err cmac_parts(struct span key, const struct span *parts, size_t count, uint8_t ret_mac[CMAC_LEN]);

#endif
