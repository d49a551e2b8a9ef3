/* A factory profile with three IMSIs travels: at home its first, next door the one that names the country, across the river
 * (where that one is named too, and refused) the one for everywhere, and back by the country alone. Then the operator works,
 * while the devices go on travelling. */
#include "sim/scenario.h"

static const struct journey_leg legs[] = { { 0, 0 }, { 1, 1 }, { 2, 2 }, { 1, 1 }, { 0, 0 }, { 2, 2 }, { 0, 0 } };

const struct scenario SCENARIO_THREE_COUNTRIES = {
    .name = "three-countries",
    .summary = "14 cards with three IMSIs and rules for them, on every kind of radio, in three countries: they change by themselves",
    .options = { .card_count = 14, .profile_count = 2, .countries = true, .multi_imsi = true },
    .journey = { .legs = legs, .leg_count = ARRAY_LEN(legs), .stay_ms = 7200000u,
                 .faults = { .reset_every_ms = 3600000u, .torn_every_ms = 1200000u, .torn_octets = 3000 } },
    .programme = { .functions = 6, .spread_ms = 600000u, .think_max_ms = 600000u, .validity_min_s = 14400, .validity_max_s = 28800 },
    .faults = { .sms_up = { .loss_permille = 30 }, .sms_down = { .loss_permille = 30 },
                .device = { .moves_every_ms = 7200000u, .moves_max_ms = 1800000u } },
    .hours = 72,
    .ok_permille = 300,
};
