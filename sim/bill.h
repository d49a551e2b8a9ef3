/* sim/bill.h: what the operations of a run cost: short messages, octets, seconds awake; and what that means on the bearers
 * the product names (docs/sim.md). */
#ifndef OSPREY_SIM_BILL_H
#define OSPREY_SIM_BILL_H

#include "node_device.h"

void bill_print(const struct sim_usage *usage); /* [ES_FUNCTION_COUNT]: as if each of them had been on each kind of radio */
/* [ES_FUNCTION_COUNT]: by the radio it was done on, in a world with countries; else nothing. An operation counts where it began. */
void bill_print_radios(struct sim_usage (*usage)[RADIO_KINDS]);

#endif
