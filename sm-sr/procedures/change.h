/* sm-sr/procedures/change.h: the SM-SR change (SGP.02 §3.8; fact book 7.15–7.19, 8.8).
 *
 * Where the eUICC is (change.c): the operation SMSR_CHANGE offers it to the other SM-SR and waits for the outcome; what
 * that one asks for in between (SMSR_AUTHENTICATE, SMSR_CREATE_KEYSET) are operations of their own, served meanwhile.
 * Where it goes (handover.c): SMSR_PREPARE says that it may come, SMSR_HANDOVER takes it over. Its rows are marked
 * `coming` and nobody sees them, until the receipt of the new keys is right: that is the commit point. */
#ifndef OSPREY_SMSR_CHANGE_H
#define OSPREY_SMSR_CHANGE_H

#include "sm-sr/turn.h"

struct status smsr_fill_prepare(struct turn *t, const struct call_event *c, struct operation *op);
struct status smsr_fill_change(struct turn *t, const struct call_event *c, struct operation *op);
struct status smsr_fill_handover(struct turn *t, const struct call_event *c, struct operation *op);
struct status smsr_fill_authenticate(struct turn *t, const struct call_event *c, struct operation *op);
struct status smsr_fill_create_keyset(struct turn *t, const struct call_event *c, struct operation *op);

/* SMSR_CHANGE or SMSR_HANDOVER ends with op->status, which the latter may soften: after the commit point there are only
 * success and warning. */
void smsr_change_ending(struct turn *t, struct operation *op);
/* What is left to do after its answer. */
void smsr_change_ended(struct turn *t, const struct operation *op);
/* A key set that the card may have, and whose keys we do not, shall go from it. */
void smsr_change_neutralise(struct turn *t, uint8_t kvn);
/* The card may have the keys of the other SM-SR: that one alone knows how this change ends. */
bool smsr_change_is_theirs(const struct operation *op);
/* The other SM-SR says how the change ended, after we had given up. asked: the name of the request that it answers; one to an
 * earlier offer than the last is not listened to: since then the eUICC may have been there, and come back. */
void smsr_change_late(struct turn *t, const struct smsr_partner *from, const char *asked, const struct status *status);

/* STORE DATA to the ISD-R in as many blocks as it takes, in one script; *block: the number of the first one, then of the
 * next. NEXT_STAY, or NEXT_END with the reason why it cannot be sent. */
int smsr_send_blocks(struct turn *t, struct operation *op, struct span dgis, uint8_t *block, bool last);
/* 9000 to all that was sent. */
bool smsr_said_yes(const struct card_answer *a);

#endif
