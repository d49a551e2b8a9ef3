#include "tell.h"

#include <stdio.h>
#include <stdlib.h>

#include "apart.h"
#include "lib/codec/hex.h"

#define STRIKE_TEXT_MAX (STEPS_AIM_TEXT_MAX + 8u)

/* As the option that asks for it. */
static const char *strike_text(const struct sim_wish *wish, char out[STRIKE_TEXT_MAX])
{
    char aim[STEPS_AIM_TEXT_MAX];
    *out = 0;
    if (wish->strike)
        snprintf(out, STRIKE_TEXT_MAX, " --strike %s:%u", strike_name(wish->strike), wish->strike_at);
    else if (wish->aims)
        snprintf(out, STRIKE_TEXT_MAX, " --aim %s", steps_aim_text(wish->aim_cell, (int)wish->aim_kind, aim));
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
    if (r->faults.pauses || r->faults.breaks || r->faults.aways)
        printf("among processes: %u stood still, %u lost their database, %u times it was away, %u lines held by another, %u commits of one "
               "that was taken for dead, %u left\n",
               r->faults.pauses, r->faults.breaks, r->faults.aways, r->faults.held, r->faults.undead,
               r->faults.leaves);
}

static void tell_left_out(const char *procedure, bool is_smdp, const char *step, const char *why)
{
    printf("no row: %s %s/%s: %s\n", is_smdp ? "sm-dp" : "sm-sr", procedure, step, why);
}

unsigned sim_tell_steps(const struct sim_report *r)
{
    unsigned zeros = 0;
    printf("%-34s %7s", "while a procedure was in this step", "visits");
    for (size_t kind = 0; kind < FAULT_KINDS; kind++)
        printf(" %6s", fault_names[kind]);
    printf("\n");
    for (size_t cell = 0; cell < steps_count(); cell++) {
        printf("%-34s %7u", steps_name(cell), r->visited[cell]);
        for (size_t kind = 0; kind < FAULT_KINDS; kind++) {
            printf(" %6u", r->struck[cell][kind]);
            zeros += !r->struck[cell][kind];
        }
        printf("\n");
    }
    steps_left_out(tell_left_out);
    printf("%zu steps, %u kinds of fault, %u cells of %zu are zero\n", steps_count(), FAULT_KINDS, zeros, steps_count() * FAULT_KINDS);
    return zeros;
}

void sim_tell_recovery(const struct sim_report *r)
{
    static const char *const what[FAULT_KINDS] = {
        [FAULT_BEFORE] = "server dies before a commit", [FAULT_AFTER] = "server dies after it", [FAULT_SEND] = "server dies while it sends",
        [FAULT_FULL] = "store is full", [FAULT_SLOW] = "store is slow", [FAULT_JUMP] = "clock jumps", [FAULT_SOAP_LOST] = "request is lost",
        [FAULT_SOAP_TWICE] = "request is doubled", [FAULT_ANSWER_LOST] = "its answer is lost", [FAULT_SMS_LOST] = "short message is lost",
        [FAULT_SMS_TWICE] = "short message is doubled", [FAULT_SMS_TURNED] = "short message is corrupted", [FAULT_TCP_CUT] = "connection is cut",
        [FAULT_TCP_TURNED] = "stream is corrupted", [FAULT_POWER] = "device loses power", [FAULT_TORN] = "device loses it in a write",
        [FAULT_SILENCE] = "device has no coverage", [FAULT_REFUSED] = "subscription is refused", [FAULT_DRY] = "prepaid data is used up",
    };
    printf("%-30s %8s %9s %9s %9s %9s   (seconds until what was struck moves on)\n", "after", "count", "mean", "half <", "95% <", "longest");
    for (size_t kind = 0; kind < FAULT_KINDS; kind++) {
        const struct recovery *one = &r->recovery[kind];
        if (one->count)
            printf("%-30s %8u %9.1f %9.1f %9.1f %9.1f\n", what[kind], one->count, (double)one->sum_ms / 1000 / one->count,
                   recovery_within_s(one, 500), recovery_within_s(one, 950), (double)one->max_ms / 1000);
    }
}

static void add_faults(struct fault_counts *to, const struct fault_counts *more)
{
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
    to->pauses += more->pauses;
    to->breaks += more->breaks;
    to->aways += more->aways;
    to->held += more->held;
    to->leaves += more->leaves;
    to->undead += more->undead;
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
    for (size_t kind = 0; kind < FAULT_KINDS; kind++)
        recovery_add(&to->recovery[kind], &more->recovery[kind]);
    for (size_t cell = 0; cell < STEPS_MAX; cell++) {
        to->visited[cell] += more->visited[cell];
        for (size_t kind = 0; kind < FAULT_KINDS; kind++)
            to->struck[cell][kind] += more->struck[cell][kind];
    }
}
