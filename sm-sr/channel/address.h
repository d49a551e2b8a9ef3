/* sm-sr/channel/address.h: which of a card's numbers a short message goes to: that of the enabled profile, and when nothing comes
 * back, the others in turn. */
#ifndef OSPREY_SMSR_ADDRESS_H
#define OSPREY_SMSR_ADDRESS_H

#include "sm-sr/turn.h"

/* The number that is asked for; NULL or empty: that of the enabled profile, else where the card was heard last. ERR_NOT_FOUND. */
MUST_USE enum err smsr_address_first(struct turn *t, struct exchange *x, const char *to);
/* In front of a repeat: every other one goes to the next number. */
void smsr_address_next(struct turn *t, struct exchange *x);

#endif
