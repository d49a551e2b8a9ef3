#include "install.h"

static struct span lv(struct reader *r) { return rd_span(r, rd_u8(r)); }

/* Install parameters and token may be over 127 octets: BER length. */
static struct span ber_lv(struct reader *r)
{
    uint8_t first = rd_u8(r);
    if (first == 0x81)
        return rd_span(r, rd_u8(r));
    if (first == 0x82)
        return rd_span(r, rd_u16(r));
    if (first >= 0x80)
        rd_fail(r, ERR_BAD_LENGTH);
    return rd_span(r, first);
}

enum err install_parse(const struct capdu *c, struct install *ret)
{
    if (c->ins != INS_INSTALL || c->p2 != 0)
        return ERR_BAD_VALUE;
    struct reader r = rd_of(c->data);
    struct install i = { .p1 = c->p1 };
    i.load_file = lv(&r);
    i.module = lv(&r);
    i.application = lv(&r);
    i.privileges = lv(&r);
    i.parameters = ber_lv(&r);
    i.token = ber_lv(&r);
    enum err err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = i;
    return err;
}

static void write_lv(struct writer *w, struct span v)
{
    if (v.len > 0x7F)
        wr_fail(w, ERR_TOO_LONG);
    wr_u8(w, (uint8_t)v.len);
    wr_bytes(w, v);
}

void install_write(struct writer *w, const struct install *i, uint32_t le)
{
    WRITER_ON_STACK(body, APDU_SHORT_DATA_MAX);
    write_lv(&body, i->load_file);
    write_lv(&body, i->module);
    write_lv(&body, i->application);
    write_lv(&body, i->privileges);
    write_lv(&body, i->parameters);
    write_lv(&body, i->token);
    if (body.err != ERR_NONE)
        wr_fail(w, body.err);
    capdu_write(w, &(struct capdu){ CLA_GP, INS_INSTALL, i->p1, 0, wr_span(&body), le, false });
}

void install_for_personalization_write(struct writer *w, struct span aid, uint32_t le)
{
    install_write(w, &(struct install){ .p1 = INSTALL_FOR_PERSONALIZATION, .application = aid }, le);
}
