/* Attacks on remote provisioning of M2M eUICCs, as they were published: each with the countermeasure that must hold against it. */
#include "sim/attack.h"

#define HOUR 3600000u
#define PROGRAMME(count)                                                                                                \
    { .functions = count, .spread_ms = 600000u, .think_max_ms = 300000u, .validity_min_s = 3600, .validity_max_s = 7200 }

#define ATTACKED(the_name, the_summary, count, ...)                                                                     \
    { .name = the_name, .summary = the_summary, .options = { .card_count = 10, .profile_count = 3 },                    \
      .programme = PROGRAMME(count), .hours = 48, .hostile = { __VA_ARGS__ } }

static const struct scenario suppressed = ATTACKED("suppressed-answers", "what a card says while its ISD-P is made is kept from the servers", 8,
                                                   .mute_permille = 400, .mute_ms = 4 * HOUR);
static const struct scenario undersized = ATTACKED("undersized-claims", "the SM-DP asks for much less memory than the profile takes", 6,
                                                   .claimed_memory = 2000);
static const struct scenario oversized = ATTACKED("oversized-claims", "the SM-DP asks for more memory than there is", 4,
                                                  .claimed_memory = 900000);
static const struct scenario replayed_notes = ATTACKED("notification-replay", "notifications of cards arrive again hours later", 10,
                                                       .replay_up_permille = 500, .replay_max_ms = 6 * HOUR);
static const struct scenario replayed_commands = ATTACKED("command-replay", "commands to cards arrive again hours later", 10,
                                                          .replay_down_permille = 500, .replay_max_ms = 6 * HOUR);
static const struct scenario downgraded = ATTACKED("ota-downgrade", "cards get commands that claim to need no security", 8,
                                                   .forge_every_ms = HOUR / 6);
static const struct scenario locked = {
    .name = "locking-policy",
    .summary = "profiles whose policy forbids disabling them, on a network that refuses them later",
    .options = { .card_count = 10, .profile_count = 2 },
    .programme = { .functions = 6, .spread_ms = 600000u, .think_max_ms = 4 * HOUR, .validity_min_s = 3600, .validity_max_s = 7200 },
    .faults = { .device = { .refused_every_ms = 4 * HOUR, .refused_max_ms = 2 * HOUR } },
    .hours = 48,
    .hostile = { .pol1 = "01" },
};
static const struct scenario storm = {
    .name = "retry-storm",
    .summary = "cells are jammed for hours while everything is asked for",
    .options = { .card_count = 20, .profile_count = 2 },
    .programme = { .functions = 4, .spread_ms = 600000u, .think_max_ms = 4 * HOUR, .validity_min_s = 36000, .validity_max_s = 43200 },
    .faults = { .jam_every_ms = 2 * HOUR, .jam_max_ms = 4 * HOUR },
    .hours = 72,
};
static const struct scenario expired = {
    .name = "expired-certificates",
    .summary = "eUICCs whose certificates have run out are offered to another SM-SR",
    .options = { .card_count = 8, .profile_count = 2, .two_smsrs = true, .odd_profiles = true },
    .programme = { .functions = 12, .spread_ms = 600000u, .think_max_ms = 8 * HOUR, .validity_min_s = 3600, .validity_max_s = 7200 },
    .hours = 120, /* certificates count in days */
    .hostile = { .certificates_end_ms = HOUR },
};
static const struct scenario revoked = {
    .name = "revoked-eum",
    .summary = "eUICCs whose EUM is revoked are offered to an SM-SR that has the CI's list",
    .options = { .card_count = 8, .profile_count = 2, .two_smsrs = true, .odd_profiles = true },
    .programme = { .functions = 12, .spread_ms = 600000u, .think_max_ms = HOUR, .validity_min_s = 3600, .validity_max_s = 7200 },
    .hours = 48,
    .hostile = { .eum_revoked = true },
};

const struct attack sim_attacks[] = {
    { &suppressed, "gives_up_cleaning", "clean-up behind every download that failed", ": undo", -1, "ISD-Ps left half loaded" },
    { &undersized, "ignores_the_quota", "the card holds the ISD-P to what was granted", "not enough memory", -1, "profiles larger than granted" },
    { &oversized, "believes_any_memory_claim", "no more is granted than the EIS says is free", "are free", -1, "short messages for nothing" },
    { &locked, "fallback_asks_pol1", "a fall-back asks no policy", "by the fall-back mechanism", -1, "devices without a network" },
    { &replayed_notes, "hears_old_packets", "the counter of what a card says only grows", "dropped", SMSR_ALARM_FOREIGN_PACKET, "EIS that are not the card" },
    { &replayed_commands, "accepts_a_low_counter", "the counter of what a card does only grows", "counter low", SMSR_ALARM_STRAY_POR, "cards that obeyed" },
    { &storm, "never_paces", "pauses that grow, with jitter", "leaves again", -1, "short messages sent" },
    { &downgraded, "takes_lower_security", "the ISD-R demands cipher, MAC and counter", "security", -1, "cards that obeyed" },
    { &expired, "takes_expired_ecasd", "an eUICC is taken over with valid certificates alone", "ECASD certificate", SMSR_ALARM_CERTIFICATE, "eUICCs taken over (calls ok)" },
    { &revoked, "takes_revoked_eums", "no eUICC of a revoked EUM is taken over", "EUM certificate against the CI: revoked", SMSR_ALARM_CERTIFICATE, "eUICCs taken over (calls ok)" },
};
const size_t sim_attack_count = ARRAY_LEN(sim_attacks);
