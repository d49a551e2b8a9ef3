/* Time of a card that runs by itself: ours, or so many times faster (osprey-euicc serve --clock-speed). */
#include "target.h"

#include <time.h>

#include "lib/base/world.h"

static uint64_t now(void) { return world_clock()->now_ms(world_clock()); }

static uint64_t real_now(struct target *t) { return t->began_ms + (now() - t->began_ms) * t->speed; }

static void real_wait(struct target *t, uint64_t ms)
{
    uint64_t us = ms * 1000u / t->speed;
    struct timespec time = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };
    nanosleep(&time, NULL);
}

void target_real_begin(struct target *t, unsigned speed)
{
    t->now_ms = real_now;
    t->wait_ms = real_wait;
    t->speed = speed;
    t->began_ms = now();
}
