/* lib/crypto/aka.h: one face for the three algorithms, for the card and for the HLR. The choice and its constants are a
 * plain value. f1* for resynchronisation is computed with AMF 0000 by the caller (TS 33.102 6.3.3). */
#ifndef OSPREY_CRYPTO_AKA_H
#define OSPREY_CRYPTO_AKA_H

#include "milenage.h"
#include "tuak.h"
#include "xor_test.h"

/* The values are algorithmID of a profile package's PE-AKAParameter. */
enum aka_algorithm { AKA_MILENAGE = 1, AKA_TUAK = 2, AKA_XOR_TEST = 3 };

#define AKA_RES_MAX 32u
#define AKA_KEY_MAX 32u

struct aka {
    enum aka_algorithm algorithm;
    union {
        struct milenage milenage;
        struct tuak tuak;
        uint8_t xor_k[16];
    };
};

struct aka_keys {
    uint8_t res[AKA_RES_MAX], ck[AKA_KEY_MAX], ik[AKA_KEY_MAX], ak[6], ak_star[6];
    uint8_t res_len, ck_len, ik_len;
};

/* opc: OPc (16) or TOPc (32), ignored by the test algorithm; keccak_iterations for TUAK only (0 means 1). */
MUST_USE enum err aka_init(struct aka *a, enum aka_algorithm algorithm, struct span k, struct span opc,
                           unsigned keccak_iterations);
/* The MACs have 8 octets here, the only length a USIM uses: a TUAK with another mac_len gives ERR_UNSUPPORTED. */
MUST_USE enum err aka_f1(const struct aka *a, const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2],
                         uint8_t ret_mac_a[8], uint8_t ret_mac_s[8]);
MUST_USE enum err aka_f2345(const struct aka *a, const uint8_t rand[16], struct aka_keys *ret);

/* GSM context (TS 33.102 6.8.1.2): c2 makes SRES of RES, c3 makes Kc of CK and IK. */
void aka_gsm(const struct aka_keys *keys, uint8_t ret_sres[4], uint8_t ret_kc[8]);

#endif
