/* lib/codec/comprehension_tlv.h: COMPREHENSION-TLV of the card application toolkit (TS 101 220 §7.1.1): tags of one
 * octet whose bit 8 is the comprehension-required flag, or 7F and two octets; lengths 00…7F, 81 xx, 82 xx xx. */
#ifndef OSPREY_CODEC_COMPREHENSION_TLV_H
#define OSPREY_CODEC_COMPREHENSION_TLV_H

#include "ber_tlv.h"

/* ret->tag comes without the comprehension flag: 0x06 for 06 and for 86. */
bool ctlv_next(struct reader *r, struct tlv *ret);
/* First one of that tag (given without the flag), wherever it stands. */
bool ctlv_find(struct span in, uint16_t tag, struct span *ret);

#endif
