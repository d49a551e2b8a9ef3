/* lib/base/breaker.h: a circuit breaker for one thing that may be out of order: after some failures in a row nothing is
 * asked of it for a while, then one probe; each probe that fails doubles the while. Volatile. */
#ifndef OSPREY_BASE_BREAKER_H
#define OSPREY_BASE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_FIRST_MS 1000u
#define BREAKER_LAST_MS  60000u

/* All zero but limit: closed. */
struct breaker {
    unsigned limit; /* failures in a row that open it; 0: it never opens */
    unsigned failures;
    uint64_t open_until_ms; /* 0: closed */
    uint32_t pause_ms;
    bool probing; /* half open: one is on its way */
};

static inline bool breaker_is_open(const struct breaker *b) { return b->open_until_ms != 0; }
/* May something be asked now? When it is half open, what asks is the probe: its outcome must be told. */
bool breaker_allows(struct breaker *b, uint64_t now_ms);
bool breaker_good(struct breaker *b);                  /* true: it was open and is closed now */
bool breaker_bad(struct breaker *b, uint64_t now_ms);  /* true: it was closed and is open now */
/* Nobody knows how the probe ended: the next one may try. */
void breaker_forget(struct breaker *b);

#endif
