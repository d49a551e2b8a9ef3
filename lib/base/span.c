#include "span.h"

bool span_eq_ct(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < a.len; i++)
        difference |= (uint8_t)(a.ptr[i] ^ b.ptr[i]);
    return difference == 0;
}

uint32_t span_hash(struct span s)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ s.ptr[i]) * 16777619u;
    return hash;
}

void wipe(void *memory, size_t len)
{
    if (len)
        explicit_bzero(memory, len);
}
