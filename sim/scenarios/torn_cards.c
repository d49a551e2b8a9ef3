/* Cards lose power in the middle of a write to their memory, and devices between two. */
#include "sim/scenario.h"

const struct scenario SCENARIO_TORN_CARDS = {
    .name = "torn-cards",
    .summary = "20 cards that lose power between and in the middle of writes to their memory",
    .options = { .card_count = 20, .profile_count = 2 },
    .programme = { .functions = 6, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400 },
    .faults = { .device = { .reset_every_ms = 3600000u, .torn_every_ms = 600000u, .torn_octets = 6000 } },
    .hours = 48,
    .ok_permille = 300,
};
