/* Two SM-SRs: eUICCs are moved from one to the other and back while profiles come and go, over bad links, with servers that die
 * and cards that lose power. One of them manages each eUICC in the end. */
#include "sim/scenario.h"

const struct scenario SCENARIO_TWO_SMSRS = {
    .name = "two-sm-srs",
    .summary = "15 cards that are moved between two SM-SRs, with all kinds of trouble",
    .options = { .card_count = 15, .profile_count = 2, .two_smsrs = true },
    .programme = { .functions = 10, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 7200, .validity_max_s = 14400, .twice_permille = 30 },
    .faults = { .sms_up = { .loss_permille = 50, .duplicate_permille = 20, .corrupt_permille = 10, .delay_min_ms = 500, .delay_max_ms = 15000 },
                .sms_down = { .loss_permille = 50, .duplicate_permille = 20, .corrupt_permille = 10, .delay_min_ms = 500, .delay_max_ms = 15000 },
                .request = { .loss_permille = 20, .duplicate_permille = 20, .delay_min_ms = 1, .delay_max_ms = 2000 },
                .answer = { .loss_permille = 20, .delay_min_ms = 1, .delay_max_ms = 2000 },
                .tcp_cut_permille = 10,
                .smsr = { .crash_before_permille = 4, .crash_after_permille = 4, .crash_send_permille = 4, .down_min_ms = 100, .down_max_ms = 60000 },
                .device = { .reset_every_ms = 14400000u, .torn_every_ms = 7200000u, .torn_octets = 6000 } },
    .hours = 72,
    .ok_permille = 200,
};
