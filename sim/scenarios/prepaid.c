/* Prepaid data runs out in the middle of a download, and is recharged some time later. */
#include "sim/scenario.h"

const struct scenario SCENARIO_PREPAID = {
    .name = "prepaid",
    .summary = "20 cards whose data allowance is less than a download and a half; empty for up to half an hour",
    .options = { .card_count = 20, .profile_count = 3 },
    .programme = { .functions = 8, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400 },
    .faults = { .device = { .allowance_octets = 10000, .recharge_max_ms = 1800000u } },
    .hours = 48,
    .ok_permille = 600,
};
