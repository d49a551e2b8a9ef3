/* lib/model/iccid.h: the number of a profile: 18 to 20 decimal digits (E.118), in text in natural order, on the card
 * ten octets with swapped digits and F as filler. Text with trailing F is accepted and normalised (SGP.02 §5.2). */
#ifndef OSPREY_MODEL_ICCID_H
#define OSPREY_MODEL_ICCID_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define ICCID_LEN        10u
#define ICCID_DIGITS_MIN 18u
#define ICCID_DIGITS_MAX 20u
#define ICCID_TEXT_SIZE  (ICCID_DIGITS_MAX + 1)

struct iccid {
    char digits[ICCID_TEXT_SIZE]; /* natural order, no filler, NUL-terminated; empty: none */
};

/* ERR_BAD_LENGTH, ERR_BAD_VALUE (not a digit, or not 89…). The Luhn digit is not checked: not every ICCID has one. */
MUST_USE enum err iccid_from_text(struct span text, struct iccid *ret);
/* The card's EF_ICCID (swapped digits). */
MUST_USE enum err iccid_from_ef(struct span ef, struct iccid *ret);
/* The package header's form: ten octets, digits in natural order, filler F. */
MUST_USE enum err iccid_from_bcd(struct span bcd, struct iccid *ret);
void iccid_to_ef(const struct iccid *iccid, uint8_t out[ICCID_LEN]);
static inline bool iccid_eq(const struct iccid *a, const struct iccid *b) { return !strcmp(a->digits, b->digits); }

#endif
