/* lib/crypto/p256.h: inside lib/crypto only. Verifying many P-256 signatures of one key: the multiples of its point are
 * worked out once, which takes as long as twenty verifications by OpenSSL; each one after that takes two fifths of one.
 *
 * Public values only: the time taken tells what they are. What is refused here may be shown to OpenSSL once more. */
#ifndef OSPREY_CRYPTO_P256_H
#define OSPREY_CRYPTO_P256_H

#include "ec.h"

struct p256_key;

/* point: on the curve, which is not looked at again. NULL: no memory, or a machine without 128-bit numbers. */
struct p256_key *p256_key_new(const uint8_t point[EC_POINT_LEN]);
void p256_key_free(struct p256_key *key); /* NULL is fine */
bool p256_verify(const struct p256_key *key, const uint8_t digest[EC_DIGEST_LEN],
                 const uint8_t signature[EC_SIGNATURE_LEN]);

#endif
