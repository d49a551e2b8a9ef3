/* sm-sr/channel/parts.h: the parts of a long message, kept in the database when there are several SM-SR processes: an SMSC gives
 * the parts of one message to whichever of them it likes. */
#ifndef OSPREY_SMSR_PARTS_H
#define OSPREY_SMSR_PARTS_H

#include "sm-sr/smsr.h"

extern const char SMSR_PARTS_SCHEMA[];
/* As sms_reassemble; ret_packet lies in the arena. ERR_CLOSED and other errors of the store: the part is not kept, it must
 * come again. ERR_TOO_LONG and those of sms_header_read: it never will. */
MUST_USE enum err smsr_parts_take(const struct env *env, struct arena *a, const char *from, struct span ud, bool *ret_complete,
                                  struct span *ret_packet, uint8_t *ret_iei);
void smsr_parts_prune(struct writes *w, uint64_t now_ms);

#endif
