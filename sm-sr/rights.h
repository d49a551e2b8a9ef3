/* sm-sr/rights.h: PLMA, what an M2M SP may do with another one's profiles, and ONC, what an operator does not want to
 * be told (SGP.02 v3.2, §3.20, §3.21; fact book 4.6, 4.7). Both are kept by operator and profile type. */
#ifndef OSPREY_SMSR_RIGHTS_H
#define OSPREY_SMSR_RIGHTS_H

#include "turn.h"

/* May that M2M SP (which may be an operator) do it, or get that notification? May set t->need_rows. */
bool smsr_plma_allows(struct turn *t, const struct profile_info *p, const struct oid *sp, const char *operation);
/* Asks for what the eUICC's profiles allow to whom, before it is looked at. */
void smsr_plma_foresee(struct turn *t);
/* The i-th M2M SP that gets that notification about the profile; false: no more. */
bool smsr_plma_listener(struct turn *t, const struct profile_info *p, const char *notification, size_t i,
                        struct oid *ret);
/* Does the owner not want it? */
bool smsr_onc_discards(struct turn *t, const struct profile_info *p, const char *notification);

struct status smsr_set_plma(struct turn *t, const struct call_event *c, struct es_response **ret_body);
struct status smsr_get_plma(struct turn *t, const struct call_event *c, struct es_response **ret_body);
struct status smsr_set_onc(struct turn *t, const struct call_event *c, struct es_response **ret_body);
struct status smsr_get_onc(struct turn *t, const struct call_event *c, struct es_response **ret_body);

#endif
