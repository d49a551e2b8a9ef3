/* euicc/nvm/nvm_memory.h: card memory in RAM, for tests and the simulator. Pages that were never written cost nothing;
 * memories that begin with the same image share it and keep only what they have written themselves.
 * It can fail as a chip does: after a number of octets the power is gone, in the middle of a write. */
#ifndef OSPREY_EUICC_NVM_NVM_MEMORY_H
#define OSPREY_EUICC_NVM_NVM_MEMORY_H

#include "lib/base/env.h"

#define NVM_PAGE 256u /* octets of a page that is kept beside a shared image */

struct nvm_memory {
    struct nvm nvm; /* first: hand out &m->nvm */
    uint8_t *bytes; /* all of it; NULL when it stands on a base */
    struct span base;
    struct nvm_pages { /* written over the base or behind it, in ascending order of their numbers */
        uint16_t *numbers;
        uint8_t *octets;
        uint32_t count;
    } own;
    uint64_t written; /* octets written so far */
    uint64_t cut_at;  /* power fails when `written` reaches this; UINT64_MAX: never */
    uint32_t writes, syncs;
};

MUST_USE enum err nvm_memory_init(struct nvm_memory *m, size_t size); /* all zeroes; ERR_NO_MEMORY */
/* Begins with these octets (at most size, borrowed until done) and goes on with zeroes. ERR_TOO_LONG: over 16 MiB. A write
 * that finds no memory for its pages is ERR_IO. */
MUST_USE enum err nvm_memory_init_on(struct nvm_memory *m, size_t size, struct span base);
void nvm_memory_done(struct nvm_memory *m);
/* Octets of RAM that are this memory's alone, when it stands on a base. */
size_t nvm_memory_own(const struct nvm_memory *m);
/* Of a memory without a base: its octets up to the last one that is not zero. */
struct span nvm_memory_content(const struct nvm_memory *m);
/* The power fails after `octets` more octets: the write that crosses the line is torn there and says ERR_IO, as does
 * everything after it, reads too. */
void nvm_memory_cut_after(struct nvm_memory *m, uint64_t octets);
void nvm_memory_power_on(struct nvm_memory *m); /* ends the cut; the torn content stays */

#endif
