/* euicc/isdr/packet.h: SCP80 on the card, whatever carries it: a secured packet for the ISD-R, an ISD-P, the MNO-SD or
 * a remote file management instance is checked, executed and answered with a proof of receipt. SGP.02 §2.4.2, TS 102
 * 225, 3GPP TS 31.115; oncard fact book 7. */
#ifndef OSPREY_EUICC_ISDR_PACKET_H
#define OSPREY_EUICC_ISDR_PACKET_H

#include "isdr.h"
#include "lib/scp/scp80.h"

/* How a packet came, and how its answer goes. */
struct packet_way {
    enum scp80_form form;
    const struct sms_address *sender; /* SMS: a PoR to another than the SM-SR goes there */
    struct sd_session *session;       /* what a script leaves behind for the next one */
    struct writer *answer;            /* SMS: user data of the delivery report; CAT_TP: the PoR as it stands */
};
void isdr_packet_receive(struct card *card, struct span packet, const struct packet_way *way);

#endif
