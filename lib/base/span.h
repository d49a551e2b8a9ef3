/* lib/base/span.h: borrowed bytes. A span never owns and is never freed. */
#ifndef OSPREY_BASE_SPAN_H
#define OSPREY_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *ptr; /* may be NULL only when len is 0 */
    size_t len;
};

/* A span over a char literal without its NUL, over an array, over a C string. */
#define SPAN_LIT(text)  ((struct span){ (const uint8_t *)(text), sizeof(text) - 1 })
#define SPAN_OF(array)  ((struct span){ (array), sizeof(array) })
#define SPAN_NONE       ((struct span){ NULL, 0 })
#define ARRAY_LEN(a)    (sizeof(a) / sizeof((a)[0]))

static inline struct span span_text(const char *text)
{
    return (struct span){ (const uint8_t *)text, text ? strlen(text) : 0 };
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The part of s from octet `from`, at most len octets; never beyond the end of s. */
static inline struct span span_sub(struct span s, size_t from, size_t len)
{
    if (from > s.len)
        from = s.len;
    if (len > s.len - from)
        len = s.len - from;
    return (struct span){ s.ptr ? s.ptr + from : NULL, len };
}

static inline struct span span_from(struct span s, size_t from) { return span_sub(s, from, s.len); }

/* Equal in constant time, for secrets and MACs. The lengths are not secret. */
bool span_eq_ct(struct span a, struct span b);

/* FNV-1a: spreads names over buckets, tells most different ones apart at once. No secret, and none against an attacker. */
uint32_t span_hash(struct span s);

/* Overwrites secrets in a way no compiler removes. */
void wipe(void *memory, size_t len);

#endif
