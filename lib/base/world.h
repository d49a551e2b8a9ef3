/* lib/base/world.h: the real clock and the real chance, for programs. */
#ifndef OSPREY_BASE_WORLD_H
#define OSPREY_BASE_WORLD_H

#include "env.h"

struct clock *world_clock(void); /* wake_at does nothing: the loop has its own clock (lib/io/loop.h) */
struct rng *world_rng(void);     /* the kernel's; aborts the program when there is none */

#endif
