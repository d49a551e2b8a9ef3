/* conform/package.h: the runner's own profile, made for each case: a small USIM with a security domain whose keys are
 * known to the runner (KVN 01, TAR B20100 and 000000). */
#ifndef OSPREY_CONFORM_PACKAGE_H
#define OSPREY_CONFORM_PACKAGE_H

#include "lib/profile/build.h"

#define PACKAGE_ARENA_MAX (4 * BUILD_ARENA_MIN)

struct package_wish {
    const char *iccid; /* 18 digits */
    const char *imsi;  /* NULL: that of the runner's card */
    uint8_t pol1;
    size_t ballast; /* octets of a file that only makes the package longer */
};

extern const char PACKAGE_K[], PACKAGE_OPC[]; /* hex: what a home network must know */
extern const uint8_t PACKAGE_KIC[16], PACKAGE_KID[16];

MUST_USE enum err package_make(const struct package_wish *wish, struct arena *arena, struct span *ret);

#endif
