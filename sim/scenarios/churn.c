/* Profiles are downloaded, enabled, disabled, deleted and audited, one after the other and at once, over bad links. */
#include "sim/scenario.h"

const struct scenario SCENARIO_CHURN = {
    .name = "enable-disable-delete-churn",
    .summary = "20 cards: profiles come, go and change all day, over links that lose, delay, double and turn bits",
    .options = { .card_count = 20, .profile_count = 3 },
    .programme = { .functions = 8, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400, .twice_permille = 100, .together_permille = 200 },
    .faults = { .sms_up = { .loss_permille = 100, .duplicate_permille = 50, .corrupt_permille = 30, .delay_min_ms = 500, .delay_max_ms = 60000 },
                .sms_down = { .loss_permille = 100, .duplicate_permille = 50, .corrupt_permille = 30, .delay_min_ms = 500, .delay_max_ms = 60000 },
                .request = { .loss_permille = 30, .duplicate_permille = 30, .delay_min_ms = 1, .delay_max_ms = 2000 },
                .answer = { .loss_permille = 30, .delay_min_ms = 1, .delay_max_ms = 2000 } },
    .hours = 48,
    .ok_permille = 500,
};
