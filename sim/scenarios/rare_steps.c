/* Worlds that come often to steps to which others come by accident, and there the way that others hardly go: for the table of
 * steps and faults. */
#include "every_fault.h"

/* Profiles 1 and 3 are deleted when they are disabled, 2 while it is enabled. */
#define REPLACED                                                                                                        \
    { ES2_DOWNLOAD_PROFILE, 1, true }, { ES2_DOWNLOAD_PROFILE, 3, true }, { ES4_DISABLE_PROFILE, 3, false },             \
    { ES2_DOWNLOAD_PROFILE, 1, true }, { ES4_DISABLE_PROFILE, 1, false }, { ES2_DOWNLOAD_PROFILE, 2, true },             \
    { ES4_DELETE_PROFILE, 2, false }
static const struct question replaced[] = { REPLACED, REPLACED, REPLACED, REPLACED };

/* The answer to the double of a command says that the counter is too low; when it comes first, nobody knows what became of the
 * command. That is looked into by SMS, while the card is connected to tell of the switch this way too. */
const struct scenario SCENARIO_IMPATIENT = {
    .name = "impatient",
    .summary = "6 cards that tell of each switch every 20 s, this way and that; profiles deleted when disabled; most SMS to cards come twice",
    .options = { .card_count = 6, .profile_count = 4, .profile_memory = 20000,
                 .timing = { .notification_interval_s = 20, .notification_tries = 12 }, .air = { .delay_min_ms = 3000, .delay_max_ms = 30000 },
                 .auto_delete = true },
    .programme = { .functions = ARRAY_LEN(replaced), .script = replaced, .spread_ms = 600000u, .validity_min_s = 7200,
                   .validity_max_s = 14400, .twice_permille = 100 },
    .faults = EVERY_FAULT_BUT(100, 600, 200),
    .hours = 120,
    .quiet_hours = 8,
    .ok_permille = 50,
};

/* An answer EXPIRED or FAILED may leave keys of the other SM-SR on the card; the next change is asked for while they are deleted. */
#define THERE_AND_BACK { ES4_PREPARE_SMSR_CHANGE, 0, false }, { ES4_SMSR_CHANGE, 0, false }, { ES4_SMSR_CHANGE, 0, false }
static const struct question moves[] = { { ES2_DOWNLOAD_PROFILE, 0, true }, THERE_AND_BACK, THERE_AND_BACK, THERE_AND_BACK,
                                         { ES4_AUDIT_EIS, 0, false },       THERE_AND_BACK, THERE_AND_BACK, THERE_AND_BACK };

const struct scenario SCENARIO_THERE_AND_BACK = {
    .name = "there-and-back",
    .summary = "6 cards that are to change their SM-SR again and again over slow connections, in ten minutes at most",
    .options = { .card_count = 6, .profile_count = 2, .bearer = SMSR_BEARER_HTTPS,
                 .air = { .delay_min_ms = 2000, .delay_max_ms = 20000 }, .two_smsrs = true, .odd_profiles = true },
    .programme = { .functions = ARRAY_LEN(moves), .script = moves, .spread_ms = 600000u, .think_max_ms = 60000u, .validity_min_s = 120,
                   .validity_max_s = 600, .twice_permille = 100 },
    .faults = EVERY_FAULT_BUT(80, 40, 150),
    .hours = 72,
    .quiet_hours = 8,
    .ok_permille = 50,
};
