/* sim/front.h: what stands before several processes of one SM-SR: a balancer for requests and connections, and an SMSC that gives a
 * message to any of its binds, and to another when it is not answered. */
#ifndef OSPREY_SIM_FRONT_H
#define OSPREY_SIM_FRONT_H

#include "node_smsr.h"

/* Any that is up; the first when none is. */
struct sim_smsr *sim_front_any(struct sim_smsr *first);
/* Always the same one for what comes from there. */
struct sim_smsr *sim_front_of(struct sim_smsr *first, const struct sim_address *from);

struct sim_front;
struct sim_front *sim_front_new(struct sim_smsr *first); /* aborts without memory */
void sim_front_free(struct sim_front *f);
/* false: the centre has no room, it comes again. */
bool sim_front_message(struct sim_front *f, const char *from, struct span user_data);
void sim_front_answer(struct sim_front *f, const struct effect *effect); /* on SMSR_NODE_SMS */

#endif
