/* euicc/mnosd/mnosd.h: the MNO-SD of the enabled profile (SGP.02 §2.2.1.4) as far as ES6 needs it: its OTA key sets,
 * POL1 and connectivity parameters of its own ISD-P. */
#ifndef OSPREY_EUICC_MNOSD_MNOSD_H
#define OSPREY_EUICC_MNOSD_MNOSD_H

#include "euicc/isdr/keyset.h"
#include "lib/scp/scp80.h"

struct card;

/* SCP80 key sets that the profile brought (PE-SecurityDomain); kvn 0: the first one. ERR_NOT_FOUND. */
MUST_USE enum err mnosd_keyset_read(struct card *card, uint16_t slot, uint8_t kvn, struct keyset *ret);
MUST_USE enum err mnosd_counter_read(struct card *card, uint16_t slot, uint8_t kvn, uint64_t *ret);
MUST_USE enum err mnosd_counter_write(struct card *card, uint16_t slot, uint8_t kvn, uint64_t counter);
/* Least security of a packet to the MNO-SD or an RFM instance: what the profile says, else a MAC and a counter.
 * ERR_DENIED. */
struct sd_target;
MUST_USE enum err mnosd_policy(struct card *card, const struct sd_target *t, const struct scp80_header *h);

#endif
