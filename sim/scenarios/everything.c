/* All faults at once, each less often. */
#include "sim/scenario.h"

const struct scenario SCENARIO_EVERYTHING = {
    .name = "everything",
    .summary = "20 cards, all of it at once, less often",
    .options = { .card_count = 20, .profile_count = 3 },
    .programme = { .functions = 8, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400, .twice_permille = 50, .together_permille = 100 },
    .faults = { .sms_up = { .loss_permille = 100, .duplicate_permille = 30, .corrupt_permille = 20, .delay_min_ms = 500, .delay_max_ms = 30000 },
                .sms_down = { .loss_permille = 100, .duplicate_permille = 30, .corrupt_permille = 20, .delay_min_ms = 500, .delay_max_ms = 30000 },
                .request = { .loss_permille = 20, .duplicate_permille = 20, .delay_min_ms = 1, .delay_max_ms = 2000 },
                .answer = { .loss_permille = 20, .delay_min_ms = 1, .delay_max_ms = 2000 },
                .tcp_cut_permille = 10, .tcp_corrupt_permille = 2,
                .smsr = { .crash_before_permille = 4, .crash_after_permille = 4, .crash_send_permille = 4, .down_min_ms = 100, .down_max_ms = 60000 },
                .smdp = { .crash_before_permille = 4, .crash_after_permille = 4, .crash_send_permille = 4, .down_min_ms = 100, .down_max_ms = 60000 },
                .device = { .reset_every_ms = 14400000u, .torn_every_ms = 3600000u, .torn_octets = 6000, .silence_every_ms = 14400000u,
                            .silence_max_ms = 1800000u, .refused_every_ms = 14400000u, .refused_max_ms = 3600000u } },
    .hours = 72,
    .ok_permille = 200,
};
