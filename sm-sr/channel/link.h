/* sm-sr/channel/link.h: CAT_TP links of cards (ETSI TS 102 127; oncard book §9): the listening end, over datagrams that
 * the world brings and takes. A link is volatile: when it breaks the card comes again and finds the same packets. Who
 * a card says it is, its link alone proves nothing: the packets on it do. */
#ifndef OSPREY_SMSR_LINK_H
#define OSPREY_SMSR_LINK_H

#include "sm-sr/turn.h"

#define SMSR_LINK_SDU_MAX  10240u
#define SMSR_LINK_IDLE_MS  300000u /* without a service data unit */
#define SMSR_LINK_OPEN_MS  30000u  /* for the handshake */
#define SMSR_LINK_PROBE_MS 15000u  /* of silence, while an answer is awaited: is the card there? */

/* The link of this eUICC that waits for a command: a hint, as smsr_session_waiting. */
struct reply_ref smsr_link_waiting(const struct smsr *s, const struct eid *eid);
/* The card has a packet over a link and is to answer; likewise a hint. */
bool smsr_link_works(const struct smsr *s, const struct eid *eid);
void smsr_link_tick(struct smsr *s);
void smsr_link_close_all(struct smsr *s);

#endif
