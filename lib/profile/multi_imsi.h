/* lib/profile/multi_imsi.h: several subscriptions in one profile, and the rules by which the card chooses among them: the
 * content of a PE-NonStandard of our own (issuer 2.999.20). Cards that do not know it leave the element out.
 *
 *   80 02 seconds        without registration before the next IMSI is tried
 *   A1 …                 one for each, in the order of trying:
 *     80 09 EF.IMSI · 81 2n MCCs (two octets each, as a number; empty: everywhere) · 82 01 algorithm (as in PE-AKAParameter)
 *     83 K · 84 OPc (may be empty) · 85 01 digits of the MNC */
#ifndef OSPREY_PROFILE_MULTI_IMSI_H
#define OSPREY_PROFILE_MULTI_IMSI_H

#include "lib/codec/ber_tlv.h"

#define MULTI_IMSI_MAX       8u
#define MULTI_IMSI_COUNTRIES 16u
#define MULTI_IMSI_EF_LEN    9u
extern const struct span multi_imsi_issuer;

struct multi_imsi_entry {
    struct span imsi_ef, countries, key, opc;
    uint8_t algorithm, mnc_digits;
};
struct multi_imsi {
    uint16_t timer_s;
    size_t count;
    struct multi_imsi_entry entries[MULTI_IMSI_MAX];
};

void multi_imsi_write(struct writer *w, const struct multi_imsi *m);
/* Spans into content. ERR_MISSING, ERR_BAD_LENGTH, ERR_BAD_TAG, ERR_TOO_LONG. */
MUST_USE enum err multi_imsi_parse(struct span content, struct multi_imsi *ret);

static inline uint16_t multi_imsi_country(const struct multi_imsi_entry *e, size_t n)
{
    return (uint16_t)(e->countries.ptr[2 * n] << 8 | e->countries.ptr[2 * n + 1]);
}

#endif
