/* operator/ota_sms.h: one secured packet to a card by SMS (SMPP 3.4), and its answer (PoR). */
#ifndef OSPREY_OPERATOR_OTA_SMS_H
#define OSPREY_OPERATOR_OTA_SMS_H

#include "lib/wire/sms.h"
#include "session.h"

/* Sends the packet to that number and waits for a response packet from there, at most wait_s. `accept` is shown each
 * response packet; true: it is the one. OP_OK; OP_NO_ANSWER; OP_UNREACHABLE (the SMSC, or it refuses us or the message);
 * s->detail says why. */
enum op_exit op_ota_sms(struct op_session *s, const char *msisdn, struct span packet, uint32_t wait_s,
                        bool (*accept)(void *context, struct span response), void *context);

#endif
