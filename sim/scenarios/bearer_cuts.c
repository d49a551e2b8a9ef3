/* TCP connections break in the middle of a script, or carry a wrong bit; SOAP exchanges are lost before and after their work. */
#include "sim/scenario.h"

const struct scenario SCENARIO_BEARER_CUTS = {
    .name = "bearer-cuts",
    .summary = "20 cards whose TCP connections break in the middle, and turn bits",
    .options = { .card_count = 20, .profile_count = 2 },
    .programme = { .functions = 6, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400 },
    .faults = { .tcp_cut_permille = 40, .tcp_corrupt_permille = 10, .request = { .loss_permille = 50 }, .answer = { .loss_permille = 50 },
                .device = { .silence_every_ms = 3600000u, .silence_max_ms = 600000u } },
    .hours = 48,
    .ok_permille = 400,
};
