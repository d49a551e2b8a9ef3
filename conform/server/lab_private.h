/* conform/server/lab_private.h: what lab.c (processes) and lab_files.c (what lies in the folder) share. */
#ifndef OSPREY_CONFORM_SERVER_LAB_PRIVATE_H
#define OSPREY_CONFORM_SERVER_LAB_PRIVATE_H

#include "lab.h"
#include "lib/base/arena.h"

#define LAB_EID_MAX 40u

enum lab_port { PORT_SR, PORT_DP, PORT_SR2, PORT_SCP81, PORT_SMSC, PORT_TAP, PORT_HLR, PORT_NOBODY, PORT_ROLE, PORT_COUNT = PORT_ROLE + ROLE_COUNT };

struct lab {
    char folder[PROCESS_PATH_MAX], target[PROCESS_PATH_MAX];
    uint16_t ports[PORT_COUNT];
    char eids[CARD_COUNT][LAB_EID_MAX], records[RECORD_COUNT][LAB_EID_MAX];
    struct process smsc, hlr, servers[NOBODY], devices[CARD_COUNT];
    struct arena arena; /* of texts while it is made */
    char *detail;
};

/* Certificates, cards and records; then the configurations. */
MUST_USE enum err lab_make(struct lab *lab);
MUST_USE enum err lab_configure(struct lab *lab);
MUST_USE enum err lab_write(struct lab *lab, const char *file, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *lab_oid(enum role r);

/* What the lab's cards and profiles are called. */
struct lab_profile {
    const char *iccid, *imsi, *msisdn; /* iccid without check digit */
};
const struct lab_profile *lab_card_profile(enum card c);
const struct lab_profile *lab_order(enum order o);
const struct lab_profile *lab_record(enum record r);
/* With its check digit (Luhn), in the lab's arena. */
const char *lab_iccid(struct lab *lab, const char *digits);

#endif
