/* Everything goes over CAT_TP, through a network that loses one datagram in ten, doubles some, turns bits and order; the
 * SM-SR dies now and then, and so do the devices. */
#include "sim/scenario.h"

const struct scenario SCENARIO_CAT_TP = {
    .name = "cat-tp",
    .summary = "20 cards reached by CAT_TP; 10 % of datagrams lost, doubled, damaged, out of order; the SM-SR crashes",
    .options = { .card_count = 20, .profile_count = 2, .bearer = SMSR_BEARER_CAT_TP },
    .programme = { .functions = 6, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400 },
    .faults = { .datagrams = { .loss_permille = 100, .duplicate_permille = 50, .corrupt_permille = 20, .delay_min_ms = 40, .delay_max_ms = 1500 },
                .smsr = { .crash_before_permille = 3, .crash_after_permille = 3, .crash_send_permille = 3, .down_min_ms = 500, .down_max_ms = 60000 },
                .device = { .reset_every_ms = 7200000u, .silence_every_ms = 7200000u, .silence_max_ms = 300000u } },
    .hours = 48,
    .ok_permille = 400,
};
