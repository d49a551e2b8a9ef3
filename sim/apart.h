/* sim/apart.h: a world in a process of its own: libraries keep what they learn, and a world shall not know of those before
 * it. One that hangs or dies has violated "world-ends" or "no-crash". */
#ifndef OSPREY_SIM_APART_H
#define OSPREY_SIM_APART_H

#include "scenario.h"

void sim_run_apart(const struct scenario *s, const struct sim_wish *wish, struct sim_report *ret);

#endif
