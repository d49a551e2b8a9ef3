/* lib/gp/store_data.h: STORE DATA (GlobalPlatform 2.2 §11.11) in the form SGP.02 uses: DGIs, in blocks of up to 255
 * octets, P2 counting blocks. */
#ifndef OSPREY_GP_STORE_DATA_H
#define OSPREY_GP_STORE_DATA_H

#include "apdu.h"

enum { STORE_DATA_LAST = 0x80, STORE_DATA_DGI = 0x08, STORE_DATA_ANSWER = 0x01 };

struct store_data {
    bool last, dgi, answer; /* answer: response data are expected (case 4) */
    uint8_t block;          /* P2 */
    struct span data;
};

/* ERR_BAD_VALUE when INS is not STORE DATA or P1 asks for encrypted or unknown structure. */
MUST_USE enum err store_data_parse(const struct capdu *c, struct store_data *ret);

/* One C-APDU with at most 255 octets of `data` from octet `at`. `last` belongs to the whole run: it is set in P1 only
 * on the block that carries the end of data. le: 0 or 256 (Le 00). Returns the octet where the next block begins. */
size_t store_data_block_write(struct writer *w, struct span data, size_t at, uint8_t block, bool last, bool answer,
                              uint32_t le);
size_t store_data_block_count(size_t len);

#endif
