/* The table of steps and faults: worlds by chance, then worlds aimed at each cell that is still zero. */
#include <stdio.h>
#include <time.h>

#include "apart.h"
#include "search.h"
#include "tell.h"

#define PASSES_MAX 200u /* worlds aimed at one cell */
#define HARDEST_TOLD 8u

/* What each scenario is good for is learnt from its worlds. */
static const struct scenario *const scenarios[] = { &SCENARIO_EVERY_FUNCTION,  &SCENARIO_EVERY_BY_HTTPS, &SCENARIO_FULL_CARDS,
                                                    &SCENARIO_ADMINISTRATION, &SCENARIO_UNHEARD,        &SCENARIO_SLOW_DATA,
                                                    &SCENARIO_SLOW_UNHEARD,   &SCENARIO_SWITCHES,       &SCENARIO_SWITCHES_SLOW,
                                                    &SCENARIO_IMPATIENT,      &SCENARIO_THERE_AND_BACK, &SCENARIO_FULL_BY_HTTPS };
#define SCENARIOS ARRAY_LEN(scenarios)

struct table {
    const struct sim_order *order;
    struct sim_report all, of[SCENARIOS];
    unsigned worlds, worlds_of[SCENARIOS], failed;
    unsigned aimed[STEPS_MAX][FAULT_KINDS]; /* worlds at each cell */
    time_t until; /* 0: no limit */
};

static bool is_over(const struct table *t) { return t->until && time(NULL) >= t->until; }

static void run_one(struct table *t, size_t which, struct sim_wish *wish)
{
    struct sim_report r;
    wish->profiles = t->order->profiles;
    wish->talk = SIM_SILENT;
    wish->watched = -1;
    sim_run_apart(scenarios[which], wish, &r);
    t->worlds++;
    t->worlds_of[which]++;
    t->failed += r.wrong != 0;
    sim_report_add(&t->all, &r);
    sim_report_add(&t->of[which], &r);
    if (r.wrong)
        sim_tell_result(scenarios[which], wish, &r);
    fflush(stdout);
}

/* ---- planning */

static double fault_count(const struct sim_report *r, enum fault_kind kind)
{
    double count = 0;
    for (size_t cell = 0; cell < steps_count(); cell++)
        count += r->struck[cell][kind];
    return count;
}

/* Kinds that strike where the same thing goes on: a server works, servers talk, a short message or a connection is on its way. */
static bool is_akin(enum fault_kind a, enum fault_kind b)
{
    static const unsigned char families[FAULT_KINDS] = { [FAULT_SOAP_LOST] = 1, [FAULT_SOAP_TWICE] = 1, [FAULT_ANSWER_LOST] = 1,
                                                         [FAULT_SMS_LOST] = 2,  [FAULT_SMS_TWICE] = 2,  [FAULT_SMS_TURNED] = 2,
                                                         [FAULT_TCP_CUT] = 3,   [FAULT_TCP_TURNED] = 3, [FAULT_DRY] = 3,
                                                         [FAULT_POWER] = 4,     [FAULT_TORN] = 4,       [FAULT_SILENCE] = 4, [FAULT_REFUSED] = 4 };
    return families[a] == families[b];
}

/* How promising a world of that scenario is for a cell: how often faults akin to it strike in the step, else how often it comes
 * to the step, and how often such a fault strikes in it anywhere. Worlds that were in vain make it less so. */
static double promise(const struct table *t, size_t which, size_t cell, enum fault_kind kind, const unsigned tried[SCENARIOS])
{
    const struct sim_report *r = &t->of[which];
    double worlds = t->worlds_of[which] + 1, akin = 0;
    for (size_t k = 0; k < FAULT_KINDS; k++)
        akin += is_akin((enum fault_kind)k, kind) ? r->struck[cell][k] : 0;
    double by_chance = (r->visited[cell] + 0.01) / worlds * (fault_count(r, kind) + 0.01) / worlds;
    return (akin / worlds + 0.001 * by_chance) / (1 + tried[which]);
}

static size_t best_for(const struct table *t, size_t cell, enum fault_kind kind, unsigned tried[SCENARIOS])
{
    size_t best = 0;
    for (size_t i = 1; i < SCENARIOS; i++)
        if (promise(t, i, cell, kind, tried) > promise(t, best, cell, kind, tried))
            best = i;
    tried[best]++;
    return best;
}

/* ---- worlds */

static void by_chance(struct table *t)
{
    for (uint64_t seed = t->order->first; seed <= t->order->last && !is_over(t); seed++)
        run_one(t, seed % SCENARIOS, &(struct sim_wish){ .seed = seed });
}

/* A world of its own for each cell that is zero; how many still are. */
static unsigned aim_at_zeros(struct table *t, unsigned pass)
{
    static unsigned tried[STEPS_MAX][FAULT_KINDS][SCENARIOS];
    unsigned zeros = 0;
    for (size_t cell = 0; cell < steps_count(); cell++)
        for (size_t kind = 0; kind < FAULT_KINDS && !is_over(t); kind++) {
            if (t->all.struck[cell][kind])
                continue;
            uint64_t seed = t->order->last + 1 + (uint64_t)pass * STEPS_MAX * FAULT_KINDS + cell * FAULT_KINDS + kind;
            t->aimed[cell][kind]++;
            run_one(t, best_for(t, cell, (enum fault_kind)kind, tried[cell][kind]),
                    &(struct sim_wish){ .seed = seed, .aims = true, .aim_cell = (int)cell, .aim_kind = (enum fault_kind)kind });
            zeros += !t->all.struck[cell][kind];
        }
    return zeros;
}

/* How far from luck the last of them were. */
static void tell_hardest(const struct table *t)
{
    char aim[STEPS_AIM_TEXT_MAX];
    unsigned most = 0, aimed = 0;
    for (size_t cell = 0; cell < steps_count(); cell++)
        for (size_t kind = 0; kind < FAULT_KINDS; kind++) {
            aimed += t->aimed[cell][kind];
            most = t->aimed[cell][kind] > most ? t->aimed[cell][kind] : most;
        }
    printf("%u worlds were aimed at a cell, at most %u at the same:", aimed, most);
    unsigned told = 0;
    for (; most && told < HARDEST_TOLD; most--)
        for (size_t at = 0; at < steps_count() * FAULT_KINDS && told < HARDEST_TOLD; at++)
            if (t->aimed[at / FAULT_KINDS][at % FAULT_KINDS] == most) {
                printf(" %s %u", steps_aim_text((int)(at / FAULT_KINDS), (int)(at % FAULT_KINDS), aim), most);
                told++;
            }
    printf("\n");
}

int sim_order_table(const struct sim_order *o)
{
    struct table t = { .order = o, .until = o->seconds ? time(NULL) + o->seconds : 0 };
    by_chance(&t);
    for (unsigned pass = 0; pass < PASSES_MAX && !is_over(&t) && aim_at_zeros(&t, pass); pass++)
        ;
    sim_tell_recovery(&t.all);
    unsigned zeros = sim_tell_steps(&t.all);
    sim_tell_counts(&t.all);
    tell_hardest(&t);
    printf("%u worlds, %u failed\n", t.worlds, t.failed);
    return zeros || t.failed ? 1 : 0;
}

/* ---- the short form */

static unsigned never_reached(const struct sim_report *r, bool tells)
{
    unsigned missing = 0;
    for (size_t cell = 0; cell < steps_count(); cell++) {
        missing += !r->visited[cell];
        if (tells && !r->visited[cell])
            printf("no world came to %s\n", steps_name(cell));
    }
    for (size_t kind = 0; kind < FAULT_KINDS; kind++) {
        bool never = fault_count(r, (enum fault_kind)kind) == 0;
        missing += never;
        if (tells && never)
            printf("no procedure was struck by %s\n", fault_names[kind]);
    }
    return missing;
}

static bool same_procedure(size_t a, size_t b)
{
    const char *name = steps_name(a);
    size_t len = strcspn(name, "/");
    return !strncmp(name, steps_name(b), len) && steps_name(b)[len] == '/';
}

/* How often a world of that scenario goes through steps of the same procedure. */
static double frequency(const struct table *t, size_t which, size_t cell)
{
    double visits = 0;
    for (size_t i = 0; i < steps_count(); i++)
        visits += same_procedure(cell, i) ? t->of[which].visited[i] : 0;
    return visits / t->worlds_of[which];
}

/* Each in turn; then the one that does most of what leads to the first step that is missing, but for those that did so in vain. */
static size_t next_world(const struct table *t)
{
    static unsigned tried[STEPS_MAX][SCENARIOS];
    size_t best = t->worlds % SCENARIOS, cell = 0;
    double most = 0;
    while (cell < steps_count() && t->all.visited[cell])
        cell++;
    for (size_t i = 0; t->worlds >= SCENARIOS && cell < steps_count() && i < SCENARIOS; i++) {
        double hope = frequency(t, i, cell) / ((1 + tried[cell][i]) * (1 + tried[cell][i]));
        best = hope > most ? i : best;
        most = hope > most ? hope : most;
    }
    tried[cell < steps_count() ? cell : 0][best]++;
    return best;
}

int sim_order_reach(const struct sim_order *o)
{
    struct table t = { .order = o, .until = o->seconds ? time(NULL) + o->seconds : 0 };
    for (uint64_t seed = o->first; t.worlds < REACH_WORLDS_MAX && !is_over(&t) && never_reached(&t.all, false); seed++)
        run_one(&t, next_world(&t), &(struct sim_wish){ .seed = seed });
    unsigned missing = never_reached(&t.all, true);
    printf("%zu steps, %u kinds of fault, %u never reached; %u worlds, %u failed\n", steps_count(), FAULT_KINDS, missing, t.worlds, t.failed);
    return missing || t.failed ? 1 : 0;
}
