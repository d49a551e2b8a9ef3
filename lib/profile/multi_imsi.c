#include "multi_imsi.h"

enum {
    TAG_TIMER = 0x80,
    TAG_ENTRY = 0xA1,
    TAG_IMSI = 0x80,
    TAG_COUNTRIES = 0x81,
    TAG_ALGORITHM = 0x82,
    TAG_KEY = 0x83,
    TAG_OPC = 0x84,
    TAG_MNC_DIGITS = 0x85
};

static const uint8_t issuer[] = { 0x88, 0x37, 0x14 };
const struct span multi_imsi_issuer = { issuer, sizeof issuer };

void multi_imsi_write(struct writer *w, const struct multi_imsi *m)
{
    const uint8_t timer[] = { (uint8_t)(m->timer_s >> 8), (uint8_t)m->timer_s };
    wr_tlv(w, TAG_TIMER, SPAN_OF(timer));
    for (size_t i = 0; i < m->count; i++) {
        const struct multi_imsi_entry *e = &m->entries[i];
        size_t mark = wr_tlv_open(w, TAG_ENTRY);
        wr_tlv(w, TAG_IMSI, e->imsi_ef);
        wr_tlv(w, TAG_COUNTRIES, e->countries);
        wr_tlv_u8(w, TAG_ALGORITHM, e->algorithm);
        wr_tlv(w, TAG_KEY, e->key);
        wr_tlv(w, TAG_OPC, e->opc);
        wr_tlv_u8(w, TAG_MNC_DIGITS, e->mnc_digits);
        wr_tlv_close(w, mark);
    }
}

static bool one_octet(struct span value, uint8_t *ret)
{
    if (value.len == 1)
        *ret = value.ptr[0];
    return value.len == 1;
}

static enum err entry_parse(struct span value, struct multi_imsi_entry *ret)
{
    struct multi_imsi_entry e = { .mnc_digits = 2 };
    struct reader r = rd_of(value);
    struct tlv t;
    bool good = true;
    while (good && tlv_next(&r, &t)) {
        if (t.tag == TAG_IMSI)
            e.imsi_ef = t.val;
        else if (t.tag == TAG_COUNTRIES)
            e.countries = t.val;
        else if (t.tag == TAG_ALGORITHM)
            good = one_octet(t.val, &e.algorithm);
        else if (t.tag == TAG_KEY)
            e.key = t.val;
        else if (t.tag == TAG_OPC)
            e.opc = t.val;
        else if (t.tag == TAG_MNC_DIGITS)
            good = one_octet(t.val, &e.mnc_digits);
        else
            return ERR_BAD_TAG;
    }
    if (r.err != ERR_NONE)
        return r.err;
    if (!e.imsi_ef.len || !e.key.len || !e.algorithm)
        return ERR_MISSING;
    good = good && e.imsi_ef.len == MULTI_IMSI_EF_LEN && e.imsi_ef.ptr[0] >= 4 && e.imsi_ef.ptr[0] <= 8 &&
           e.key.len <= 32 && e.opc.len <= 32 && e.countries.len % 2 == 0 &&
           e.countries.len <= 2 * MULTI_IMSI_COUNTRIES && (e.mnc_digits == 2 || e.mnc_digits == 3);
    if (good)
        *ret = e;
    return good ? ERR_NONE : ERR_BAD_LENGTH;
}

enum err multi_imsi_parse(struct span content, struct multi_imsi *ret)
{
    struct multi_imsi m = { .timer_s = 0 };
    struct reader r = rd_of(content);
    struct tlv t;
    uint64_t timer;
    while (tlv_next(&r, &t)) {
        enum err err = ERR_NONE;
        if (t.tag == TAG_TIMER && t.val.len == 2 && span_uint(t.val, &timer) == ERR_NONE)
            m.timer_s = (uint16_t)timer;
        else if (t.tag != TAG_ENTRY)
            err = ERR_BAD_TAG;
        else if (m.count == MULTI_IMSI_MAX)
            err = ERR_TOO_LONG;
        else
            err = entry_parse(t.val, &m.entries[m.count++]);
        if (err != ERR_NONE)
            return err;
    }
    if (r.err != ERR_NONE)
        return r.err;
    if (m.count == 0 || m.timer_s == 0)
        return ERR_MISSING;
    *ret = m;
    return ERR_NONE;
}
