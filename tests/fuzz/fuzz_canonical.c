/* Property: a canonical form that we make is libxml2's. */
#include <assert.h>
#include <stdlib.h>

#include "lib/codec/xml_canonical.h"
#include "tests/support/libxml2_canonical.h"

#define FORM_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t octets[FORM_MAX];
    static const char *const children[] = { NULL, "SignedInfo", "Body", "child" };
    struct span xml = { data, size };
    for (unsigned i = 0; i < CANONICAL_METHODS * ARRAY_LEN(children); i++) {
        struct span want;
        struct writer w = wr_of(octets, sizeof octets);
        const char *child = children[i / CANONICAL_METHODS];
        enum canonical_method method = (enum canonical_method)(i % CANONICAL_METHODS);
        if (xml_canonical(xml, child, method == CANONICAL_EXCLUSIVE ? XML_EXCLUSIVE : XML_INCLUSIVE, &w) != ERR_NONE)
            continue;
        assert(libxml2_canonical(xml, child, method, &want));
        assert(span_eq(want, wr_span(&w)));
        free((void *)(uintptr_t)want.ptr);
    }
    return 0;
}
