/* sm-sr/channel/presence.h: where a card has its session or link, for the other processes on the same database. They are open
 * in one process; the commands for the card may come to any. What is noted here is a hint: a reply to a session that is gone
 * comes back as SMSR_EVENT_SESSION_LOST. With one process nothing is noted and nothing is found. */
#ifndef OSPREY_SMSR_PRESENCE_H
#define OSPREY_SMSR_PRESENCE_H

#include "sm-sr/turn.h"

extern const char SMSR_PRESENCE_SCHEMA[];
/* Asks for it, with the rows of the eUICC; false while it is not loaded. */
bool smsr_presence_load(struct turn *t);
/* A request of the card that waits for a command at another process; none. */
struct reply_ref smsr_presence_waiting(const struct turn *t);
/* The card is at a command that it got at another process, by this bearer. */
bool smsr_presence_works(const struct turn *t, enum bearer bearer);
/* What the card's request is answered with (200, SMSR_ADMIN_HOLD, SMSR_ADMIN_DONE, 204). */
void smsr_presence_note(struct turn *t, struct reply_ref session, int status);
void smsr_presence_prune(struct turn *t);

#endif
