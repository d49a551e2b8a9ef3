/* sim/role_private.h: shared by role.c (a server's life) and role_faults.c (what goes wrong with it). */
#ifndef OSPREY_SIM_ROLE_PRIVATE_H
#define OSPREY_SIM_ROLE_PRIVATE_H

#include "role.h"

extern const struct sim_gate sim_role_gate; /* its store: what happens to commits is decided there */
void sim_role_send(struct net *net, const struct effect *effect);
void sim_role_ends(struct sim_role *r);     /* the process: what is not in the store is freed */
void sim_role_troubles(struct sim_role *r); /* those that come by themselves, as r->faults says */

#endif
