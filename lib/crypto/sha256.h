/* lib/crypto/sha256.h: SHA-256 over one or several spans, through one prepared context per thread. */
#ifndef OSPREY_CRYPTO_SHA256_H
#define OSPREY_CRYPTO_SHA256_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define SHA256_LEN 32u
#define SHA1_LEN   20u

MUST_USE enum err sha256(struct span message, uint8_t ret_digest[SHA256_LEN]);
MUST_USE enum err sha256_parts(const struct span *parts, size_t count, uint8_t ret_digest[SHA256_LEN]);

/* Only for subject key identifiers (RFC 5280 4.2.1.2) and the digests old peers ask for. */
MUST_USE enum err sha1(struct span message, uint8_t ret_digest[SHA1_LEN]);

#endif
