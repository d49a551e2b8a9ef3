/* sm-sr/take_in.h: an eUICC comes into our care, from its EUM (ES1) or from another SM-SR (ES7): what both must look at
 * before anything is stored. */
#ifndef OSPREY_SMSR_TAKE_IN_H
#define OSPREY_SMSR_TAKE_IN_H

#include "turn.h"

#define SMSR_TAKE_IN_PROFILES_MAX   48u
#define SMSR_TAKE_IN_PROPERTIES_MAX 24u

/* EumSignature, by the key of that EUM (NULL: not known), and the ECASD's certificate. ret_ecasd: PK.ECASD.ECKA, the
 * caller's to free; or NULL. */
struct status smsr_take_in_signatures(struct turn *t, const struct smsr_partner *eum, const struct eis *eis,
                                      struct ec_key **ret_ecasd);
/* ICCIDs new here, one profile enabled, one with the fall-back attribute. May set t->need_rows. */
struct status smsr_take_in_profiles(struct turn *t, const struct eis *eis);
/* The rows, key sets apart. https: over that bearer too. */
void smsr_take_in_keep(struct turn *t, const struct eis *eis, bool https);

#endif
