/* sm-sr/channel/exchange.h: one command script to the card and its answer, over SMS (SCP80), an administration
 * session (SCP81) or a CAT_TP link (SCP80). The packet is made once, with a counter drawn in this turn, and stored: what leaves again are the
 * same bytes, until the answer comes or the operation's time is over (SGP.02 §2.4, §2.5; design: the card's counters
 * are one-way). */
#ifndef OSPREY_SMSR_EXCHANGE_H
#define OSPREY_SMSR_EXCHANGE_H

#include "sm-sr/turn.h"

#define SMSR_ITEMS_MAX 2048u /* octets of the commands that procedures make themselves */

/* Sends command TLVs (22 … one after another, or SCP03t) to the security domain `target`. `to`: the MSISDN when it is
 * not that of the enabled profile, or NULL. `bulk`: a profile download is going on, which is much for short messages.
 * ERR_NOT_FOUND: no key set, or no address. ERR_NO_SPACE, ERR_CRYPTO, ERR_VERIFY (keys). */
MUST_USE enum err smsr_exchange_send(struct turn *t, const struct operation *op, enum exchange_purpose purpose,
                                     const struct aid *target, struct span items, const char *to, bool bulk);
/* One C-APDU as an item 22. */
void smsr_item(struct writer *items, struct span capdu);

/* How many octets of items one script may have when it goes the way a download goes. */
size_t smsr_script_room(const struct turn *t);

/* The timer: everything whose time has come leaves again. */
void smsr_exchange_resend(struct turn *t);
void smsr_exchange_again(struct turn *t, struct exchange *x); /* now */
/* The card was heard of: what waits for that leaves. */
void smsr_exchange_heard(struct turn *t);
/* When the next one is due; 0: none. PACE_PARKED: when the card is heard of. */
uint64_t smsr_exchange_due(const struct euicc *e);

/* A PoR from the card, by SMS or over a link. */
void smsr_exchange_por(struct turn *t, enum scp80_form form, struct span packet);
/* A body POSTed in answer to script n. */
void smsr_exchange_posted(struct turn *t, uint32_t n, struct span status, struct span body);
/* A script did not reach its session: the card is asked to come again. */
void smsr_exchange_session_lost(struct turn *t);
/* The link could not take a packet: its card has room for so many octets at a time. Another way, or the script is refused. */
void smsr_exchange_too_long(struct turn *t, size_t room);
/* t->session waits: gives it the next script, lets it wait for one, or ends it (204). */
void smsr_exchange_serve(struct turn *t);

#endif
