/* One eUICC with an enabled profile, a disabled one, and one that is not loaded yet: the world in which every two functions
 * meet (pairs). Each commit takes a while, so that what arrives together is worked off together. */
#include "sim/scenario.h"

static const struct question before[] = { { ES2_DOWNLOAD_PROFILE, 0, true }, { ES2_DOWNLOAD_PROFILE, 1, false } };

const struct scenario SCENARIO_PAIR = {
    .name = "pair",
    .summary = "1 card, servers whose commits take up to 200 ms: the world of pairs",
    .options = { .card_count = 1, .profile_count = 3 },
    .programme = { .functions = ARRAY_LEN(before), .script = before, .think_max_ms = 1000, .validity_min_s = 7200, .validity_max_s = 7200 },
    .faults = { .smsr = { .slow_permille = 1000, .slow_max_ms = 200 }, .smdp = { .slow_permille = 1000, .slow_max_ms = 200 } },
    .hours = 24,
    .quiet_hours = 3,
    .ok_permille = 400,
};
