#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apart.h"
#include "search.h"
#include "tell.h"

#define SEEDS_TRIED 6u       /* of a smaller world: another number of cards is another history */
#define SEED_STEP   1000003u

struct shrink {
    const struct scenario *scenario;
    struct sim_wish best;
    struct mute mute; /* best.mute points here */
    char invariant[40];
    uint32_t faults; /* of the best, as far as they were not muted */
    time_t until;
    unsigned worlds;
};

static bool fails(struct shrink *s, const struct sim_wish *wish, struct sim_report *ret)
{
    sim_run_apart(s->scenario, wish, ret);
    s->worlds++;
    return ret->wrong && !strcmp(ret->first, s->invariant);
}

static bool is_over(const struct shrink *s) { return time(NULL) >= s->until; }

/* A smaller world that fails so too, under this seed or one of a few others. */
static bool smaller(struct shrink *s, unsigned cards, unsigned functions)
{
    struct sim_report r;
    struct sim_wish wish = s->best;
    wish.cards = cards;
    wish.functions = functions;
    for (unsigned i = 0; i < SEEDS_TRIED && !is_over(s); i++, wish.seed += SEED_STEP)
        if (fails(s, &wish, &r)) {
            s->best = wish;
            s->faults = r.fault_count;
            return true;
        }
    return false;
}

static void fewer(struct shrink *s)
{
    unsigned cards = s->scenario->options.card_count, functions = s->scenario->programme.functions;
    for (unsigned c = 1; c < cards && !is_over(s); c *= 2)
        if (smaller(s, c, functions))
            cards = c;
    for (unsigned f = 1; f < functions && !is_over(s); f++)
        if (smaller(s, cards, f))
            functions = f;
    s->best.cards = cards;
    s->best.functions = functions;
}

/* Nothing goes wrong any more from some fault on. */
static void earlier(struct shrink *s)
{
    struct sim_report r;
    uint32_t good = 0, bad = s->faults + 1; /* muted from `bad` it fails */
    while (good + 1 < bad && !is_over(s)) {
        uint32_t middle = (good + bad) / 2;
        s->mute.from = middle;
        if (fails(s, &s->best, &r))
            bad = middle;
        else
            good = middle;
    }
    s->mute.from = bad;
    s->faults = bad - 1;
}

static bool mute_some(struct shrink *s, uint32_t first, uint32_t count)
{
    struct sim_report r;
    struct mute before = s->mute;
    for (uint32_t n = first; n < first + count && n <= s->faults; n++)
        mute_set(&s->mute, n, true);
    if (!memcmp(&before, &s->mute, sizeof before))
        return false;
    if (fails(s, &s->best, &r))
        return true;
    s->mute = before;
    return false;
}

/* Those between do not matter either: in halves, quarters … and one by one, until each that is left is needed. */
static void thinner(struct shrink *s)
{
    uint32_t step = (s->faults + 1) / 2;
    while (step && !is_over(s)) {
        bool any = false;
        for (uint32_t first = 1; first <= s->faults && !is_over(s); first += step)
            any |= mute_some(s, first, step);
        if (step > 1 || !any)
            step /= 2;
    }
}

static void tell_kept(const struct shrink *s)
{
    const char *between = " --keep ";
    for (uint32_t n = 1; n <= s->faults && n < MUTE_MAX; n++)
        if (!mute_has(&s->mute, n)) {
            printf("%s%u", between, n);
            between = ",";
        }
    if (*between == ' ')
        printf(" --keep 0");
}

static unsigned kept(const struct shrink *s)
{
    unsigned count = 0;
    for (uint32_t n = 1; n <= s->faults && n < MUTE_MAX; n++)
        count += !mute_has(&s->mute, n);
    return count;
}

void sim_shrink(const struct scenario *scenario, const struct sim_wish *wish, const struct sim_report *failed, unsigned seconds)
{
    struct sim_report r;
    struct shrink *s = calloc(1, sizeof *s);
    if (!s)
        return;
    *s = (struct shrink){ .scenario = scenario, .best = *wish, .faults = failed->fault_count, .until = time(NULL) + seconds };
    memcpy(s->invariant, failed->first, sizeof s->invariant);
    s->best.talk = SIM_SILENT;
    time_t until = s->until;
    s->until = time(NULL) + seconds / 3 + 1; /* the rest is for the faults */
    fewer(s);
    s->until = until;
    s->best.mute = &s->mute;
    earlier(s);
    thinner(s);
    s->best.talk = SIM_WRONGS;
    sim_run_apart(scenario, &s->best, &r); /* for the card concerned */
    s->best.watched = r.first_card;
    printf("shortest trace that fails so, of %u worlds tried: %u cards, %u functions each, %u faults of %u\n", s->worlds, s->best.cards,
           s->best.functions, kept(s), failed->fault_count);
    sim_run_apart(scenario, &s->best, &r);
    printf("  again: osprey-sim run %s --seed %llu --cards %u --functions %u", scenario->name, (unsigned long long)s->best.seed, s->best.cards,
           s->best.functions);
    tell_kept(s);
    printf(" --diagram %d\n", r.first_card);
    free(s);
}
