/* lib/crypto/master_key.h: the key that all secrets at rest are wrapped under, and where it comes from: a file of mode
 * 0600, in one of two forms.
 *
 *   64 hexadecimal digits, blanks and line ends around them are fine;
 *
 *   OSPREY-TOKEN-MASTER 1          the master key as an AES key in a token has sealed it (AES-GCM): without the token it
 *   pkcs11:token=…;object=…?…      is of no use. It is opened once, at the start; the token is not asked for every row
 *   nonce and sealed key, hex      (lib/crypto/token.h)
 */
#ifndef OSPREY_CRYPTO_MASTER_KEY_H
#define OSPREY_CRYPTO_MASTER_KEY_H

#include "lib/base/env.h"

#define MASTER_KEY_LEN 32u

/* What is made of it, once. */
struct master_key {
    uint8_t key[MASTER_KEY_LEN];
    uint8_t rows[MASTER_KEY_LEN]; /* the keys of rows come from it */
    uint32_t id;                  /* names it in every wrapped value; tells nothing about it */
};

MUST_USE enum err master_key_set(struct master_key *ret, const uint8_t key[MASTER_KEY_LEN]);
/* ret_detail: TOKEN_DETAIL_MAX octets or NULL. ERR_NOT_FOUND, ERR_DENIED (group or others may read it), ERR_BAD_VALUE, and
 * those of token.h. */
MUST_USE enum err master_key_read(const char *path, struct master_key *ret, char *ret_detail);
/* A new one, over nothing that exists: sealed by the key that token_uri names, or in the clear when that is NULL.
 * rng NULL: OpenSSL's. */
MUST_USE enum err master_key_create(const char *path, const char *token_uri, struct rng *rng, struct master_key *ret,
                                    char *ret_detail);

/* The key of one row or file, whose identity is aad. */
MUST_USE enum err master_key_of_row(const struct master_key *master, struct span aad, uint8_t ret_key[MASTER_KEY_LEN]);

#endif
