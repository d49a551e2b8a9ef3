/* eum/register.h: ES1: what the EUM says, and what the SM-SR answers (SGP.02 §5.2). Pure. */
#ifndef OSPREY_EUM_REGISTER_H
#define OSPREY_EUM_REGISTER_H

#include "lib/es/message.h"

struct eum_register {
    struct oid eum_id, smsr_id;
    const char *url; /* of the SM-SR's ES1 */
    struct span eis; /* the element Eis, as eum_make wrote it */
    uint64_t now_ms;
    struct span unique; /* at least 16 random octets as text: message and call identifier */
    const struct eis_property *properties; /* ES1.UpdateEISAdditionalProperties of that eUICC; none: ES1.RegisterEIS */
    size_t property_count;
};
/* The SOAP octets, in the arena. ERR_BAD_VALUE (not an EIS), ERR_NO_SPACE. ret_eid (may be NULL): whose EIS it is. */
MUST_USE enum err eum_register_encode(const struct eum_register *request, struct arena *arena, struct span *ret,
                                      struct eid *ret_eid);
/* The answer's status. A SOAP fault or an answer of another function is ERR_BAD_VALUE; detail then tells. */
#define EUM_ANSWER_DETAIL_MAX 240u
MUST_USE enum err eum_register_answer(struct span soap, struct arena *arena, struct status *ret,
                                      char detail[EUM_ANSWER_DETAIL_MAX]);
MUST_USE enum err eum_update_answer(struct span soap, struct arena *arena, struct status *ret,
                                    char detail[EUM_ANSWER_DETAIL_MAX]);

#endif
