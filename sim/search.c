#include "search.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bill.h"
#include "lib/codec/hex.h"

#define WORLD_SECONDS_MAX 120u /* a world that takes longer hangs */

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A world in a process of its own: libraries keep what they learn, and a world shall not know of those before it. One
 * that hangs or dies has failed too. */
static void run_apart(const struct scenario *s, uint64_t seed, const char *profiles, enum sim_talk talk, int watched,
                      struct sim_report *ret)
{
    int ends[2], status = 0;
    fflush(stdout);
    memset(ret, 0, sizeof *ret);
    pid_t child = pipe(ends) == 0 ? fork() : -1;
    if (child == 0) {
        struct sim_report r;
        alarm(WORLD_SECONDS_MAX);
        sim_run(s, seed, profiles, talk, watched, &r);
        fflush(stdout);
        _exit(write(ends[1], &r, sizeof r) == (ssize_t)sizeof r ? 0 : 1);
    }
    close(ends[1]);
    size_t got = 0;
    ssize_t n = 0;
    while (child > 0 && got < sizeof *ret && (n = read(ends[0], (char *)ret + got, sizeof *ret - got)) > 0)
        got += (size_t)n;
    close(ends[0]);
    bool ended = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && got == sizeof *ret;
    if (ended)
        return;
    memset(ret, 0, sizeof *ret);
    ret->wrong = 1;
    ret->first_card = -1;
    snprintf(ret->first, sizeof ret->first, WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "world-ends" : "no-crash");
}

static void print_result(const struct scenario *s, uint64_t seed, const struct sim_report *r)
{
    char text[2 * WORLD_HASH_LEN + 1];
    printf("%s seed %llu: %s, history %s\n", s->name, (unsigned long long)seed, r->wrong ? "FAILED" : "ok",
           hex_text(SPAN_OF(r->hash), text, sizeof text));
}

/* What went wrong, and everything that card, servers and operator said to each other. The same seed tells it again. */
static void print_failure(const struct scenario *s, uint64_t seed, const struct sim_order *o, const struct sim_report *failed)
{
    struct sim_report again;
    printf("%s seed %llu: FAILED, %u times, first %s\n", s->name, (unsigned long long)seed, failed->wrong, failed->first);
    run_apart(s, seed, o->profiles, SIM_WRONGS, failed->first_card, &again);
    printf("  again: osprey-sim run %s --seed %llu --diagram %d\n", s->name, (unsigned long long)seed, failed->first_card);
}

static void print_counts(const struct sim_report *r)
{
    printf("%u calls, %u succeeded (%u downloads, %u switches); %llu messages carried, %llu lost, %llu doubled, %llu corrupted, %llu "
           "octets; %.1f device-days; %u ISD-Ps left for the next download\n",
           r->calls, r->ok, r->downloads, r->switches, (unsigned long long)r->world.carried, (unsigned long long)r->world.lost,
           (unsigned long long)r->world.doubled, (unsigned long long)r->world.corrupted, (unsigned long long)r->world.octets, r->days, r->left);
    printf("faults: %u crashes, %u full stores, %u clock jumps, %u power losses, %u torn writes, %u silences, %u refusals, %u cut "
           "connections\n",
           r->faults.crashes, r->faults.fulls, r->faults.jumps, r->faults.resets, r->faults.torn, r->faults.silences,
           r->faults.refusals, r->faults.cuts);
}

static int by_name(const void *a, const void *b) { return strcmp(((const struct fault_step *)a)->name, ((const struct fault_step *)b)->name); }

static void print_faults(struct fault_counts *c)
{
    qsort(c->steps, c->step_count, sizeof c->steps[0], by_name);
    printf("%-40s %8s %8s %8s %8s\n", "step (what was stored last)", "before", "after", "sending", "full");
    for (size_t i = 0; i < c->step_count; i++)
        printf("%-40s %8u %8u %8u %8u\n", c->steps[i].name, c->steps[i].count[FAULT_BEFORE], c->steps[i].count[FAULT_AFTER],
               c->steps[i].count[FAULT_SEND], c->steps[i].count[FAULT_FULL]);
}

int sim_order_run(const struct scenario *s, const struct sim_order *o)
{
    struct sim_report r;
    run_apart(s, o->first, o->profiles, o->verbose ? SIM_ALL : SIM_WRONGS, o->diagram, &r);
    print_counts(&r);
    if (o->faults)
        print_faults(&r.faults);
    if (o->bill)
        bill_print(r.usage);
    print_result(s, o->first, &r);
    if (r.wrong && o->diagram < 0 && !o->verbose)
        print_failure(s, o->first, o, &r);
    return r.wrong ? 1 : 0;
}

static void add_faults(struct fault_counts *to, const struct fault_counts *more)
{
    for (size_t i = 0; i < more->step_count; i++)
        for (int kind = 0; kind < FAULT_KINDS; kind++)
            for (unsigned n = 0; n < more->steps[i].count[kind]; n++)
                fault_count_step(to, more->steps[i].name, (enum fault_kind)kind);
    to->crashes += more->crashes;
    to->fulls += more->fulls;
    to->jumps += more->jumps;
    to->resets += more->resets;
    to->torn += more->torn;
    to->silences += more->silences;
    to->refusals += more->refusals;
    to->cuts += more->cuts;
}

static void add(struct sim_report *to, const struct sim_report *more)
{
    to->calls += more->calls;
    to->ok += more->ok;
    to->downloads += more->downloads;
    to->switches += more->switches;
    to->days += more->days;
    to->left += more->left;
    to->world.carried += more->world.carried;
    to->world.lost += more->world.lost;
    to->world.doubled += more->world.doubled;
    to->world.corrupted += more->world.corrupted;
    to->world.octets += more->world.octets;
    add_faults(&to->faults, &more->faults);
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
            run_apart(one, seed, o->profiles, SIM_SILENT, -1, &r);
            seeds++;
            add(&all, &r);
            if (!r.wrong)
                continue;
            if (!failed++ || o->verbose)
                print_failure(one, seed, o, &r);
            else
                print_result(one, seed, &r);
            fflush(stdout);
        }
over:
    print_counts(&all);
    if (o->faults)
        print_faults(&all.faults);
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
    run_apart(s, seed, o->profiles, SIM_SILENT, -1, &r);
    if (!*known && r.wrong)
        print_failure(s, seed, o, &r);
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
