/* euicc/mnosd/mnosd.h: the MNO-SD of the enabled profile (SGP.02 §2.2.1.4) and the security domains beside it: their OTA
 * key sets, POL1 and connectivity parameters of the own ISD-P, and remote application management (ram.c). */
#ifndef OSPREY_EUICC_MNOSD_MNOSD_H
#define OSPREY_EUICC_MNOSD_MNOSD_H

#include "euicc/isdr/keyset.h"
#include "lib/scp/scp80.h"

struct card;
struct sd_target;

/* SCP80 key sets that the profile brought (PE-SecurityDomain) or PUT KEY wrote; kvn 0: the first one. t: a security
 * domain of the profile, or an RFM instance under one. ERR_NOT_FOUND. */
MUST_USE enum err mnosd_keyset_read(struct card *card, const struct sd_target *t, uint8_t kvn, struct keyset *ret);
MUST_USE enum err mnosd_counter_read(struct card *card, const struct sd_target *t, uint8_t kvn, uint64_t *ret);
MUST_USE enum err mnosd_counter_write(struct card *card, const struct sd_target *t, uint8_t kvn, uint64_t counter);
/* Least security of a packet to the MNO-SD or an RFM instance: what the profile says, else a MAC and a counter.
 * ERR_DENIED. */
MUST_USE enum err mnosd_policy(struct card *card, const struct sd_target *t, const struct scp80_header *h);

/* ram.c: rows of mnosd_rules. */
struct sd_session;
struct capdu;
struct writer;
uint16_t mnosd_get_data(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data);
uint16_t mnosd_get_status(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data);
uint16_t mnosd_put_key(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data);
uint16_t mnosd_delete(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data);

#endif
