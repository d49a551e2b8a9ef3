/* lib/base/bucket.h: a budget that fills with time: so many a minute, and so many at once. Volatile: a restart fills it. */
#ifndef OSPREY_BASE_BUCKET_H
#define OSPREY_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#define BUCKET_RATE_MAX 60000000u /* a minute; at once: a sixtieth of it */

struct bucket_rate {
    uint32_t per_minute; /* 0: no limit */
    uint32_t burst;      /* so many at once; 0: as many as fill in a second, at least one */
};

/* All zero: never used, full. */
struct bucket {
    int64_t level; /* sixty-thousandths of one; below zero: that much is taken ahead */
    uint64_t filled_ms;
    uint64_t turned_away; /* since it was empty; bucket_recovered sets it back */
};

/* One is taken; false: there is none, and that is counted. */
bool bucket_take(struct bucket *b, const struct bucket_rate *rate, uint64_t now_ms);
/* One is taken, of now or of the time to come: returns how long to wait for it. Behind longest_ms nothing is taken
 * (UINT64_MAX). Who must wait is counted. */
uint64_t bucket_reserve(struct bucket *b, const struct bucket_rate *rate, uint64_t now_ms, uint64_t longest_ms);
/* It was empty and is half full again: how many were turned away, told once; otherwise 0. */
uint64_t bucket_recovered(struct bucket *b, const struct bucket_rate *rate);

#endif
