/* tests/unit/euicc/rig.h: a card in memory, made in the factory with a profile package, and commands in hex. */
#ifndef OSPREY_TESTS_EUICC_RIG_H
#define OSPREY_TESTS_EUICC_RIG_H

#include "tests/support/test.h"

#include "euicc/card.h"
#include "euicc/euicc.h"
#include "euicc/nvm/nvm_memory.h"

struct rig {
    struct nvm_memory memory;
    struct clock clock;
    struct rng rng;
    uint64_t now_ms;
    uint32_t seed;
    struct env env;
    struct arena arena;
    struct euicc *card;
};

/* package: below data/profiles of the shared material; NULL: a card without a profile. */
void rig_make(struct rig *r, const char *package);
void rig_open(struct rig *r);  /* opens the image and resets the card */
void rig_close(struct rig *r); /* power off; the image stays */
void rig_done(struct rig *r);
struct card *rig_card(struct rig *r);
bool rig_has_package(const char *package);

/* Sends hex (blanks allowed), checks the whole answer (data and status word) in hex. "*" in want: any data before the status
 * word. */
void rig_apdu(struct rig *r, const char *command, const char *want);
/* Sends, follows 61xx and 6Cxx, returns data; the final status word in *ret_sw. Valid until the next call. */
struct span rig_exchange(struct rig *r, struct span command, uint16_t *ret_sw);
/* As rig_exchange with the wanted status word checked. */
struct span rig_get(struct rig *r, const char *command, uint16_t want_sw);

#endif
