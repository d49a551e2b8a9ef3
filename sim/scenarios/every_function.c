/* All functions that SM-SR and SM-DP have procedures for, with all faults at once: the worlds in which the table of steps and
 * faults is filled. */
#include "sim/scenario.h"

#define FAULTS                                                                                                                    \
    {                                                                                                                             \
        .sms_up = { .loss_permille = 80, .duplicate_permille = 40, .corrupt_permille = 30, .delay_min_ms = 500, .delay_max_ms = 15000 }, \
        .sms_down = { .loss_permille = 80, .duplicate_permille = 40, .corrupt_permille = 30, .delay_min_ms = 500, .delay_max_ms = 15000 }, \
        .request = { .loss_permille = 30, .duplicate_permille = 30, .delay_min_ms = 1, .delay_max_ms = 4000 },                    \
        .answer = { .loss_permille = 30, .delay_min_ms = 1, .delay_max_ms = 4000 }, .tcp_cut_permille = 15, .tcp_corrupt_permille = 5, \
        .smsr = { .crash_before_permille = 3, .crash_after_permille = 3, .crash_send_permille = 3, .down_min_ms = 100,            \
                  .down_max_ms = 60000, .full_permille = 2, .full_max_ms = 60000, .slow_permille = 5, .slow_max_ms = 30000,       \
                  .jump_every_ms = 14400000u, .jump_max_ms = 300000u },                                                           \
        .smdp = { .crash_before_permille = 3, .crash_after_permille = 3, .crash_send_permille = 3, .down_min_ms = 100,            \
                  .down_max_ms = 60000, .full_permille = 2, .full_max_ms = 60000, .slow_permille = 5, .slow_max_ms = 30000,       \
                  .jump_every_ms = 14400000u, .jump_max_ms = 300000u },                                                           \
        .device = { .reset_every_ms = 7200000u, .torn_every_ms = 3600000u, .torn_octets = 6000, .silence_every_ms = 7200000u,     \
                    .silence_max_ms = 1200000u, .refused_every_ms = 14400000u, .refused_max_ms = 1800000u,                        \
                    .allowance_octets = 60000, .recharge_max_ms = 600000u },                                                      \
        .jam_every_ms = 14400000u, .jam_max_ms = 1200000u                                                                         \
    }

#define EVERY(the_name, the_summary, how)                                                                                         \
    {                                                                                                                             \
        .name = the_name, .summary = the_summary,                                                                                 \
        .options = { .card_count = 8, .profile_count = 3, .bearer = how, .two_smsrs = true, .odd_profiles = true },               \
        .programme = { .functions = 14, .spread_ms = 600000u, .think_max_ms = 120000u, .validity_min_s = 3600,                    \
                       .validity_max_s = 10800, .twice_permille = 50, .together_permille = 350, .all_functions = true },          \
        .faults = FAULTS, .hours = 72, .ok_permille = 100                                                                         \
    }
const struct scenario SCENARIO_EVERY_FUNCTION = EVERY("every-function", "8 cards, two SM-SRs, every function, every fault", SMSR_BEARER_AUTO);
const struct scenario SCENARIO_EVERY_BY_HTTPS = EVERY("every-function-https", "the same over HTTPS wherever the card has it", SMSR_BEARER_HTTPS);

const struct scenario SCENARIO_FULL_CARDS = {
    .name = "full-cards",
    .summary = "2 cards with up to 12 profiles: an audit needs more than one answer",
    .options = { .card_count = 2, .profile_count = 12, .profile_memory = 20000, .odd_profiles = true },
    .programme = { .functions = 40, .spread_ms = 600000u, .think_max_ms = 120000u, .validity_min_s = 3600, .validity_max_s = 10800,
                   .together_permille = 100, .fill = true },
    .faults = FAULTS,
    .hours = 120,
    .quiet_hours = 8, /* a card that is not heard of is looked for at each of its numbers */
    .ok_permille = 100,
};
