/* PUSH (TS 102 226 §10; oncard fact book 9.2): the SM-SR asks the card to come. */
#include "push.h"

#include "euicc/agent/cat_tp_agent.h"

enum { PUSH_BIP = 0x01, PUSH_CHANNEL = 0x01, PUSH_LINK = 0x02 };

/* [?] the words of a refusal: 6A81 for a terminal without UDP, 6985 for a link without a channel, 6A80 for the rest. */
uint16_t isdr_push(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data)
{
    (void)s, (void)data;
    if (c->p1 != PUSH_BIP || (c->p2 != PUSH_CHANNEL && c->p2 != PUSH_LINK))
        return SW_WRONG_P1P2;
    enum err err = c->p2 == PUSH_CHANNEL ? cat_tp_push_channel(card, c->data) : cat_tp_push_link(card, c->data);
    return sw_of_err(err);
}
