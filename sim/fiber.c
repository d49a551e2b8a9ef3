#include "fiber.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#define STACK_SIZE (1u << 20)

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define SWITCH_BEGINS(save, stack, size) __sanitizer_start_switch_fiber((save), (stack), (size))
#define SWITCH_ENDS(save, stack, size)   __sanitizer_finish_switch_fiber((save), (stack), (size))
#else
#define SWITCH_BEGINS(save, stack, size) ((void)(save))
#define SWITCH_ENDS(save, stack, size)   ((void)(save))
#endif

struct fiber {
    ucontext_t inside, outside;
    fiber_run *run;
    void *context;
    void *fake_inside, *fake_outside; /* the sanitizer's */
    const void *outer_stack;
    size_t outer_size;
    uint8_t *stack;
};

static void loop(unsigned high, unsigned low)
{
    struct fiber *f = (struct fiber *)(uintptr_t)((uint64_t)high << 32 | low);
    SWITCH_ENDS(NULL, &f->outer_stack, &f->outer_size);
    for (;;) {
        f->run(f->context);
        fiber_wait(f);
    }
}

static bool prepare(struct fiber *f)
{
    if (getcontext(&f->inside))
        return false;
    f->inside.uc_stack.ss_sp = f->stack;
    f->inside.uc_stack.ss_size = STACK_SIZE;
    makecontext(&f->inside, (void (*)(void))loop, 2, (unsigned)((uint64_t)(uintptr_t)f >> 32), (unsigned)(uintptr_t)f);
    return true;
}

struct fiber *fiber_new(fiber_run *run, void *context)
{
    struct fiber *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->run = run;
    f->context = context;
    f->stack = malloc(STACK_SIZE);
    if (f->stack && prepare(f))
        return f;
    fiber_free(f);
    return NULL;
}

void fiber_free(struct fiber *f)
{
    if (f)
        free(f->stack);
    free(f);
}

void fiber_resume(struct fiber *f)
{
    SWITCH_BEGINS(&f->fake_outside, f->stack, STACK_SIZE);
    swapcontext(&f->outside, &f->inside);
    SWITCH_ENDS(f->fake_outside, NULL, NULL);
}

void fiber_wait(struct fiber *f)
{
    SWITCH_BEGINS(&f->fake_inside, f->outer_stack, f->outer_size);
    swapcontext(&f->inside, &f->outside);
    SWITCH_ENDS(f->fake_inside, &f->outer_stack, &f->outer_size);
}
