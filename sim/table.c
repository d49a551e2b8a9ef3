#include <stdio.h>
#include <time.h>

#include "apart.h"
#include "search.h"
#include "tell.h"

#define PASSES_MAX 40u /* worlds aimed at one cell */

struct table {
    const struct sim_order *order;
    struct sim_report all;
    unsigned worlds, failed;
    time_t until; /* 0: no limit */
};

static bool is_over(const struct table *t) { return t->until && time(NULL) >= t->until; }

static void run_one(struct table *t, const struct scenario *s, struct sim_wish *wish)
{
    struct sim_report r;
    wish->profiles = t->order->profiles;
    wish->talk = SIM_SILENT;
    wish->watched = -1;
    sim_run_apart(s, wish, &r);
    t->worlds++;
    t->failed += r.wrong != 0;
    sim_report_add(&t->all, &r);
    if (r.wrong)
        sim_tell_result(s, wish, &r);
    fflush(stdout);
}

static const struct scenario *const worlds[] = { &SCENARIO_EVERY_FUNCTION, &SCENARIO_EVERY_BY_HTTPS, &SCENARIO_FULL_CARDS };

static void by_chance(struct table *t)
{
    for (uint64_t seed = t->order->first; seed <= t->order->last && !is_over(t); seed++)
        run_one(t, worlds[seed % ARRAY_LEN(worlds)], &(struct sim_wish){ .seed = seed });
}

/* What is still zero is aimed at: a world of its own for each such cell. */
static unsigned aim_at_zeros(struct table *t, unsigned pass)
{
    unsigned zeros = 0;
    for (size_t cell = 0; cell < steps_count(); cell++)
        for (size_t kind = 0; kind < FAULT_KINDS && !is_over(t); kind++) {
            if (t->all.struck[cell][kind])
                continue;
            run_one(t, worlds[pass % ARRAY_LEN(worlds)], &(struct sim_wish){ .seed = t->order->last + 1 + pass * STEPS_MAX * FAULT_KINDS + cell * FAULT_KINDS + kind,
                                              .aims = true, .aim_cell = (int)cell, .aim_kind = (enum fault_kind)kind });
            zeros += !t->all.struck[cell][kind];
        }
    return zeros;
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
    printf("%u worlds, %u failed\n", t.worlds, t.failed);
    return zeros || t.failed ? 1 : 0;
}
