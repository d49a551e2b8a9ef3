/* sm-sr/procedures/send_data.h: what ES3.SendData carries (SGP.02 §5.4.4): commands as TLVs of the expanded format
 * (22 C-APDU, SCP03t 84 … 87), or bare C-APDUs one after another. */
#ifndef OSPREY_SMSR_SEND_DATA_H
#define OSPREY_SMSR_SEND_DATA_H

#include "lib/base/arena.h"
#include "lib/model/aid.h"

/* To TLVs, in the arena (or as they were). ret_apdus: it was bare APDUs. ERR_BAD_VALUE: neither. */
MUST_USE enum err smsr_items_of(struct span data, struct arena *a, struct span *ret_items, bool *ret_apdus);
/* The first whole items that fit into `room` octets (one item at least). */
struct span smsr_items_cut(struct span items, size_t room);
/* Whom a script is for: INSTALL and plain STORE DATA go to the ISD-R, which knows the way (oncard book 3.1); SCP03t and
 * secured APDUs to the ISD-P itself. */
struct aid smsr_items_target(struct span items, const struct aid *sd);

#endif
