/* The clocks of both servers jump forward and backward. */
#include "sim/scenario.h"

const struct scenario SCENARIO_CLOCK_JUMPS = {
    .name = "clock-jumps",
    .summary = "20 cards, servers whose clocks jump by up to half an hour",
    .options = { .card_count = 20, .profile_count = 2 },
    .programme = { .functions = 6, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400 },
    .faults = { .smsr = { .jump_every_ms = 600000u, .jump_max_ms = 1800000u }, .smdp = { .jump_every_ms = 600000u, .jump_max_ms = 1800000u } },
    .hours = 48,
    .ok_permille = 300,
};
