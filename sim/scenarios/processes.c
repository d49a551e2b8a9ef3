/* Several SM-SR processes on one database: they die, stand still until the others take them for dead, lose their database in the
 * middle of a commit, and take up what others left. */
#include "sim/scenario.h"

#define AMONG_PROCESSES                                                                                                          \
    {                                                                                                                            \
        .smsr = { .crash_before_permille = 6, .crash_after_permille = 6, .crash_send_permille = 6, .down_min_ms = 100,           \
                  .down_max_ms = 30000, .full_permille = 2, .full_max_ms = 30000, .slow_permille = 5, .slow_max_ms = 15000,      \
                  .ask_max_ms = 30, .pause_permille = 4, .pause_max_ms = 20000, .cut_permille = 10, .cut_max_ms = 10000,         \
                  .away_every_ms = 1200000u, .away_max_ms = 15000, .leave_every_ms = 900000u },                                                       \
        .smdp = { .crash_before_permille = 2, .crash_after_permille = 2, .crash_send_permille = 2, .down_min_ms = 100,           \
                  .down_max_ms = 30000 },                                                                                        \
        .sms_up = { .loss_permille = 30, .duplicate_permille = 30, .corrupt_permille = 10, .delay_min_ms = 500, .delay_max_ms = 10000 }, \
        .sms_down = { .loss_permille = 30, .duplicate_permille = 30, .corrupt_permille = 10, .delay_min_ms = 500, .delay_max_ms = 10000 }, \
        .request = { .loss_permille = 20, .duplicate_permille = 30, .delay_min_ms = 1, .delay_max_ms = 2000 },                   \
        .answer = { .loss_permille = 20, .delay_min_ms = 1, .delay_max_ms = 2000 }, .tcp_cut_permille = 5,                       \
        .device = { .reset_every_ms = 7200000u, .torn_every_ms = 7200000u, .torn_octets = 6000 }                                 \
    }

const struct scenario SCENARIO_TWO_PROCESSES = {
    .name = "two-processes",
    .summary = "10 cards, an SM-SR of two processes on one database; they die, stand still, and lose it in a commit",
    .options = { .card_count = 10, .profile_count = 2, .processes = 2 },
    .programme = { .functions = 6, .spread_ms = 300000u, .think_max_ms = 120000u, .validity_min_s = 7200, .validity_max_s = 14400,
                   .twice_permille = 50, .together_permille = 200 },
    .faults = AMONG_PROCESSES,
    .hours = 24,
    .ok_permille = 300,
};

const struct scenario SCENARIO_THREE_PROCESSES = {
    .name = "three-processes",
    .summary = "10 cards, three processes on one database, the same trouble, more at once",
    .options = { .card_count = 10, .profile_count = 2, .processes = 3 },
    .programme = { .functions = 6, .spread_ms = 60000u, .think_max_ms = 30000u, .validity_min_s = 7200, .validity_max_s = 14400,
                   .twice_permille = 100, .together_permille = 400 },
    .faults = AMONG_PROCESSES,
    .hours = 24,
    .ok_permille = 200,
};

const struct scenario SCENARIO_PROCESSES_CAT_TP = {
    .name = "processes-cat-tp",
    .summary = "10 cards reached by CAT_TP, three processes on one database, the same trouble",
    .options = { .card_count = 10, .profile_count = 2, .processes = 3, .bearer = SMSR_BEARER_CAT_TP },
    .programme = { .functions = 6, .spread_ms = 60000u, .think_max_ms = 30000u, .validity_min_s = 7200, .validity_max_s = 14400,
                   .twice_permille = 100, .together_permille = 400 },
    .faults = AMONG_PROCESSES,
    .hours = 24,
    .ok_permille = 200,
};

const struct scenario SCENARIO_PROCESSES_CHANGE = {
    .name = "processes-change",
    .summary = "10 cards that are moved between an SM-SR of two processes and another one, the same trouble",
    .options = { .card_count = 10, .profile_count = 2, .processes = 2, .two_smsrs = true },
    .programme = { .functions = 8, .spread_ms = 60000u, .think_max_ms = 30000u, .validity_min_s = 7200, .validity_max_s = 14400,
                   .twice_permille = 100, .together_permille = 100 },
    .faults = AMONG_PROCESSES,
    .hours = 24,
    .ok_permille = 200,
};

const struct scenario SCENARIO_PROCESSES_ADMINISTRATION = {
    .name = "processes-administration",
    .summary = "10 cards, three processes on one database, also asked by their administration, the same trouble",
    .options = { .card_count = 10, .profile_count = 3, .processes = 3, .administration = true, .odd_profiles = true },
    .programme = { .functions = 8, .spread_ms = 60000u, .think_max_ms = 30000u, .validity_min_s = 7200, .validity_max_s = 14400,
                   .twice_permille = 100, .together_permille = 100, .administration_permille = 300 },
    .faults = AMONG_PROCESSES,
    .hours = 24,
    .ok_permille = 100,
};
