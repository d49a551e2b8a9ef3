/* sim/node_smsr.h: an SM-SR of the simulated world: the role's own code on a database in memory. NULL in smsr: it is down. */
#ifndef OSPREY_SIM_NODE_SMSR_H
#define OSPREY_SIM_NODE_SMSR_H

#include "node_device.h"
#include "role.h"
#include "sm-sr/smsr.h"

struct sim_smsr {
    struct sim_role role; /* first */
    struct sim_network *network;
    struct smsr *smsr;
    struct smsr_config config;
};

/* Aborts when it cannot be set up: a fault of the scenario. */
struct sim_smsr *sim_smsr_new(struct world *w, struct sim_network *network, const struct smsr_config *config);
void sim_smsr_free(struct sim_smsr *s);

#endif
