/* What the package reader and the decoder accept, the encoder can say again, and it means the same; where segments are
 * cut does not matter. */
#include "lib/profile/lint.h"
#include "lib/profile/response.h"

#include <assert.h>

#define ARENA_MAX ((size_t)8 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_element(struct span raw, struct arena *a)
{
    struct profile_element pe, again;
    struct der d = { .arena = a };
    if (pe_decode(&d, raw, &pe) != ERR_NONE)
        return;
    struct writer w = wr_arena(a, PE_ENCODED_MAX);
    pe_encode(&w, &pe);
    assert(w.err == ERR_NONE);
    struct der second = { .arena = a };
    assert(pe_decode(&second, wr_span(&w), &again) == ERR_NONE);
    assert(second.unknown_tag == 0);
    assert(pe_equal(&pe, &again, a));
}

/* One octet at a time gives the same elements. */
static void check_cuts(struct span package, struct arena *a)
{
    struct package_reader whole, single;
    struct package_element one, other;
    struct reader all = rd_of(package);
    size_t at = 0;

    package_init(&whole, NULL, 0);
    package_init_arena(&single, a);
    while (package_next(&whole, &all, &one)) {
        bool got = false;
        while (!got && at < package.len) {
            struct reader octet = rd_of(span_sub(package, at++, 1));
            got = package_next(&single, &octet, &other);
        }
        assert(got && one.tag == other.tag && one.offset == other.offset && span_eq(one.raw, other.raw));
    }
}

static void check_response(struct span in, struct arena *a)
{
    struct euicc_response response, again;
    uint8_t buf[4 * EUICC_RESPONSE_MAX];
    struct writer w = wr_of(buf, sizeof buf);
    if (euicc_response_decode(a, in, &response) != ERR_NONE)
        return;
    euicc_response_encode(&w, &response);
    assert(w.err == ERR_NONE);
    assert(euicc_response_decode(a, wr_span(&w), &again) == ERR_NONE);
    assert(euicc_response_ok(&response) == euicc_response_ok(&again));
}

static void ignore(struct lint_sink *sink, enum lint_level level, size_t element, uint32_t offset, const char *text)
{
    (void)sink;
    (void)level;
    (void)element;
    (void)offset;
    (void)text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span package = { data, size };
    struct package_reader p;
    struct package_element element;
    struct reader segment = rd_of(package);
    struct lint_sink sink = { ignore };
    struct arena a;

    arena_init(&a, ARENA_MAX);
    package_init(&p, NULL, 0);
    while (package_next(&p, &segment, &element)) {
        check_element(element.raw, &a);
        arena_release(&a);
    }
    check_cuts(package, &a);
    arena_release(&a);
    check_response(package, &a);
    arena_release(&a);
    (void)profile_lint(package, &a, &sink);
    arena_release(&a);
    return 0;
}
