#include "comprehension_tlv.h"

bool ctlv_next(struct reader *r, struct tlv *ret)
{
    if (r->err != ERR_NONE || rd_at_end(r))
        return false;
    const uint8_t *start = r->pos;
    struct tlv t = { .tag = rd_u8(r) };
    t.tag = t.tag == 0x7F ? rd_u16(r) & 0x7FFFu : t.tag & 0x7Fu;
    size_t len = rd_u8(r);
    if (len > 0x82 || len == 0x80)
        rd_fail(r, ERR_BAD_LENGTH);
    else if (len > 0x80)
        len = len == 0x81 ? rd_u8(r) : rd_u16(r);
    t.val = rd_span(r, len);
    if (r->err != ERR_NONE)
        return false;
    t.raw = (struct span){ start, (size_t)(r->pos - start) };
    *ret = t;
    return true;
}

bool ctlv_find(struct span in, uint16_t tag, struct span *ret)
{
    struct reader r = rd_of(in);
    struct tlv t;
    while (ctlv_next(&r, &t))
        if (t.tag == tag) {
            *ret = t.val;
            return true;
        }
    return false;
}
