/* bench/fleet.h: cards of one make, each with an identity and a subscription of its own. */
#ifndef OSPREY_BENCH_FLEET_H
#define OSPREY_BENCH_FLEET_H

#include "euicc/nvm/nvm_memory.h"
#include "lib/base/arena.h"
#include "lib/model/eid.h"

struct fleet;

/* Cards with this profile package installed and enabled. NULL: the package has no ICCID, IMSI or Milenage key. */
struct fleet *fleet_new(struct span package);
void fleet_free(struct fleet *f);

/* Who card `number` is. */
struct fleet_card {
    struct eid eid;
    char iccid[21], imsi[16], imei[16];
    uint8_t k[16];
};
/* Makes the card in memory that begins with the image all cards of the fleet share; the fleet outlives it. */
void fleet_make(struct fleet *f, uint32_t number, struct fleet_card *ret, struct nvm_memory *ret_memory);
/* OPc, the same for all. */
const uint8_t *fleet_opc(const struct fleet *f);

#endif
