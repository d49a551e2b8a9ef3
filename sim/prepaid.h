/* sim/prepaid.h: data allowances: a subscription may use so many octets; then it carries none until it is recharged. Short
 * messages are not counted. */
#ifndef OSPREY_SIM_PREPAID_H
#define OSPREY_SIM_PREPAID_H

#include "node_device.h"

/* Every subscription has what faults say, from now on; no faults, or 0: no limit. */
void prepaid_begin(struct sim_network *n);
/* So many octets of this device's subscription; false: they are not there. Then it is recharged after a while. */
bool prepaid_spend(struct sim_device *d, size_t octets);

#endif
