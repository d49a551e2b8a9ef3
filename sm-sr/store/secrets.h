/* sm-sr/store/secrets.h: where the SM-SR's database holds secrets, for their move to another master key. */
#ifndef OSPREY_SMSR_SECRETS_H
#define OSPREY_SMSR_SECRETS_H

#include "lib/role/rewrap.h"

struct smsr;
struct rewrap smsr_secrets(const struct smsr *s);

#endif
