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

uint8_t rd_u8(struct reader *r);
uint16_t rd_u16(struct reader *r); /* big endian, as all of them */
uint32_t rd_u24(struct reader *r);
uint32_t rd_u32(struct reader *r);
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
