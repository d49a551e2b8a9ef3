/* lib/crypto/kdf.h: the two key derivations SGP.02 stands on. */
#ifndef OSPREY_CRYPTO_KDF_H
#define OSPREY_CRYPTO_KDF_H

#include "cmac.h"

#define KDF_OUT_MAX 512u

/* NIST SP 800-108 counter mode with AES-CMAC, in the layout of GlobalPlatform Amendment D 4.1.5 (SCP03, SCP03t):
 *   block(i) = CMAC(key, 11 x 00 || constant || 00 || L (2 octets, bits) || i (1 octet, from 1) || context)
 * len octets, so L = 8 * len. ERR_TOO_LONG over KDF_OUT_MAX; ERR_BAD_LENGTH for the key. */
MUST_USE enum err kdf_scp03(const struct cmac_key *key, uint8_t constant, struct span context, uint8_t *out,
                            size_t len);

/* ANSI X9.63 with SHA-256 (GlobalPlatform Amendment E, oncard book 3.6):
 *   SHA256(secret || 00000001 || shared_info) || SHA256(secret || 00000002 || shared_info) || … cut to len. */
MUST_USE enum err kdf_x963(struct span secret, struct span shared_info, uint8_t *out, size_t len);

#endif
