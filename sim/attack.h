/* sim/attack.h: attacks, each with its countermeasure. With it the invariants hold and the log tells of the attack; without it
 * (a build with -Dmutants=true) the damage shows. */
#ifndef OSPREY_SIM_ATTACK_H
#define OSPREY_SIM_ATTACK_H

#include "scenario.h"

struct attack {
    const struct scenario *scenario;
    const char *without;        /* the mutant that switches the countermeasure off */
    const char *countermeasure;
    const char *told;           /* stands in the lines of the log that tell of it */
    int alarm;                  /* enum smsr_alarm that must have counted it; -1: none does */
    const char *damage;         /* what figure is shown */
};
extern const struct attack sim_attacks[];
extern const size_t sim_attack_count;

#endif
