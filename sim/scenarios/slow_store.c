/* Stores that take minutes for a commit: what arrives meanwhile is worked off in one batch, and callers ask again. */
#include "sim/scenario.h"

const struct scenario SCENARIO_SLOW_STORE = {
    .name = "slow-store",
    .summary = "20 cards, stores that hang for up to two minutes in a commit, 3 % of them",
    .options = { .card_count = 20, .profile_count = 2 },
    .programme = { .functions = 6, .spread_ms = 60000u, .think_max_ms = 60000u, .validity_min_s = 7200, .validity_max_s = 14400, .twice_permille = 50,
                   .together_permille = 200 },
    .faults = { .smsr = { .slow_permille = 30, .slow_max_ms = 120000 }, .smdp = { .slow_permille = 30, .slow_max_ms = 120000 },
                .sms_up = { .duplicate_permille = 20, .delay_min_ms = 500, .delay_max_ms = 30000 } },
    .hours = 48,
    .ok_permille = 500,
};
