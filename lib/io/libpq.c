#define OSPREY_LIBPQ_TABLE
#include "libpq.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define LIBPQ_FILE "libpq.so.5"

struct libpq libpq;

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define LIBPQ(name) { #name, offsetof(struct libpq, name) },
#include "libpq.def"
#undef LIBPQ
};

bool libpq_load(char *why, size_t size)
{
    static bool loaded;
    void *library = loaded ? NULL : dlopen(LIBPQ_FILE, RTLD_NOW | RTLD_LOCAL);
    bool good = loaded || library;
    for (size_t i = 0; good && !loaded && i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(library, functions[i].name);
        memcpy((char *)&libpq + functions[i].offset, &found, sizeof found);
        good = found != NULL;
    }
    if (!good)
        snprintf(why, size, "PostgreSQL's client library cannot be loaded: %s", dlerror());
    loaded = good;
    return good;
}
