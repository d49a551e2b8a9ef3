/* sim/process.h: a process of a server that has others beside it: one thing after the other on a stack of its own. While it waits
 * for its database, the world goes on, and what arrives for it is kept in its order. */
#ifndef OSPREY_SIM_PROCESS_H
#define OSPREY_SIM_PROCESS_H

#include "world.h"

/* Something that arrives at a server: a message, octets, a result, a timer. */
struct sim_input {
    void (*task)(const struct sim_input *);
    void (*dropped)(const struct sim_input *); /* instead: the process ended first. NULL: nothing */
    void *context;
    const char *name; /* borrowed, for the life of the world */
    struct reply_ref reply;
    int64_t number;
    int status;
    enum effect_result result;
    struct span bytes; /* for the call */
};

struct sim_process;
struct sim_process *sim_process_new(struct world *w); /* aborts without memory */
void sim_process_free(struct sim_process *p);
/* It is done now, or as soon as the process does not wait. */
void sim_process_take(struct sim_process *p, const struct sim_input *input);
bool sim_process_runs(const struct sim_process *p); /* the caller is inside */
/* From inside: so much time passes. */
void sim_process_sleep(struct sim_process *p, uint64_t ms);
/* It ended: what was kept is dropped. Not from inside; it must not wait. */
void sim_process_clear(struct sim_process *p);
/* It waits in the middle: it goes on at once. */
void sim_process_hurry(struct sim_process *p);

#endif
