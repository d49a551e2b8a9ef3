#include "profile_state.h"

static const char *const names[PROFILE_STATE_COUNT] = { "None", "In-Creation", "Created", "Disabled", "Enabled" };

const char *profile_state_text(enum profile_state state) { return names[state]; }

enum err profile_state_from_text(struct span text, enum profile_state *ret)
{
    for (int i = PROFILE_IN_CREATION; i < PROFILE_STATE_COUNT; i++)
        if (span_eq(text, span_text(names[i]))) {
            *ret = (enum profile_state)i;
            return ERR_NONE;
        }
    return ERR_BAD_VALUE;
}

enum profile_state profile_state_from_life_cycle(uint8_t octet)
{
    switch (octet) {
    case 0x03:
    case 0x07:
    case 0x0F:
        return PROFILE_CREATED;
    case 0x1F:
        return PROFILE_DISABLED;
    case 0x3F:
        return PROFILE_ENABLED;
    default:
        return PROFILE_NONE;
    }
}
