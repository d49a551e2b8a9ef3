/* A profile package decoded whole, and checked by every rule we have, against a bare DER walk that copies every value. */
#include "bench.h"

#include "lib/codec/ber_tlv.h"
#include "lib/profile/lint.h"
#include "lib/profile/package.h"
#include "lib/profile/profile_element.h"

struct profile_work {
    struct span package;
    uint8_t copy[PE_MAX];
};

static void decode(void *context, unsigned repeats)
{
    struct profile_work *w = context;
    static uint8_t buf[PE_MAX];
    struct arena a;
    arena_init(&a, 1u << 20);
    while (repeats--) {
        struct package_reader p;
        struct package_element element;
        struct profile_element pe;
        struct der der = { .arena = &a };
        struct reader segment = rd_of(w->package);
        package_init(&p, buf, sizeof buf);
        while (package_next(&p, &segment, &element))
            BENCH_MUST(pe_decode(&der, element.raw, &pe));
        BENCH_MUST(p.err);
        arena_release(&a);
    }
    arena_release(&a);
}

static void finding(struct lint_sink *sink, enum lint_level level, size_t element, uint32_t offset, const char *text)
{
    (void)sink, (void)level, (void)element, (void)offset, (void)text;
}

/* lint decodes too. */
static void check(void *context, unsigned repeats)
{
    struct profile_work *w = context;
    struct lint_sink sink = { finding };
    struct arena a;
    arena_init(&a, 1u << 20);
    while (repeats--) {
        if (!profile_lint(w->package, &a, &sink))
            bench_must(ERR_BAD_VALUE, "the package's check");
        arena_release(&a);
    }
}

static void walk_level(struct profile_work *w, struct span in)
{
    struct reader r = rd_of(in);
    struct tlv t;
    while (tlv_next(&r, &t)) {
        uint32_t first = t.tag;
        while (first >> 8)
            first >>= 8;
        if (first & 0x20)
            walk_level(w, t.val);
        else if (t.val.len && t.val.len <= sizeof w->copy)
            memcpy(w->copy, t.val.ptr, t.val.len);
    }
}

static void walk(void *context, unsigned repeats)
{
    struct profile_work *w = context;
    while (repeats--) {
        walk_level(w, w->package);
        bench_keep(w->copy);
    }
}

double bench_walk_us(struct span package)
{
    static struct profile_work w;
    w.package = package;
    return bench_cost_us(walk, &w);
}

void bench_profile(struct span package)
{
    static struct profile_work w;
    w.package = package;
    bench_run(&(struct bench){ "profile package decode", "packages/s", 1, decode, walk,
                               "ours / DER walk and copy of the same bytes", &w });
    bench_run(&(struct bench){ "profile package decode and full check", "packages/s", 1, check, walk,
                               "ours / DER walk and copy of the same bytes", &w, "P7", 15 });
}
