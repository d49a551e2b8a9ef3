/* Every short message and every SOAP message arrives twice, the second one much later; the operator clicks twice. */
#include "sim/scenario.h"

const struct scenario SCENARIO_DUPLICATE = {
    .name = "duplicate-everything",
    .summary = "20 cards, every message arrives twice, at any time",
    .options = { .card_count = 20, .profile_count = 2 },
    .programme = { .functions = 6, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400, .twice_permille = 1000 },
    .faults = { .sms_up = { .duplicate_permille = 1000, .delay_min_ms = 500, .delay_max_ms = 120000 },
                .sms_down = { .duplicate_permille = 1000, .delay_min_ms = 500, .delay_max_ms = 120000 },
                .request = { .duplicate_permille = 1000, .delay_min_ms = 1, .delay_max_ms = 20000 },
                .answer = { .duplicate_permille = 1000, .delay_min_ms = 1, .delay_max_ms = 9000 } },
    .hours = 48,
    .ok_permille = 350,
};
