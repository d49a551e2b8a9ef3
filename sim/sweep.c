#include <stdio.h>

#include "apart.h"
#include "search.h"
#include "tell.h"

struct sweep {
    const struct scenario *scenario;
    const struct sim_order *order;
    struct sim_report whole; /* without a strike */
    struct sim_report all;
    unsigned worlds, failed;
};

static void strike_one(struct sweep *w, enum strike_kind kind, uint32_t at, unsigned *failed)
{
    struct sim_report r;
    struct sim_wish wish = { .seed = w->order->first, .profiles = w->order->profiles, .talk = SIM_SILENT, .watched = -1, .strike = kind,
                             .strike_at = at };
    sim_run_apart(w->scenario, &wish, &r);
    w->worlds++;
    sim_report_add(&w->all, &r);
    if (!r.wrong)
        return;
    if (!w->failed++)
        sim_tell_failure(w->scenario, &wish, &r);
    else
        sim_tell_result(w->scenario, &wish, &r);
    ++*failed;
    fflush(stdout);
}

/* Between the octets tried so far the card may have written in more steps: its first octet in each. */
static unsigned tear_steps(struct sweep *w, unsigned *failed)
{
    unsigned tried = 0;
    for (size_t cell = 0; cell < steps_count(); cell++)
        if (w->whole.wrote_at[cell] && !w->all.struck[cell][FAULT_TORN]) {
            strike_one(w, STRIKE_CARD_TORN, w->whole.wrote_at[cell], failed);
            tried++;
        }
    return tried;
}

static void strike_all(struct sweep *w, enum strike_kind kind)
{
    uint32_t places = w->whole.strikes.places[kind], every = w->order->every ? w->order->every : 1;
    unsigned tried = 0, failed = 0;
    if (kind == STRIKE_CARD_TORN || kind == STRIKE_CARD_OFF)
        every *= 16; /* octets and APDUs: many places are alike */
    for (uint32_t at = 1; at <= places; at += every, tried++)
        strike_one(w, kind, at, &failed);
    if (kind == STRIKE_CARD_TORN)
        tried += tear_steps(w, &failed);
    printf("%-16s %8u %8u %8u\n", strike_name(kind), places, tried, failed);
    fflush(stdout);
}

/* Every step that the walk comes to must have seen the death of its server in front of a commit, behind it, and in front of what
 * it sends, and a full store. */
static unsigned steps_missed(const struct sweep *w)
{
    unsigned visited = 0, missed = 0;
    for (size_t cell = 0; cell < steps_count(); cell++) {
        visited += w->whole.visited[cell] != 0;
        for (size_t kind = FAULT_BEFORE; w->whole.visited[cell] && kind <= FAULT_FULL; kind++) {
            missed += !w->all.struck[cell][kind];
            if (!w->all.struck[cell][kind])
                printf("not struck: %s: %s\n", steps_name(cell), fault_names[kind]);
        }
    }
    printf("%u steps on the way, each struck by %s, %s, %s and %s, but for %u\n", visited, fault_names[FAULT_BEFORE], fault_names[FAULT_AFTER],
           fault_names[FAULT_SEND], fault_names[FAULT_FULL], missed);
    return missed;
}

/* And every one in which the card wrote to its memory must have seen power fail meanwhile. */
static unsigned tears_missed(const struct sweep *w)
{
    unsigned wrote = 0, missed = 0;
    for (size_t cell = 0; cell < steps_count(); cell++) {
        bool is_missed = w->whole.wrote_at[cell] && !w->all.struck[cell][FAULT_TORN];
        wrote += w->whole.wrote_at[cell] != 0;
        missed += is_missed;
        if (is_missed)
            printf("not struck: %s: %s\n", steps_name(cell), fault_names[FAULT_TORN]);
    }
    printf("in %u steps the card writes, each struck by %s, but for %u\n", wrote, fault_names[FAULT_TORN], missed);
    return missed;
}

int sim_order_sweep(const struct scenario *s, const struct sim_order *o)
{
    struct sweep w = { .scenario = s, .order = o };
    struct sim_wish calm = { .seed = o->first, .profiles = o->profiles, .talk = SIM_WRONGS, .watched = -1 };
    sim_run_apart(s, &calm, &w.whole);
    if (w.whole.wrong) {
        sim_tell_failure(s, &calm, &w.whole);
        return 1;
    }
    printf("%-16s %8s %8s %8s\n", "struck", "places", "tried", "failed");
    for (int kind = STRIKE_NONE + 1; kind < STRIKE_KINDS; kind++)
        if (!o->strike || o->strike == (enum strike_kind)kind)
            strike_all(&w, (enum strike_kind)kind);
    sim_tell_counts(&w.all);
    if (o->faults)
        sim_tell_recovery(&w.all);
    if (o->faults)
        sim_tell_steps(&w.all);
    unsigned missed = o->strike || o->every > 1 ? 0 : steps_missed(&w);
    missed += o->strike && o->strike != STRIKE_CARD_TORN ? 0 : tears_missed(&w);
    printf("%u worlds, %u failed\n", w.worlds, w.failed);
    return w.failed || !w.worlds || missed ? 1 : 0;
}
