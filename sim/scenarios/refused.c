/* The home network refuses subscriptions for a while, coverage goes: cards roll back, and fall back. */
#include "sim/scenario.h"

const struct scenario SCENARIO_REFUSED = {
    .name = "refused-subscriptions",
    .summary = "20 cards whose home network refuses the new subscription now and then: roll-back and fall-back",
    .options = { .card_count = 20, .profile_count = 2 },
    .programme = { .functions = 6, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400 },
    .faults = { .device = { .refused_every_ms = 3600000u, .refused_max_ms = 7200000u, .silence_every_ms = 7200000u, .silence_max_ms = 1800000u } },
    .hours = 48,
    .ok_permille = 300,
};
