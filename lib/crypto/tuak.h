/* lib/crypto/tuak.h: TUAK, 3GPP TS 35.231, on our own Keccak-f[1600]. */
#ifndef OSPREY_CRYPTO_TUAK_H
#define OSPREY_CRYPTO_TUAK_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define KECCAK_STATE_LEN 200u
/* The permutation, byte order as in FIPS 202. */
void keccak_f1600(uint8_t state[KECCAK_STATE_LEN]);

#define TUAK_OUT_MAX        32u
#define TUAK_ITERATIONS_MAX 255u

struct tuak {
    uint8_t k[32], topc[32];
    uint8_t k_len;      /* 16 or 32 */
    uint8_t iterations; /* how often the permutation runs, 1 … */
    /* output lengths in octets: MAC 8, 16, 32; RES 4, 8, 16, 32; CK and IK 16, 32 */
    uint8_t mac_len, res_len, ck_len, ik_len;
};

/* k 16 or 32, topc 32 octets; lengths get the USIM's usual 8, 8, 16, 16; set others afterwards. ERR_BAD_LENGTH,
 * ERR_BAD_VALUE (no iterations). */
MUST_USE enum err tuak_init(struct tuak *t, struct span k, struct span topc, unsigned iterations);
MUST_USE enum err tuak_topc(struct span k, struct span top, unsigned iterations, uint8_t ret_topc[32]);

/* Outputs have the lengths set in t, at most TUAK_OUT_MAX. ERR_BAD_LENGTH: a length the standard does not have. */
MUST_USE enum err tuak_f1(const struct tuak *t, const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2],
                          uint8_t *ret_mac_a, uint8_t *ret_mac_s);
MUST_USE enum err tuak_f2345(const struct tuak *t, const uint8_t rand[16], uint8_t *ret_res, uint8_t *ret_ck,
                             uint8_t *ret_ik, uint8_t ret_ak[6], uint8_t ret_ak_star[6]);

#endif
