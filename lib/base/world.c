#include "world.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
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

/* Of the kernel, fetched ahead: most of what is drawn is a nonce of some octets. */
static struct {
    uint8_t octets[512];
    size_t left;
    bool watched;
} ahead;

static void forget_ahead(void) { ahead.left = 0; } /* a child that forks must not draw what its parent draws */

static void fetch(uint8_t *out, size_t len)
{
    while (len) {
        ssize_t n = getrandom(out, len, 0);
        if (n <= 0)
            abort();
        out += n;
        len -= (size_t)n;
    }
}

static void fill(struct rng *rng, uint8_t *out, size_t len)
{
    (void)rng;
    if (!ahead.watched && pthread_atfork(NULL, NULL, forget_ahead) != 0)
        abort();
    ahead.watched = true;
    if (len > sizeof ahead.octets / 4) {
        fetch(out, len);
        return;
    }
    if (len > ahead.left) {
        fetch(ahead.octets, sizeof ahead.octets);
        ahead.left = sizeof ahead.octets;
    }
    ahead.left -= len;
    memcpy(out, ahead.octets + ahead.left, len);
    wipe(ahead.octets + ahead.left, len);
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

void world_forbid_dumps(void)
{
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}
