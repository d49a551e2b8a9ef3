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

void wipe(void *memory, size_t len)
{
    if (len)
        explicit_bzero(memory, len);
}
