/* CreateISDP, DELETE in its three uses, and the default notification. */
#include "es5.h"

#include "lib/gp/install.h"
#include "lib/base/mutant.h"

#define LE 256u

uint16_t es5_sw(enum err err)
{
    switch (err) {
    case ERR_NONE:
        return SW_OK;
    case ERR_NOT_FOUND:
        return SW_NOT_FOUND;
    case ERR_STATE:
        return SW_CONDITIONS;
    case ERR_DENIED:
        return SW_POL1;
    case ERR_VERIFY:
        return SW_SECURITY_STATUS;
    case ERR_NO_SPACE:
    case ERR_NO_MEMORY:
        return SW_NO_MEMORY;
    case ERR_IO:
        return SW_MEMORY_FAILURE;
    default:
        return SW_WRONG_DATA;
    }
}

/* ---- CreateISDP */

/* Security Domain, Trusted Path, Authorized Management. */
static const uint8_t isdp_privileges[] = { 0x80, 0xC0, 0x00 };
/* SCP identifiers: SCP03 with i = 70. */
static const uint8_t scp_list[] = { 0x81, 0x02, 0x03, 0x70 };
enum { TAG_SYSTEM = 0xEF, TAG_NON_VOLATILE = 0x83, TAG_APPLICATION = 0xC9 };

static void write_u32_tlv(struct writer *w, uint32_t tag, uint32_t value)
{
    size_t mark = wr_tlv_open(w, tag);
    wr_u32(w, value);
    wr_tlv_close(w, mark);
}

static enum err take_u32(struct span v, uint32_t *ret)
{
    uint64_t n;
    enum err err = v.len ? span_uint(v, &n) : ERR_BAD_LENGTH;
    if (err == ERR_NONE && n > UINT32_MAX)
        err = ERR_BAD_VALUE;
    if (err == ERR_NONE)
        *ret = (uint32_t)n;
    return err;
}

void es5_create_isdp_write(struct writer *w, const struct es5_create_isdp *c)
{
    WRITER_ON_STACK(parameters, 32);
    if (c->memory) {
        size_t mark = wr_tlv_open(&parameters, TAG_SYSTEM);
        write_u32_tlv(&parameters, TAG_NON_VOLATILE, c->memory);
        wr_tlv_close(&parameters, mark);
    }
    wr_tlv(&parameters, TAG_APPLICATION, SPAN_OF(scp_list));
    struct install i = { INSTALL_FOR_INSTALL_AND_MAKE_SELECTABLE,
                         aid_span(&AID_ISDP_LOADFILE),
                         aid_span(&AID_ISDP_MODULE),
                         aid_span(&c->isdp),
                         SPAN_OF(isdp_privileges),
                         wr_span(&parameters),
                         SPAN_NONE };
    install_write(w, &i, LE);
}

static enum err take_parameters(struct span parameters, struct es5_create_isdp *c)
{
    struct reader r = rd_of(parameters);
    bool has_c9 = false;
    struct tlv t;
    while (tlv_next(&r, &t)) {
        struct span memory;
        if (t.tag == TAG_APPLICATION)
            has_c9 = true;
        else if (t.tag == TAG_SYSTEM && tlv_find(t.val, TAG_NON_VOLATILE, &memory)) {
            enum err err = take_u32(memory, &c->memory);
            if (err != ERR_NONE)
                return err;
        }
    }
    return r.err != ERR_NONE ? r.err : has_c9 || MUTANT(needs_no_c9) ? ERR_NONE : ERR_MISSING;
}

enum err es5_create_isdp_parse(const struct capdu *c, struct es5_create_isdp *ret)
{
    struct install i;
    struct es5_create_isdp out = { 0 };
    enum err err = install_parse(c, &i);
    if (err != ERR_NONE)
        return err;
    if (i.p1 != INSTALL_FOR_INSTALL_AND_MAKE_SELECTABLE)
        return ERR_UNSUPPORTED;
    if ((!span_eq(i.load_file, aid_span(&AID_ISDP_LOADFILE)) && !MUTANT(takes_any_load_file)) ||
        !span_eq(i.module, aid_span(&AID_ISDP_MODULE)))
        return ERR_NOT_FOUND;
    if (!aid_set(&out.isdp, i.application) || !aid_is_isdp(&out.isdp))
        return ERR_BAD_VALUE;
    if (!span_eq(i.privileges, SPAN_OF(isdp_privileges)) && !MUTANT(takes_any_privileges))
        return ERR_BAD_VALUE;
    err = take_parameters(i.parameters, &out);
    if (err == ERR_NONE)
        *ret = out;
    return err;
}

/* ---- DELETE */

enum { DELETE_P2_KEYS = 0x00, DELETE_P2_ROOT = 0x40 };
enum {
    TAG_AID = 0x4F,
    TAG_TOKEN_DATA = 0xB6,
    TAG_TOKEN = 0x9E,
    TAG_SIN = 0x42,
    TAG_SDIN = 0x45,
    TAG_PROVIDER = 0x5F20,
    TAG_TOKEN_ID = 0x93,
    TAG_KEY_RANGE = 0xF2,
    TAG_KEY_ID = 0xD0,
    TAG_KEY_VERSION = 0xD2
};

/* 4F … and, for a master delete, B6 {…}: also what the token covers. */
static void write_delete_body(struct writer *w, const struct es5_delete *d)
{
    wr_tlv(w, TAG_AID, aid_span(&d->isdp));
    if (d->kind != ES5_DELETE_MASTER)
        return;
    size_t mark = wr_tlv_open(w, TAG_TOKEN_DATA);
    wr_tlv(w, TAG_SIN, d->master.sin);
    wr_tlv(w, TAG_SDIN, d->master.sdin);
    wr_tlv(w, TAG_PROVIDER, d->master.provider);
    wr_tlv(w, TAG_TOKEN_ID, d->master.token_id);
    wr_tlv_close(w, mark);
}

static void write_key_ranges(struct writer *w, const struct es5_delete *d)
{
    for (size_t i = 0; i < d->range_count && i < ES5_KEY_RANGES_MAX; i++) {
        const struct es5_key_range *k = &d->ranges[i];
        const uint8_t range[] = { k->kvn, k->first_kid, k->last_kid };
        wr_tlv(w, TAG_KEY_RANGE, SPAN_OF(range));
    }
}

void es5_delete_write(struct writer *w, const struct es5_delete *d)
{
    WRITER_ON_STACK(body, APDU_SHORT_DATA_MAX);
    uint8_t p2 = d->kind == ES5_DELETE_KEYS ? DELETE_P2_KEYS : DELETE_P2_ROOT;
    if (d->kind == ES5_DELETE_KEYS)
        write_key_ranges(&body, d);
    else
        write_delete_body(&body, d);
    if (d->kind == ES5_DELETE_MASTER)
        wr_tlv(&body, TAG_TOKEN, d->master.token);
    if (body.err != ERR_NONE)
        wr_fail(w, body.err);
    capdu_write(w, &(struct capdu){ CLA_GP, INS_DELETE, 0, p2, wr_span(&body), LE, false });
}

void es5_token_input_write(struct writer *w, const struct es5_delete *d)
{
    WRITER_ON_STACK(body, APDU_SHORT_DATA_MAX);
    if (d->master.signed_data.len)
        wr_bytes(&body, d->master.signed_data);
    else
        write_delete_body(&body, d);
    if (body.err != ERR_NONE)
        wr_fail(w, body.err);
    wr_u8(w, 0);
    wr_u8(w, DELETE_P2_ROOT);
    wr_u8(w, (uint8_t)body.len);
    wr_bytes(w, wr_span(&body));
}

static enum err take_token_data(struct span value, struct es5_master *m)
{
    struct reader r = rd_of(value);
    struct tlv t;
    while (tlv_next(&r, &t)) {
        struct span *to = t.tag == TAG_SIN        ? &m->sin
                          : t.tag == TAG_SDIN     ? &m->sdin
                          : t.tag == TAG_PROVIDER ? &m->provider
                          : t.tag == TAG_TOKEN_ID ? &m->token_id
                                                  : NULL;
        if (!to || to->len)
            return ERR_BAD_TAG;
        if (t.val.len == 0 || t.val.len > 16)
            return ERR_BAD_LENGTH;
        *to = t.val;
    }
    if (r.err != ERR_NONE)
        return r.err;
    return m->sin.len && m->sdin.len && m->provider.len && m->token_id.len ? ERR_NONE : ERR_MISSING;
}

static enum err parse_delete_isdp(struct span data, struct es5_delete *d)
{
    struct reader r = rd_of(data);
    struct tlv t;
    while (tlv_next(&r, &t)) {
        enum err err = ERR_NONE;
        if (t.tag == TAG_AID && !d->isdp.len)
            err = aid_set(&d->isdp, t.val) ? ERR_NONE : ERR_BAD_LENGTH;
        else if (t.tag == TAG_TOKEN_DATA && !d->master.sin.len)
            err = take_token_data(t.val, &d->master);
        else if (t.tag == TAG_TOKEN && !d->master.token.len)
            d->master.token = t.val;
        else
            err = ERR_BAD_TAG;
        if (err != ERR_NONE)
            return err;
        if (t.tag != TAG_TOKEN)
            d->master.signed_data = (struct span){ data.ptr, (size_t)(r.pos - data.ptr) };
    }
    if (r.err != ERR_NONE)
        return r.err;
    if (!d->isdp.len || (d->master.token.len != 0) != (d->master.sin.len != 0))
        return ERR_MISSING;
    if (d->master.token.len && d->master.token.len != 16)
        return ERR_BAD_LENGTH;
    d->kind = d->master.token.len ? ES5_DELETE_MASTER : ES5_DELETE_PROFILE;
    return ERR_NONE;
}

static enum err take_key_range(const struct tlv *t, struct es5_delete *d)
{
    if (d->range_count == ES5_KEY_RANGES_MAX)
        return ERR_TOO_LONG;
    struct es5_key_range *k = &d->ranges[d->range_count];
    if (t->tag == TAG_KEY_RANGE && t->val.len == 3)
        *k = (struct es5_key_range){ t->val.ptr[0], t->val.ptr[1], t->val.ptr[2] };
    else if (t->tag == TAG_KEY_VERSION && t->val.len == 1)
        *k = (struct es5_key_range){ t->val.ptr[0], 0x00, 0x7F };
    else
        return t->tag == TAG_KEY_RANGE || t->tag == TAG_KEY_VERSION ? ERR_BAD_LENGTH : ERR_BAD_TAG;
    d->range_count++;
    return ERR_NONE;
}

/* F2 ranges; GlobalPlatform's D2 (version) with an optional D0 (identifier) is understood too. */
static enum err parse_delete_keys(struct span data, struct es5_delete *d)
{
    struct reader r = rd_of(data);
    struct tlv t;
    struct span id;
    d->kind = ES5_DELETE_KEYS;
    bool has_id = tlv_find(data, TAG_KEY_ID, &id);
    while (tlv_next(&r, &t)) {
        enum err err = t.tag == TAG_KEY_ID ? ERR_NONE : take_key_range(&t, d);
        if (err != ERR_NONE)
            return err;
    }
    if (r.err != ERR_NONE)
        return r.err;
    if (has_id && (d->range_count != 1 || id.len != 1))
        return ERR_BAD_VALUE;
    if (has_id)
        d->ranges[0].first_kid = d->ranges[0].last_kid = id.ptr[0];
    return d->range_count ? ERR_NONE : ERR_MISSING;
}

enum err es5_delete_parse(const struct capdu *c, struct es5_delete *ret)
{
    struct es5_delete d = { 0 };
    if (c->ins != INS_DELETE || c->p1 != 0)
        return ERR_BAD_VALUE;
    bool isdp = c->data.len && c->data.ptr[0] == TAG_AID;
    enum err err = isdp ? parse_delete_isdp(c->data, &d) : parse_delete_keys(c->data, &d);
    if (err == ERR_NONE)
        *ret = d;
    return err;
}

/* ---- notification */

enum {
    TAG_NOTIFICATION = 0xE1,
    TAG_EID = 0x4C,
    TAG_TYPE = 0x4D,
    TAG_SEQUENCE = 0x4E,
    TAG_CAT_AID = 0x2F,
    TAG_IMEI = 0x14,
    TAG_MEID = 0x6D,
    TAG_MEID_OTHER = 0x1B,
    COMPREHENSION = 0x80
};

void es5_notification_write(struct writer *w, const struct es5_notification *n)
{
    size_t mark = wr_tlv_open(w, TAG_NOTIFICATION);
    const uint8_t sequence[] = { (uint8_t)(n->sequence >> 8), (uint8_t)n->sequence };
    wr_tlv(w, TAG_EID, eid_span(&n->eid));
    wr_tlv_u8(w, TAG_TYPE, n->type);
    wr_tlv(w, TAG_SEQUENCE, SPAN_OF(sequence));
    wr_tlv(w, TAG_CAT_AID, aid_span(&n->isdp));
    if (n->has_imei)
        wr_tlv(w, TAG_IMEI, SPAN_OF(n->imei));
    if (n->has_meid)
        wr_tlv(w, TAG_MEID, SPAN_OF(n->meid));
    wr_tlv_close(w, mark);
}

static bool copy_exact(uint8_t *out, struct span from, size_t len)
{
    if (from.len == len)
        memcpy(out, from.ptr, len);
    return from.len == len;
}

/* One object of E1. *bit: which; 0 for one we do not know and pass over. */
static enum err take_notification_part(const struct tlv *t, struct es5_notification *n, unsigned *bit)
{
    uint8_t sequence[2];
    bool good = true;
    *bit = 0;
    switch (t->tag) {
    case TAG_EID:
        *bit = 1;
        return eid_from_octets(t->val, &n->eid);
    case TAG_TYPE:
        *bit = 2;
        good = copy_exact(&n->type, t->val, 1);
        break;
    case TAG_SEQUENCE:
        *bit = 4;
        good = copy_exact(sequence, t->val, 2);
        if (good)
            n->sequence = (uint16_t)(sequence[0] << 8 | sequence[1]);
        good = good && (n->sequence || !MUTANT(refuses_number_nought));
        break;
    case TAG_AID:
    case TAG_CAT_AID:
    case TAG_CAT_AID | COMPREHENSION:
        *bit = 8;
        good = aid_set(&n->isdp, t->val);
        break;
    case TAG_IMEI:
    case TAG_IMEI | COMPREHENSION:
        *bit = 16;
        good = n->has_imei = copy_exact(n->imei, t->val, 8);
        break;
    case TAG_MEID:
    case TAG_MEID | COMPREHENSION:
    case TAG_MEID_OTHER:
        *bit = 32;
        good = n->has_meid = copy_exact(n->meid, t->val, 7);
        break;
    default:
        break;
    }
    return good ? ERR_NONE : ERR_BAD_LENGTH;
}

enum err es5_notification_parse(struct span bytes, struct es5_notification *ret)
{
    struct reader r = rd_of(bytes);
    struct es5_notification n = { 0 };
    struct tlv t;
    if (!tlv_next(&r, &t))
        return r.err == ERR_NONE ? ERR_MISSING : r.err;
    if (t.tag != TAG_NOTIFICATION)
        return ERR_BAD_TAG;
    if (rd_finish(&r) != ERR_NONE)
        return ERR_TOO_LONG;
    r = rd_of(t.val);
    unsigned seen = 0, bit;
    while (tlv_next(&r, &t)) {
        enum err err = take_notification_part(&t, &n, &bit);
        if (err != ERR_NONE)
            return err;
        if (seen & bit)
            return ERR_BAD_TAG;
        seen |= bit;
    }
    if (r.err != ERR_NONE)
        return r.err;
    if ((seen & 15) != 15)
        return ERR_MISSING;
    *ret = n;
    return ERR_NONE;
}

const char *es5_notification_text(uint8_t type)
{
    switch (type) {
    case ES5_FIRST_ATTACH:
        return "first network attachment";
    case ES5_CHANGE_SUCCEEDED:
        return "profile change succeeded";
    case ES5_CHANGE_ROLLED_BACK:
        return "profile change failed, rolled back";
    case ES5_FALLBACK:
        return "profile change by the fall-back mechanism";
    case ES5_LOCAL_ENABLE:
        return "local enabling";
    case ES5_LOCAL_DISABLE:
        return "local disabling";
    default:
        return "unknown notification";
    }
}
