/* lib/crypto/des3.h: two- and three-key triple DES in CBC, for operators' key sets that still have it (SCP80 inside a
 * Profile). Nothing of SGP.02's own uses it. */
#ifndef OSPREY_CRYPTO_DES3_H
#define OSPREY_CRYPTO_DES3_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define DES_BLOCK 8u

/* key 16 (K1 K2 K1) or 24 octets; iv 8 octets or NULL for zeroes; in a whole number of blocks; out may be in.ptr. */
MUST_USE enum err des3_cbc_encrypt(struct span key, const uint8_t *iv, struct span in, uint8_t *out);
MUST_USE enum err des3_cbc_decrypt(struct span key, const uint8_t *iv, struct span in, uint8_t *out);
/* First 3 octets of 3DES-ECB(key, 8 x 00). */
MUST_USE enum err des3_kcv(struct span key, uint8_t ret_kcv[3]);

#endif
