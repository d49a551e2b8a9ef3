/* sim/fiber.h: a stack of its own for a program that waits in the middle of what it does, while others go on. One runs at a time. */
#ifndef OSPREY_SIM_FIBER_H
#define OSPREY_SIM_FIBER_H

#include <stdbool.h>

struct fiber;
typedef void fiber_run(void *context);

/* run is called again with each resume that finds it ended. NULL: no memory. */
struct fiber *fiber_new(fiber_run *run, void *context);
void fiber_free(struct fiber *f); /* of one that waits in the middle, its stack is forgotten */
/* From outside: goes on until it ends or waits. */
void fiber_resume(struct fiber *f);
/* From inside: returns with the next resume. */
void fiber_wait(struct fiber *f);

#endif
