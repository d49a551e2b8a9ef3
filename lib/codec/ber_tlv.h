/* lib/codec/ber_tlv.h: BER-TLV (ISO 7816-4, TS 101 220): tags of 1 to 4 octets, definite lengths of 1 to 5 octets.
 * A parser is a loop over tlv_next; a builder opens, fills and closes. */
#ifndef OSPREY_CODEC_BER_TLV_H
#define OSPREY_CODEC_BER_TLV_H

#include "reader.h"
#include "writer.h"

struct tlv {
    uint32_t tag;    /* all tag octets as one number: 0x4F, 0x9F70, 0x7F21 */
    struct span val;
    struct span raw; /* tag, length and value as they stand in the input */
};

/* Next TLV; false at a clean end or on error: r->err says which. Longer length forms than needed are accepted. */
bool tlv_next(struct reader *r, struct tlv *ret);
/* First TLV of that tag on this level; false when absent (also when the bytes are broken before it). */
bool tlv_find(struct span in, uint32_t tag, struct span *ret);

void wr_long_tag(struct writer *w, uint32_t tag); /* of two to four octets */
static inline void wr_tag(struct writer *w, uint32_t tag)
{
    if (tag <= 0xFF)
        wr_u8(w, (uint8_t)tag);
    else
        wr_long_tag(w, tag);
}

void wr_length(struct writer *w, size_t len); /* shortest form */
void wr_tlv(struct writer *w, uint32_t tag, struct span val);
void wr_tlv_u8(struct writer *w, uint32_t tag, uint8_t val);
/* Opens a constructed TLV; close fills in the shortest length. Nest as deep as you like. */
size_t wr_tlv_open(struct writer *w, uint32_t tag);
void wr_tlv_close(struct writer *w, size_t mark);
size_t ber_length_size(size_t len); /* octets the length field takes */

/* GlobalPlatform DGI (GP 2.2 Annex B of the data grouping format): tag 2 octets; length 1 octet 00…FE, or FF and 2. */
bool dgi_next(struct reader *r, struct tlv *ret);
void wr_dgi(struct writer *w, uint16_t tag, struct span val);

#endif
