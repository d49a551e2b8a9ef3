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
/* A card whose enabled profile is small, known to the octet, and has a file of every kind: see rig_profile.c. */
void rig_make_own(struct rig *r);
#define RIG_PIN1  "31323334FFFFFFFF"
#define RIG_PUK1  "3131313131313131"
#define RIG_PIN2  "39393939FFFFFFFF"
#define RIG_ADM1  "3535353535353535"
#define RIG_K     "465b5ce8b199b49faa5f0a2ee238a6bc" /* Milenage, TS 35.207 set 1 */
#define RIG_OPC   "cd63cb71954a9f4e48a5994e37a02baf"
#define RIG_USIM1 "A0000000871002FF01"
#define RIG_USIM2 "A0000000871002FF02"

void rig_open(struct rig *r);  /* opens the image and resets the card */
void rig_close(struct rig *r); /* power off; the image stays */
void rig_done(struct rig *r);
struct card *rig_card(struct rig *r);
bool rig_has_package(const char *package);

/* Sends hex (blanks allowed), checks the whole answer (data and status word) in hex. "*" in want: any data before the
 * status word. */
void rig_apdu(struct rig *r, const char *command, const char *want);
/* Sends, follows 61xx and 6Cxx, returns data; the final status word in *ret_sw. Valid until the next call. */
struct span rig_exchange(struct rig *r, struct span command, uint16_t *ret_sw);
/* As rig_exchange with the wanted status word checked. */
struct span rig_get(struct rig *r, const char *command, uint16_t want_sw);

#endif
