#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "apart.h"
#include "bill.h"
#include "search_log.h"
#include "tell.h"

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sim_wish wish_of(const struct sim_order *o, uint64_t seed, enum sim_talk talk)
{
    return (struct sim_wish){ .seed = seed, .profiles = o->profiles, .talk = talk, .watched = -1, .strike = o->strike, .strike_at = o->strike_at,
                              .aims = o->aim_cell >= 0, .aim_cell = o->aim_cell, .aim_kind = (enum fault_kind)o->aim_kind, .cards = o->cards, .functions = o->functions, .mute = o->mute };
}

int sim_order_run(const struct scenario *s, const struct sim_order *o)
{
    struct sim_report r;
    struct sim_wish wish = wish_of(o, o->first, o->verbose ? SIM_ALL : SIM_WRONGS);
    wish.watched = o->diagram;
    sim_run_apart(s, &wish, &r);
    sim_tell_counts(&r);
    if (o->faults)
        sim_tell_recovery(&r);
    if (o->faults)
        sim_tell_steps(&r);
    if (o->bill)
        bill_print(r.usage);
    if (o->bill)
        bill_print_radios(r.by_radio);
    sim_tell_result(s, &wish, &r);
    if (r.wrong && o->shrink)
        sim_shrink(s, &wish, &r, o->shrink);
    else if (r.wrong && o->diagram < 0 && !o->verbose)
        sim_tell_failure(s, &wish, &r);
    return r.wrong ? 1 : 0;
}

struct search {
    const struct scenario *scenario; /* NULL: several */
    const struct sim_order *order;
    struct search_sum sum;
    double began;
};

static bool is_over(const struct search *s) { return s->order->seconds && seconds_now() - s->began > s->order->seconds; }

static void search_one(struct search *s, const struct scenario *one, uint64_t seed)
{
    struct sim_report r;
    struct sim_wish wish = wish_of(s->order, seed, SIM_SILENT);
    sim_run_apart(one, &wish, &r);
    s->sum.worlds++;
    sim_report_add(&s->sum.all, &r);
    if (!r.wrong)
        return;
    bool first = !s->sum.failed++;
    if (first || s->order->verbose)
        sim_tell_failure(one, &wish, &r);
    else
        sim_tell_result(one, &wish, &r);
    if (first && s->order->shrink)
        sim_shrink(one, &wish, &r, s->order->shrink);
    if (s->order->log)
        search_log_failure(s->order->log, one->name, seed, r.first);
    fflush(stdout);
}

/* One of those with faults. */
static const struct scenario *scenario_of(uint64_t seed)
{
    uint64_t count = 0, i = 0;
    for (size_t n = 0; n < sim_scenario_count; n++)
        count += sim_scenario_has_faults(sim_scenarios[n]);
    for (uint64_t left = seed % count; left || !sim_scenario_has_faults(sim_scenarios[i]); i++)
        left -= sim_scenario_has_faults(sim_scenarios[i]);
    return sim_scenarios[i];
}

/* False: time is over. */
static bool search_seeds(struct search *s, uint64_t first, uint64_t last)
{
    bool each = !s->scenario && !s->order->mixed;
    for (uint64_t seed = first; seed <= last; seed++)
        for (size_t i = 0; i < (each ? sim_scenario_count : 1); i++) {
            if (is_over(s))
                return false;
            search_one(s, each ? sim_scenarios[i] : s->scenario ? s->scenario : scenario_of(seed), seed);
        }
    return true;
}

static void search_add(struct search_sum *to, const struct search_sum *more)
{
    to->worlds += more->worlds;
    to->failed += more->failed;
    sim_report_add(&to->all, &more->all);
}

/* Chunk by chunk, as the file has them. */
static void search_logged(struct search *s)
{
    const struct sim_order *o = s->order;
    bool goes_on = true;
    struct search_sum whole = { 0 };
    for (uint64_t first = o->first, last; goes_on && first <= o->last; first = last + 1) {
        last = o->last - first < SEARCH_CHUNK ? o->last : first + SEARCH_CHUNK - 1;
        if (search_log_has(o->log, first, last, &whole))
            continue;
        memset(&s->sum, 0, sizeof s->sum);
        goes_on = search_seeds(s, first, last) && search_log_chunk(o->log, first, last, &s->sum);
        search_add(&whole, &s->sum);
    }
    s->sum = whole;
}

int sim_order_search(const struct scenario *scenario, const struct sim_order *o)
{
    struct search s = { .scenario = scenario, .order = o, .began = seconds_now() };
    if (o->log)
        search_logged(&s);
    else
        search_seeds(&s, o->first, o->last);
    sim_tell_counts(&s.sum.all);
    if (o->faults)
        sim_tell_recovery(&s.sum.all);
    if (o->faults)
        sim_tell_steps(&s.sum.all);
    printf("%u worlds, %u failed, %.0f s\n", s.sum.worlds, s.sum.failed, seconds_now() - s.began);
    return s.sum.failed || !s.sum.worlds ? 1 : 0;
}

struct replay_line {
    char scenario[64], aim[STEPS_AIM_TEXT_MAX], known[64];
    unsigned long long seed;
};

static bool replay_read(const char *text, struct replay_line *ret)
{
    *ret = (struct replay_line){ 0 };
    if (sscanf(text, "known %63s %llu %63s", ret->scenario, &ret->seed, ret->known) == 3)
        return true;
    *ret->known = 0;
    int found = sscanf(text, "%63s %llu --aim %63s", ret->scenario, &ret->seed, ret->aim);
    return found == 3 || (found == 2 && !strstr(text, "--"));
}

static int replay_one(const struct replay_line *line, struct sim_order o)
{
    const struct scenario *s = sim_scenario(line->scenario);
    struct sim_report r;
    if (!s || (*line->aim && !steps_aim_read(line->aim, &o.aim_cell, &o.aim_kind))) {
        printf("no scenario %s, or no step and fault %s\n", line->scenario, line->aim);
        return 1;
    }
    struct sim_wish wish = wish_of(&o, line->seed, SIM_SILENT);
    sim_run_apart(s, &wish, &r);
    if (!*line->known && r.wrong)
        sim_tell_failure(s, &wish, &r);
    else if (*line->known)
        printf("%s seed %llu: known: %s; now: %s\n", line->scenario, line->seed, line->known, r.wrong ? r.first : "ok: take it off the list");
    return *line->known ? !r.wrong : r.wrong != 0;
}

int sim_order_replay(const char *path, const struct sim_order *o)
{
    FILE *in = fopen(path, "r");
    char text[256];
    struct replay_line line;
    unsigned count = 0, failed = 0;
    if (!in) {
        perror(path);
        return 2;
    }
    while (fgets(text, sizeof text, in)) {
        if (*text == '#' || *text == '\n')
            continue;
        if (!replay_read(text, &line)) {
            printf("not a line of a list: %s", text);
            failed++;
            continue;
        }
        count++;
        failed += replay_one(&line, *o) != 0;
    }
    fclose(in);
    printf("%u seeds, %u failed\n", count, failed);
    return failed || !count ? 1 : 0;
}
