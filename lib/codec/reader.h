/* lib/codec/reader.h: the one way to take bytes apart. A fault sticks: later reads give 0 or empty spans, the caller
 * looks at r.err once, at the end. Nothing is copied; spans point into the input. */
#ifndef OSPREY_CODEC_READER_H
#define OSPREY_CODEC_READER_H

#include "lib/base/err.h"
#include "lib/base/span.h"

struct reader {
    const uint8_t *pos, *end;
    enum err err;
};

static inline struct reader rd_of(struct span s)
{
    return (struct reader){ s.ptr, s.ptr ? s.ptr + s.len : NULL, ERR_NONE };
}
static inline size_t rd_left(const struct reader *r) { return (size_t)(r->end - r->pos); }
static inline bool rd_at_end(const struct reader *r) { return r->pos == r->end; }

/* The next n octets, NULL on a fault: for the functions below, which are inline since every decoder lives on them. */
static inline const uint8_t *rd_take(struct reader *r, size_t n)
{
    if (r->err == ERR_NONE && n > rd_left(r))
        r->err = ERR_TRUNCATED;
    if (r->err != ERR_NONE)
        return NULL;
    const uint8_t *p = r->pos;
    if (n)
        r->pos += n;
    return p;
}

static inline uint8_t rd_u8(struct reader *r)
{
    const uint8_t *p = rd_take(r, 1);
    return p ? p[0] : 0;
}

/* Big endian, as all of them. */
static inline uint16_t rd_u16(struct reader *r)
{
    const uint8_t *p = rd_take(r, 2);
    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t rd_u32(struct reader *r)
{
    const uint8_t *p = rd_take(r, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

uint32_t rd_u24(struct reader *r);
uint64_t rd_u40(struct reader *r);
struct span rd_span(struct reader *r, size_t len);
struct span rd_rest(struct reader *r);
void rd_copy(struct reader *r, uint8_t *out, size_t len); /* zeroes when it fails */
/* The first fault stays. */
void rd_fail(struct reader *r, enum err err);
/* Ends a parse: ERR_TOO_LONG when octets are left, else r->err. */
enum err rd_finish(struct reader *r);

/* Unsigned big-endian number in 0…8 octets; more is ERR_BAD_LENGTH. */
enum err span_uint(struct span s, uint64_t *ret);

#endif
