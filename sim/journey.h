/* sim/journey.h: all devices travel from country to country, and the judge looks in each: on a network there, with the IMSI
 * that the rules of the factory profile mean for it ("right-imsi"), and nobody asked a server for it ("by-itself"). */
#ifndef OSPREY_SIM_JOURNEY_H
#define OSPREY_SIM_JOURNEY_H

#include "ecosystem.h"

struct journey {
    const struct journey_leg {
        unsigned country; /* of sim_countries */
        unsigned imsi;    /* of the factory profile: which it must be */
    } *legs;
    unsigned leg_count;
    uint32_t stay_ms;            /* in each country; in its first half things go wrong */
    struct device_faults faults; /* … like this */
};
void journey_run(struct ecosystem *e, const struct journey *j);

#endif
