/* One eUICC goes through all that an operator can ask for, and nothing goes wrong by chance: the world for faults that
 * strike one place at a time (sweep). */
#include "sim/scenario.h"

static const struct question walk[] = {
    { ES2_DOWNLOAD_PROFILE, 0, false }, { ES4_ENABLE_PROFILE, 0, false },  { ES4_AUDIT_EIS, 0, false },       { ES2_DOWNLOAD_PROFILE, 1, true },
    { ES4_DISABLE_PROFILE, 1, false },  { ES4_DELETE_PROFILE, 0, false },  { ES4_ENABLE_PROFILE, 1, false },
};

#define WALK(the_name, the_summary, how)                                                                                       \
    {                                                                                                                          \
        .name = the_name, .summary = the_summary, .options = { .card_count = 1, .profile_count = 2, .bearer = how },           \
        .programme = { .functions = ARRAY_LEN(walk), .script = walk, .think_max_ms = 60000u, .validity_min_s = 7200,           \
                       .validity_max_s = 7200 },                                                                               \
        .faults = { .smsr = { .down_min_ms = 100, .down_max_ms = 20000 }, .smdp = { .down_min_ms = 100, .down_max_ms = 20000 } }, \
        .hours = 48, .ok_permille = 400                                                                                        \
    }
const struct scenario SCENARIO_WALK = WALK("walk", "1 card through every function, without a fault of its own: a world to sweep", SMSR_BEARER_AUTO);
const struct scenario SCENARIO_WALK_SMS = WALK("walk-sms", "the same with short messages alone", SMSR_BEARER_SMS);

/* Every procedure of SM-SR and SM-DP that begins when nothing goes wrong: attributes, what the administration begins, and there and back
 * between two SM-SRs. Profile 0 has a token key, 1 connectivity parameters, and deletes itself when it is disabled. */
static const struct question every[] = {
    { ES2_DOWNLOAD_PROFILE, 0, false },
    { ES2_DOWNLOAD_PROFILE, 1, true },
    { ES4_DISABLE_PROFILE, 1, false },
    { ES2_DOWNLOAD_PROFILE, 1, true },
    { ES4_ENABLE_PROFILE, 0, false },
    { ES4_SET_FALLBACK_ATTRIBUTE, 0, false },
    { ES2_AUDIT_EIS, 0, false },
    { ES2_DOWNLOAD_PROFILE, 2, false },
    { ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, 2, false },
    { .administration = ADMINISTRATION_KEYS },
    { .administration = ADMINISTRATION_CONNECTIVITY, .profile = 2 },
    { ES2_DOWNLOAD_PROFILE, 3, false },
    { .administration = ADMINISTRATION_TOKEN_KEY, .profile = 3 },
    { .administration = ADMINISTRATION_MASTER_DELETE, .profile = 3 },
    { ES4_PREPARE_SMSR_CHANGE, 0, false },
    { ES4_SMSR_CHANGE, 0, false },
    { .administration = ADMINISTRATION_KEYS },
    { ES4_AUDIT_EIS, 0, false },
    { ES4_PREPARE_SMSR_CHANGE, 0, false },
    { ES4_SMSR_CHANGE, 0, false },
    { ES2_DOWNLOAD_PROFILE, 4, true },
    { ES4_DELETE_PROFILE, 4, false },
};

const struct scenario SCENARIO_WALK_ALL = {
    .name = "walk-all",
    .summary = "1 card, two SM-SRs, every procedure, without a fault of its own: a world to sweep",
    .options = { .card_count = 1, .profile_count = 6, .profile_memory = 20000, .two_smsrs = true, .odd_profiles = true, .administration = true },
    .programme = { .functions = ARRAY_LEN(every), .script = every, .think_max_ms = 60000u, .validity_min_s = 7200, .validity_max_s = 7200 },
    .faults = { .smsr = { .down_min_ms = 100, .down_max_ms = 20000 }, .smdp = { .down_min_ms = 100, .down_max_ms = 20000 } },
    .hours = 96,
    .ok_permille = 400,
};
