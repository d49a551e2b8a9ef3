/* sm-sr/channel/notification.h: default notifications of the card (SGP.02 §3.15, fact book 8.15): recognised, applied,
 * confirmed. */
#ifndef OSPREY_SMSR_NOTIFICATION_H
#define OSPREY_SMSR_NOTIFICATION_H

#include "sm-sr/turn.h"

/* A secured packet from the card: verified with the ISD-R's keys, then as below. */
void smsr_notification_packet(struct turn *t, const char *from, enum scp80_form form, struct span packet);
/* The E1 object itself. `from`: the MSISDN it came from, NULL when it came by HTTPS or CAT_TP. */
void smsr_notification(struct turn *t, struct span bytes, const char *from);
/* The card's answer to a confirmation that belongs to no operation. */
void smsr_notification_answered(struct turn *t, const struct card_answer *a);
/* Sends HandleNotificationConfirmation for the last notification. op: NULL, or the operation that waits for it. */
MUST_USE enum err smsr_notification_confirm(struct turn *t, const struct operation *op);
/* The key set is another one from now on: a confirmation that waits for its answer and belongs to no operation leaves anew. */
void smsr_notification_rekeyed(struct turn *t);

/* What a change of the enabled profile means for the EIS: `enabled` takes the place of what was enabled. Tells the
 * owners, but not about the profile `asked` for (may be NULL): that is the answer to the call. */
void smsr_switched(struct turn *t, struct profile *enabled, const struct profile *asked);
/* Profiles that POL1 made the card delete at a confirmation. */
void smsr_deleted_by_card(struct turn *t, struct span data);

#endif
