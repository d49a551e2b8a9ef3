/* lib/model/codes.h: the numbers of statuses that one partner wants otherwise than reason.def has them: said to it in its
 * numbers, understood from it in ours. */
#ifndef OSPREY_MODEL_CODES_H
#define OSPREY_MODEL_CODES_H

#include "status.h"

#define CODES_MAX 40u

struct codes {
    struct code_pair {
        enum reason reason;
        char subject[STATUS_CODE_MAX], code[STATUS_CODE_MAX];
    } rows[CODES_MAX];
    size_t count; /* zero: all as in the table */
};

/* name: as in reason.def ("EUICC_BUSY"); pair: "8.1/4.4". ERR_NOT_FOUND: no status of that name; ERR_BAD_VALUE: no pair of
 * numbers; ERR_EXISTS: named before; ERR_TOO_LONG: more than CODES_MAX. */
MUST_USE enum err codes_set(struct codes *c, struct span name, struct span pair);
/* Our status, as this partner reads it. codes may be NULL. A pair that is not in the table stays. */
void codes_give(const struct codes *c, struct status *s);
/* The other way: a status that came from this partner gets our reason and our numbers. */
void codes_take(const struct codes *c, struct status *s);

#endif
