/* sm-sr/trail_book.h: the audit trail as it stands in a database: checked, and told as JSON (docs/audit-trail.md). */
#ifndef OSPREY_SMSR_TRAIL_BOOK_H
#define OSPREY_SMSR_TRAIL_BOOK_H

#include <stdio.h>

#include "lib/base/env.h"
#include "trail.h"

struct trail_counts {
    uint64_t euiccs, records, old; /* old: of before the chain, which nothing proves */
    uint64_t wrong;
};
/* eid NULL: all of them. Each finding is one line on `out`. ERR_IO and others: the database cannot be read. */
MUST_USE enum err smsr_trail_verify(struct store *store, const char *eid, FILE *out, struct trail_counts *ret);
/* One JSON object a line, oldest first. */
MUST_USE enum err smsr_trail_export(struct store *store, const char *eid, FILE *out);

struct json_t;
struct json_t *smsr_trail_json(const char *eid, const struct trail_row *r); /* one record; NULL: no memory */

#endif
