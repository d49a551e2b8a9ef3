/* sim/scenario.h: the scenarios: each is a world that is set up, run, and judged. */
#ifndef OSPREY_SIM_SCENARIO_H
#define OSPREY_SIM_SCENARIO_H

#include "ecosystem.h"

struct scenario {
    const char *name, *summary;
    /* Returns how much was wrong; *ret_hash is the history. */
    unsigned (*run)(uint64_t seed, const char *profiles, bool verbose, uint8_t ret_hash[WORLD_HASH_LEN]);
};
extern const struct scenario SCENARIO_DOWNLOAD_LOSSY_SMS;

#endif
