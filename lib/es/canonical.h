/* lib/es/canonical.h: canonical XML for signatures: our own writer for what is plain (lib/codec/xml_canonical.h),
 * libxml2 for the rest. Only lib/es and its tests look in here. */
#ifndef OSPREY_ES_CANONICAL_H
#define OSPREY_ES_CANONICAL_H

#include "lib/base/arena.h"

#define CANONICAL_ARENA_MAX ((size_t)16 * 1024 * 1024)

enum canonical_method { CANONICAL_1_0, CANONICAL_1_1, CANONICAL_EXCLUSIVE };

/* The form of the root element, or of the first child of the root that has the local name `child` (NULL: the root; so
 * it is without such a child). Without comments. In the arena. ERR_BAD_VALUE: not well formed, or it has no such form.
 * ERR_NO_SPACE. */
MUST_USE enum err canonical_form(struct span xml, const char *child, enum canonical_method method, struct arena *a,
                                 struct span *ret);
/* The same by libxml2 alone. */
MUST_USE enum err canonical_by_libxml2(struct span xml, const char *child, enum canonical_method method,
                                       struct arena *a, struct span *ret);

#endif
