#include <stdio.h>

#include "apart.h"
#include "search.h"
#include "tell.h"

/* Profile 0 is enabled, 1 disabled, 2 not loaded (scenarios/pair.c). */
static const struct {
    const char *name;
    struct question question;
} functions[] = {
    { "download", { ES2_DOWNLOAD_PROFILE, 2, false } },  { "download-enable", { ES2_DOWNLOAD_PROFILE, 2, true } },
    { "enable", { ES4_ENABLE_PROFILE, 1, false } },      { "disable", { ES4_DISABLE_PROFILE, 0, false } },
    { "delete", { ES4_DELETE_PROFILE, 1, false } },      { "delete-enabled", { ES4_DELETE_PROFILE, 0, false } },
    { "audit", { ES4_AUDIT_EIS, 0, false } },            { "set-fall-back", { ES4_SET_FALLBACK_ATTRIBUTE, 1, false } },
};

struct pairs {
    const struct sim_order *order;
    struct sim_report all;
    unsigned worlds, failed, told;
};

static void meet(struct pairs *p, const struct sim_pair *pair, struct sim_report *ret, unsigned *failed)
{
    struct sim_wish wish = { .seed = p->order->first, .profiles = p->order->profiles, .talk = SIM_SILENT, .watched = -1, .pair = pair };
    sim_run_apart(&SCENARIO_PAIR, &wish, ret);
    p->worlds++;
    sim_report_add(&p->all, ret);
    if (!ret->wrong)
        return;
    ++*failed;
    if (!p->failed++)
        sim_tell_failure(&SCENARIO_PAIR, &wish, ret);
}

/* The second one in front of everything that happens in the first. */
static unsigned meet_everywhere(struct pairs *p, size_t first, size_t second)
{
    struct sim_report r;
    struct sim_pair pair = { functions[first].question, functions[second].question, UINT32_MAX };
    unsigned failed = 0, every = p->order->every ? p->order->every : 1;
    meet(p, &pair, &r, &failed);
    uint32_t events = r.pair_events;
    for (pair.after = 0; pair.after < events; pair.after += every)
        meet(p, &pair, &r, &failed);
    if (failed)
        printf("%s, then %s: %u of %u failed\n", functions[first].name, functions[second].name, failed, 1 + (events + every - 1) / every);
    fflush(stdout);
    return 1 + (events + every - 1) / every;
}

int sim_order_pairs(const struct sim_order *o)
{
    struct pairs p = { .order = o };
    printf("%-16s worlds with each as the second, asked in front of everything that happens in the first\n%-16s", "first", "");
    for (size_t second = 0; second < ARRAY_LEN(functions); second++)
        printf(" %15s", functions[second].name);
    printf("\n");
    for (size_t first = 0; first < ARRAY_LEN(functions); first++) {
        unsigned count[ARRAY_LEN(functions)];
        for (size_t second = 0; second < ARRAY_LEN(functions); second++)
            count[second] = meet_everywhere(&p, first, second);
        printf("%-16s", functions[first].name);
        for (size_t second = 0; second < ARRAY_LEN(functions); second++)
            printf(" %15u", count[second]);
        printf("\n");
        fflush(stdout);
    }
    sim_tell_counts(&p.all);
    printf("%u worlds, %u failed\n", p.worlds, p.failed);
    return p.failed || !p.worlds ? 1 : 0;
}
