/* sm-sr/channel/bearer.h: which way a script goes to the card: SMS, HTTPS or CAT_TP, by what the card can (EIS), what
 * this server offers, how much there is to say, and whether the card is here already. */
#ifndef OSPREY_SMSR_BEARER_H
#define OSPREY_SMSR_BEARER_H

#include "sm-sr/turn.h"

struct bearer_choice {
    enum bearer bearer;
    const char *why; /* for people; static */
};
const char *smsr_bearer_text(enum bearer bearer);
/* Of the session's request that waits, if any. */
bool smsr_bearer_is_of(enum bearer bearer, struct reply_ref session);
/* len: octets of the script's items; bulk: a profile download is going on. */
struct bearer_choice smsr_bearer_choose(const struct turn *t, size_t len, bool bulk, struct reply_ref session);
/* The card does not come this way: the next one for such a script; false: there is none. */
bool smsr_bearer_after(const struct turn *t, enum bearer bearer, size_t len, struct bearer_choice *ret);
/* The script is too long for this way on this card: any other. */
bool smsr_bearer_besides(const struct turn *t, enum bearer bearer, size_t len, struct bearer_choice *ret);

#endif
