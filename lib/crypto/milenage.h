/* lib/crypto/milenage.h: Milenage, 3GPP TS 35.206: f1 … f5* with AES-128, and the constants r, c a profile may set. */
#ifndef OSPREY_CRYPTO_MILENAGE_H
#define OSPREY_CRYPTO_MILENAGE_H

#include "lib/base/err.h"
#include "lib/base/span.h"

struct milenage {
    uint8_t k[16], opc[16];
    uint8_t r[5];     /* rotations of TS 35.206, in bits, multiples of 8: r1 … r5 */
    uint8_t c[5][16]; /* c1 … c5 */
};

/* k and opc 16 octets each (ERR_BAD_LENGTH); r and c get the standard's values. */
MUST_USE enum err milenage_init(struct milenage *m, struct span k, struct span opc);
MUST_USE enum err milenage_opc(struct span k, struct span op, uint8_t ret_opc[16]);

/* f1 (MAC-A) and f1* (MAC-S) in one go. */
MUST_USE enum err milenage_f1(const struct milenage *m, const uint8_t rand[16], const uint8_t sqn[6],
                              const uint8_t amf[2], uint8_t ret_mac_a[8], uint8_t ret_mac_s[8]);
MUST_USE enum err milenage_f2345(const struct milenage *m, const uint8_t rand[16], uint8_t ret_res[8],
                                 uint8_t ret_ck[16], uint8_t ret_ik[16], uint8_t ret_ak[6], uint8_t ret_ak_star[6]);

#endif
