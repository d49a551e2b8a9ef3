#include "bucket.h"

#define ONE 60000 /* a minute's milliseconds */

static int64_t room(const struct bucket_rate *rate)
{
    uint32_t burst = rate->burst ? rate->burst : rate->per_minute / 60;
    return (int64_t)ONE * (burst ? burst : 1);
}

/* At least one sixty-thousandth fills in a millisecond: so what is missing tells when it is full at the latest. */
static void fill(struct bucket *b, const struct bucket_rate *rate, uint64_t now_ms)
{
    int64_t full = room(rate);
    uint64_t passed = now_ms > b->filled_ms ? now_ms - b->filled_ms : 0, missing = (uint64_t)(full - b->level);
    if (!b->filled_ms || passed >= missing)
        b->level = full;
    else
        b->level += (int64_t)(passed * rate->per_minute < missing ? passed * rate->per_minute : missing);
    b->filled_ms = now_ms;
}

bool bucket_take(struct bucket *b, const struct bucket_rate *rate, uint64_t now_ms)
{
    return bucket_reserve(b, rate, now_ms, 0) == 0;
}

uint64_t bucket_reserve(struct bucket *b, const struct bucket_rate *rate, uint64_t now_ms, uint64_t longest_ms)
{
    if (!rate->per_minute)
        return 0;
    fill(b, rate, now_ms);
    uint64_t missing = b->level < ONE ? (uint64_t)(ONE - b->level) : 0;
    uint64_t wait = (missing + rate->per_minute - 1) / rate->per_minute;
    b->turned_away += wait > 0;
    if (wait > longest_ms)
        return UINT64_MAX;
    b->level -= ONE;
    return wait;
}

uint64_t bucket_recovered(struct bucket *b, const struct bucket_rate *rate)
{
    uint64_t count = b->level * 2 >= room(rate) ? b->turned_away : 0;
    if (count)
        b->turned_away = 0;
    return count;
}
