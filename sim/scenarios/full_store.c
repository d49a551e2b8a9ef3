/* The stores of both servers refuse commits for want of space, for up to a minute. */
#include "sim/scenario.h"

const struct scenario SCENARIO_FULL_STORE = {
    .name = "full-store",
    .summary = "20 cards, servers whose stores are full for a while again and again",
    .options = { .card_count = 20, .profile_count = 2 },
    .programme = { .functions = 6, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400 },
    .faults = { .smsr = { .full_permille = 10, .full_max_ms = 60000 }, .smdp = { .full_permille = 10, .full_max_ms = 60000 } },
    .hours = 48,
    .ok_permille = 300,
};
