/* lib/model/eid.h: the eUICC's identity: 32 decimal digits, on the card 16 octets BCD without swapping (SGP.02 §2.2.1). */
#ifndef OSPREY_MODEL_EID_H
#define OSPREY_MODEL_EID_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define EID_LEN        16u
#define EID_DIGITS     32u
#define EID_TEXT_SIZE  (EID_DIGITS + 1)

struct eid {
    uint8_t octets[EID_LEN];
};

static inline struct span eid_span(const struct eid *eid) { return (struct span){ eid->octets, EID_LEN }; }
static inline bool eid_eq(const struct eid *a, const struct eid *b) { return !memcmp(a->octets, b->octets, EID_LEN); }

/* 32 decimal digits that start with 89 and whose number mod 97 is 1. ERR_BAD_LENGTH, ERR_BAD_VALUE, ERR_VERIFY (check
 * digits). */
MUST_USE enum err eid_from_text(struct span text, struct eid *ret);
MUST_USE enum err eid_from_octets(struct span octets, struct eid *ret);
/* Writes 32 digits and a NUL; returns out. */
char *eid_text(const struct eid *eid, char out[EID_TEXT_SIZE]);
/* Fills in the check digits of 30 digits. ERR_BAD_LENGTH, ERR_BAD_VALUE. */
MUST_USE enum err eid_with_check_digits(struct span thirty_digits, struct eid *ret);

#endif
