/* A cell is jammed: half of the devices are gone at once, and come back at once. */
#include "sim/scenario.h"

const struct scenario SCENARIO_JAMMED = {
    .name = "jammed-cells",
    .summary = "20 cards in two cells, one of which is jammed every ten minutes, for up to twenty",
    .options = { .card_count = 20, .profile_count = 3 },
    .programme = { .functions = 8, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400 },
    .faults = { .jam_every_ms = 600000u, .jam_max_ms = 1200000u },
    .hours = 48,
    .ok_permille = 500,
};
