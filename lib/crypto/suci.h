/* lib/crypto/suci.h: concealing a subscription identifier: the protection schemes of 3GPP TS 33.501 annex C. ECIES with
 * an ephemeral key, ANSI X9.63 key derivation with SHA-256, AES-128 in counter mode, HMAC-SHA-256 cut to 8 octets. */
#ifndef OSPREY_CRYPTO_SUCI_H
#define OSPREY_CRYPTO_SUCI_H

#include "lib/base/env.h"
#include "lib/codec/writer.h"

enum suci_scheme { SUCI_NULL = 0, SUCI_PROFILE_A = 1 /* X25519 */, SUCI_PROFILE_B = 2 /* P-256 */ };
#define SUCI_PLAIN_MAX  32u
#define SUCI_OUTPUT_MAX (33u + SUCI_PLAIN_MAX + 8u)

/* Appends the scheme output: ephemeral public key (A: 32 octets, B: 33, compressed), ciphertext, MAC; with SUCI_NULL the
 * plain octets themselves.
 *   key   the home network's public key: A 32 octets; B 33 (compressed) or 65; not used with SUCI_NULL
 * ERR_UNSUPPORTED (scheme), ERR_BAD_LENGTH, ERR_BAD_VALUE (key), ERR_TOO_LONG, ERR_CRYPTO. */
MUST_USE enum err suci_conceal(enum suci_scheme scheme, struct span key, struct rng *rng, struct span plain,
                               struct writer *out);

#endif
