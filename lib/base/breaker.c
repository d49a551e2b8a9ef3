#include "breaker.h"

bool breaker_allows(struct breaker *b, uint64_t now_ms)
{
    bool far = b->open_until_ms > now_ms && b->open_until_ms <= now_ms + BREAKER_LAST_MS; /* the clock may go back */
    if (!breaker_is_open(b))
        return true;
    if (far || b->probing)
        return false;
    b->probing = true;
    return true;
}

bool breaker_good(struct breaker *b)
{
    bool was_open = breaker_is_open(b);
    *b = (struct breaker){ .limit = b->limit };
    return was_open;
}

bool breaker_bad(struct breaker *b, uint64_t now_ms)
{
    bool was_open = breaker_is_open(b);
    if (!b->limit || (++b->failures < b->limit && !was_open) || (was_open && !b->probing))
        return false;
    b->pause_ms = !was_open ? BREAKER_FIRST_MS : b->pause_ms < BREAKER_LAST_MS / 2 ? 2 * b->pause_ms : BREAKER_LAST_MS;
    b->open_until_ms = now_ms + b->pause_ms;
    b->probing = false;
    return !was_open;
}

void breaker_forget(struct breaker *b) { b->probing = false; }
