/* euicc/isdr/sms.h: secured packets in short messages. */
#ifndef OSPREY_EUICC_ISDR_SMS_H
#define OSPREY_EUICC_ISDR_SMS_H

#include "isdr.h"
#include "lib/scp/scp80.h"

/* ENVELOPE (SMS-PP download); the hook of struct card_module. A PoR for the delivery report is appended to rsp. */
bool isdr_sms_pp(struct card *card, struct span service_centre, struct span tpdu, struct writer *rsp, uint16_t *ret_sw);

/* Drops what is gathered of messages in parts. */
void isdr_sms_forget(struct card *card);

#endif
