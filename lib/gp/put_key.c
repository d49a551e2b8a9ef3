#include "put_key.h"

enum err put_key_parse(const struct capdu *c, struct put_key *ret)
{
    if (c->ins != INS_PUT_KEY)
        return ERR_BAD_VALUE;
    struct reader r = rd_of(c->data);
    struct put_key p = { .replaces = c->p1 & 0x7F, .kid = c->p2 & 0x7F, .kvn = rd_u8(&r) };
    while (r.err == ERR_NONE && !rd_at_end(&r)) {
        if (p.count == PUT_KEY_KEYS_MAX)
            return ERR_TOO_LONG;
        struct put_key_item *k = &p.keys[p.count++];
        k->type = rd_u8(&r);
        k->value = rd_span(&r, rd_u8(&r));
        k->kcv = rd_span(&r, rd_u8(&r));
        if (r.err == ERR_NONE && (k->value.len == 0 || (k->kcv.len != 0 && k->kcv.len != 3)))
            return ERR_BAD_VALUE;
    }
    if (r.err == ERR_NONE && p.count == 0)
        return ERR_TRUNCATED;
    if (r.err == ERR_NONE)
        *ret = p;
    return r.err;
}

void put_key_write(struct writer *w, const struct put_key *p, uint32_t le)
{
    WRITER_ON_STACK(body, APDU_SHORT_DATA_MAX);
    wr_u8(&body, p->kvn);
    for (size_t i = 0; i < p->count && i < PUT_KEY_KEYS_MAX; i++) {
        wr_u8(&body, p->keys[i].type);
        wr_u8(&body, (uint8_t)p->keys[i].value.len);
        wr_bytes(&body, p->keys[i].value);
        wr_u8(&body, (uint8_t)p->keys[i].kcv.len);
        wr_bytes(&body, p->keys[i].kcv);
    }
    if (body.err != ERR_NONE)
        wr_fail(w, body.err);
    uint8_t p2 = (uint8_t)(p->kid | (p->count > 1 ? 0x80 : 0));
    capdu_write(w, &(struct capdu){ CLA_GP, INS_PUT_KEY, p->replaces, p2, wr_span(&body), le, false });
}
