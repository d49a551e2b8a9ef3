/* sim/chance.h: one seed, one history. All chance of the simulated world comes from here, OpenSSL's included. Not for
 * secrets: nothing made with it may leave the simulator. */
#ifndef OSPREY_SIM_CHANCE_H
#define OSPREY_SIM_CHANCE_H

#include "lib/base/env.h"

struct chance {
    struct rng seam; /* env->rng */
    uint64_t state[4];
};

void chance_init(struct chance *c, uint64_t seed);
uint64_t chance_draw(struct chance *c);
uint32_t chance_below(struct chance *c, uint32_t limit); /* 0 … limit - 1; 0 when limit is 0 */
bool chance_permille(struct chance *c, uint32_t permille);
/* From now on OpenSSL of this process draws from c too (ephemeral keys, TLS); c must live on. */
void chance_feed_openssl(struct chance *c);

#endif
