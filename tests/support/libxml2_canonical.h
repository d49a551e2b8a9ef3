/* tests/support/libxml2_canonical.h: canonical XML by libxml2: the oracle for ours. */
#ifndef OSPREY_TESTS_LIBXML2_CANONICAL_H
#define OSPREY_TESTS_LIBXML2_CANONICAL_H

#include "lib/base/span.h"

enum canonical_method { CANONICAL_1_0, CANONICAL_1_1, CANONICAL_EXCLUSIVE, CANONICAL_METHODS };

/* The form, without comments, of the root element or of its first child of that local name. prefixes: the list of an
 * exclusive one, blanks between them; NULL or empty: none. false: it has none. The caller frees ret->ptr. */
bool libxml2_canonical(struct span xml, const char *child, enum canonical_method method, const char *prefixes, struct span *ret);

#endif
