/* lib/profile/facts.h: what others must know of a package: whose it is, and what a home network needs to let its subscription
 * in. */
#ifndef OSPREY_PROFILE_FACTS_H
#define OSPREY_PROFILE_FACTS_H

#include "lib/codec/writer.h"
#include "lib/model/iccid.h"
#include "lib/model/subscription_address.h"
#include "package.h"
#include "pe_aka.h"

#define PROFILE_TYPE_MAX         100u
#define PROFILE_FACTS_DETAIL_MAX 240u

struct profile_facts {
    struct iccid iccid;
    char type[PROFILE_TYPE_MAX + 1];
    char imsi[IMSI_DIGITS_MAX + 1]; /* of the first USIM; "" when there is none */
    const struct aka_algo *aka;     /* the same; NULL when there is none */
};

/* The package is decoded in the arena, where *ret points into. ERR_MISSING without ICCID or end, what the decoders say; detail
 * (PROFILE_FACTS_DETAIL_MAX octets) tells people. */
MUST_USE enum err profile_facts_read(struct span package, struct arena *a, struct profile_facts *ret, char *detail);

/* Holds secrets. */
struct subscription {
    struct iccid iccid;
    struct subscription_address address;
    const char *algorithm; /* "milenage", "tuak", "xor" (the test algorithm) */
    struct span key, opc;  /* opc: OPc or TOPc */
    uint32_t keccak_count; /* TUAK */
};
/* That of the first USIM, without a number; false when there is none, or its algorithm has no name. */
bool profile_subscription(const struct profile_facts *facts, struct subscription *ret);
/* As osprey-hlr reads it: a section [subscriber IMSI]. Nothing when there is no IMSI. */
void subscription_write(struct writer *w, const struct subscription *subscription);

#endif
