/* euicc/isdr/push.h: the ISD-R's PUSH command. */
#ifndef OSPREY_EUICC_ISDR_PUSH_H
#define OSPREY_EUICC_ISDR_PUSH_H

#include "isdr.h"

uint16_t isdr_push(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data);

#endif
