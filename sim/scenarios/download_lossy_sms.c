/* Fifty cards get a profile over the air and switch to it, with one short message in five lost. */
#include "sim/scenario.h"

const struct scenario SCENARIO_DOWNLOAD_LOSSY_SMS = {
    .name = "download-lossy-sms",
    .summary = "50 cards download and enable a profile, 20 % of short messages lost",
    .options = { .card_count = 50, .profile_count = 1 },
    .programme = { .functions = 1, .download_only = true, .spread_ms = 600000u, .validity_min_s = 86400, .validity_max_s = 86400 },
    .faults = { .sms_up = { .loss_permille = 200 }, .sms_down = { .loss_permille = 200 } },
    .hours = 30,
    .ok_permille = 900,
};
