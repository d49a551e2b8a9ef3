/* Validity periods of a minute to an hour over radio that loses half: functions expire in every step. */
#include "sim/scenario.h"

const struct scenario SCENARIO_EXPIRY = {
    .name = "expiry",
    .summary = "20 cards, validity periods that run out in the middle of everything",
    .options = { .card_count = 20, .profile_count = 3 },
    .programme = { .functions = 8, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 20, .validity_max_s = 900, .together_permille = 100 },
    .faults = { .sms_up = { .loss_permille = 300 }, .sms_down = { .loss_permille = 300 }, .device = { .silence_every_ms = 3600000u, .silence_max_ms = 1200000u } },
    .hours = 48,
    .ok_permille = 100,
};
