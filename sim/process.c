#include "process.h"

#include <stdlib.h>

#include "fiber.h"

struct kept {
    struct sim_input input;
    struct kept *next;
    uint8_t bytes[];
};

struct sim_process {
    struct world *world;
    struct fiber *fiber;
    struct kept *first, **last;
    bool runs, waits; /* waits: in the middle of something */
    uint64_t sleeps;  /* so far: only the last one is woken */
};

static void work(void *context)
{
    struct sim_process *p = context;
    for (struct kept *k; (k = p->first) != NULL; free(k)) {
        p->first = k->next;
        if (!p->first)
            p->last = &p->first;
        k->input.task(&k->input);
    }
}

struct sim_process *sim_process_new(struct world *w)
{
    struct sim_process *p = calloc(1, sizeof *p);
    if (!p || !(p->fiber = fiber_new(work, p)))
        abort();
    p->world = w;
    p->last = &p->first;
    return p;
}

void sim_process_free(struct sim_process *p)
{
    if (!p)
        return;
    sim_process_clear(p);
    fiber_free(p->fiber);
    free(p);
}

static void go_on(struct sim_process *p)
{
    p->runs = true;
    fiber_resume(p->fiber);
    p->runs = false;
}

void sim_process_take(struct sim_process *p, const struct sim_input *input)
{
    struct kept *k = malloc(sizeof *k + input->bytes.len + 1);
    if (!k)
        abort();
    *k = (struct kept){ .input = *input };
    if (input->bytes.len)
        memcpy(k->bytes, input->bytes.ptr, input->bytes.len);
    k->input.bytes = (struct span){ k->bytes, input->bytes.len };
    *p->last = k;
    p->last = &k->next;
    if (!p->runs && !p->waits)
        go_on(p);
}

bool sim_process_runs(const struct sim_process *p) { return p->runs; }

static void wake(void *context, uint64_t sleeps)
{
    struct sim_process *p = context;
    if (p->waits && p->sleeps == sleeps)
        sim_process_hurry(p);
}

void sim_process_sleep(struct sim_process *p, uint64_t ms)
{
    if (!p->runs || !ms)
        return;
    p->waits = true;
    clockwork_plan(world_time(p->world), world_now(p->world) + ms, wake, p, ++p->sleeps);
    fiber_wait(p->fiber);
    p->waits = false;
}

void sim_process_hurry(struct sim_process *p)
{
    if (p->waits && !p->runs)
        go_on(p);
}

void sim_process_clear(struct sim_process *p)
{
    for (struct kept *k; (k = p->first) != NULL; free(k)) {
        p->first = k->next;
        if (k->input.dropped)
            k->input.dropped(&k->input);
    }
    p->last = &p->first;
}
