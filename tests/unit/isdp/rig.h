/* tests/unit/isdp/rig.h: a card's memory and registry with one ISD-P that waits for a profile. */
#ifndef OSPREY_TESTS_ISDP_RIG_H
#define OSPREY_TESTS_ISDP_RIG_H

#include "euicc/card.h"
#include "euicc/isdp/install.h"
#include "euicc/nvm/nvm_memory.h"
#include "lib/profile/response.h"
#include "tests/support/test.h"

struct rig {
    struct nvm_memory nvm;
    struct arena arena;
    struct card card;
    struct isdp *isdp;
};

struct rig *rig_new(uint32_t granted);
void rig_free(struct rig *r);
/* Forgets all RAM and reads the image again, as a chip does that lost power. */
void rig_power_cycle(struct rig *r);

/* Feeds the package in segments of that size (0: whole). ret_response: kept till the next call. */
enum install_result rig_install(struct rig *r, struct span package, size_t segment, struct span *ret_response);

struct span profile_bytes(const char *file); /* of data/profiles; skips the test when absent */

#endif
