/* lib/model/pol2.h: the policy rules an operator keeps for its profile at the SM-SR (SGP.02 §3.6, POL2Type). A rule is
 * an action and a qualification; a set of them is a set of bits. No bit set is a real value: no rule. */
#ifndef OSPREY_MODEL_POL2_H
#define OSPREY_MODEL_POL2_H

#include "lib/base/err.h"
#include "lib/base/span.h"

enum pol2_action { POL2_ENABLE, POL2_DISABLE, POL2_DELETE, POL2_ACTION_COUNT };
enum pol2_qualification { POL2_NOT_ALLOWED, POL2_AUTO_DELETE, POL2_QUALIFICATION_COUNT };

#define POL2_RULE(action, qualification) ((uint8_t)(1u << ((qualification) * POL2_ACTION_COUNT + (action))))
#define POL2_RULES_MAX                   (POL2_ACTION_COUNT * POL2_QUALIFICATION_COUNT)

struct pol2 {
    uint8_t rules; /* POL2_RULE(…) | … */
};

static inline bool pol2_has(struct pol2 p, enum pol2_action action, enum pol2_qualification qualification)
{
    return p.rules & POL2_RULE(action, qualification);
}
/* True for sets that mean something: DISABLE and DELETE Not-Allowed, DISABLE Auto-Delete, and not DELETE Not-Allowed
 * together with DISABLE Auto-Delete. strict: ENABLE Not-Allowed is refused too (REASON_POL2_INVALID). */
bool pol2_meaningful(struct pol2 p, bool strict);

const char *pol2_action_xml(enum pol2_action action);                      /* "DISABLE" */
const char *pol2_qualification_xml(enum pol2_qualification qualification); /* "Not-Allowed" */
MUST_USE enum err pol2_action_from_xml(struct span text, enum pol2_action *ret);
MUST_USE enum err pol2_qualification_from_xml(struct span text, enum pol2_qualification *ret);

/* "disable:not-allowed,delete:not-allowed", or "none"; case does not matter on the way in. */
#define POL2_TEXT_SIZE 128u
char *pol2_text(struct pol2 p, char out[POL2_TEXT_SIZE]);
MUST_USE enum err pol2_from_text(struct span text, struct pol2 *ret);

#endif
