#include <assert.h>

#include "sm-sr/procedures/send_data.h"

/* Data of ES3.SendData, from a partner: what is taken are whole items, and cutting loses no octet. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct span items, rest;
    bool apdus;
    arena_init(&a, 1u << 20);
    if (smsr_items_of((struct span){ data, size }, &a, &items, &apdus) == ERR_NONE) {
        for (rest = items; rest.len;) {
            struct span cut = smsr_items_cut(rest, 64);
            assert(cut.len > 0 && cut.len <= rest.len && cut.ptr == rest.ptr);
            rest = span_from(rest, cut.len);
        }
        (void)smsr_items_target(items, &AID_ISDR);
    }
    arena_release(&a);
    return 0;
}
