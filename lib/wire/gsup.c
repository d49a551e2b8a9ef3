#include "gsup.h"

#include "lib/codec/hex.h"

#include <stdio.h>

/* Information elements. */
enum {
    IE_IMSI = 0x01,
    IE_CAUSE = 0x02,
    IE_AUTH_TUPLE = 0x03,
    IE_PDP_COMPLETE = 0x04,
    IE_CANCEL_TYPE = 0x06,
    IE_MSISDN = 0x08,
    IE_RAND = 0x20,
    IE_SRES = 0x21,
    IE_KC = 0x22,
    IE_IK = 0x23,
    IE_CK = 0x24,
    IE_AUTN = 0x25,
    IE_AUTS = 0x26,
    IE_RES = 0x27,
    IE_DOMAIN = 0x28,
};


static bool ie_next(struct reader *r, uint8_t *ret_tag, struct span *ret_value)
{
    if (rd_at_end(r))
        return false;
    *ret_tag = rd_u8(r);
    size_t len = rd_u8(r);
    *ret_value = rd_span(r, len);
    return r->err == ERR_NONE;
}

static enum err copy_exact(struct span value, uint8_t *out, size_t len)
{
    if (value.len != len)
        return ERR_BAD_LENGTH;
    memcpy(out, value.ptr, len);
    return ERR_NONE;
}

static enum err res_read(struct span value, struct gsup_vector *v)
{
    if (value.len < 4 || value.len > sizeof v->res)
        return ERR_BAD_LENGTH;
    memcpy(v->res, value.ptr, value.len);
    v->res_len = (uint8_t)value.len;
    return ERR_NONE;
}

static enum err vector_ie(uint8_t tag, struct span value, struct gsup_vector *v)
{
    switch (tag) {
    case IE_RAND:
        return copy_exact(value, v->rand, sizeof v->rand);
    case IE_SRES:
        v->has_2g = true;
        return copy_exact(value, v->sres, sizeof v->sres);
    case IE_KC:
        return copy_exact(value, v->kc, sizeof v->kc);
    case IE_IK:
        return copy_exact(value, v->ik, sizeof v->ik);
    case IE_CK:
        return copy_exact(value, v->ck, sizeof v->ck);
    case IE_AUTN:
        v->has_3g = true;
        return copy_exact(value, v->autn, sizeof v->autn);
    case IE_RES:
        return res_read(value, v);
    default:
        return ERR_NONE;
    }
}

static enum err vector_read(struct span in, struct gsup_message *m)
{
    struct reader r = rd_of(in);
    struct span value;
    uint8_t tag;
    if (m->vector_count == GSUP_VECTORS_MAX)
        return ERR_TOO_LONG;
    struct gsup_vector *v = &m->vectors[m->vector_count++];
    while (ie_next(&r, &tag, &value)) {
        enum err err = vector_ie(tag, value, v);
        if (err != ERR_NONE)
            return err;
    }
    if (r.err == ERR_NONE && v->has_3g && v->res_len == 0)
        return ERR_MISSING;
    return r.err;
}

static enum err digits_read(struct span bcd, char *out, size_t cap)
{
    if (bcd.len == 0 || bcd.len * 2 > cap - 1 + 1)
        return ERR_BAD_LENGTH;
    return bcd_text(bcd, true, out, cap);
}

/* BCD, as a called party number (TS 24.008 §10.5.4.7): osmo-hlr puts one octet (type and plan, bit 8 set, or the
 * length) before the digits; bare digits are taken too. */
static enum err msisdn_read(struct span value, struct gsup_message *m)
{
    if (value.len != 0 && (value.ptr[0] & 0x80 || value.ptr[0] == value.len - 1u))
        value = span_from(value, 1);
    return value.len == 0 ? ERR_NONE : digits_read(value, m->msisdn, sizeof m->msisdn);
}

static enum err cause_read(struct span value, struct gsup_message *m)
{
    if (value.len != 1)
        return ERR_BAD_LENGTH;
    m->has_cause = true;
    m->cause = value.ptr[0];
    return ERR_NONE;
}

static enum err ie_read(uint8_t tag, struct span value, struct gsup_message *m, uint8_t *seen)
{
    switch (tag) {
    case IE_IMSI:
        return digits_read(value, m->imsi, sizeof m->imsi);
    case IE_CAUSE:
        return cause_read(value, m);
    case IE_AUTH_TUPLE:
        return vector_read(value, m);
    case IE_MSISDN:
        return msisdn_read(value, m);
    case IE_DOMAIN:
        return copy_exact(value, &m->domain, 1);
    case IE_CANCEL_TYPE:
        m->has_cancel_type = true;
        return copy_exact(value, &m->cancel_type, 1);
    case IE_RAND:
        *seen |= 1;
        return copy_exact(value, m->rand, sizeof m->rand);
    case IE_AUTS:
        *seen |= 2;
        return copy_exact(value, m->auts, sizeof m->auts);
    default:
        return ERR_NONE;
    }
}

enum err gsup_read(struct span body, struct gsup_message *ret)
{
    struct reader r = rd_of(body);
    struct gsup_message m = { .type = rd_u8(&r) };
    struct span value;
    uint8_t tag, seen = 0;
    while (r.err == ERR_NONE && ie_next(&r, &tag, &value))
        rd_fail(&r, ie_read(tag, value, &m, &seen));
    if (r.err == ERR_NONE && m.imsi[0] == '\0')
        r.err = ERR_MISSING;
    if (r.err == ERR_NONE && seen != 0 && seen != 3)
        r.err = ERR_MISSING;
    m.resync = seen == 3;
    if (r.err == ERR_NONE)
        *ret = m;
    wipe(m.vectors, sizeof m.vectors);
    return r.err;
}

static void wr_ie(struct writer *w, uint8_t tag, struct span value)
{
    wr_u8(w, tag);
    wr_u8(w, (uint8_t)value.len);
    wr_bytes(w, value);
}

static void wr_digits(struct writer *w, uint8_t tag, const char *digits, bool typed)
{
    uint8_t bcd[GSUP_IMSI_MAX];
    size_t len = 0;
    if (bcd_read(span_text(digits), true, bcd + 1, sizeof bcd - 1, &len) != ERR_NONE)
        wr_fail(w, ERR_BAD_VALUE);
    bcd[0] = (uint8_t)len;
    wr_ie(w, tag, typed ? (struct span){ bcd, len + 1 } : (struct span){ bcd + 1, len });
}

static void wr_vector(struct writer *w, const struct gsup_vector *v)
{
    uint8_t inner[160];
    struct writer t = wr_of(inner, sizeof inner);
    wr_ie(&t, IE_RAND, SPAN_OF(v->rand));
    if (v->has_2g) {
        wr_ie(&t, IE_SRES, SPAN_OF(v->sres));
        wr_ie(&t, IE_KC, SPAN_OF(v->kc));
    }
    if (v->has_3g) {
        wr_ie(&t, IE_IK, SPAN_OF(v->ik));
        wr_ie(&t, IE_CK, SPAN_OF(v->ck));
        wr_ie(&t, IE_AUTN, SPAN_OF(v->autn));
        wr_ie(&t, IE_RES, (struct span){ v->res, v->res_len });
    }
    wr_ie(w, IE_AUTH_TUPLE, wr_span(&t));
    wipe(inner, sizeof inner);
}

void wr_gsup(struct writer *w, const struct gsup_message *m)
{
    wr_u8(w, (uint8_t)m->type);
    wr_digits(w, IE_IMSI, m->imsi, false);
    if (m->has_cause)
        wr_ie(w, IE_CAUSE, (struct span){ &m->cause, 1 });
    for (size_t i = 0; i < m->vector_count; i++)
        wr_vector(w, &m->vectors[i]);
    if (m->has_cancel_type)
        wr_ie(w, IE_CANCEL_TYPE, (struct span){ &m->cancel_type, 1 });
    if (m->msisdn[0] != '\0')
        wr_digits(w, IE_MSISDN, m->msisdn, true);
    if (m->domain != 0)
        wr_ie(w, IE_DOMAIN, (struct span){ &m->domain, 1 });
    if (m->resync) {
        wr_ie(w, IE_AUTS, SPAN_OF(m->auts));
        wr_ie(w, IE_RAND, SPAN_OF(m->rand));
    }
}

static const struct {
    enum gsup_type type;
    const char *name;
} types[] = {
    { GSUP_UPDATE_LOCATION_REQUEST, "UpdateLocation request" },
    { GSUP_UPDATE_LOCATION_ERROR, "UpdateLocation error" },
    { GSUP_UPDATE_LOCATION_RESULT, "UpdateLocation result" },
    { GSUP_AUTH_INFO_REQUEST, "SendAuthInfo request" },
    { GSUP_AUTH_INFO_ERROR, "SendAuthInfo error" },
    { GSUP_AUTH_INFO_RESULT, "SendAuthInfo result" },
    { GSUP_PURGE_REQUEST, "PurgeMS request" },
    { GSUP_PURGE_ERROR, "PurgeMS error" },
    { GSUP_PURGE_RESULT, "PurgeMS result" },
    { GSUP_INSERT_DATA_REQUEST, "InsertSubscriberData request" },
    { GSUP_INSERT_DATA_ERROR, "InsertSubscriberData error" },
    { GSUP_INSERT_DATA_RESULT, "InsertSubscriberData result" },
    { GSUP_DELETE_DATA_REQUEST, "DeleteSubscriberData request" },
    { GSUP_DELETE_DATA_ERROR, "DeleteSubscriberData error" },
    { GSUP_DELETE_DATA_RESULT, "DeleteSubscriberData result" },
    { GSUP_CANCEL_REQUEST, "CancelLocation request" },
    { GSUP_CANCEL_ERROR, "CancelLocation error" },
    { GSUP_CANCEL_RESULT, "CancelLocation result" },
};

const char *gsup_type_name(enum gsup_type type)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return "unknown message";
}

const char *gsup_cause_text(uint8_t cause)
{
    switch (cause) {
    case GSUP_CAUSE_IMSI_UNKNOWN:
        return "IMSI unknown in HLR";
    case GSUP_CAUSE_ILLEGAL_MS:
        return "illegal subscriber";
    case GSUP_CAUSE_PLMN_NOT_ALLOWED:
        return "network not allowed";
    case GSUP_CAUSE_ROAMING_NOT_ALLOWED:
        return "roaming not allowed here";
    case GSUP_CAUSE_NETWORK_FAILURE:
        return "network failure";
    case GSUP_CAUSE_PROTOCOL_ERROR:
        return "protocol error";
    default:
        return "refused";
    }
}

/* ---- IPA ---- */

enum { CCM_PING = 0x00, CCM_PONG = 0x01, CCM_ID_GET = 0x04, CCM_ID_RESP = 0x05, CCM_ID_ACK = 0x06 };
enum { CCM_TAG_SERIAL = 0x00, CCM_TAG_NAME = 0x01, CCM_TAG_UNIT = 0x08 };

enum err ipa_read(struct span in, struct ipa_frame *ret)
{
    struct reader r = rd_of(in);
    struct ipa_frame f = { 0 };
    if (in.len < 3) {
        *ret = f;
        return ERR_NONE;
    }
    size_t len = rd_u16(&r);
    f.stream = rd_u8(&r);
    if (len > IPA_FRAME_MAX)
        return ERR_TOO_LONG;
    if (rd_left(&r) >= len) {
        f.payload = rd_span(&r, len);
        f.size = len + 3;
        if (f.stream == IPA_STREAM_OSMO && len == 0)
            return ERR_TRUNCATED;
        if (f.stream == IPA_STREAM_OSMO) {
            f.extension = f.payload.ptr[0];
            f.payload = span_from(f.payload, 1);
        }
    }
    *ret = f;
    return ERR_NONE;
}

static size_t ipa_open(struct writer *w, uint8_t stream)
{
    size_t mark = w->len;
    wr_u16(w, 0);
    wr_u8(w, stream);
    return mark;
}

static void ipa_close(struct writer *w, size_t mark)
{
    if (w->err != ERR_NONE)
        return;
    size_t len = w->len - mark - 3;
    w->buf[mark] = (uint8_t)(len >> 8);
    w->buf[mark + 1] = (uint8_t)len;
}

void wr_ipa_gsup(struct writer *w, const struct gsup_message *m)
{
    size_t mark = ipa_open(w, IPA_STREAM_OSMO);
    wr_u8(w, IPA_EXTENSION_GSUP);
    wr_gsup(w, m);
    ipa_close(w, mark);
}

static void ccm_send(struct gsup_link *link, struct span payload)
{
    WRITER_ON_STACK(w, 256);
    size_t mark = ipa_open(&w, IPA_STREAM_CCM);
    wr_bytes(&w, payload);
    ipa_close(&w, mark);
    link->send(link->context, wr_span(&w));
}

/* Two octets of length (tag included), tag, text with its NUL. */
static void wr_identity(struct writer *w, uint8_t tag, const char *text)
{
    wr_u16(w, (uint16_t)(strlen(text) + 2));
    wr_u8(w, tag);
    wr_bytes(w, (struct span){ (const uint8_t *)text, strlen(text) + 1 });
}

static void identity_send(struct gsup_link *link)
{
    WRITER_ON_STACK(w, 200);
    wr_u8(&w, CCM_ID_RESP);
    wr_identity(&w, CCM_TAG_UNIT, "0/0/0"); /* servers on libosmo-abis insist on one */
    wr_identity(&w, CCM_TAG_SERIAL, link->name);
    wr_identity(&w, CCM_TAG_NAME, link->name);
    ccm_send(link, wr_span(&w));
}

static void identity_read(struct gsup_link *link, struct reader *r)
{
    while (!rd_at_end(r)) {
        size_t len = rd_u16(r);
        struct span element = rd_span(r, len);
        if (r->err != ERR_NONE || element.len < 2)
            return;
        uint8_t tag = element.ptr[0];
        if (tag == CCM_TAG_NAME || (tag == CCM_TAG_SERIAL && link->name[0] == '\0'))
            snprintf(link->name, sizeof link->name, "%.*s", (int)element.len - 1, (const char *)element.ptr + 1);
    }
}

static void link_ready(struct gsup_link *link)
{
    if (link->ready)
        return;
    link->ready = true;
    if (link->on_ready != NULL)
        link->on_ready(link->context);
}

static void ccm_take(struct gsup_link *link, struct span payload)
{
    struct reader r = rd_of(payload);
    switch (rd_u8(&r)) {
    case CCM_PING:
        ccm_send(link, SPAN_LIT("\x01"));
        break;
    case CCM_ID_GET:
        if (!link->server) {
            identity_send(link);
            link_ready(link); /* not every server acknowledges */
        }
        break;
    case CCM_ID_RESP:
        if (link->server) {
            identity_read(link, &r);
            ccm_send(link, SPAN_LIT("\x06"));
            link_ready(link);
        }
        break;
    case CCM_ID_ACK:
        if (!link->server)
            ccm_send(link, SPAN_LIT("\x06"));
        break;
    default:
        break;
    }
}

void gsup_link_start(struct gsup_link *link)
{
    link->ready = false;
    if (link->server)
        ccm_send(link, SPAN_LIT("\x04\x01\x08\x01\x07\x01\x02\x01\x03\x01\x04\x01\x05\x01\x01\x01\x00"));
}

static void gsup_take(struct gsup_link *link, struct span payload, enum err *ret_err)
{
    struct gsup_message m;
    *ret_err = gsup_read(payload, &m);
    if (*ret_err != ERR_NONE)
        return;
    link_ready(link); /* some clients speak before they are acknowledged */
    link->on_message(link->context, &m);
    wipe(&m, sizeof m);
}

size_t gsup_link_input(struct gsup_link *link, struct span in, enum err *ret_err)
{
    struct ipa_frame f;
    size_t taken = 0;
    *ret_err = ERR_NONE;
    while (taken < in.len) {
        *ret_err = ipa_read(span_from(in, taken), &f);
        if (*ret_err != ERR_NONE || f.size == 0)
            break;
        if (f.stream == IPA_STREAM_CCM)
            ccm_take(link, f.payload);
        else if (f.stream == IPA_STREAM_OSMO && f.extension == IPA_EXTENSION_GSUP)
            gsup_take(link, f.payload, ret_err);
        taken += f.size;
        if (*ret_err != ERR_NONE)
            break;
    }
    return taken;
}

enum err gsup_link_send(struct gsup_link *link, const struct gsup_message *m)
{
    WRITER_ON_STACK(w, IPA_FRAME_MAX);
    if (!link->ready)
        return ERR_STATE;
    wr_ipa_gsup(&w, m);
    if (w.err == ERR_NONE)
        link->send(link->context, wr_span(&w));
    wipe(w_memory, w.len);
    return w.err;
}
