/* Devices with an ordinary factory profile on every kind of radio go from country to country; in one of them nobody takes the
 * operator's subscribers, and some bands have no network. */
#include "sim/scenario.h"

const struct scenario SCENARIO_ROAMING = {
    .name = "roaming",
    .summary = "21 cards on every kind of radio, with its sleep, rates and silence, go from country to country all day",
    .options = { .card_count = 21, .profile_count = 3, .countries = true },
    .programme = { .functions = 8, .spread_ms = 600000u, .think_max_ms = 600000u, .validity_min_s = 14400, .validity_max_s = 28800 },
    .faults = { .sms_up = { .loss_permille = 50, .duplicate_permille = 20 }, .sms_down = { .loss_permille = 50, .duplicate_permille = 20 },
                .tcp_cut_permille = 5,
                .device = { .moves_every_ms = 14400000u, .moves_max_ms = 1800000u, .reset_every_ms = 28800000u } },
    .hours = 96,
    .ok_permille = 300,
};
