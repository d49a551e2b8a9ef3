/* The SM-DP is killed before a commit, after it, and between two things it sends; and starts again. */
#include "sim/scenario.h"

const struct scenario SCENARIO_CRASH_SMDP = {
    .name = "crash-sm-dp-everywhere",
    .summary = "20 cards, an SM-DP that dies before, after and behind commits, 6 % of them",
    .options = { .card_count = 20, .profile_count = 2 },
    .programme = { .functions = 6, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400 },
    .faults = { .smdp = { .crash_before_permille = 20, .crash_after_permille = 20, .crash_send_permille = 20, .down_min_ms = 100, .down_max_ms = 60000 } },
    .hours = 48,
    .ok_permille = 500,
};
