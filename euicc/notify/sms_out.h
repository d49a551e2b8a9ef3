/* euicc/notify/sms_out.h: short messages of the card: PoRs and notifications, part by part through SEND SHORT MESSAGE,
 * with repeats while the terminal or the network is busy. */
#ifndef OSPREY_EUICC_NOTIFY_SMS_OUT_H
#define OSPREY_EUICC_NOTIFY_SMS_OUT_H

#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/wire/sms.h"

#define SMS_OUT_MAX        4u /* packets waiting */
#define SMS_OUT_PACKET_MAX 1024u
#define SMS_OUT_TRIES      3u

struct card;

enum sms_out_kind { SMS_OUT_POR, SMS_OUT_NOTIFICATION };

/* A queue: packets[0] is on its way. */
struct sms_out {
    struct sms_out_packet {
        uint8_t kind, reference, tries, part; /* part: the next one to be sent */
        struct sms_address to;
        uint16_t len;
        uint8_t packet[SMS_OUT_PACKET_MAX];
    } packets[SMS_OUT_MAX];
    size_t count;
    bool sending;      /* a SEND SHORT MESSAGE is with the terminal */
    uint8_t reference; /* of the latest concatenated message */
    uint64_t again_ms; /* after a failure; UINT64_MAX: none */
};

/* packet: from CPL or RPL on. ERR_NO_SPACE: too many or too long. */
MUST_USE enum err sms_out_send(struct card *card, enum sms_out_kind kind, const struct sms_address *to,
                               struct span packet);
void sms_out_reset(struct card *card);
uint64_t sms_out_idle(struct card *card, uint64_t now_ms);

#endif
