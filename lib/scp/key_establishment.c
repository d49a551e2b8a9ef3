#include "key_establishment.h"

#include "lib/crypto/cmac.h"
#include "lib/crypto/kdf.h"
#include "lib/gp/put_key.h"
#include "lib/base/mutant.h"

enum {
    TAG_CRT = 0xA6,
    TAG_SCENARIO = 0x90,
    TAG_USAGE = 0x95,
    TAG_ACCESS = 0x96,
    TAG_KEY_TYPE = 0x80,
    TAG_KEY_LEN = 0x81,
    TAG_KID = 0x82,
    TAG_KVN = 0x83,
    TAG_COUNTER = 0x91,
    TAG_SDIN = 0x45,
    TAG_HOST_ID = 0x84,
    TAG_PUBLIC_KEY = 0x7F49,
    TAG_POINT = 0xB0,
    TAG_CURVE = 0xF0,
    TAG_SIGNATURE = 0x5F37,
    TAG_CHALLENGE = 0x85,
    TAG_RECEIPT = 0x86
};

#define SCENARIO 0x03u

/* ---- CRT */

static struct span id_span(const struct ka_id *id) { return (struct span){ id->value, id->len }; }

/* Shortest form; 0 is empty. */
static void write_counter(struct writer *w, uint64_t counter)
{
    size_t mark = wr_tlv_open(w, TAG_COUNTER);
    for (int shift = 56; shift >= 0; shift -= 8)
        if (counter >> shift)
            wr_u8(w, (uint8_t)(counter >> shift));
    wr_tlv_close(w, mark);
}

void ka_crt_write(struct writer *w, const struct ka_parameters *p)
{
    const uint8_t scenario[] = { SCENARIO, p->parameters };
    size_t mark = wr_tlv_open(w, TAG_CRT);
    wr_tlv(w, TAG_SCENARIO, SPAN_OF(scenario));
    wr_tlv_u8(w, TAG_USAGE, p->usage);
    wr_tlv_u8(w, TAG_KEY_TYPE, p->key_type);
    wr_tlv_u8(w, TAG_KEY_LEN, p->key_len);
    wr_tlv_u8(w, TAG_KID, p->kid);
    wr_tlv_u8(w, TAG_KVN, p->kvn);
    write_counter(w, p->counter);
    if (p->parameters & KA_WITH_HOST_ID) {
        if (p->sdin_in_crt)
            wr_tlv(w, TAG_SDIN, id_span(&p->sdin));
        wr_tlv(w, TAG_HOST_ID, id_span(&p->host_id));
    }
    wr_tlv_close(w, mark);
}

static enum err take_octet(struct span v, uint8_t *ret)
{
    if (v.len != 1)
        return ERR_BAD_LENGTH;
    *ret = v.ptr[0];
    return ERR_NONE;
}

static enum err take_id(struct span v, struct ka_id *ret)
{
    if (v.len == 0 || v.len > KA_ID_MAX)
        return ERR_BAD_LENGTH;
    ret->len = (uint8_t)v.len;
    memcpy(ret->value, v.ptr, v.len);
    return ERR_NONE;
}

static enum err take_scenario(struct span v, struct ka_parameters *p)
{
    if (v.len != 2)
        return ERR_BAD_LENGTH;
    p->parameters = v.ptr[1];
    return v.ptr[0] == SCENARIO && !(v.ptr[1] & 0xF0) ? ERR_NONE : ERR_BAD_VALUE;
}

/* One TLV of the CRT; *bit says which one it was. */
static enum err take_crt_part(const struct tlv *t, struct ka_parameters *p, unsigned *bit)
{
    uint8_t access;
    switch (t->tag) {
    case TAG_SCENARIO:
        *bit = 0x01;
        return take_scenario(t->val, p);
    case TAG_USAGE:
        *bit = 0x02;
        return take_octet(t->val, &p->usage);
    case TAG_KEY_TYPE:
        *bit = 0x04;
        return take_octet(t->val, &p->key_type);
    case TAG_KEY_LEN:
        *bit = 0x08;
        return take_octet(t->val, &p->key_len);
    case TAG_KID:
        *bit = 0x10;
        return take_octet(t->val, &p->kid);
    case TAG_KVN:
        *bit = 0x20;
        return take_octet(t->val, &p->kvn);
    case TAG_COUNTER:
        *bit = 0x40;
        return t->val.len > 8 ? ERR_BAD_LENGTH : span_uint(t->val, &p->counter);
    case TAG_ACCESS:
        *bit = 0x80;
        return take_octet(t->val, &access);
    case TAG_SDIN:
        *bit = 0x100;
        p->sdin_in_crt = true;
        return take_id(t->val, &p->sdin);
    case TAG_HOST_ID:
        *bit = 0x200;
        return take_id(t->val, &p->host_id);
    default:
        return ERR_BAD_TAG;
    }
}

static enum err judge(const struct ka_parameters *p, unsigned seen)
{
    if ((seen & 0x7F) != 0x7F)
        return ERR_MISSING;
    if (((p->parameters & KA_WITH_HOST_ID) != 0) != ((seen & 0x200) != 0))
        return ERR_MISSING;
    bool usage = p->usage == KA_USAGE_THREE_KEYS || p->usage == KA_USAGE_BASE_KEY;
    bool type = p->key_type == KEY_TYPE_AES || p->key_type == KEY_TYPE_PSK_TLS || MUTANT(takes_any_key_type);
    return usage && type && p->key_len == KA_KEY_LEN ? ERR_NONE : ERR_BAD_VALUE;
}

enum err ka_crt_parse(struct span a6_tlv, struct ka_parameters *ret)
{
    struct span body;
    struct reader r = rd_of(a6_tlv);
    struct tlv t;
    if (!tlv_next(&r, &t) || rd_finish(&r) != ERR_NONE)
        return ERR_BAD_LENGTH;
    if (t.tag != TAG_CRT)
        return ERR_BAD_TAG;
    body = t.val;
    r = rd_of(body);
    struct ka_parameters p = { 0 };
    unsigned seen = 0;
    while (tlv_next(&r, &t)) {
        unsigned bit = 0;
        enum err err = take_crt_part(&t, &p, &bit);
        if (err != ERR_NONE)
            return err;
        if (seen & bit && !MUTANT(takes_a_tag_twice))
            return ERR_BAD_TAG;
        seen |= bit;
    }
    enum err err = r.err == ERR_NONE ? judge(&p, seen) : r.err;
    if (err == ERR_NONE)
        *ret = p;
    return err;
}

/* ---- commands */

void ka_certificate_dgi_write(struct writer *w, struct span certificate_7f21)
{
    wr_dgi(w, KA_DGI_CERTIFICATE, certificate_7f21);
}

void ka_public_key_write(struct writer *w, struct span point, uint8_t curve)
{
    size_t mark = wr_tlv_open(w, TAG_PUBLIC_KEY);
    wr_tlv(w, TAG_POINT, point);
    wr_tlv_u8(w, TAG_CURVE, curve);
    wr_tlv_close(w, mark);
}

void ka_to_be_signed_write(struct writer *w, struct span crt, struct span public_key, struct span rc)
{
    wr_dgi(w, KA_DGI_PARAMETERS, crt);
    wr_bytes(w, public_key);
    wr_dgi(w, TAG_CHALLENGE, rc);
}

void ka_command_write(struct writer *w, struct span crt, struct span public_key, struct span signature)
{
    wr_dgi(w, KA_DGI_PARAMETERS, crt);
    wr_bytes(w, public_key);
    wr_tlv(w, TAG_SIGNATURE, signature);
}

/* B0 and F0, or a naked point. */
static enum err parse_public_key(struct span value, struct ka_command *c)
{
    uint8_t curve;
    c->curve = -1;
    c->point = value;
    if (value.len && value.ptr[0] == TAG_POINT) {
        struct span point, f0;
        if (!tlv_find(value, TAG_POINT, &point))
            return ERR_BAD_LENGTH;
        c->point = point;
        if (tlv_find(value, TAG_CURVE, &f0)) {
            enum err err = take_octet(f0, &curve);
            if (err != ERR_NONE)
                return err;
            c->curve = curve;
        }
    }
    c->point_length_ok = c->point.len == KA_POINT_LEN;
    return ERR_NONE;
}

enum err ka_command_parse(struct span dgis, struct ka_command *ret)
{
    struct reader r = rd_of(dgis);
    struct tlv parameters, key, signature;
    if (!dgi_next(&r, &parameters) || !tlv_next(&r, &key) || !tlv_next(&r, &signature))
        return r.err == ERR_NONE ? ERR_MISSING : r.err;
    if (parameters.tag != KA_DGI_PARAMETERS || key.tag != TAG_PUBLIC_KEY || signature.tag != TAG_SIGNATURE)
        return ERR_BAD_TAG;
    struct ka_command c = { .crt = parameters.val, .public_key = key.raw, .signature = signature.val };
    enum err err = rd_finish(&r);
    if (err == ERR_NONE)
        err = parse_public_key(key.val, &c);
    if (err == ERR_NONE)
        *ret = c;
    return err;
}

/* ---- derivation */

static void write_lv(struct writer *w, const struct ka_id *id)
{
    wr_u8(w, id->len);
    wr_bytes(w, id_span(id));
}

void ka_shared_info_write(struct writer *w, const struct ka_parameters *p, struct span dr)
{
    wr_u8(w, MUTANT(derives_for_three_keys) ? KA_USAGE_THREE_KEYS : p->usage);
    wr_u8(w, p->key_type);
    wr_u8(w, p->key_len);
    wr_bytes(w, dr);
    if (p->parameters & KA_WITH_HOST_ID && !MUTANT(ignores_the_host_id)) { /* [?] order: oncard §3.6 */
        write_lv(w, &p->host_id);
        write_lv(w, &p->sin);
        write_lv(w, &p->sdin);
    }
}

enum err ka_derive(struct span shs, const struct ka_parameters *p, struct span dr, struct ka_keys *ret)
{
    WRITER_ON_STACK(info, 3 + KA_CHALLENGE_MAX + 3 * (1 + KA_ID_MAX));
    uint8_t data[KA_KEY_LEN * (1 + KA_KEYS_MAX)];
    struct ka_keys k = { .count = p->usage == KA_USAGE_THREE_KEYS ? 3 : 1 };
    ka_shared_info_write(&info, p, dr);
    enum err err = info.err;
    if (err == ERR_NONE)
        err = kdf_x963(shs, wr_span(&info), data, KA_KEY_LEN * (1 + k.count));
    if (err == ERR_NONE) {
        memcpy(k.receipt_key, data, KA_KEY_LEN);
        memcpy(k.keys, data + KA_KEY_LEN, KA_KEY_LEN * k.count);
        *ret = k;
    }
    wipe(data, sizeof data);
    wipe(&k, sizeof k);
    return err;
}

enum err ka_receipt(const struct ka_keys *k, struct span crt, struct span dr, uint8_t ret[16])
{
    WRITER_ON_STACK(tail, 2 + KA_CHALLENGE_MAX);
    if (dr.len && !MUTANT(receipt_forgets_the_random))
        wr_tlv(&tail, TAG_CHALLENGE, dr);
    if (tail.err != ERR_NONE)
        return tail.err;
    const struct span parts[] = { crt, wr_span(&tail) };
    return cmac_parts(SPAN_OF(k->receipt_key), parts, ARRAY_LEN(parts), ret);
}

/* ---- answers */

void ka_challenge_write(struct writer *w, struct span rc) { wr_tlv(w, TAG_CHALLENGE, rc); }

static bool challenge_ok(struct span rc) { return rc.len == 16 || rc.len == 32; }

enum err ka_challenge_parse(struct span data, struct span *ret_rc)
{
    struct reader r = rd_of(data);
    struct tlv t;
    if (!tlv_next(&r, &t))
        return r.err == ERR_NONE ? ERR_MISSING : r.err;
    if (t.tag != TAG_CHALLENGE)
        return ERR_BAD_TAG;
    if (!challenge_ok(t.val))
        return ERR_BAD_LENGTH;
    enum err err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret_rc = t.val;
    return err;
}

void ka_answer_write(struct writer *w, struct span dr, const uint8_t receipt[16])
{
    if (dr.len)
        wr_tlv(w, TAG_CHALLENGE, dr);
    wr_tlv(w, TAG_RECEIPT, (struct span){ receipt, 16 });
}

enum err ka_answer_parse(struct span data, struct span *ret_dr, struct span *ret_receipt)
{
    struct reader r = rd_of(data);
    struct span dr = SPAN_NONE, receipt = SPAN_NONE;
    struct tlv t;
    while (tlv_next(&r, &t)) {
        struct span *to = t.tag == TAG_CHALLENGE ? &dr : t.tag == TAG_RECEIPT ? &receipt : NULL;
        if (!to || to->len)
            return ERR_BAD_TAG;
        *to = t.val;
    }
    if (r.err != ERR_NONE)
        return r.err;
    if (receipt.len == 0)
        return ERR_MISSING;
    if (receipt.len != 16 || (dr.len && !challenge_ok(dr)))
        return ERR_BAD_LENGTH;
    *ret_dr = dr;
    *ret_receipt = receipt;
    return ERR_NONE;
}

/* ---- off-card */

#define STORED_VERSION 1u

enum err ka_host_init(const struct ka_parameters *p, uint8_t curve, const uint8_t private_key[32],
                      const uint8_t point[KA_POINT_LEN], struct ka_host *ret)
{
    struct ka_host h = { .curve = curve, .sin = p->sin, .sdin = p->sdin };
    struct writer w = wr_of(h.crt, sizeof h.crt);
    ka_crt_write(&w, p);
    if (w.err != ERR_NONE)
        return w.err;
    h.crt_len = (uint8_t)w.len;
    memcpy(h.private_key, private_key, sizeof h.private_key);
    memcpy(h.point, point, sizeof h.point);
    *ret = h;
    wipe(&h, sizeof h);
    return ERR_NONE;
}

void ka_host_write(struct writer *w, const struct ka_host *h)
{
    wr_u8(w, STORED_VERSION);
    wr_u8(w, h->curve);
    wr_u8(w, h->crt_len);
    wr_bytes(w, (struct span){ h->crt, h->crt_len });
    write_lv(w, &h->sin);
    write_lv(w, &h->sdin);
    wr_bytes(w, SPAN_OF(h->private_key));
    wr_bytes(w, SPAN_OF(h->point));
}

static void read_lv(struct reader *r, struct ka_id *ret)
{
    ret->len = rd_u8(r);
    if (ret->len > KA_ID_MAX) {
        ret->len = 0;
        rd_fail(r, ERR_BAD_VALUE);
    }
    rd_copy(r, ret->value, ret->len);
}

enum err ka_host_read(struct span stored, struct ka_host *ret)
{
    struct reader r = rd_of(stored);
    struct ka_host h = { 0 };
    uint8_t version = rd_u8(&r);
    h.curve = rd_u8(&r);
    h.crt_len = rd_u8(&r);
    if (r.err == ERR_NONE && (version != STORED_VERSION || h.crt_len > KA_CRT_MAX))
        return ERR_BAD_VALUE;
    rd_copy(&r, h.crt, h.crt_len);
    read_lv(&r, &h.sin);
    read_lv(&r, &h.sdin);
    rd_copy(&r, h.private_key, sizeof h.private_key);
    rd_copy(&r, h.point, sizeof h.point);
    enum err err = rd_finish(&r);
    if (err == ERR_NONE)
        *ret = h;
    wipe(&h, sizeof h);
    return err;
}

static struct span host_crt(const struct ka_host *h) { return (struct span){ h->crt, h->crt_len }; }

#define PUBLIC_KEY_TLV_MAX 80u

void ka_host_to_be_signed(struct writer *w, const struct ka_host *h, struct span rc)
{
    WRITER_ON_STACK(key, PUBLIC_KEY_TLV_MAX);
    ka_public_key_write(&key, SPAN_OF(h->point), h->curve);
    ka_to_be_signed_write(w, host_crt(h), wr_span(&key), rc);
}

void ka_host_command(struct writer *w, const struct ka_host *h, struct span signature)
{
    WRITER_ON_STACK(key, PUBLIC_KEY_TLV_MAX);
    ka_public_key_write(&key, SPAN_OF(h->point), h->curve);
    ka_command_write(w, host_crt(h), wr_span(&key), signature);
}

static enum err shared_secret(uint8_t curve, struct span scalar, struct span point, uint8_t ret[EC_FIELD_LEN])
{
    return ec_curve_known(curve) ? ec_scalar_shared_x((enum ec_curve)curve, scalar, point, ret) : ERR_UNSUPPORTED;
}

enum err ka_host_finish(const struct ka_host *h, struct span pk_ecasd, struct span answer, struct ka_keys *ret)
{
    struct span dr, receipt;
    struct ka_parameters p;
    uint8_t shs[EC_FIELD_LEN], want[16];
    struct ka_keys k;
    enum err err = ka_answer_parse(answer, &dr, &receipt);
    if (err == ERR_NONE)
        err = ka_crt_parse(host_crt(h), &p);
    if (err != ERR_NONE)
        return err;
    p.sin = h->sin;
    p.sdin = h->sdin;
    if ((dr.len != 0) != ((p.parameters & KA_WITH_DR) != 0))
        return dr.len ? ERR_BAD_TAG : ERR_MISSING;
    err = shared_secret(h->curve, SPAN_OF(h->private_key), pk_ecasd, shs);
    if (err == ERR_NONE)
        err = ka_derive(SPAN_OF(shs), &p, dr, &k);
    wipe(shs, sizeof shs);
    if (err != ERR_NONE)
        return err;
    err = ka_receipt(&k, host_crt(h), dr, want);
    if (err == ERR_NONE && !span_eq_ct(SPAN_OF(want), receipt))
        err = ERR_VERIFY;
    if (err == ERR_NONE)
        *ret = k;
    wipe(&k, sizeof k);
    return err;
}

/* ---- card */

enum err ka_card_finish(const struct ka_command *c, const struct ka_parameters *p, uint8_t curve, struct span sk_ecasd,
                        struct span dr, struct ka_keys *ret, struct writer *answer)
{
    uint8_t shs[EC_FIELD_LEN], receipt[16];
    struct ka_keys k;
    if (c->curve >= 0 && c->curve != curve)
        return ERR_BAD_VALUE;
    if ((dr.len != 0) != ((p->parameters & KA_WITH_DR) != 0))
        return ERR_BAD_LENGTH;
    enum err err = shared_secret(curve, sk_ecasd, c->point, shs);
    if (err == ERR_NONE)
        err = ka_derive(SPAN_OF(shs), p, dr, &k);
    wipe(shs, sizeof shs);
    if (err != ERR_NONE)
        return err;
    err = ka_receipt(&k, c->crt, dr, receipt);
    if (err == ERR_NONE)
        ka_answer_write(answer, dr, receipt);
    if (err == ERR_NONE)
        err = answer->err;
    if (err == ERR_NONE)
        *ret = k;
    wipe(&k, sizeof k);
    return err;
}
