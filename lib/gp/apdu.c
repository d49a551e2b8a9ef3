#include "apdu.h"

static uint32_t le_of(uint32_t octets, uint32_t zero_means) { return octets ? octets : zero_means; }

/* What stands behind the four octets of the header. */
static enum err parse_short(struct reader *r, struct capdu *c)
{
    if (rd_left(r) == 0)
        return ERR_NONE;
    uint8_t first = rd_u8(r);
    if (rd_at_end(r)) {
        c->le = le_of(first, 256);
        return ERR_NONE;
    }
    if (first == 0)
        return ERR_BAD_LENGTH;
    c->data = rd_span(r, first);
    if (!rd_at_end(r))
        c->le = le_of(rd_u8(r), 256);
    return r->err == ERR_NONE && !rd_at_end(r) ? ERR_BAD_LENGTH : r->err;
}

static enum err parse_extended(struct reader *r, struct capdu *c)
{
    rd_u8(r);
    uint16_t first = rd_u16(r);
    c->extended = true;
    if (rd_at_end(r)) {
        c->le = le_of(first, 65536);
        return r->err;
    }
    if (first == 0)
        return ERR_BAD_LENGTH;
    c->data = rd_span(r, first);
    if (!rd_at_end(r))
        c->le = le_of(rd_u16(r), 65536);
    return r->err == ERR_NONE && !rd_at_end(r) ? ERR_BAD_LENGTH : r->err;
}

enum err capdu_parse(struct span bytes, struct capdu *ret)
{
    struct reader r = rd_of(bytes);
    struct capdu c = { .cla = rd_u8(&r), .ins = rd_u8(&r), .p1 = rd_u8(&r), .p2 = rd_u8(&r) };
    if (r.err != ERR_NONE)
        return r.err;
    bool extended = rd_left(&r) >= 3 && r.pos[0] == 0;
    enum err err = extended ? parse_extended(&r, &c) : parse_short(&r, &c);
    if (err == ERR_NONE)
        *ret = c;
    return err;
}

static void write_lengths_short(struct writer *w, const struct capdu *c)
{
    if (c->data.len)
        wr_u8(w, (uint8_t)c->data.len);
    wr_bytes(w, c->data);
    if (c->le)
        wr_u8(w, (uint8_t)c->le);
}

static void write_lengths_extended(struct writer *w, const struct capdu *c)
{
    if (c->data.len || c->le)
        wr_u8(w, 0);
    if (c->data.len)
        wr_u16(w, (uint16_t)c->data.len);
    wr_bytes(w, c->data);
    if (c->le)
        wr_u16(w, (uint16_t)c->le);
}

void capdu_write(struct writer *w, const struct capdu *c)
{
    wr_u8(w, c->cla);
    wr_u8(w, c->ins);
    wr_u8(w, c->p1);
    wr_u8(w, c->p2);
    if (c->data.len > APDU_EXTENDED_DATA_MAX || c->le > 65536)
        wr_fail(w, ERR_TOO_LONG);
    else if (c->extended || c->data.len > APDU_SHORT_DATA_MAX || c->le > 256)
        write_lengths_extended(w, c);
    else
        write_lengths_short(w, c);
}

enum err rapdu_parse(struct span bytes, struct rapdu *ret)
{
    if (bytes.len < 2)
        return ERR_TRUNCATED;
    const uint8_t *sw = bytes.ptr + bytes.len - 2;
    *ret = (struct rapdu){ span_sub(bytes, 0, bytes.len - 2), (uint16_t)(sw[0] << 8 | sw[1]) };
    return ERR_NONE;
}

void rapdu_write(struct writer *w, const struct rapdu *r)
{
    wr_bytes(w, r->data);
    wr_u16(w, r->sw);
}

static const char *family_text(uint16_t sw)
{
    switch (sw >> 8) {
    case 0x61:
    case 0x9F:
        return "more response data";
    case 0x62:
    case 0x63:
        return "warning";
    case 0x64:
        return "execution error";
    case 0x65:
        return "memory error";
    case 0x67:
        return "wrong length";
    case 0x68:
        return "function of the class not supported";
    case 0x69:
        return "command not allowed";
    case 0x6A:
        return "wrong parameters";
    case 0x6C:
        return "wrong Le";
    case 0x91:
        return "done, a proactive command waits";
    default:
        return "unknown status word";
    }
}

const char *sw_text(uint16_t sw)
{
    switch (sw) {
#define SW_TEXT(name, value, text)                                                                                     \
    case value:                                                                                                        \
        return text;
        STATUS_WORDS(SW_TEXT)
#undef SW_TEXT
    default:
        return family_text(sw);
    }
}

bool sw_is_positive(uint16_t sw)
{
    uint8_t sw1 = (uint8_t)(sw >> 8);
    return sw == SW_OK || sw1 == 0x61 || sw1 == 0x62 || sw1 == 0x63 || sw1 == 0x91 || sw1 == 0x9F;
}
