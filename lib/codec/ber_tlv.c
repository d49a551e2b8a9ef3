#include "ber_tlv.h"

static uint32_t read_tag(struct reader *r)
{
    uint32_t tag = rd_u8(r);
    if ((tag & 0x1F) != 0x1F)
        return tag;
    uint8_t octet;
    do {
        if (tag >> 24) {
            rd_fail(r, ERR_BAD_TAG);
            return 0;
        }
        octet = rd_u8(r);
        tag = tag << 8 | octet;
    } while (octet & 0x80);
    return tag;
}

static size_t read_length(struct reader *r)
{
    uint8_t first = rd_u8(r);
    if (first < 0x80)
        return first;
    size_t len = 0;
    if (first == 0x80 || first > 0x84)
        rd_fail(r, ERR_BAD_LENGTH);
    for (int i = first & 0x7F; r->err == ERR_NONE && i > 0; i--)
        len = len << 8 | rd_u8(r);
    return len;
}

bool tlv_next(struct reader *r, struct tlv *ret)
{
    if (r->err != ERR_NONE || rd_at_end(r))
        return false;
    const uint8_t *start = r->pos;
    size_t left = rd_left(r);
    if (left >= 2 && (start[0] & 0x1F) != 0x1F && start[1] < 0x80 && start[1] <= left - 2) { /* nearly always */
        *ret = (struct tlv){ start[0], { start + 2, start[1] }, { start, 2u + start[1] } };
        r->pos += 2u + start[1];
        return true;
    }
    struct tlv t = { .tag = read_tag(r) };
    t.val = rd_span(r, read_length(r));
    if (r->err != ERR_NONE)
        return false;
    t.raw = (struct span){ start, (size_t)(r->pos - start) };
    *ret = t;
    return true;
}

bool tlv_find(struct span in, uint32_t tag, struct span *ret)
{
    struct reader r = rd_of(in);
    struct tlv t;
    while (tlv_next(&r, &t))
        if (t.tag == tag) {
            *ret = t.val;
            return true;
        }
    return false;
}

void wr_long_tag(struct writer *w, uint32_t tag)
{
    if (tag <= 0xFFFF)
        wr_u16(w, (uint16_t)tag);
    else if (tag <= 0xFFFFFF)
        wr_u24(w, tag);
    else
        wr_u32(w, tag);
}

size_t ber_length_size(size_t len) { return len < 0x80 ? 1 : len < 0x100 ? 2 : len < 0x10000 ? 3 : 4; }

void wr_length(struct writer *w, size_t len)
{
    if (len < 0x80) {
        wr_u8(w, (uint8_t)len);
        return;
    }
    if (len >> 24) {
        wr_fail(w, ERR_TOO_LONG);
        return;
    }
    size_t size = ber_length_size(len);
    wr_u8(w, (uint8_t)(0x7F + size));
    if (size == 4)
        wr_u24(w, (uint32_t)len);
    else if (size == 3)
        wr_u16(w, (uint16_t)len);
    else
        wr_u8(w, (uint8_t)len);
}

void wr_tlv(struct writer *w, uint32_t tag, struct span val)
{
    wr_tag(w, tag);
    wr_length(w, val.len);
    wr_bytes(w, val);
}

void wr_tlv_u8(struct writer *w, uint32_t tag, uint8_t val)
{
    wr_tag(w, tag);
    wr_u8(w, 1);
    wr_u8(w, val);
}

size_t wr_tlv_open(struct writer *w, uint32_t tag)
{
    wr_tag(w, tag);
    wr_u8(w, 0);
    return w->len;
}

void wr_tlv_close(struct writer *w, size_t mark)
{
    if (w->err != ERR_NONE)
        return;
    if (w->len - mark < 0x80) {
        w->buf[mark - 1] = (uint8_t)(w->len - mark);
        return;
    }
    WRITER_ON_STACK(length, 4);
    wr_length(&length, w->len - mark);
    if (length.err != ERR_NONE) {
        wr_fail(w, length.err);
        return;
    }
    w->buf[mark - 1] = length.buf[0];
    wr_insert(w, mark, span_from(wr_span(&length), 1));
}

bool dgi_next(struct reader *r, struct tlv *ret)
{
    if (r->err != ERR_NONE || rd_at_end(r))
        return false;
    const uint8_t *start = r->pos;
    struct tlv t = { .tag = rd_u16(r) };
    size_t len = rd_u8(r);
    t.val = rd_span(r, len == 0xFF ? rd_u16(r) : len);
    if (r->err != ERR_NONE)
        return false;
    t.raw = (struct span){ start, (size_t)(r->pos - start) };
    *ret = t;
    return true;
}

void wr_dgi(struct writer *w, uint16_t tag, struct span val)
{
    wr_u16(w, tag);
    if (val.len < 0xFF) {
        wr_u8(w, (uint8_t)val.len);
    } else {
        wr_u8(w, 0xFF);
        wr_u16(w, (uint16_t)val.len);
        if (val.len > 0xFFFF)
            wr_fail(w, ERR_TOO_LONG);
    }
    wr_bytes(w, val);
}
