/* tools/profile/dump.h: a profile package as a readable tree. */
#ifndef OSPREY_TOOLS_PROFILE_DUMP_H
#define OSPREY_TOOLS_PROFILE_DUMP_H

#include <stdio.h>

#include "lib/base/arena.h"

/* Stops at the first element that does not decode, after saying why. Keys and PINs only with secrets. */
MUST_USE enum err package_dump(FILE *out, struct span package, bool secrets, struct arena *a);

#endif
