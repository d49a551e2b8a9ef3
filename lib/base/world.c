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

static struct {
    struct clock clock;
    uint64_t began_ms;
    unsigned times;
} fast;

static uint64_t fast_now_ms(struct clock *clock)
{
    return fast.began_ms + (now_ms(clock) - fast.began_ms) * fast.times;
}

struct clock *world_clock_fast(unsigned times)
{
    fast.clock = (struct clock){ fast_now_ms, wake_at };
    fast.began_ms = now_ms(NULL);
    fast.times = times;
    return &fast.clock;
}

struct rng *world_rng(void)
{
    static struct rng rng = { fill };
    return &rng;
}
