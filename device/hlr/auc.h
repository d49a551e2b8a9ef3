/* device/hlr/auc.h: what an authentication centre computes (TS 33.102 §6.3): vectors, and a new sequence number out of the
 * AUTS of a card that is ahead. */
#ifndef OSPREY_DEVICE_HLR_AUC_H
#define OSPREY_DEVICE_HLR_AUC_H

#include "lib/base/env.h"
#include "lib/crypto/aka.h"
#include "lib/wire/gsup.h"

#define AUC_SQN_MAX  0xFFFFFFFFFFFFull
#define AUC_SQN_STEP 32u /* 5 bits of index below the sequence proper (TS 33.102 annex C) */

struct auc_subscriber {
    struct aka aka;
    uint8_t amf[2];
    uint64_t sqn; /* the last one used */
};

/* One vector with the next sequence number, which is in s->sqn afterwards: store it before the vector leaves.
 * ERR_UNSUPPORTED: a RES longer than GSUP carries. */
MUST_USE enum err auc_vector(struct auc_subscriber *s, struct rng *rng, struct gsup_vector *ret);
/* Takes the card's sequence number over when MAC-S is right; ERR_VERIFY otherwise. */
MUST_USE enum err auc_resynchronise(struct auc_subscriber *s, const uint8_t rand[16], const uint8_t auts[14]);

#endif
