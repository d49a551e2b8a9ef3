/* osprey-sim: the simulated world. The same seed gives the same history, to the byte. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/codec/hex.h"
#include "search.h"

static int usage(FILE *out, int code)
{
    fprintf(out, "osprey-sim list\n"
                 "osprey-sim run SCENARIO [--seed N] [--verbose] [--diagram CARD] [--bill] [--faults] [--strike KIND:N] [--profiles DIR]\n"
                 "             [--cards N] [--functions N] [--keep N,N…] [--aim STEP:FAULT] [--shrink SECONDS]\n"
                 "osprey-sim sweep SCENARIO [--seed N] [--every N] [--strike KIND] [--faults] [--profiles DIR]\n"
                 "osprey-sim pairs [--seed N] [--every N] [--profiles DIR]\n"
                 "osprey-sim search SCENARIO|all|mixed --seeds A..B [--seconds N] [--log FILE] [--shrink SECONDS] [--profiles DIR]\n"
                 "osprey-sim table [--seeds A..B] [--seconds N] [--profiles DIR]\n"
                 "osprey-sim reach [--seeds A..B] [--seconds N] [--profiles DIR]\n"
                 "osprey-sim attack all|NAME [--seed N] [--profiles DIR]\n"
                 "osprey-sim plant all|N|NAME [--seed N] [--profiles DIR]\n"
                 "osprey-sim replay FILE [--profiles DIR]\n\n"
                 "Runs a world of cards, modems, networks and servers in one process on virtual time, lets things go wrong, prints the\n"
                 "hash over all octets delivered, and judges the end (docs/invariants.md). A failure prints the sequence diagram of the\n"
                 "eUICC concerned. sweep: one world for each place where something can fail (or each --every-th), struck there only. pairs: every two functions\n"
                 "on one eUICC, in every order of what happens. table: how often each kind of fault struck each procedure\n"
                 "in each of its steps, aiming at those that it missed. reach: only until each step was visited and each kind of fault has struck. attack: attacks with their countermeasures,\n"
                 "and in a build with -Dmutants=true also without. plant: does the judge find a deliberate fault? search: one seed after the other, until --seconds are over; all: in every\n"
                 "scenario, mixed: in one, those with faults in turn; what stands as done in the --log is not done again. replay: the seeds of a list\n"
                 "(sim/seeds.txt). --shrink: makes the (first) failing history shorter for so long: fewer cards, functions\n"
                 "and faults; faults are numbered, --keep lets those alone strike.--profiles: folder of the profile sources (default profiles).\n");
    return code;
}

static int list(void)
{
    for (size_t i = 0; i < sim_scenario_count; i++)
        printf("%-28s %s\n", sim_scenarios[i]->name, sim_scenarios[i]->summary);
    return 0;
}

/* "3,17,88": all others are muted; "0": all. */
static bool keep(const char *text, struct sim_order *o)
{
    static struct mute mute;
    char *end = (char *)text;
    uint32_t last = 0;
    memset(mute.bits, 0xFF, sizeof mute.bits);
    for (const char *at = text; *at; at = *end == ',' ? end + 1 : end) {
        unsigned long n = strtoul(at, &end, 10);
        if (end == at || n >= MUTE_MAX || (*end && *end != ','))
            return false;
        mute_set(&mute, (uint32_t)n, false);
        last = n > last ? (uint32_t)n : last;
    }
    mute.from = last + 1;
    o->mute = &mute;
    return true;
}

static bool option(int argc, char **argv, int *i, struct sim_order *o)
{
    const char *name = argv[*i], *value = *i + 1 < argc ? argv[*i + 1] : NULL;
    char *end;
    if (!strcmp(name, "--verbose"))
        return o->verbose = true;
    if (!strcmp(name, "--bill"))
        return o->bill = true;
    if (!strcmp(name, "--faults"))
        return o->faults = true;
    if (!value)
        return false;
    ++*i;
    if (!strcmp(name, "--seed")) {
        o->first = o->last = strtoull(value, NULL, 0);
    } else if (!strcmp(name, "--seeds")) {
        o->first = strtoull(value, &end, 0);
        o->last = !strncmp(end, "..", 2) ? strtoull(end + 2, NULL, 0) : o->first;
    } else if (!strcmp(name, "--seconds")) {
        o->seconds = (unsigned)strtoul(value, NULL, 0);
    } else if (!strcmp(name, "--diagram")) {
        o->diagram = (int)strtol(value, NULL, 0);
    } else if (!strcmp(name, "--every")) {
        o->every = (unsigned)strtoul(value, NULL, 0);
    } else if (!strcmp(name, "--strike")) {
        return strike_read(value, &o->strike, &o->strike_at);
    } else if (!strcmp(name, "--aim")) {
        return steps_aim_read(value, &o->aim_cell, &o->aim_kind);
    } else if (!strcmp(name, "--cards")) {
        o->cards = (unsigned)strtoul(value, NULL, 0);
    } else if (!strcmp(name, "--functions")) {
        o->functions = (unsigned)strtoul(value, NULL, 0);
    } else if (!strcmp(name, "--keep")) {
        return keep(value, o);
    } else if (!strcmp(name, "--shrink")) {
        o->shrink = (unsigned)strtoul(value, NULL, 0);
    } else if (!strcmp(name, "--log")) {
        o->log = value;
    } else if (!strcmp(name, "--profiles")) {
        o->profiles = value;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct sim_order o = { .profiles = "profiles", .first = 1, .last = 1, .diagram = -1, .aim_cell = -1 };
    if (argc == 2 && !strcmp(argv[1], "list"))
        return list();
    if (argc == 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    bool attack = argc >= 2 && !strcmp(argv[1], "attack");
    bool pairs = argc >= 2 && !strcmp(argv[1], "pairs"), table = argc >= 2 && !strcmp(argv[1], "table"), reach = argc >= 2 && !strcmp(argv[1], "reach");
    for (int i = pairs || table || reach ? 2 : 3; i < argc; i++)
        if (!option(argc, argv, &i, &o))
            return usage(stderr, 2);
    if (pairs)
        return sim_order_pairs(&o);
    if (table)
        return sim_order_table(&o);
    if (reach)
        return sim_order_reach(&o);
    if (argc < 3)
        return usage(stderr, 2);
    if (attack)
        return sim_order_attack(argv[2], &o);
    const struct scenario *s = sim_scenario(argv[2]);
    o.mixed = !strcmp(argv[2], "mixed");
    bool all = !strcmp(argv[2], "all") || o.mixed;
    if (!strcmp(argv[1], "run") && s)
        return sim_order_run(s, &o);
    if (!strcmp(argv[1], "sweep") && s)
        return sim_order_sweep(s, &o);
    if (!strcmp(argv[1], "search") && (s || all))
        return sim_order_search(s, &o);
    if (!strcmp(argv[1], "plant"))
        return sim_order_plant(argv[2], &o);
    if (!strcmp(argv[1], "replay"))
        return sim_order_replay(argv[2], &o);
    return usage(stderr, 2);
}
