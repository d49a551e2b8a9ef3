/* sm-sr/channel/packet.h: secured packets (SCP80) of one exchange: wrapped with a counter that is drawn here and kept
 * with the key set, and opened again. Keys are unwrapped for the moment only. */
#ifndef OSPREY_SMSR_PACKET_H
#define OSPREY_SMSR_PACKET_H

#include "lib/scp/scp80.h"
#include "sm-sr/turn.h"

/* x->packet: data for the security domain `target`, under the next counter (and `jump` more). ERR_NOT_FOUND: no SCP80
 * key set. ERR_VERIFY (wrapped keys), ERR_CRYPTO, ERR_NO_SPACE. */
MUST_USE enum err smsr_packet_make(struct turn *t, struct exchange *x, const struct aid *target, struct span data,
                                   uint64_t jump);
/* x->packet: the triggering message of its bearer (SGP.02 §2.4.3.1; oncard book 8.1, 9.2). An invitation does no harm twice, and the card
 * does not listen to one it has had: so each is a new packet. */
MUST_USE enum err smsr_trigger_make(struct turn *t, struct exchange *x, uint64_t jump);
/* The same way to us as the card's stored parameters: the value of A5 in UpdateSMSRAddressingParameters. */
void smsr_https_parameters_write(struct writer *w, const struct smsr_config *c);
/* … and of A4, with our end of CAT_TP links. */
void smsr_cat_tp_parameters_write(struct writer *w, const struct smsr_config *c);
/* x->packet: the script as it goes over a CAT_TP link. Its counter leaves room below for the triggers that may be needed
 * until the card has it: those must not make the card refuse it. */
MUST_USE enum err smsr_packet_for_link(struct turn *t, struct exchange *x, uint64_t jump);
/* Another PUSH for an exchange whose packet is drawn: x->packet stays. A counter of that room while there is one. */
MUST_USE enum err smsr_push_again(struct turn *t, struct exchange *x, struct span *ret_packet);
/* The PoR to x->packet, or by SMS to the trigger of a packet that goes over a link. ERR_VERIFY and others: it is not; ERR_NOT_FOUND: it answers another counter. */
MUST_USE enum err smsr_packet_por(struct turn *t, const struct exchange *x, enum scp80_form form, struct span packet,
                                  struct scp80_response *ret);
/* A secured packet of the card under that key set: its data, in `plain`. */
MUST_USE enum err smsr_packet_open(struct turn *t, const struct keyset *k, enum scp80_form form, struct span packet,
                                   struct writer *plain, struct scp80_header *ret, struct span *ret_data);

#endif
