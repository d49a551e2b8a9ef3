/* lib/model/subscription_address.h: how a subscription is reached (SGP.02 §5.1.1.3.5): IMSI and MSISDN, each optional. */
#ifndef OSPREY_MODEL_SUBSCRIPTION_ADDRESS_H
#define OSPREY_MODEL_SUBSCRIPTION_ADDRESS_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define IMSI_DIGITS_MAX   15u
#define MSISDN_DIGITS_MIN 3u
#define MSISDN_DIGITS_MAX 15u

struct subscription_address {
    char imsi[IMSI_DIGITS_MAX + 1];     /* digits and NUL; empty: none */
    char msisdn[MSISDN_DIGITS_MAX + 1]; /* E.164 without +; empty: none */
};

/* Digits only, 0…15 and 3…15 of them. ERR_BAD_LENGTH, ERR_BAD_VALUE. */
MUST_USE enum err imsi_from_text(struct span text, struct subscription_address *ret);
MUST_USE enum err msisdn_from_text(struct span text, struct subscription_address *ret);

#endif
