/* Fifty cards get a profile over the air and switch to it, with one short message in five lost. */
#include <stdio.h>

#include "sim/scenario.h"

#define CARDS      50u
#define LOSS       200u
#define HOUR_MS    (3600ull * 1000)

static unsigned run(uint64_t seed, const char *profiles, bool verbose, uint8_t ret_hash[WORLD_HASH_LEN])
{
    struct world *w = world_new(seed);
    sim_must(w ? ERR_NONE : ERR_NO_MEMORY, "world");
    world_verbose(w, verbose);
    struct ecosystem_options options = { .profiles = profiles, .card_count = CARDS, .sms_loss_permille = LOSS };
    struct ecosystem *e = ecosystem_new(w, &options);
    world_run(w, HOUR_MS / 6, NULL, NULL); /* everybody is on the network and known */
    ecosystem_download_all(e, HOUR_MS / 6, true, 24 * 3600);
    world_run(w, 26 * HOUR_MS, ecosystem_all_answered, e);
    world_run(w, 2 * HOUR_MS, NULL, NULL); /* a quiet line */
    unsigned wrong = ecosystem_check(e), good = 0;
    for (unsigned i = 0; i < CARDS; i++)
        good += status_ok(&e->cards[i].status);
    struct world_counts c = world_counts(w);
    printf("%u of %u cards switched; %llu messages carried, %llu lost, %llu octets; virtual time %.1f h\n", good, CARDS,
           (unsigned long long)c.carried, (unsigned long long)c.lost, (unsigned long long)c.octets,
           (double)(world_now(w) - WORLD_START_MS) / (double)HOUR_MS);
    world_hash(w, ret_hash);
    ecosystem_free(e);
    world_free(w);
    return wrong + (good < CARDS * 9 / 10);
}

const struct scenario SCENARIO_DOWNLOAD_LOSSY_SMS = { "download-lossy-sms",
                                                      "50 cards download and enable a profile, 20 % of short messages lost", run };
