/* What the administration of the servers is asked for beside the functions of ES2 and ES4: new keys, changes inside installed
 * profiles, Master Delete; with every fault. And the same where what cards say is mostly lost: the looks behind an unknown outcome,
 * keys that were made and never taken, what waits behind their removal, what a server says out of turn. And over connections so slow that they outlive what they were
 * opened for: those of an SM-SR that the eUICC has left meanwhile. */
#include "every_fault.h"

const struct scenario SCENARIO_ADMINISTRATION = {
    .name = "administration",
    .summary = "6 cards, every function and what only the administration begins, every fault",
    .options = { .card_count = 6, .profile_count = 6, .profile_memory = 20000, .odd_profiles = true, .administration = true },
    .programme = { .functions = 18, .spread_ms = 600000u, .think_max_ms = 120000u, .validity_min_s = 3600, .validity_max_s = 10800,
                   .twice_permille = 50, .together_permille = 350, .all_functions = true, .administration_permille = 400 },
    .faults = EVERY_FAULT(80),
    .hours = 72,
    .ok_permille = 100,
};

const struct scenario SCENARIO_UNHEARD = {
    .name = "unheard",
    .summary = "6 cards, two SM-SRs, every function; a third of what cards say is lost, calls have little time, servers speak out of turn",
    .options = { .card_count = 6, .profile_count = 4, .profile_memory = 20000, .two_smsrs = true,
                 .odd_profiles = true, .administration = true },
    .programme = { .functions = 18, .spread_ms = 600000u, .think_max_ms = 120000u, .validity_min_s = 600, .validity_max_s = 7200,
                   .twice_permille = 50, .together_permille = 350, .all_functions = true, .administration_permille = 200 },
    .faults = EVERY_FAULT(300),
    .hostile = { .asks_twice_permille = 200, .stray_permille = 100, .late_permille = 50, .late_max_ms = 7200000u },
    .hours = 72,
    .quiet_hours = 8,
    .ok_permille = 50,
};

const struct scenario SCENARIO_SLOW_DATA = {
    .name = "slow-data",
    .summary = "6 cards, two SM-SRs, every function over HTTPS; each way takes up to 40 s",
    .options = { .card_count = 6, .profile_count = 4, .profile_memory = 20000, .bearer = SMSR_BEARER_HTTPS,
                 .air = { .delay_min_ms = 1000, .delay_max_ms = 40000 }, .two_smsrs = true, .odd_profiles = true, .administration = true },
    .programme = { .functions = 18, .spread_ms = 600000u, .think_max_ms = 120000u, .validity_min_s = 3600, .validity_max_s = 10800,
                   .twice_permille = 50, .together_permille = 350, .all_functions = true, .administration_permille = 200 },
    .faults = EVERY_FAULT(80),
    .hours = 72,
    .quiet_hours = 8,
    .ok_permille = 50,
};

const struct scenario SCENARIO_SLOW_UNHEARD = {
    .name = "slow-unheard",
    .summary = "the same, and a quarter of what cards say by SMS is lost; servers speak out of turn",
    .options = { .card_count = 6, .profile_count = 4, .profile_memory = 20000, .bearer = SMSR_BEARER_HTTPS,
                 .air = { .delay_min_ms = 500, .delay_max_ms = 20000 }, .two_smsrs = true, .odd_profiles = true, .administration = true },
    .programme = { .functions = 18, .spread_ms = 600000u, .think_max_ms = 120000u, .validity_min_s = 1200, .validity_max_s = 7200,
                   .twice_permille = 50, .together_permille = 350, .all_functions = true, .administration_permille = 200 },
    .faults = EVERY_FAULT(250),
    .hostile = { .asks_twice_permille = 300, .stray_permille = 100, .late_permille = 50, .late_max_ms = 7200000u },
    .hours = 72,
    .quiet_hours = 8,
    .ok_permille = 50,
};

const struct scenario SCENARIO_SWITCHES = {
    .name = "switches",
    .summary = "6 cards whose profiles are switched and deleted, by connections that take long and SMS that are not heard",
    .options = { .card_count = 6, .profile_count = 8, .profile_memory = 20000, .air = { .delay_min_ms = 500, .delay_max_ms = 15000 },
                 .odd_profiles = true, .auto_delete = true, .administration = true, .aim_connects = true },
    .programme = { .functions = 24, .spread_ms = 600000u, .think_max_ms = 60000u, .validity_min_s = 1800, .validity_max_s = 10800,
                   .twice_permille = 50, .together_permille = 350, .administration_permille = 150 },
    .faults = EVERY_FAULT(350),
    .hours = 72,
    .quiet_hours = 8,
    .ok_permille = 50,
};

/* A download goes over a connection, and what follows at once goes by SMS while that is still open. */
#define ROUND                                                                                                                      \
    { ES2_DOWNLOAD_PROFILE, 0, false }, { .administration = ADMINISTRATION_MASTER_DELETE, .profile = 0 }, { ES2_DOWNLOAD_PROFILE, 1, true }, \
    { ES4_DISABLE_PROFILE, 1, false }
static const struct question rounds[] = { ROUND, ROUND, ROUND, ROUND };

const struct scenario SCENARIO_SWITCHES_SLOW = {
    .name = "switches-slow",
    .summary = "6 cards, each profile deleted as soon as it is loaded; connections are slow, and half of what cards say by SMS is lost",
    .options = { .card_count = 6, .profile_count = 2, .profile_memory = 20000, .air = { .delay_min_ms = 1000, .delay_max_ms = 20000 },
                 .odd_profiles = true, .administration = true },
    .programme = { .functions = ARRAY_LEN(rounds), .script = rounds, .spread_ms = 600000u, .validity_min_s = 10800, .validity_max_s = 36000 },
    .faults = EVERY_FAULT(400),
    .hours = 120,
    .quiet_hours = 8,
    .ok_permille = 50,
};
