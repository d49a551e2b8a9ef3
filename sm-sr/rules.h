/* sm-sr/rules.h: the checks that functions share (SGP.02 §5; fact book 7.0). Each gives a status; a rule that needs
 * rows which are not there yet sets t->need_rows and its status is not to be used. */
#ifndef OSPREY_SMSR_RULES_H
#define OSPREY_SMSR_RULES_H

#include "turn.h"

/* CK-ICC, CK-DST, CK-OWN: the profile is on this eUICC and the caller may manage it. */
struct status smsr_rule_profile(struct turn *t, enum es_function function, const struct oid *caller,
                                const struct iccid *iccid, struct profile **ret);
/* May this caller manage this profile over the function's interface? */
bool smsr_may_manage(struct turn *t, enum es_function function, const struct oid *caller,
                     const struct profile *p);
/* CK-EIS: at least one profile that it may manage, or an SM-DP that may still bring one. */
bool smsr_may_see(struct turn *t, enum es_function function, const struct oid *caller);
/* The same with the name of a PLMA operation: "UnsetFallBackAttribute". */
bool smsr_may_take(struct turn *t, enum es_function function, const char *operation, const struct oid *caller,
                   const struct profile *p);
/* CK-POL2. */
struct status smsr_rule_pol2(const struct profile *p, enum pol2_action action);
/* Are rules without meaning refused, when this partner sets them? */
bool smsr_pol2_strict(const struct smsr_partner *partner);
struct status smsr_rule_state(const struct profile *p, enum profile_state wanted);
/* Is the ICCID on any eUICC here? */
bool smsr_iccid_known(struct turn *t, const struct iccid *iccid);
bool smsr_acts_for(const struct turn *t, const struct oid *smdp, const struct oid *mno);

#endif
