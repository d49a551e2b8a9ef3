#include "tell.h"

#include <stdio.h>
#include <stdlib.h>

#include "apart.h"
#include "lib/codec/hex.h"

#define STRIKE_TEXT_MAX 48u

/* As the option that asks for it. */
static const char *strike_text(const struct sim_wish *wish, char out[STRIKE_TEXT_MAX])
{
    *out = 0;
    if (wish->strike)
        snprintf(out, STRIKE_TEXT_MAX, " --strike %s:%u", strike_name(wish->strike), wish->strike_at);
    return out;
}

void sim_tell_result(const struct scenario *s, const struct sim_wish *wish, const struct sim_report *r)
{
    char text[2 * WORLD_HASH_LEN + 1], strike[STRIKE_TEXT_MAX];
    printf("%s seed %llu%s: %s, history %s\n", s->name, (unsigned long long)wish->seed, strike_text(wish, strike), r->wrong ? "FAILED" : "ok",
           hex_text(SPAN_OF(r->hash), text, sizeof text));
}

/* Everything that card, servers and operator said to each other: the same seed tells it again. */
void sim_tell_failure(const struct scenario *s, const struct sim_wish *wish, const struct sim_report *failed)
{
    struct sim_report again;
    struct sim_wish telling = *wish;
    char strike[STRIKE_TEXT_MAX];
    telling.talk = SIM_WRONGS;
    telling.watched = failed->first_card;
    strike_text(wish, strike);
    printf("%s seed %llu%s: FAILED, %u times, first %s\n", s->name, (unsigned long long)wish->seed, strike, failed->wrong, failed->first);
    sim_run_apart(s, &telling, &again);
    printf("  again: osprey-sim run %s --seed %llu%s --diagram %d\n", s->name, (unsigned long long)wish->seed, strike, failed->first_card);
}

void sim_tell_counts(const struct sim_report *r)
{
    printf("%u calls, %u succeeded (%u downloads, %u switches, %u changes of SM-SR); %llu messages carried, %llu lost, %llu doubled, %llu corrupted, %llu "
           "octets; %.1f device-days\n",
           r->calls, r->ok, r->downloads, r->switches, r->changes, (unsigned long long)r->world.carried, (unsigned long long)r->world.lost,
           (unsigned long long)r->world.doubled, (unsigned long long)r->world.corrupted, (unsigned long long)r->world.octets, r->days);
    printf("faults: %u crashes, %u full stores, %u slow commits, %u clock jumps, %u power losses, %u torn writes, %u silences, %u refusals, %u cut "
           "connections, %u recharges, %u journeys\n",
           r->faults.crashes, r->faults.fulls, r->faults.slows, r->faults.jumps, r->faults.resets, r->faults.torn, r->faults.silences,
           r->faults.refusals, r->faults.cuts, r->faults.recharges, r->faults.moves);
}

static int by_name(const void *a, const void *b) { return strcmp(((const struct fault_step *)a)->name, ((const struct fault_step *)b)->name); }

void sim_tell_faults(struct fault_counts *c)
{
    qsort(c->steps, c->step_count, sizeof c->steps[0], by_name);
    printf("%-40s %8s %8s %8s %8s\n", "step (what was stored last)", "before", "after", "sending", "full");
    for (size_t i = 0; i < c->step_count; i++)
        printf("%-40s %8u %8u %8u %8u\n", c->steps[i].name, c->steps[i].count[FAULT_BEFORE], c->steps[i].count[FAULT_AFTER],
               c->steps[i].count[FAULT_SEND], c->steps[i].count[FAULT_FULL]);
}

static void add_faults(struct fault_counts *to, const struct fault_counts *more)
{
    for (size_t i = 0; i < more->step_count; i++)
        for (int kind = 0; kind < FAULT_KINDS; kind++)
            for (unsigned n = 0; n < more->steps[i].count[kind]; n++)
                fault_count_step(to, more->steps[i].name, (enum fault_kind)kind);
    to->crashes += more->crashes;
    to->fulls += more->fulls;
    to->slows += more->slows;
    to->jumps += more->jumps;
    to->resets += more->resets;
    to->torn += more->torn;
    to->silences += more->silences;
    to->refusals += more->refusals;
    to->cuts += more->cuts;
    to->recharges += more->recharges;
    to->moves += more->moves;
}

void sim_report_add(struct sim_report *to, const struct sim_report *more)
{
    to->calls += more->calls;
    to->ok += more->ok;
    to->downloads += more->downloads;
    to->switches += more->switches;
    to->changes += more->changes;
    to->days += more->days;
    to->world.carried += more->world.carried;
    to->world.lost += more->world.lost;
    to->world.doubled += more->world.doubled;
    to->world.corrupted += more->world.corrupted;
    to->world.octets += more->world.octets;
    add_faults(&to->faults, &more->faults);
}
