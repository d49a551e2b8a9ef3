/* sim/node_smsr.h: an SM-SR of the simulated world: the role's own code on a database in memory. NULL in smsr: it is down. */
#ifndef OSPREY_SIM_NODE_SMSR_H
#define OSPREY_SIM_NODE_SMSR_H

#include "node_device.h"
#include "role.h"
#include "sm-sr/smsr.h"

struct sim_smsr {
    struct sim_role role; /* first */
    struct sim_network *network;
    unsigned server; /* of the network's */
    struct smsr *smsr;
    struct smsr_config config;
};

/* The next server of the network, with config's number and address of administration sessions; the first is called "sm-sr", the
 * second "sm-sr-2". card_key: the private key of config->certificates[0], owned afterwards; NULL: it has none. Aborts when it
 * cannot be set up: a fault of the scenario. */
struct sim_smsr *sim_smsr_new(struct world *w, struct sim_network *network, const struct smsr_config *config, struct ec_key *card_key);
void sim_smsr_free(struct sim_smsr *s);

#endif
