#include "es6.h"

#include "lib/gp/install.h"
#include "lib/gp/store_data.h"

enum { TAG_POL1 = 0x81, TAG_SMS = 0xA0, TAG_CAT_TP = 0xA1, TAG_HTTPS = 0xA2, TAG_SMSC = 0x06 };
#define POL1_RULES (POL1_NO_DISABLE | POL1_NO_DELETE | POL1_DELETE_ON_DISABLE)

void es6_address_isdp_write(struct writer *w) { install_for_personalization_write(w, aid_span(&AID_ISDP_OWN), 0); }

static void write_dgi_command(struct writer *w, uint16_t dgi, const struct writer *value)
{
    WRITER_ON_STACK(data, APDU_SHORT_DATA_MAX);
    wr_dgi(&data, dgi, wr_span(value));
    if (value->err != ERR_NONE || data.err != ERR_NONE)
        wr_fail(w, ERR_TOO_LONG);
    store_data_block_write(w, wr_span(&data), 0, 0, true, false, 0);
}

void es6_update_pol1_write(struct writer *w, uint8_t pol1)
{
    WRITER_ON_STACK(value, 3);
    wr_tlv_u8(&value, TAG_POL1, pol1);
    write_dgi_command(w, ES6_UPDATE_POL1, &value);
}

enum err es6_pol1_parse(struct span value, uint8_t *ret)
{
    struct span pol1 = value;
    if (value.len != 1 && !tlv_find(value, TAG_POL1, &pol1))
        return ERR_BAD_TAG;
    if (pol1.len != 1)
        return ERR_BAD_LENGTH;
    if (pol1.ptr[0] & ~POL1_RULES)
        return ERR_BAD_VALUE;
    *ret = pol1.ptr[0];
    return ERR_NONE;
}

void es6_update_connectivity_write(struct writer *w, const struct es6_connectivity *c)
{
    WRITER_ON_STACK(value, APDU_SHORT_DATA_MAX);
    if (c->smsc.len) {
        size_t mark = wr_tlv_open(&value, TAG_SMS);
        wr_tlv(&value, TAG_SMSC, c->smsc);
        wr_tlv_close(&value, mark);
    }
    if (c->cat_tp.len)
        wr_tlv(&value, TAG_CAT_TP, c->cat_tp);
    if (c->https.len)
        wr_tlv(&value, TAG_HTTPS, c->https);
    write_dgi_command(w, ES5_UPDATE_ADDRESSING, &value);
}

enum err es6_connectivity_parse(struct span value, struct es6_connectivity *ret)
{
    struct reader r = rd_of(value);
    struct es6_connectivity c = { 0 };
    struct tlv t;
    while (tlv_next(&r, &t)) {
        if (t.tag == TAG_SMS) {
            if (!tlv_find(t.val, TAG_SMSC, &c.smsc))
                return ERR_MISSING;
        } else if (t.tag == TAG_CAT_TP) {
            c.cat_tp = t.val;
        } else if (t.tag == TAG_HTTPS) {
            c.https = t.val;
        } else {
            return ERR_BAD_TAG;
        }
    }
    if (r.err == ERR_NONE && !c.smsc.len && !c.cat_tp.len && !c.https.len)
        r.err = ERR_MISSING;
    if (r.err == ERR_NONE)
        *ret = c;
    return r.err;
}
