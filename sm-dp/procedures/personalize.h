/* sm-dp/procedures/personalize.h: what an owner may have the SM-DP change in the ISD-P of an installed profile, over SCP03 and
 * without a download: connectivity parameters (SGP.02 §3.14: the operator agrees with its SM-DP, which SGP.02 gives no
 * function for), and the key for delete tokens. Begun by an administration request. */
#ifndef OSPREY_SMDP_PERSONALIZE_H
#define OSPREY_SMDP_PERSONALIZE_H

#include "lib/role/admin_call.h"
#include "procedure.h"
#include "sm-dp/turn.h"

struct personalize_event {
    struct admin_call call;
    struct iccid iccid;
    struct span connectivity; /* A0, A1, A2 of DGI 3A07; empty: they stay */
    bool token;
};
void smdp_personalize(struct turn *t, const struct personalize_event *e);

/* POST profiles/{iccid}/personalize */
admin_run personalize_admin;

/* The installed profile that a request names, if it is the caller's: 200, or what it is refused with. Spans of *ret_profile
 * borrow from a. */
int smdp_admin_profile(struct smdp *s, const struct admin_request *r, struct arena *a, struct stored_profile *ret_profile,
                       struct json_t **ret);

#endif
