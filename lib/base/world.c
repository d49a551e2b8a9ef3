#include "world.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static uint64_t now_ms(struct clock *clock)
{
    (void)clock;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void wake_at(struct clock *clock, uint64_t at_ms)
{
    (void)clock;
    (void)at_ms;
}

static void fill(struct rng *rng, uint8_t *out, size_t len)
{
    (void)rng;
    while (len) {
        ssize_t n = getrandom(out, len, 0);
        if (n <= 0)
            abort();
        out += n;
        len -= (size_t)n;
    }
}

struct clock *world_clock(void)
{
    static struct clock clock = { now_ms, wake_at };
    return &clock;
}

struct rng *world_rng(void)
{
    static struct rng rng = { fill };
    return &rng;
}
