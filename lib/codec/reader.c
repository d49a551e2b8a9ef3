#include "reader.h"

static uint64_t take_number(struct reader *r, size_t n)
{
    const uint8_t *p = rd_take(r, n);
    uint64_t v = 0;
    for (size_t i = 0; p && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint32_t rd_u24(struct reader *r) { return (uint32_t)take_number(r, 3); }
uint64_t rd_u40(struct reader *r) { return take_number(r, 5); }

struct span rd_span(struct reader *r, size_t len)
{
    const uint8_t *p = rd_take(r, len);
    return r->err == ERR_NONE ? (struct span){ p, len } : SPAN_NONE;
}

struct span rd_rest(struct reader *r) { return rd_span(r, rd_left(r)); }

void rd_copy(struct reader *r, uint8_t *out, size_t len)
{
    struct span s = rd_span(r, len);
    if (s.len)
        memcpy(out, s.ptr, len);
    else if (len)
        memset(out, 0, len);
}

void rd_fail(struct reader *r, enum err err)
{
    if (r->err == ERR_NONE)
        r->err = err;
}

enum err rd_finish(struct reader *r)
{
    if (r->err == ERR_NONE && !rd_at_end(r))
        r->err = ERR_TOO_LONG;
    return r->err;
}

enum err span_uint(struct span s, uint64_t *ret)
{
    if (s.len > 8)
        return ERR_BAD_LENGTH;
    struct reader r = rd_of(s);
    *ret = take_number(&r, s.len);
    return r.err;
}
