/* tests/unit/isdr/lab_modem.h: the lab's card in the slot of a real modem (device/modem), and a home network's vectors for it. */
#ifndef OSPREY_TESTS_ISDR_LAB_MODEM_H
#define OSPREY_TESTS_ISDR_LAB_MODEM_H

#include "device/modem.h"
#include "lab.h"
#include "lib/crypto/aka.h"

struct modem_slot lab_slot(struct lab *lab);

/* The next vector of a subscription: *sqn moves on by 20 and goes into it. */
struct lab_subscription {
    enum aka_algorithm algorithm;
    struct span k, opc;
};
struct gsup_vector lab_vector(const struct lab_subscription *subscription, uint64_t *sqn);

#endif
