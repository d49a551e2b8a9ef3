#include "clockwork.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t now_ms(struct clock *clock) { return ((struct clockwork *)clock)->now_ms; }

static void no_wake(struct clock *clock, uint64_t at_ms)
{
    (void)clock;
    (void)at_ms;
}

void clockwork_init(struct clockwork *c, uint64_t start_ms)
{
    *c = (struct clockwork){ .seam = { now_ms, no_wake }, .now_ms = start_ms };
}

void clockwork_done(struct clockwork *c)
{
    free(c->plans);
    c->plans = NULL;
    c->count = c->cap = 0;
}

static bool before(const struct plan *a, const struct plan *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct plan *a, struct plan *b)
{
    struct plan t = *a;
    *a = *b;
    *b = t;
}

static void grow(struct clockwork *c)
{
    if (c->count < c->cap)
        return;
    size_t cap = c->cap ? 2 * c->cap : 1024;
    struct plan *plans = cap <= CLOCKWORK_PLANS_MAX ? realloc(c->plans, cap * sizeof *plans) : NULL;
    if (!plans) {
        fprintf(stderr, "the simulated world plans too much: %zu things\n", c->count);
        abort();
    }
    c->plans = plans;
    c->cap = cap;
}

void clockwork_plan(struct clockwork *c, uint64_t at_ms, plan_task *task, void *context, uint64_t argument)
{
    grow(c);
    size_t i = c->count++;
    c->plans[i] = (struct plan){ at_ms > c->now_ms ? at_ms : c->now_ms, c->order++, task, context, argument };
    for (; i && before(&c->plans[i], &c->plans[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&c->plans[i], &c->plans[(i - 1) / 2]);
}

static struct plan take_first(struct clockwork *c)
{
    struct plan first = c->plans[0];
    c->plans[0] = c->plans[--c->count];
    for (size_t i = 0;;) {
        size_t least = i, left = 2 * i + 1, right = left + 1;
        if (left < c->count && before(&c->plans[left], &c->plans[least]))
            least = left;
        if (right < c->count && before(&c->plans[right], &c->plans[least]))
            least = right;
        if (least == i)
            return first;
        swap(&c->plans[i], &c->plans[least]);
        i = least;
    }
}

bool clockwork_step(struct clockwork *c, uint64_t until_ms)
{
    if (!c->count || c->plans[0].at_ms > until_ms) {
        c->now_ms = until_ms;
        return false;
    }
    struct plan p = take_first(c);
    c->now_ms = p.at_ms;
    c->steps++;
    p.task(p.context, p.argument);
    return true;
}

static uint64_t waker_now(struct clock *clock) 
{
    struct waker *w = (struct waker *)clock;
    return w->clockwork->now_ms + (uint64_t)w->skew_ms;
}

static void waker_fire(void *context, uint64_t generation)
{
    struct waker *w = context;
    if (generation != w->generation)
        return; /* an earlier one took its place */
    w->next_ms = UINT64_MAX;
    w->task(w->context, 0);
}

static void waker_wake_at(struct clock *clock, uint64_t at_ms)
{
    struct waker *w = (struct waker *)clock;
    at_ms = at_ms == UINT64_MAX ? at_ms : at_ms - (uint64_t)w->skew_ms;
    if (at_ms >= w->next_ms)
        return;
    w->next_ms = at_ms;
    clockwork_plan(w->clockwork, at_ms, waker_fire, w, ++w->generation);
}

void waker_init(struct waker *w, struct clockwork *c, plan_task *task, void *context)
{
    *w = (struct waker){ .seam = { waker_now, waker_wake_at }, .clockwork = c, .task = task, .context = context,
                         .next_ms = UINT64_MAX };
}
