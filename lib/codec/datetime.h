/* lib/codec/datetime.h: xs:dateTime (XML Schema part 2, §3.2.7) and milliseconds since 1970-01-01T00:00:00Z. */
#ifndef OSPREY_CODEC_DATETIME_H
#define OSPREY_CODEC_DATETIME_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define DATETIME_TEXT_SIZE 25u /* "2026-01-02T03:04:05.678Z" and NUL */

/* Years 1970 to 9999; offsets and fractions are accepted, a missing zone means UTC. ERR_BAD_VALUE. */
MUST_USE enum err datetime_read(struct span text, uint64_t *ret_ms);
/* In UTC with Z; the fraction only when it is not zero. Returns out. */
char *datetime_text(uint64_t ms, char out[DATETIME_TEXT_SIZE]);

#endif
