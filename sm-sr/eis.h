/* sm-sr/eis.h: the EIS as others see it (SGP.02 annex E; fact book 4.8): the EUM's part as it was signed, octet for
 * octet, and of the rest what the asker may see. */
#ifndef OSPREY_SMSR_EIS_H
#define OSPREY_SMSR_EIS_H

#include "turn.h"

/* Asks for the rows that a view for that function will need, before it is known what it shows: in one round. */
void smsr_eis_foresee(struct turn *t, enum es_function function);

/* For GetEIS. NULL when rows are missing (t->need_rows) or memory is. */
struct eis *smsr_eis_for(struct turn *t, enum es_function function, const struct oid *caller);
/* For the answer of an audit: only the listed profiles, if any are listed. */
struct eis *smsr_eis_for_audit(struct turn *t, const struct operation *op);

#endif
