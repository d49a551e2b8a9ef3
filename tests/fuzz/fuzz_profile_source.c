/* A source that builds gives a package that decodes, element by element. */
#include "lib/profile/build.h"

#include <assert.h>

#define ARENA_MAX ((size_t)16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct build_fault fault;
    struct span package;
    struct arena a;

    arena_init(&a, ARENA_MAX);
    if (profile_build((struct span){ data, size }, NULL, 0, &a, &package, &fault) == ERR_NONE) {
        struct package_reader p;
        struct package_element e;
        struct reader segment = rd_of(package);
        package_init_arena(&p, &a);
        while (package_next(&p, &segment, &e))
            ;
        assert(p.err == ERR_NONE && p.ended);
    } else {
        assert(fault.text[0]);
    }
    arena_release(&a);
    return 0;
}
