#include <stdio.h>
#include <stdlib.h>

#include "apart.h"
#include "attack.h"
#include "search.h"

#ifdef OSPREY_MUTANTS
static const bool mutants = true;
#else
static const bool mutants = false;
#endif

static void print_row(const char *name, const char *with, const struct sim_report *r)
{
    unsigned long long messages = 0, octets = 0;
    for (size_t f = 0; f < ES_FUNCTION_COUNT; f++) {
        messages += r->usage[f].sms_up + r->usage[f].sms_down;
        octets += r->usage[f].octets_up + r->usage[f].octets_down;
    }
    printf("%-22s %-8s %5u/%-5u %6u %-18s %9u %9u %9llu %10llu %8u\n", name, with, r->ok, r->calls, r->wrong, r->wrong ? r->first : "",
           r->half_loaded, r->attaches, messages, octets, r->told);
    fflush(stdout);
}

static void run(const struct attack *a, const struct sim_order *o, const char *without, struct sim_report *ret)
{
    struct sim_wish wish = { .seed = o->first, .profiles = o->profiles, .talk = SIM_SILENT, .watched = -1, .told = a->told };
    if (without)
        setenv("OSPREY_MUTANT", without, 1);
    sim_run_apart(a->scenario, &wish, ret);
    unsetenv("OSPREY_MUTANT");
}

/* True: the countermeasure held, and the attack was told of and, where a metric is meant for it, counted. */
static bool attack(const struct attack *a, const struct sim_order *o)
{
    struct sim_report with, off;
    run(a, o, NULL, &with);
    print_row(a->scenario->name, "with", &with);
    if (mutants) {
        run(a, o, a->without, &off);
        print_row("", "without", &off);
    }
    printf("    countermeasure: %s (--without %s); the damage: %s\n", a->countermeasure, a->without, a->damage);
    bool counted = a->alarm < 0 || with.alarms[a->alarm];
    if (with.wrong || !with.told || !counted)
        printf("    FAILED: %s\n", with.wrong ? with.first : with.told ? "no metric counts it" : "nothing tells of it");
    return !with.wrong && with.told && counted;
}

int sim_order_attack(const char *which, const struct sim_order *o)
{
    unsigned tried = 0, held = 0;
    printf("%-22s %-8s %11s %6s %-18s %9s %9s %9s %10s %8s\n", "attack", "", "calls ok", "wrong", "first", "half made", "attaches", "messages", "octets", "told");
    for (size_t i = 0; i < sim_attack_count; i++)
        if (!strcmp(which, "all") || !strcmp(which, sim_attacks[i].scenario->name)) {
            tried++;
            held += attack(&sim_attacks[i], o);
        }
    printf("%u attacks, %u held off\n", tried, held);
    return !tried ? 2 : held < tried;
}
