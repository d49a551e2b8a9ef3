/* sm-sr/trail_tool.h: osprey-sm-sr audit-trail export | verify: reads the audit trail from the database of an SM-SR
 * (an SQLite file only while no SM-SR has it open, or from a copy). docs/audit-trail.md */
#ifndef OSPREY_SMSR_TRAIL_TOOL_H
#define OSPREY_SMSR_TRAIL_TOOL_H

#include <stdio.h>

#include "lib/base/env.h"

struct trail_counts {
    uint64_t euiccs, records, old; /* old: of before the chain, which nothing proves */
    uint64_t wrong;
};
/* eid NULL: all of them. Each finding is one line on `out`. ERR_IO and others: the database cannot be read. */
MUST_USE enum err smsr_trail_verify(struct store *store, const char *eid, FILE *out, struct trail_counts *ret);
/* One JSON object a line, oldest first. */
MUST_USE enum err smsr_trail_export(struct store *store, const char *eid, FILE *out);

/* argv[0] is "audit-trail". Exit code 0: good; 1: cannot be read; 2: wrong usage; 3: the trail was changed. */
int smsr_trail_main(int argc, char **argv);

#endif
