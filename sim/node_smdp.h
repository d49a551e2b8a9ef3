/* sim/node_smdp.h: an SM-DP of the simulated world: the role's own code on a database in memory. */
#ifndef OSPREY_SIM_NODE_SMDP_H
#define OSPREY_SIM_NODE_SMDP_H

#include "hostile.h"
#include "role.h"
#include "sm-dp/smdp.h"

struct sim_smdp {
    struct sim_role role; /* first */
    struct smdp *smdp;
    struct smdp_config config;
    const struct hostile *hostile; /* NULL: it speaks in its turn */
};
/* card_key: the private key of config->certificates.list[0], under its key_name; owned afterwards. */
struct sim_smdp *sim_smdp_new(struct world *w, const struct smdp_config *config, struct ec_key *card_key);
void sim_smdp_free(struct sim_smdp *s);

#endif
