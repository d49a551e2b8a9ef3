/* Property: a canonical form that we make is libxml2's, with and without lists of prefixes. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/codec/xml_canonical.h"
#include "tests/support/libxml2_canonical.h"

#define FORM_MAX (1u << 20)

static void check(struct span xml, const char *child, enum canonical_method method, const char *prefixes)
{
    static uint8_t octets[FORM_MAX];
    struct span want;
    struct writer w = wr_of(octets, sizeof octets);
    struct xml_form form = { method == CANONICAL_EXCLUSIVE ? XML_EXCLUSIVE : XML_INCLUSIVE,
                             { (const uint8_t *)prefixes, strlen(prefixes) } };
    if (xml_canonical(xml, child, &form, &w) != ERR_NONE)
        return;
    assert(libxml2_canonical(xml, child, method, prefixes, &want));
    assert(span_eq(want, wr_span(&w)));
    free((void *)(uintptr_t)want.ptr);
}

/* Every second prefix that the document declares, or seems to. */
static void prefixes_of(struct span xml, char *out, size_t cap)
{
    static const char mark[] = "xmlns:";
    size_t at = 0;
    out[0] = '\0';
    for (size_t n = 0, len = 0; at < xml.len && len + 1 < cap; n++) {
        const uint8_t *found = memmem(xml.ptr + at, xml.len - at, mark, sizeof mark - 1);
        at = found ? (size_t)(found - xml.ptr) + sizeof mark - 1 : xml.len;
        size_t from = at;
        while (at < xml.len && xml.ptr[at] && !strchr("=\"' <>", xml.ptr[at]))
            at++;
        if (n % 2 == 0)
            len += (size_t)snprintf(out + len, cap - len, " %.*s", (int)(at - from), (const char *)xml.ptr + from);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const children[] = { NULL, "SignedInfo", "Body", "child" };
    char own[512];
    struct span xml = { data, size };
    prefixes_of(xml, own, sizeof own);
    const char *const lists[] = { own, "#default", "nobody xml #default p a ds wsa" };
    for (unsigned i = 0; i < ARRAY_LEN(children); i++) {
        for (unsigned method = 0; method < CANONICAL_METHODS; method++)
            check(xml, children[i], (enum canonical_method)method, "");
        for (unsigned list = 0; list < ARRAY_LEN(lists); list++)
            check(xml, children[i], CANONICAL_EXCLUSIVE, lists[list]);
    }
    return 0;
}
