#include "package.h"

#include <assert.h>

void package_init(struct package_reader *p, uint8_t *buf, size_t cap)
{
    *p = (struct package_reader){ .buf = buf, .cap = cap };
}

void package_init_arena(struct package_reader *p, struct arena *arena)
{
    *p = (struct package_reader){ .arena = arena };
}

/* Tag and length of the element at the start of `in`: false when there are not enough octets to tell. */
static bool read_head(struct span in, uint32_t *ret_tag, size_t *ret_total, enum err *ret_err)
{
    struct reader r = rd_of(in);
    uint32_t tag = rd_u8(&r);
    if ((tag & 0x1F) == 0x1F)
        tag = tag << 8 | rd_u8(&r);
    size_t len = rd_u8(&r);
    if (r.err == ERR_NONE && len & 0x80) {
        size_t octets = len & 0x7F;
        if (octets == 0 || octets > 4)
            rd_fail(&r, ERR_BAD_LENGTH);
        for (len = 0; octets > 0 && r.err == ERR_NONE; octets--)
            len = len << 8 | rd_u8(&r);
    }
    if (r.err == ERR_TRUNCATED)
        return false;
    *ret_err = r.err != ERR_NONE ? r.err : (tag >> (tag > 0xFF ? 8 : 0) & 0xE0) == 0xA0 ? ERR_NONE : ERR_BAD_TAG;
    *ret_tag = tag;
    *ret_total = (size_t)(r.pos - in.ptr) + len;
    return true;
}

static bool broken(struct package_reader *p, enum err err, struct span seen, uint32_t tag, struct package_element *ret)
{
    p->err = err;
    *ret = (struct package_element){ .tag = tag, .offset = p->offset, .raw = span_sub(seen, 0, PACKAGE_HEAD_MAX) };
    return false;
}

static bool grow(struct package_reader *p, size_t needed)
{
    if (needed <= p->cap)
        return true;
    if (!p->arena)
        return false;
    size_t cap = needed > 2 * p->cap ? needed : 2 * p->cap;
    uint8_t *buf = arena_alloc(p->arena, cap);
    if (!buf)
        return false;
    if (p->len)
        memcpy(buf, p->buf, p->len);
    p->buf = buf;
    p->cap = cap;
    return true;
}

static bool give(struct package_reader *p, uint32_t tag, struct span raw, struct package_element *ret)
{
    *ret = (struct package_element){ .tag = tag, .offset = p->offset, .raw = raw };
    p->offset += (uint32_t)raw.len;
    p->ended = tag == pe_tag(PE_END);
    p->len = 0;
    p->need = 0;
    return true;
}

/* What the element still lacks: its head first, one octet at a time, then all the rest. */
static size_t lacking(struct package_reader *p, uint32_t *tag, enum err *err)
{
    if (p->need)
        return p->need - p->len;
    size_t total;
    if (!read_head((struct span){ p->buf, p->len }, tag, &total, err))
        return 1;
    p->need = total;
    return *err == ERR_NONE ? total - p->len : 0;
}

static uint32_t head_tag(const struct package_reader *p)
{
    uint32_t tag = 0;
    size_t total;
    enum err err;
    read_head((struct span){ p->buf, p->len }, &tag, &total, &err);
    return tag;
}

static bool gather(struct package_reader *p, struct reader *segment, struct package_element *ret)
{
    uint32_t tag = 0;
    for (;;) {
        enum err err = ERR_NONE;
        size_t missing = lacking(p, &tag, &err);
        struct span have = { p->buf, p->len };
        if (err != ERR_NONE)
            return broken(p, err, have, tag, ret);
        if (p->need > PE_MAX && p->len >= PACKAGE_HEAD_MAX)
            return broken(p, ERR_TOO_LONG, have, head_tag(p), ret);
        if (missing == 0)
            return give(p, head_tag(p), have, ret);
        if (rd_at_end(segment))
            return false;
        if (p->need > PE_MAX)
            missing = PACKAGE_HEAD_MAX - p->len;
        size_t left = rd_left(segment), step = missing < left ? missing : left;
        size_t room = p->need && p->need <= PE_MAX ? p->need : p->len + step;
        if (!grow(p, room < PACKAGE_HEAD_MAX ? PACKAGE_HEAD_MAX : room))
            return broken(p, ERR_NO_SPACE, have, tag, ret);
        rd_copy(segment, p->buf + p->len, step);
        p->len += step;
    }
}

bool package_next(struct package_reader *p, struct reader *segment, struct package_element *ret)
{
    uint32_t tag = 0;
    size_t total = 0;
    enum err err = ERR_NONE;

    if (p->err != ERR_NONE || (rd_at_end(segment) && p->len == 0))
        return false;
    struct span here = { segment->pos, rd_left(segment) };
    if (p->ended)
        return broken(p, ERR_STATE, here, 0, ret);
    if (here.len > PACKAGE_MAX - p->offset)
        return broken(p, ERR_TOO_LONG, here, 0, ret);
    if (p->len == 0 && read_head(here, &tag, &total, &err) && err == ERR_NONE && total <= here.len && total <= PE_MAX)
        return give(p, tag, rd_span(segment, total), ret);
    return gather(p, segment, ret);
}
