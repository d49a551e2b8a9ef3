/* sm-dp/store/secrets.h: where the SM-DP's database holds secrets, for their move to another master key. */
#ifndef OSPREY_SMDP_SECRETS_H
#define OSPREY_SMDP_SECRETS_H

#include "lib/role/rewrap.h"

struct smdp;
struct rewrap smdp_secrets(const struct smdp *s);

#endif
