/* The functions that are one STORE DATA with one DGI. */
#include <ctype.h>

#include "es5.h"
#include "lib/codec/hex.h"
#include "lib/gp/store_data.h"

enum {
    TAG_AID = 0x4F,
    TAG_SEQUENCE = 0x4E,
    TAG_SMS = 0xA3,
    TAG_CAT_TP = 0xA4,
    TAG_HTTPS = 0xA5,
    TAG_TP_ADDRESS = 0x81,
    TAG_DELETED = 0x80
};

static void write_dgi_command(struct writer *w, uint16_t dgi, const struct writer *value, bool answer)
{
    WRITER_ON_STACK(data, APDU_SHORT_DATA_MAX + 1);
    if (value->err != ERR_NONE)
        wr_fail(w, value->err);
    wr_dgi(&data, dgi, wr_span(value));
    if (data.err != ERR_NONE || data.len > APDU_SHORT_DATA_MAX)
        wr_fail(w, ERR_TOO_LONG);
    store_data_block_write(w, wr_span(&data), 0, 0, true, answer, answer ? 256 : 0);
}

void es5_profile_command_write(struct writer *w, enum es5_dgi dgi, const struct aid *isdp)
{
    WRITER_ON_STACK(value, 2 + AID_MAX);
    wr_tlv(&value, TAG_AID, aid_span(isdp));
    write_dgi_command(w, (uint16_t)dgi, &value, false);
}

void es5_notification_confirmation_write(struct writer *w, uint16_t sequence)
{
    WRITER_ON_STACK(value, 4);
    const uint8_t octets[] = { (uint8_t)(sequence >> 8), (uint8_t)sequence };
    wr_tlv(&value, TAG_SEQUENCE, SPAN_OF(octets));
    write_dgi_command(w, ES5_NOTIFICATION_CONFIRMATION, &value, true);
}

static void write_sms(struct writer *w, const struct es5_addressing *a)
{
    size_t mark = wr_tlv_open(w, TAG_SMS);
    if (a->sms_isdp.len)
        wr_tlv(w, TAG_AID, a->sms_isdp);
    wr_tlv(w, TAG_TP_ADDRESS, (struct span){ a->sms.octets, a->sms.len });
    wr_tlv_close(w, mark);
}

void es5_update_addressing_write(struct writer *w, const struct es5_addressing *a)
{
    WRITER_ON_STACK(value, APDU_SHORT_DATA_MAX);
    if (a->sms.len)
        write_sms(&value, a);
    if (a->cat_tp.len)
        wr_tlv(&value, TAG_CAT_TP, a->cat_tp);
    if (a->https.len)
        wr_tlv(&value, TAG_HTTPS, a->https);
    write_dgi_command(w, ES5_UPDATE_ADDRESSING, &value, false);
}

/* ---- TP-address */

enum { TYPE_INTERNATIONAL = 0x91, TYPE_UNKNOWN = 0x81, DIGITS_MAX = 20 };

enum err tp_address_from_text(const char *text, struct tp_address *ret)
{
    struct tp_address a = { 0 };
    bool international = text[0] == '+';
    struct span digits = span_text(text + international);
    size_t len;
    if (digits.len == 0)
        return ERR_BAD_LENGTH;
    if (digits.len > DIGITS_MAX)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < digits.len; i++)
        if (!isdigit(digits.ptr[i]))
            return ERR_BAD_VALUE;
    a.octets[0] = (uint8_t)digits.len;
    a.octets[1] = international ? TYPE_INTERNATIONAL : TYPE_UNKNOWN;
    enum err err = bcd_read(digits, true, a.octets + 2, sizeof a.octets - 2, &len);
    a.len = (uint8_t)(2 + len);
    if (err == ERR_NONE)
        *ret = a;
    return err;
}

enum err tp_address_text(const struct tp_address *a, char *out, size_t cap)
{
    if (a->len < 3)
        return ERR_BAD_LENGTH;
    bool international = (a->octets[1] & 0x70) == 0x10;
    if (cap < 2)
        return ERR_TOO_LONG;
    if (international)
        *out = '+';
    return bcd_text((struct span){ a->octets + 2, a->len - 2u }, true, out + international, cap - international);
}

static enum err take_tp_address(struct span v, struct tp_address *ret)
{
    if (v.len < 3 || v.len > TP_ADDRESS_MAX || (v.ptr[0] + 1u) / 2 != v.len - 2)
        return ERR_BAD_LENGTH;
    ret->len = (uint8_t)v.len;
    memcpy(ret->octets, v.ptr, v.len);
    return ERR_NONE;
}

/* ---- card */

static enum err take_sms(struct span value, struct es5_addressing *a)
{
    struct reader r = rd_of(value);
    struct tlv t;
    while (tlv_next(&r, &t)) {
        enum err err = ERR_NONE;
        if (t.tag == TAG_AID && !a->sms_isdp.len)
            a->sms_isdp = t.val;
        else if (t.tag == TAG_TP_ADDRESS && !a->sms.len)
            err = take_tp_address(t.val, &a->sms);
        else
            err = ERR_BAD_TAG;
        if (err != ERR_NONE)
            return err;
    }
    return r.err != ERR_NONE ? r.err : a->sms.len ? ERR_NONE : ERR_MISSING;
}

static enum err take_addressing(struct span value, struct es5_addressing *a)
{
    struct reader r = rd_of(value);
    struct tlv t;
    while (tlv_next(&r, &t)) {
        enum err err = ERR_NONE;
        if (t.tag == TAG_SMS && !a->sms.len)
            err = take_sms(t.val, a);
        else if (t.tag == TAG_CAT_TP && !a->cat_tp.len)
            a->cat_tp = t.val;
        else if (t.tag == TAG_HTTPS && !a->https.len)
            a->https = t.val;
        else
            err = ERR_BAD_TAG;
        if (err != ERR_NONE)
            return err;
    }
    if (r.err != ERR_NONE)
        return r.err;
    return a->sms.len || a->cat_tp.len || a->https.len ? ERR_NONE : ERR_MISSING;
}

/* The one TLV that fills a value. */
static enum err only_tlv(struct span value, uint32_t tag, struct span *ret)
{
    struct reader r = rd_of(value);
    struct tlv t;
    if (!tlv_next(&r, &t))
        return r.err == ERR_NONE ? ERR_MISSING : r.err;
    if (t.tag != tag || !rd_at_end(&r))
        return ERR_BAD_TAG;
    *ret = t.val;
    return ERR_NONE;
}

static enum err take_isdp(struct span value, struct aid *ret)
{
    struct span aid;
    enum err err = only_tlv(value, TAG_AID, &aid);
    return err != ERR_NONE ? err : aid_set(ret, aid) ? ERR_NONE : ERR_BAD_LENGTH;
}

static enum err take_sequence(struct span value, uint16_t *ret)
{
    struct span v;
    enum err err = only_tlv(value, TAG_SEQUENCE, &v);
    if (err == ERR_NONE && v.len != 2)
        err = ERR_BAD_LENGTH;
    if (err == ERR_NONE)
        *ret = (uint16_t)(v.ptr[0] << 8 | v.ptr[1]);
    return err;
}

static enum err take_value(struct es5_store_data *d)
{
    switch (d->dgi) {
    case ES5_ENABLE_PROFILE:
    case ES5_DISABLE_PROFILE:
    case ES5_SET_FALLBACK_ATTRIBUTE:
    case ES5_SET_EMERGENCY_ATTRIBUTE:
        return take_isdp(d->value, &d->isdp);
    case ES5_UPDATE_ADDRESSING:
        return take_addressing(d->value, &d->addressing);
    case ES5_NOTIFICATION_CONFIRMATION:
        return take_sequence(d->value, &d->sequence);
    case ES6_UPDATE_POL1:
        return ERR_NONE; /* es6_pol1_parse takes it further */
    default:
        return ERR_UNSUPPORTED;
    }
}

enum err es5_store_data_parse(struct span data, struct es5_store_data *ret)
{
    struct reader r = rd_of(data);
    struct tlv t;
    if (!dgi_next(&r, &t))
        return r.err == ERR_NONE ? ERR_MISSING : r.err;
    if (!rd_at_end(&r))
        return ERR_TOO_LONG;
    struct es5_store_data d = { .dgi = (uint16_t)t.tag, .value = t.val };
    enum err err = take_value(&d);
    if (err == ERR_NONE)
        *ret = d;
    return err;
}

void es5_deleted_write(struct writer *w, const struct es5_deleted *d)
{
    if (d->count == 0)
        return;
    size_t mark = wr_tlv_open(w, TAG_DELETED);
    for (size_t i = 0; i < d->count && i < ES5_DELETED_MAX; i++)
        wr_tlv(w, TAG_AID, aid_span(&d->isdp[i]));
    wr_tlv_close(w, mark);
}

enum err es5_deleted_parse(struct span data, struct es5_deleted *ret)
{
    struct es5_deleted d = { 0 };
    struct span list;
    if (data.len == 0) {
        *ret = d;
        return ERR_NONE;
    }
    enum err err = only_tlv(data, TAG_DELETED, &list);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of(list);
    struct tlv t;
    while (tlv_next(&r, &t)) {
        if (t.tag != TAG_AID)
            return ERR_BAD_TAG;
        if (d.count == ES5_DELETED_MAX)
            return ERR_TOO_LONG;
        if (!aid_set(&d.isdp[d.count++], t.val))
            return ERR_BAD_LENGTH;
    }
    if (r.err == ERR_NONE)
        *ret = d;
    return r.err;
}
