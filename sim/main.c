/* osprey-sim: the simulated world. The same seed gives the same history, to the byte. */
#include <stdio.h>
#include <stdlib.h>

#include "scenario.h"
#include "lib/codec/hex.h"

static const struct scenario *const scenarios[] = { &SCENARIO_DOWNLOAD_LOSSY_SMS };

static int usage(FILE *out, int code)
{
    fprintf(out, "osprey-sim list\n"
                 "osprey-sim run SCENARIO [--seed N] [--profiles DIR] [--verbose]\n\n"
                 "Runs a world of cards, modems, networks and servers in one process on virtual time, prints the hash over all\n"
                 "octets delivered, and judges the end. --profiles: folder of the profile sources (default profiles).\n");
    return code;
}

static int list(void)
{
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
        printf("%-24s %s\n", scenarios[i]->name, scenarios[i]->summary);
    return 0;
}

static int run(const struct scenario *s, uint64_t seed, const char *profiles, bool verbose)
{
    uint8_t hash[WORLD_HASH_LEN];
    char text[2 * WORLD_HASH_LEN + 1];
    unsigned wrong = s->run(seed, profiles, verbose, hash);
    printf("%s seed %llu: %s, history %s\n", s->name, (unsigned long long)seed, wrong ? "FAILED" : "ok",
           hex_text(SPAN_OF(hash), text, sizeof text));
    return wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
    const struct scenario *chosen = NULL;
    const char *profiles = "profiles";
    uint64_t seed = 1;
    bool verbose = false;
    if (argc == 2 && !strcmp(argv[1], "list"))
        return list();
    if (argc == 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    for (size_t i = 0; argc > 2 && !strcmp(argv[1], "run") && i < ARRAY_LEN(scenarios); i++)
        if (!strcmp(argv[2], scenarios[i]->name))
            chosen = scenarios[i];
    if (!chosen)
        return usage(stderr, 2);
    for (int i = 3; i < argc; i++) {
        if (!strcmp(argv[i], "--verbose"))
            verbose = true;
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 0);
        else if (!strcmp(argv[i], "--profiles") && i + 1 < argc)
            profiles = argv[++i];
        else
            return usage(stderr, 2);
    }
    return run(chosen, seed, profiles, verbose);
}
