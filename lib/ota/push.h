/* lib/ota/push.h: PUSH (TS 102 226 §10; oncard fact book 9.2): the SM-SR asks the card to open a UDP channel and a
 * CAT_TP link over it. */
#ifndef OSPREY_OTA_PUSH_H
#define OSPREY_OTA_PUSH_H

#include "lib/codec/ber_tlv.h"

struct push_channel {
    bool has_address; /* false: the card uses what it has stored */
    uint8_t ipv4[4];
    uint16_t port; /* UDP */
};
/* One C-APDU each. identification: what the card shall say in its SYN, the EID. */
void push_channel_write(struct writer *w, const struct push_channel *c);
void push_link_write(struct writer *w, uint16_t port, struct span identification);

#endif
