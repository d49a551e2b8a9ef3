/* device/hlr/subscribers.h: who is known: a file in INI style, one section per IMSI. It is read again when an IMSI is asked
 * for that was not in it. */
#ifndef OSPREY_DEVICE_HLR_SUBSCRIBERS_H
#define OSPREY_DEVICE_HLR_SUBSCRIBERS_H

#include "auc.h"
#include "lib/daemon/config.h"

#define SUBSCRIBER_NUMBER_MAX 16u

struct subscriber {
    struct auc_subscriber auc; /* sqn is 0: the database has it */
    char msisdn[SUBSCRIBER_NUMBER_MAX];
    bool refused;
};

extern const struct config_option subscriber_options[];
extern const size_t subscriber_option_count;

/* ERR_NOT_FOUND; ERR_BAD_VALUE: the section's keys are not of the algorithm's length. */
MUST_USE enum err subscriber_find(const struct config *file, const char *imsi, struct subscriber *ret);
/* Every section; detail names the first that is wrong. */
MUST_USE enum err subscribers_check(const struct config *file, char *detail);

#endif
