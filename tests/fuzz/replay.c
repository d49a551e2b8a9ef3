/* tests/fuzz/replay.c: runs a fuzz target without a fuzzer: every file of its corpus, and of each a number of mutations
 * that are the same in every run. The search proper is libFuzzer's (meson -Dfuzz=true, make soak).
 *   fuzz_x FOLDER [MUTATIONS] */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t state = 1;

static uint32_t draw(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

static size_t mutate(uint8_t *data, size_t size)
{
    for (uint32_t changes = 1 + draw(4); changes && size; changes--) {
        size_t at = draw((uint32_t)size), len = 1 + draw(16);
        switch (draw(4)) {
        case 0: data[at] ^= (uint8_t)(1u << draw(8)); break;
        case 1: data[at] = (uint8_t)draw(256); break;
        case 2: size = at; break;
        default:
            if (at + 2 * len < size)
                memmove(data + at, data + at + len, len);
        }
    }
    return size;
}

/* Exactly as many octets as the input has, so that a sanitizer sees one read too many. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static unsigned long replay(const char *path, unsigned long mutations)
{
    static uint8_t original[INPUT_MAX], changed[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    size_t size = fread(original, 1, sizeof original, file);
    fclose(file);
    run(original, size);
    for (unsigned long i = 0; i < mutations; i++) {
        memcpy(changed, original, size);
        run(changed, mutate(changed, size));
    }
    return 1 + mutations;
}

int main(int argc, char **argv)
{
    unsigned long count = 0, mutations = argc > 2 ? strtoul(argv[2], NULL, 10) : 500;
    DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "usage: %s CORPUS-FOLDER [MUTATIONS]\n", argv[0]);
        return 2;
    }
    run((const uint8_t *)"", 0);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (*entry->d_name != '.')
            count += replay(path, mutations);
    }
    closedir(folder);
    printf("%lu inputs\n", count);
    return count ? 0 : 1;
}
