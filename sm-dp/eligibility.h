/* sm-dp/eligibility.h: can this profile go to that eUICC? (SGP.02 §3.1.1 step 3, offcard book 8.3.3) */
#ifndef OSPREY_SMDP_ELIGIBILITY_H
#define OSPREY_SMDP_ELIGIBILITY_H

#include "es8_client.h"

/* The EIS against the roots, the EUM's and the eUICC's certificate, memory, ICCID. Fills in s->curve and s->pk_ecasd.
 */
struct status smdp_eligible(struct turn *t, const struct eis *eis, const struct stored_profile *p, struct es8_state *s);
/* An ISD-P that an earlier download of ours left behind; NULL: none. */
const struct profile_info *smdp_left_over(struct turn *t, const struct eis *eis);

#endif
