#include "store_data.h"

enum err store_data_parse(const struct capdu *c, struct store_data *ret)
{
    if (c->ins != INS_STORE_DATA || (c->p1 & 0x66))
        return ERR_BAD_VALUE;
    *ret = (struct store_data){
        .last = c->p1 & STORE_DATA_LAST,
        .dgi = (c->p1 & 0x18) == STORE_DATA_DGI,
        .answer = c->p1 & STORE_DATA_ANSWER,
        .block = c->p2,
        .data = c->data,
    };
    return ERR_NONE;
}

size_t store_data_block_write(struct writer *w, struct span data, size_t at, uint8_t block, bool last, bool answer,
                              uint32_t le)
{
    struct span part = span_sub(data, at, APDU_SHORT_DATA_MAX);
    bool ends = at + part.len >= data.len;
    uint8_t p1 = (uint8_t)(STORE_DATA_DGI | (last && ends ? STORE_DATA_LAST : 0) | (answer ? STORE_DATA_ANSWER : 0));
    capdu_write(w, &(struct capdu){ CLA_GP, INS_STORE_DATA, p1, block, part, le, false });
    return at + part.len;
}

size_t store_data_block_count(size_t len) { return len ? (len + APDU_SHORT_DATA_MAX - 1) / APDU_SHORT_DATA_MAX : 1; }
