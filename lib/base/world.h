/* lib/base/world.h: the real clock and the real chance, for programs. */
#ifndef OSPREY_BASE_WORLD_H
#define OSPREY_BASE_WORLD_H

#include "env.h"

struct clock *world_clock(void); /* wake_at does nothing: the loop has its own clock (lib/io/loop.h) */
/* The same, running `times` times faster from this call on: a lab's way to see in seconds what takes a card an hour.
 * One for the program; times at least 1. */
struct clock *world_clock_fast(unsigned times);
struct rng *world_rng(void); /* the kernel's; aborts the program when there is none */

/* Secrets stay in memory: this process leaves no core dump, and nobody without privileges may look into it. First thing in
 * the main() of a program that holds keys. */
void world_forbid_dumps(void);

#endif
