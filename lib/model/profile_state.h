/* lib/model/profile_state.h: the state of a profile in the EIS (SGP.02 §5.1.1.3.4). A deleted profile has no entry; one
 * whose ISD-P is being made is known to the SM-SR only. */
#ifndef OSPREY_MODEL_PROFILE_STATE_H
#define OSPREY_MODEL_PROFILE_STATE_H

#include "lib/base/err.h"
#include "lib/base/span.h"

enum profile_state {
    PROFILE_NONE = 0,
    PROFILE_IN_CREATION, /* never on the wire */
    PROFILE_CREATED,
    PROFILE_DISABLED,
    PROFILE_ENABLED,
    PROFILE_STATE_COUNT
};

const char *profile_state_text(enum profile_state state); /* "Enabled", as in XML; "In-Creation", "None" */
MUST_USE enum err profile_state_from_text(struct span text, enum profile_state *ret);
/* The life cycle octet of GET STATUS (GlobalPlatform, SGP.02 §4.1.1.6): 03 07 0F as INSTALLED, SELECTABLE, PERSONALIZED
 * mean Created; 1F Disabled, 3F Enabled. PROFILE_NONE for anything else. */
enum profile_state profile_state_from_life_cycle(uint8_t octet);

#endif
