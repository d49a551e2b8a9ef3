/* sm-sr/trail.h: the audit trail of one eUICC as a chain (SGP.02 §5.1.1.3.11; docs/audit-trail.md): record n has a hash
 * over hash n-1, its number and its content. Chains are by EID, so that no two eUICCs wait for each other. Pure: texts,
 * rows and hashes; record.c adds records, trail_tool.c exports and verifies. */
#ifndef OSPREY_SMSR_TRAIL_H
#define OSPREY_SMSR_TRAIL_H

#include "lib/base/store.h"
#include "lib/codec/writer.h"
#include "lib/crypto/sha256.h"
#include "lib/model/eis.h"

#define TRAIL_LINE_MAX     640u
#define TRAIL_RECEIVED_MAX 0x80000u /* octets of the lines that came from another SM-SR; the oldest go first */

/* A record as one line of text without its end: EID, SM-SR, date, operation, requester, execution status, subject,
 * reason, ISD-P, ICCID, IMEI, MEID, with blanks between and "-" for what there is not. What is no visible character is
 * written %XX. Two records that differ have different lines. */
void trail_line_write(struct writer *w, const struct audit_record *r);
/* ERR_BAD_VALUE: not such a line. IMEI and MEID go to the arena. */
MUST_USE enum err trail_line_read(struct span line, struct arena *a, struct audit_record *ret);
/* The lines of several records, each with its end; at most TRAIL_RECEIVED_MAX octets, the newest. Empty: no memory. */
struct span trail_lines(struct arena *a, const struct audit_record *records, size_t count);

/* previous NULL: the first record of all. */
MUST_USE enum err trail_hash(const uint8_t previous[SHA256_LEN], uint64_t n, struct span line, struct span received,
                             uint8_t ret[SHA256_LEN]);

/* A row of SMSR_AUDIT_LOAD or SMSR_AUDIT_PAGE. */
struct trail_row {
    struct audit_record record;
    uint64_t n;           /* 0: older than the chain */
    struct span hash;     /* as stored */
    bool odd;             /* numbers that no record has */
    struct span received; /* lines of the former SM-SR, when this record tells of its hand-over */
};
void trail_row_read(const struct row *row, const struct eid *eid, struct trail_row *ret);

/* Records of the rows and of what was received, oldest first; at most EIS_AUDIT_RECORDS_MAX, the newest. NULL: no
 * memory. */
struct audit_record *trail_records(struct arena *a, const struct query *rows, const struct eid *eid, size_t *ret_count);

#endif
