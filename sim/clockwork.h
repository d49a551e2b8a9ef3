/* sim/clockwork.h: virtual time: things happen in the order of their time, and of two at the same time the one that was
 * planned first. */
#ifndef OSPREY_SIM_CLOCKWORK_H
#define OSPREY_SIM_CLOCKWORK_H

#include "lib/base/env.h"

#define CLOCKWORK_PLANS_MAX (4u * 1024u * 1024u)

typedef void plan_task(void *context, uint64_t argument);
struct plan {
    uint64_t at_ms, order;
    plan_task *task;
    void *context;
    uint64_t argument;
};

struct clockwork {
    struct clock seam; /* env->clock; its wake_at does nothing: a role has a waker of its own */
    uint64_t now_ms, order, steps;
    struct plan *plans; /* a heap */
    size_t count, cap;
};

void clockwork_init(struct clockwork *c, uint64_t start_ms);
void clockwork_done(struct clockwork *c);
/* Not before now. Aborts the simulation when memory or CLOCKWORK_PLANS_MAX are over. */
void clockwork_plan(struct clockwork *c, uint64_t at_ms, plan_task *task, void *context, uint64_t argument);
/* Does the next thing; false when nothing is planned before until_ms (time then is until_ms). */
bool clockwork_step(struct clockwork *c, uint64_t until_ms);

/* A clock for one role: the same time, and a wake_at that runs task. */
struct waker {
    struct clock seam;
    struct clockwork *clockwork;
    plan_task *task;
    void *context;
    int64_t skew_ms; /* its clock is wrong by so much */
    uint64_t next_ms, generation; /* only the earliest wake-up asked for counts */
};
void waker_init(struct waker *w, struct clockwork *c, plan_task *task, void *context);

#endif
