/* sim/node_smsr.h: an SM-SR of the simulated world: the role's own code on a database in memory. NULL in smsr: it is down. */
#ifndef OSPREY_SIM_NODE_SMSR_H
#define OSPREY_SIM_NODE_SMSR_H

#include "node_device.h"
#include "role.h"
#include "sm-sr/smsr.h"

#define SIM_PROCESSES_MAX 3u

struct sim_front;
/* A process of an SM-SR; most SM-SRs have one. */
struct sim_smsr {
    struct sim_role role; /* first */
    /* of the first process of several; one that is alone has itself and no front */
    struct sim_smsr *processes[SIM_PROCESSES_MAX];
    unsigned process_count;
    struct sim_front *front; /* of all */
    struct sim_network *network;
    unsigned server; /* of the network's */
    struct smsr *smsr;
    struct smsr_config config;
};

static inline bool sim_smsr_is_up(const struct sim_smsr *s) { return s->smsr && s->role.up && !s->role.dying; }

/* The next server of the network, with config's number and address of administration sessions; the first is called "sm-sr", the
 * second "sm-sr-2". processes: that it has, on one database, with the same identity. card_key: the private key of config->certificates[0], owned afterwards; NULL: it has none. Aborts when it
 * cannot be set up: a fault of the scenario. */
struct sim_smsr *sim_smsr_new(struct world *w, struct sim_network *network, const struct smsr_config *config, struct ec_key *card_key,
                             unsigned processes);
void sim_smsr_free(struct sim_smsr *s);

#endif
