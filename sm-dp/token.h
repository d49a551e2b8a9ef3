/* sm-dp/token.h: delete tokens (SGP.02 §3.10, §4.1.1.5): the key that the SM-DP leaves in its ISD-P (KVN 70) when the profile
 * was ordered so, and the tokens that the owner gets for it. The key is drawn once for each stay on an eUICC, kept wrapped
 * with the profile, and never leaves but for the card. */
#ifndef OSPREY_SMDP_TOKEN_H
#define OSPREY_SMDP_TOKEN_H

#include "lib/ota/es5.h"
#include "lib/role/admin.h"
#include "turn.h"

#define TOKEN_KEY_LEN   16u
#define TOKEN_KVN       0x70u
#define TOKEN_FIELD_MAX 16u

/* Who the token is from, as ISD-P and token say it [?]: SIN the last 16 characters of our OID, SDIN the AID of the ISD-P, and
 * the application provider the last 16 characters of the owner's OID. Spans point into the arguments. */
struct token_identity {
    struct span sin, sdin, provider;
};
struct token_identity token_identity_of(const struct oid *smdp, const struct oid *owner, const struct aid *isdp);

/* The profile's key, drawn and stored when there is none. */
MUST_USE enum err token_key_of(struct turn *t, const struct stored_profile *p, uint8_t ret[TOKEN_KEY_LEN]);

/* POST profiles/{iccid}/delete-token: a token for the owner. */
admin_run token_admin;

#endif
