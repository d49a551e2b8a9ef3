#include "search_log.h"

#include <stdarg.h>
#include <stdio.h>

bool search_log_has(const char *path, uint64_t first, uint64_t last, struct search_sum *sum)
{
    FILE *in = fopen(path, "r");
    char line[200];
    bool found = false;
    while (in && !found && fgets(line, sizeof line, in)) {
        unsigned long long from, to;
        unsigned n[6];
        found = sscanf(line, "chunk %llu %llu %u %u %u %u %u %u", &from, &to, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5]) == 8 &&
                from == first && to == last;
        if (!found || !sum)
            continue;
        sum->worlds += n[0];
        sum->all.calls += n[1];
        sum->all.ok += n[2];
        sum->all.downloads += n[3];
        sum->all.switches += n[4];
        sum->failed += n[5];
    }
    if (in)
        fclose(in);
    return found;
}

__attribute__((format(printf, 2, 3))) static bool append(const char *path, const char *format, ...)
{
    va_list args;
    FILE *out = fopen(path, "a");
    bool ok = out != NULL;
    va_start(args, format);
    ok = ok && vfprintf(out, format, args) > 0;
    va_end(args);
    ok = out && fclose(out) == 0 && ok;
    if (!ok)
        perror(path);
    return ok;
}

bool search_log_chunk(const char *path, uint64_t first, uint64_t last, const struct search_sum *done)
{
    return append(path, "chunk %llu %llu %u %u %u %u %u %u\n", (unsigned long long)first, (unsigned long long)last, done->worlds,
                  done->all.calls, done->all.ok, done->all.downloads, done->all.switches, done->failed);
}

bool search_log_failure(const char *path, const char *scenario, uint64_t seed, const char *invariant)
{
    return append(path, "failed %s %llu %s\n", scenario, (unsigned long long)seed, invariant);
}
