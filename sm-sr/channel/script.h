/* sm-sr/channel/script.h: the command script of an exchange in the form of its bearer (TS 102 226 §5.2.1). */
#ifndef OSPREY_SMSR_SCRIPT_H
#define OSPREY_SMSR_SCRIPT_H

#include "sm-sr/turn.h"

/* AA … by SMS, with the link of a chain where one is open or begins; AE 80 … otherwise. In the arena; ptr NULL: no
 * memory. */
struct span smsr_script_make(struct turn *t, const struct exchange *x, struct span items);

#endif
