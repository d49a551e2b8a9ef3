#include "gp_certificate.h"

#include <stdio.h>
#include <time.h>

#include "lib/codec/ber_tlv.h"
#include "lib/crypto/sha256.h"

enum {
    TAG_CERTIFICATE = 0x7F21,
    TAG_SERIAL = 0x93,
    TAG_CA_ID = 0x42,
    TAG_SUBJECT_ID = 0x5F20,
    TAG_KEY_USAGE = 0x95,
    TAG_EFFECTIVE = 0x5F25,
    TAG_EXPIRATION = 0x5F24,
    TAG_IMAGE_NUMBER = 0x45,
    TAG_DISCRETIONARY = 0x73,
    TAG_ROLE = 0xC8,
    TAG_AUTHORITY_KEY_ID = 0xC9,
    TAG_PUBLIC_KEY = 0x7F49,
    TAG_POINT = 0xB0,
    TAG_CURVE = 0xF0,
    TAG_SIGNATURE = 0x5F37
};

/* ---- decode ---- */

static enum err read_id(struct span val, struct span *ret)
{
    if (val.len == 0 || val.len > GP_CERTIFICATE_ID_MAX)
        return ERR_BAD_LENGTH;
    *ret = val;
    return ERR_NONE;
}

static enum err read_usage(struct span val, struct gp_certificate *c)
{
    uint64_t usage;
    if (val.len < 1 || val.len > 2)
        return ERR_BAD_LENGTH;
    enum err err = span_uint(val, &usage);
    c->key_usage = (uint16_t)usage;
    c->key_usage_len = (uint8_t)val.len;
    return err;
}

static bool is_bcd_date(struct span val)
{
    for (size_t i = 0; i < val.len; i++)
        if (val.ptr[i] >> 4 > 9 || (val.ptr[i] & 0x0F) > 9)
            return false;
    return val.ptr[2] >= 0x01 && val.ptr[2] <= 0x12 && val.ptr[3] >= 0x01 && val.ptr[3] <= 0x31;
}

static enum err read_date(struct span val, uint8_t out[4])
{
    if (val.len != 4)
        return ERR_BAD_LENGTH;
    if (!is_bcd_date(val))
        return ERR_BAD_VALUE;
    memcpy(out, val.ptr, 4);
    return ERR_NONE;
}

static enum err read_role(struct span val, enum gp_role *ret)
{
    if (val.len != 1)
        return ERR_BAD_LENGTH;
    if (val.ptr[0] != GP_ROLE_SM_DP && val.ptr[0] != GP_ROLE_SM_SR)
        return ERR_BAD_VALUE;
    *ret = (enum gp_role)val.ptr[0];
    return ERR_NONE;
}

static enum err read_authority(struct span val, struct gp_certificate *c)
{
    if (c->authority_key_id.len)
        return ERR_BAD_TAG;
    if (val.len == 0)
        return ERR_BAD_LENGTH;
    c->authority_key_id = val;
    return ERR_NONE;
}

static enum err read_discretionary(struct span val, struct gp_certificate *c)
{
    struct reader r = rd_of(val);
    struct tlv t;
    enum err err = ERR_NONE;
    c->discretionary = val;
    while (err == ERR_NONE && tlv_next(&r, &t)) {
        if (t.tag == TAG_ROLE)
            err = c->role == GP_ROLE_NONE ? read_role(t.val, &c->role) : ERR_BAD_TAG;
        else if (t.tag == TAG_AUTHORITY_KEY_ID)
            err = read_authority(t.val, c);
    }
    return err == ERR_NONE ? r.err : err;
}

static enum err read_public_key(struct span val, struct gp_certificate *c)
{
    struct reader r = rd_of(val);
    struct tlv t;
    bool curve_seen = false;
    while (tlv_next(&r, &t)) {
        if (t.tag == TAG_POINT && !c->point.len) {
            c->point = t.val;
        } else if (t.tag == TAG_CURVE && !curve_seen) {
            if (t.val.len != 1)
                return ERR_BAD_LENGTH;
            if (!ec_curve_known(t.val.ptr[0]))
                return ERR_UNSUPPORTED;
            c->curve = (enum ec_curve)t.val.ptr[0];
            curve_seen = true;
        } else {
            return ERR_BAD_TAG;
        }
    }
    if (r.err != ERR_NONE)
        return r.err;
    return c->point.len && curve_seen ? ERR_NONE : ERR_MISSING;
}

static enum err read_signature(struct span val, struct gp_certificate *c)
{
    c->signature = val;
    return ERR_NONE;
}

static enum err read_serial(struct span val, struct gp_certificate *c) { return read_id(val, &c->serial); }
static enum err read_ca_id(struct span val, struct gp_certificate *c) { return read_id(val, &c->ca_id); }
static enum err read_subject(struct span val, struct gp_certificate *c) { return read_id(val, &c->subject_id); }
static enum err read_image(struct span val, struct gp_certificate *c) { return read_id(val, &c->image_number); }
static enum err read_expiration(struct span val, struct gp_certificate *c) { return read_date(val, c->expiration); }

static enum err read_effective(struct span val, struct gp_certificate *c)
{
    c->has_effective = true;
    return read_date(val, c->effective);
}

static const struct field {
    uint32_t tag;
    bool mandatory;
    enum err (*read)(struct span val, struct gp_certificate *c);
} fields[] = {
    { TAG_SERIAL, true, read_serial },         { TAG_CA_ID, true, read_ca_id },
    { TAG_SUBJECT_ID, true, read_subject },    { TAG_KEY_USAGE, true, read_usage },
    { TAG_EFFECTIVE, false, read_effective },  { TAG_EXPIRATION, true, read_expiration },
    { TAG_IMAGE_NUMBER, false, read_image },   { TAG_DISCRETIONARY, true, read_discretionary },
    { TAG_PUBLIC_KEY, true, read_public_key }, { TAG_SIGNATURE, true, read_signature },
};

static size_t field_index(uint32_t tag)
{
    size_t i = 0;
    while (i < ARRAY_LEN(fields) && fields[i].tag != tag)
        i++;
    return i;
}

static enum err mandatory_seen(unsigned seen)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].mandatory && !(seen & 1u << i))
            return ERR_MISSING;
    return ERR_NONE;
}

/* The signature comes last and covers all before it. */
static enum err body_decode(struct span body, struct gp_certificate *c)
{
    struct reader r = rd_of(body);
    struct tlv t;
    unsigned seen = 0;
    while (tlv_next(&r, &t)) {
        size_t i = field_index(t.tag);
        if (i == ARRAY_LEN(fields) || seen & 1u << i || seen & 1u << field_index(TAG_SIGNATURE))
            return ERR_BAD_TAG;
        enum err err = fields[i].read(t.val, c);
        if (err != ERR_NONE)
            return err;
        if (t.tag == TAG_SIGNATURE)
            c->signed_part = span_sub(body, 0, (size_t)(t.raw.ptr - body.ptr));
        seen |= 1u << i;
    }
    return r.err != ERR_NONE ? r.err : mandatory_seen(seen);
}

enum err gp_certificate_decode(struct span in, struct gp_certificate *ret)
{
    struct reader r = rd_of(in);
    struct gp_certificate c = { 0 };
    struct tlv t;
    if (in.len > GP_CERTIFICATE_MAX)
        return ERR_TOO_LONG;
    if (!tlv_next(&r, &t))
        return r.err != ERR_NONE ? r.err : ERR_MISSING;
    if (t.tag != TAG_CERTIFICATE || !rd_at_end(&r))
        return ERR_BAD_TAG;
    c.raw = t.raw;
    enum err err = body_decode(t.val, &c);
    if (err == ERR_NONE)
        *ret = c;
    return err;
}

/* ---- encode ---- */

static bool id_fits(struct span id) { return id.len != 0 && id.len <= GP_CERTIFICATE_ID_MAX; }

static enum err fields_fit(const struct gp_certificate *c)
{
    if (!id_fits(c->serial) || !id_fits(c->ca_id) || !id_fits(c->subject_id) || c->point.len != EC_POINT_LEN ||
        c->key_usage_len < 1 || c->key_usage_len > 2 || c->image_number.len > GP_CERTIFICATE_ID_MAX)
        return ERR_BAD_LENGTH;
    if (!is_bcd_date(SPAN_OF(c->expiration)) || (c->has_effective && !is_bcd_date(SPAN_OF(c->effective))))
        return ERR_BAD_VALUE;
    return ERR_NONE;
}

static void wr_discretionary(struct writer *w, const struct gp_certificate *c)
{
    size_t mark = wr_tlv_open(w, TAG_DISCRETIONARY);
    if (c->role != GP_ROLE_NONE)
        wr_tlv_u8(w, TAG_ROLE, (uint8_t)c->role);
    if (c->authority_key_id.len)
        wr_tlv(w, TAG_AUTHORITY_KEY_ID, c->authority_key_id);
    wr_bytes(w, c->discretionary);
    wr_tlv_close(w, mark);
}

static void wr_public_key(struct writer *w, const struct gp_certificate *c)
{
    size_t mark = wr_tlv_open(w, TAG_PUBLIC_KEY);
    wr_tlv(w, TAG_POINT, c->point);
    wr_tlv_u8(w, TAG_CURVE, (uint8_t)c->curve);
    wr_tlv_close(w, mark);
}

enum err gp_certificate_to_sign(const struct gp_certificate *c, struct writer *out)
{
    const uint8_t usage[2] = { (uint8_t)(c->key_usage >> 8), (uint8_t)c->key_usage };
    enum err err = fields_fit(c);
    if (err != ERR_NONE)
        return err;
    wr_tlv(out, TAG_SERIAL, c->serial);
    wr_tlv(out, TAG_CA_ID, c->ca_id);
    wr_tlv(out, TAG_SUBJECT_ID, c->subject_id);
    wr_tlv(out, TAG_KEY_USAGE, span_from(SPAN_OF(usage), 2u - c->key_usage_len));
    if (c->has_effective)
        wr_tlv(out, TAG_EFFECTIVE, SPAN_OF(c->effective));
    wr_tlv(out, TAG_EXPIRATION, SPAN_OF(c->expiration));
    if (c->image_number.len)
        wr_tlv(out, TAG_IMAGE_NUMBER, c->image_number);
    wr_discretionary(out, c);
    wr_public_key(out, c);
    return out->err;
}

void gp_certificate_close(struct span to_sign, struct span signature, struct writer *out)
{
    size_t mark = wr_tlv_open(out, TAG_CERTIFICATE);
    wr_bytes(out, to_sign);
    wr_tlv(out, TAG_SIGNATURE, signature);
    wr_tlv_close(out, mark);
}

enum err gp_certificate_issue(const struct gp_certificate *c, struct ec_key *issuer, struct writer *out)
{
    uint8_t signature[EC_SIGNATURE_LEN];
    WRITER_ON_STACK(to_sign, GP_CERTIFICATE_MAX);
    enum err err = gp_certificate_to_sign(c, &to_sign);
    if (err == ERR_NONE)
        err = ec_sign(issuer, wr_span(&to_sign), signature);
    if (err != ERR_NONE)
        return err;
    gp_certificate_close(wr_span(&to_sign), SPAN_OF(signature), out);
    return out->err;
}

/* ---- judge ---- */

enum err gp_certificate_verify(const struct gp_certificate *c, struct ec_key *issuer)
{
    return ec_verify(issuer, c->signed_part, c->signature);
}

void gp_date(uint64_t at_ms, uint8_t ret_bcd[4])
{
    time_t at = (time_t)(at_ms / 1000);
    struct tm tm;
    unsigned number[4];
    gmtime_r(&at, &tm);
    number[0] = (unsigned)(tm.tm_year + 1900) / 100 % 100;
    number[1] = (unsigned)(tm.tm_year + 1900) % 100;
    number[2] = (unsigned)tm.tm_mon + 1;
    number[3] = (unsigned)tm.tm_mday;
    for (size_t i = 0; i < 4; i++)
        ret_bcd[i] = (uint8_t)(number[i] / 10 << 4 | number[i] % 10);
}

/* BCD dates compare like octets. */
enum err gp_certificate_valid_at(const struct gp_certificate *c, uint64_t now_ms)
{
    uint8_t today[4];
    gp_date(now_ms, today);
    if (memcmp(today, c->expiration, 4) > 0 || (c->has_effective && memcmp(today, c->effective, 4) < 0))
        return ERR_EXPIRED;
    return ERR_NONE;
}

enum err gp_certificate_is_for(const struct gp_certificate *c, enum gp_role role)
{
    bool verifies = c->key_usage_len == 1 && (c->key_usage == GP_USAGE_VERIFY || c->key_usage == GP_USAGE_VERIFY_OLD);
    return verifies && c->role == role ? ERR_NONE : ERR_BAD_VALUE;
}

enum err gp_certificate_key(const struct gp_certificate *c, struct ec_key **ret)
{
    return ec_public_new(c->curve, c->point, ret);
}

enum err gp_ski(const struct ec_key *key, uint8_t ret_ski[GP_SKI_LEN])
{
    uint8_t point[EC_POINT_LEN];
    ec_key_point(key, point);
    return sha1(SPAN_OF(point), ret_ski);
}
