#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "apart.h"
#include "bill.h"
#include "tell.h"

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sim_wish wish_of(const struct sim_order *o, uint64_t seed, enum sim_talk talk)
{
    return (struct sim_wish){ .seed = seed, .profiles = o->profiles, .talk = talk, .watched = -1, .strike = o->strike, .strike_at = o->strike_at };
}

int sim_order_run(const struct scenario *s, const struct sim_order *o)
{
    struct sim_report r;
    struct sim_wish wish = wish_of(o, o->first, o->verbose ? SIM_ALL : SIM_WRONGS);
    wish.watched = o->diagram;
    sim_run_apart(s, &wish, &r);
    sim_tell_counts(&r);
    if (o->faults)
        sim_tell_faults(&r.faults);
    if (o->bill)
        bill_print(r.usage);
    sim_tell_result(s, &wish, &r);
    if (r.wrong && o->diagram < 0 && !o->verbose)
        sim_tell_failure(s, &wish, &r);
    return r.wrong ? 1 : 0;
}

int sim_order_search(const struct scenario *s, const struct sim_order *o)
{
    double began = seconds_now();
    struct sim_report all = { 0 };
    unsigned seeds = 0, failed = 0;
    for (uint64_t seed = o->first; seed <= o->last; seed++)
        for (size_t i = 0; i < (s ? 1 : sim_scenario_count); i++) {
            const struct scenario *one = s ? s : sim_scenarios[i];
            struct sim_report r;
            if (o->seconds && seconds_now() - began > o->seconds)
                goto over;
            struct sim_wish wish = wish_of(o, seed, SIM_SILENT);
            sim_run_apart(one, &wish, &r);
            seeds++;
            sim_report_add(&all, &r);
            if (!r.wrong)
                continue;
            if (!failed++ || o->verbose)
                sim_tell_failure(one, &wish, &r);
            else
                sim_tell_result(one, &wish, &r);
            fflush(stdout);
        }
over:
    sim_tell_counts(&all);
    if (o->faults)
        sim_tell_faults(&all.faults);
    printf("%u worlds, %u failed, %.0f s\n", seeds, failed, seconds_now() - began);
    return failed || !seeds ? 1 : 0;
}

static int replay_one(const char *name, uint64_t seed, const char *known, const struct sim_order *o)
{
    const struct scenario *s = sim_scenario(name);
    struct sim_report r;
    if (!s) {
        printf("no scenario %s\n", name);
        return 1;
    }
    struct sim_wish wish = wish_of(o, seed, SIM_SILENT);
    sim_run_apart(s, &wish, &r);
    if (!*known && r.wrong)
        sim_tell_failure(s, &wish, &r);
    else if (*known)
        printf("%s seed %llu: known: %s; now: %s\n", name, (unsigned long long)seed, known, r.wrong ? r.first : "ok: take it off the list");
    return *known ? !r.wrong : r.wrong != 0;
}

int sim_order_replay(const char *path, const struct sim_order *o)
{
    FILE *in = fopen(path, "r");
    char line[256], name[64], known[64];
    unsigned count = 0, failed = 0;
    unsigned long long seed;
    if (!in) {
        perror(path);
        return 2;
    }
    while (fgets(line, sizeof line, in)) {
        *known = 0;
        if (*line == '#' || *line == '\n')
            continue;
        if (sscanf(line, "known %63s %llu %63s", name, &seed, known) != 3 && sscanf(line, "%63s %llu", name, &seed) != 2) {
            printf("not a line of a list: %s", line);
            failed++;
            continue;
        }
        count++;
        failed += replay_one(name, seed, known, o) != 0;
    }
    fclose(in);
    printf("%u seeds, %u failed\n", count, failed);
    return failed || !count ? 1 : 0;
}
