/* euicc/uicc/naa.h: what a network access application (USIM, ISIM) authenticates with: algorithm, keys, sequence
 * numbers. 3GPP TS 33.102 §6.3 and annex C, TS 31.102 §7.1.2, profile package §9. Bound to an ADF by its file number.
 */
#ifndef OSPREY_EUICC_UICC_NAA_H
#define OSPREY_EUICC_UICC_NAA_H

#include "fs.h"
#include "lib/crypto/aka.h"

#define NAA_SQN_COUNT 32u               /* IND has five bits */
#define NAA_SEQ_MAX   0x07FFFFFFFFFFull /* SEQ has 43 */
/* sqnOptions; bits and meaning are [?] in the profile package's fact book §9 */
#define NAA_SQN_AGE_LIMIT 0x01u
#define NAA_SQN_DELTA     0x02u

struct naa {
    fs_number mapped_to; /* FS_NONE, or the ADF whose keys and sequence numbers are used; the rest is ignored then */
    uint8_t algorithm;   /* enum aka_algorithm */
    uint8_t k_len, k[32];
    uint8_t opc_len, opc[32];
    uint8_t r[5], c[5][16];    /* Milenage: rotations in bits, constants; all of r and c zero: the standard's */
    uint8_t keccak_iterations; /* TUAK; 0: 1 */
    uint8_t res_len;           /* TUAK 4, 8, 16; test algorithm 4, 8, 16; Milenage: 8 */
    uint8_t sqn_options;
    uint64_t sqn_delta, sqn_age_limit; /* SEQ values */
    uint32_t uses_max;                 /* authCounterMax; 0: unlimited */
};

/* For the interpreter, in the open transaction; sqn: SEQ values, NULL: zeroes. The keys are checked by making the
 * algorithm of them. ERR_BAD_LENGTH, ERR_BAD_VALUE, ERR_UNSUPPORTED. */
MUST_USE enum err naa_put(struct objects *store, uint8_t profile, fs_number adf, const struct naa *naa,
                          const uint64_t sqn[NAA_SQN_COUNT]);
MUST_USE enum err naa_get(const struct objects *store, uint8_t profile, fs_number adf, struct naa *ret);

struct naa_answer {
    struct aka_keys keys; /* NAA_OK */
    uint8_t auts[14];     /* NAA_SYNC_FAILURE */
};
enum naa_result {
    NAA_OK,
    NAA_SYNC_FAILURE,
    NAA_MAC_FAILURE,
    NAA_BLOCKED,
    NAA_NONE /* no keys for this ADF */,
    NAA_ERROR
};

/* One execution of AKA, MAC first, then freshness; the sequence number and the use counter are durable before it
 * returns. */
enum naa_result naa_authenticate(struct objects *store, uint8_t profile, fs_number adf, const uint8_t rand[16],
                                 const uint8_t autn[16], struct naa_answer *ret);
/* GSM context: f2 … f5 without a check; counted as a use. */
enum naa_result naa_authenticate_gsm(struct objects *store, uint8_t profile, fs_number adf, const uint8_t rand[16],
                                     struct naa_answer *ret);
void naa_answer_wipe(struct naa_answer *a);

#endif
