/* Property: a canonical form that our writer makes is libxml2's, and where libxml2 knows of none, there is none. */
#include <assert.h>

#include "lib/codec/xml_canonical.h"
#include "lib/es/canonical.h"
#include "lib/es/eum_signature.h"

#define FORM_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t octets[FORM_MAX];
    static const char *const children[] = { NULL, "SignedInfo", "Body", "child" };
    struct span xml = { data, size };
    if (eum_signature_start() != ERR_NONE)
        return 0;
    for (unsigned i = 0; i < 3 * ARRAY_LEN(children); i++) {
        struct arena a;
        struct span want;
        struct writer w = wr_of(octets, sizeof octets);
        const char *child = children[i / 3];
        enum canonical_method method = (enum canonical_method)(i % 3);
        if (!xml_canonical(xml, child, method == CANONICAL_EXCLUSIVE ? XML_EXCLUSIVE : XML_INCLUSIVE, &w))
            continue;
        arena_init(&a, CANONICAL_ARENA_MAX);
        assert(canonical_by_libxml2(xml, child, method, &a, &want) == ERR_NONE);
        assert(span_eq(want, wr_span(&w)));
        arena_release(&a);
    }
    return 0;
}
