/* All functions that SM-SR and SM-DP have procedures for, with all faults at once: the worlds in which the table of steps and
 * faults is filled. */
#include "every_fault.h"

#define EVERY(the_name, the_summary, how)                                                                                         \
    {                                                                                                                             \
        .name = the_name, .summary = the_summary,                                                                                 \
        .options = { .card_count = 8, .profile_count = 3, .bearer = how, .two_smsrs = true, .odd_profiles = true },               \
        .programme = { .functions = 14, .spread_ms = 600000u, .think_max_ms = 120000u, .validity_min_s = 3600,                    \
                       .validity_max_s = 10800, .twice_permille = 50, .together_permille = 350, .all_functions = true },          \
        .faults = EVERY_FAULT(80), .hours = 72, .ok_permille = 100                                                                         \
    }
const struct scenario SCENARIO_EVERY_FUNCTION = EVERY("every-function", "8 cards, two SM-SRs, every function, every fault", SMSR_BEARER_AUTO);
const struct scenario SCENARIO_EVERY_BY_HTTPS = EVERY("every-function-https", "the same over HTTPS wherever the card has it", SMSR_BEARER_HTTPS);

/* A card that is not heard of is looked for at each of its numbers: that takes its time when it gets quiet. */
#define FULL(the_name, the_summary, how, most_ms)                                                                                 \
    {                                                                                                                             \
        .name = the_name, .summary = the_summary,                                                                                 \
        .options = { .card_count = 2, .profile_count = 12, .profile_memory = 20000, .bearer = how,                                \
                     .air = { .delay_min_ms = (most_ms) / 20, .delay_max_ms = most_ms }, .odd_profiles = true },                  \
        .programme = { .functions = 40, .spread_ms = 600000u, .think_max_ms = 120000u, .validity_min_s = 3600,                    \
                       .validity_max_s = 10800, .together_permille = 100, .fill = true },                                         \
        .faults = EVERY_FAULT(80), .hours = 120, .quiet_hours = 8, .ok_permille = 100                                             \
    }
const struct scenario SCENARIO_FULL_CARDS = FULL("full-cards", "2 cards with up to 12 profiles: an audit needs more than one answer", SMSR_BEARER_AUTO, 0);
const struct scenario SCENARIO_FULL_BY_HTTPS = FULL("full-cards-https", "the same over slow connections", SMSR_BEARER_HTTPS, 10000);
