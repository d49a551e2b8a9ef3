/* euicc/nvm/nvm_memory.h: card memory in RAM, for tests and the simulator. Pages that were never written cost nothing.
 * It can fail as a chip does: after a number of octets the power is gone, in the middle of a write. */
#ifndef OSPREY_EUICC_NVM_NVM_MEMORY_H
#define OSPREY_EUICC_NVM_NVM_MEMORY_H

#include "lib/base/env.h"

struct nvm_memory {
    struct nvm nvm; /* first: hand out &m->nvm */
    uint8_t *bytes;
    uint64_t written; /* octets written so far */
    uint64_t cut_at;  /* power fails when `written` reaches this; UINT64_MAX: never */
    uint32_t writes, syncs;
};

MUST_USE enum err nvm_memory_init(struct nvm_memory *m, size_t size); /* all FF-free: zeroes; ERR_NO_MEMORY */
void nvm_memory_done(struct nvm_memory *m);
/* The power fails after `octets` more octets: the write that crosses the line is torn there and says ERR_IO, as does
 * everything after it, reads too. */
void nvm_memory_cut_after(struct nvm_memory *m, uint64_t octets);
void nvm_memory_power_on(struct nvm_memory *m); /* ends the cut; the torn content stays */

#endif
