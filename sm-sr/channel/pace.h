/* sm-sr/channel/pace.h: when a script leaves for a card that does not answer. Three things decide:
 *
 * - the delivery mode of who asked ([partner] delivery, [channel] delivery): now, until its time is over, or when the card
 *   is next heard of;
 * - pauses that double up to a longest one, each longer by a part of its own, so that cards that fell silent together
 *   are not called together;
 * - budgets of what leaves again: of a network (by the first digits of its numbers), of a partner, of one of its campaigns.
 *   What leaves for the first time takes from them too, but never waits for them.
 *
 * Budgets are volatile. A turn that is run again may take from one twice: a budget is a bound, not an account. */
#ifndef OSPREY_SMSR_PACE_H
#define OSPREY_SMSR_PACE_H

#include "sm-sr/turn.h"

/* struct exchange.next_ms: it leaves when the card is heard of, not before. */
#define PACE_PARKED ((uint64_t)INT64_MAX)

/* A campaign is what stands before the last '.' of a FunctionCallIdentifier; so many are kept apart at a time. */
#define PACE_CAMPAIGN_MARK '.'

const char *smsr_delivery_text(enum smsr_delivery mode);
bool smsr_delivery_from(const char *text, enum smsr_delivery *ret); /* until, now, event */

/* When an operation of this requester must be over that may last until deadline_ms. */
uint64_t smsr_pace_deadline(const struct turn *t, const struct smsr_partner *requester, uint64_t deadline_ms);
/* A first script must wait: the card was not heard of in this turn. op may be NULL. */
bool smsr_pace_waits(const struct turn *t, const struct operation *op);
/* x leaves now: sets tries and next_ms. */
void smsr_pace_left(struct turn *t, struct exchange *x);
/* May it leave again? false: its next_ms was moved to when the budgets allow it, which is taken from them now. */
bool smsr_pace_allows(struct turn *t, struct exchange *x);

#endif
