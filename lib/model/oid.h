/* lib/model/oid.h: the name of an entity (EUM, CI, SM-DP, SM-SR, operator): an object identifier as dotted decimal text
 * (SGP.02 §5.1.1.1, ObjectIdentifierType). */
#ifndef OSPREY_MODEL_OID_H
#define OSPREY_MODEL_OID_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define OID_TEXT_MAX 63u

struct oid {
    char text[OID_TEXT_MAX + 1]; /* NUL-terminated; empty: none */
};

/* Digits in groups separated by single dots. ERR_BAD_LENGTH (empty), ERR_TOO_LONG, ERR_BAD_VALUE. */
MUST_USE enum err oid_from_text(struct span text, struct oid *ret);
static inline bool oid_eq(const struct oid *a, const struct oid *b) { return !strcmp(a->text, b->text); }
static inline bool oid_is(const struct oid *a, const char *text) { return !strcmp(a->text, text); }
static inline struct span oid_span(const struct oid *oid) { return span_text(oid->text); }

#endif
