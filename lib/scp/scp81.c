#include "scp81.h"

#include <stdio.h>

#include "lib/codec/ber_tlv.h"
#include "lib/codec/hex.h"

/* ---- PSK identity */

enum { ID_VERSION = 0x80, ID_EID = 0x81, ID_AID = 0x4F, ID_KID = 0x82, ID_KVN = 0x83 };

void scp81_identity_write(struct writer *w, const struct scp81_identity *id)
{
    WRITER_ON_STACK(b, SCP81_IDENTITY_MAX / 2);
    wr_tlv_u8(&b, ID_VERSION, 0x02);
    wr_tlv(&b, ID_EID, SPAN_OF(id->eid));
    wr_tlv(&b, ID_AID, (struct span){ id->aid, id->aid_len ? id->aid_len : sizeof id->aid });
    wr_tlv_u8(&b, ID_KID, id->kid);
    wr_tlv_u8(&b, ID_KVN, id->kvn);
    wr_hex(w, wr_span(&b));
}

static bool copy_exact(uint8_t *out, struct span from, size_t len)
{
    if (from.len != len)
        return false;
    memcpy(out, from.ptr, len);
    return true;
}

enum err scp81_identity_parse(struct span text, struct scp81_identity *ret)
{
    uint8_t octets[SCP81_IDENTITY_MAX / 2];
    size_t len;
    enum err err = hex_read(text, octets, sizeof octets, &len);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of((struct span){ octets, len });
    struct scp81_identity id = { 0 };
    unsigned seen = 0;
    struct tlv t;
    while (tlv_next(&r, &t)) {
        unsigned bit;
        bool good = true;
        uint8_t version;
        switch (t.tag) {
        case ID_VERSION:
            bit = 1;
            good = copy_exact(&version, t.val, 1);
            break;
        case ID_EID:
            bit = 2;
            good = copy_exact(id.eid, t.val, sizeof id.eid);
            break;
        case ID_AID:
            bit = 4;
            good = t.val.len >= 5 && t.val.len <= sizeof id.aid && copy_exact(id.aid, t.val, t.val.len);
            id.aid_len = (uint8_t)t.val.len;
            break;
        case ID_KID:
            bit = 8;
            good = copy_exact(&id.kid, t.val, 1);
            break;
        case ID_KVN:
            bit = 16;
            good = copy_exact(&id.kvn, t.val, 1);
            break;
        default:
            return ERR_BAD_TAG;
        }
        if (!good)
            return ERR_BAD_LENGTH;
        if (seen & bit)
            return ERR_BAD_TAG;
        seen |= bit;
    }
    if (r.err != ERR_NONE)
        return r.err;
    if ((seen & 30) != 30)
        return ERR_MISSING;
    *ret = id;
    return ERR_NONE;
}

/* ---- triggering message */

enum {
    PUSH_TRIGGER = 0x81,
    PUSH_SESSION = 0x83,
    PUSH_CONNECTION = 0x84,
    PUSH_SECURITY = 0x85,
    PUSH_SECURITY_C = 0xA5,
    PUSH_RETRY = 0x86,
    PUSH_HTTP = 0x89,
    PUSH_DNS = 0xB3,
    HTTP_HOST = 0x8A,
    HTTP_AGENT = 0x8B,
    HTTP_URI = 0x8C
};

static void write_security(struct writer *w, const struct scp81_trigger *t)
{
    if (t->security.len) {
        wr_tlv(w, PUSH_SECURITY, t->security);
        return;
    }
    if (!t->has_key)
        return;
    size_t mark = wr_tlv_open(w, PUSH_SECURITY);
    wr_u8(w, (uint8_t)t->psk_identity.len);
    wr_bytes(w, t->psk_identity);
    wr_u8(w, 2);
    wr_u8(w, t->kvn);
    wr_u8(w, t->kid);
    wr_tlv_close(w, mark);
}

static void write_retry(struct writer *w, const struct scp81_trigger *t)
{
    size_t mark = wr_tlv_open(w, PUSH_RETRY);
    wr_u16(w, t->retry_count);
    wr_tlv(w, 0xA5, SPAN_OF(t->retry_timer));
    wr_bytes(w, t->retry_report);
    wr_tlv_close(w, mark);
}

static void write_http(struct writer *w, const struct scp81_trigger *t)
{
    size_t mark = wr_tlv_open(w, PUSH_HTTP);
    if (t->host.len)
        wr_tlv(w, HTTP_HOST, t->host);
    if (t->agent.len)
        wr_tlv(w, HTTP_AGENT, t->agent);
    if (t->uri.len)
        wr_tlv(w, HTTP_URI, t->uri);
    wr_tlv_close(w, mark);
}

void scp81_trigger_write(struct writer *w, const struct scp81_trigger *t)
{
    size_t outer = wr_tlv_open(w, PUSH_TRIGGER), session = wr_tlv_open(w, PUSH_SESSION);
    if (t->connection.len)
        wr_tlv(w, PUSH_CONNECTION, t->connection);
    write_security(w, t);
    if (t->has_retry)
        write_retry(w, t);
    if (t->host.len || t->agent.len || t->uri.len)
        write_http(w, t);
    if (t->dns.len)
        wr_tlv(w, PUSH_DNS, t->dns);
    wr_tlv_close(w, session);
    wr_tlv_close(w, outer);
}

/* length, PSK identity, length, KVN, KID, and perhaps more. */
static void parse_security(struct span value, struct scp81_trigger *t)
{
    struct reader r = rd_of(value);
    struct span identity = rd_span(&r, rd_u8(&r)), key = rd_span(&r, rd_u8(&r));
    t->security = value;
    if (r.err == ERR_NONE && key.len >= 2) {
        t->psk_identity = identity;
        t->has_key = true;
        t->kvn = key.ptr[0];
        t->kid = key.ptr[1];
    }
}

static enum err parse_retry(struct span value, struct scp81_trigger *t)
{
    struct reader r = rd_of(value);
    t->retry_count = rd_u16(&r);
    struct tlv timer;
    if (tlv_next(&r, &timer) && (timer.tag & 0x7F) == 0x25 && timer.val.len == 3)
        memcpy(t->retry_timer, timer.val.ptr, 3);
    t->retry_report = rd_rest(&r);
    t->has_retry = r.err == ERR_NONE;
    return r.err;
}

static enum err parse_http(struct span value, struct scp81_trigger *t)
{
    struct reader r = rd_of(value);
    struct tlv part;
    while (tlv_next(&r, &part)) {
        if (part.tag == HTTP_HOST)
            t->host = part.val;
        else if (part.tag == HTTP_AGENT)
            t->agent = part.val;
        else if (part.tag == HTTP_URI)
            t->uri = part.val;
    }
    return r.err;
}

static enum err parse_part(const struct tlv *part, struct scp81_trigger *t)
{
    switch (part->tag) {
    case PUSH_CONNECTION:
        t->connection = part->val;
        return ERR_NONE;
    case PUSH_SECURITY:
    case PUSH_SECURITY_C:
        parse_security(part->val, t);
        return ERR_NONE;
    case PUSH_RETRY:
        return parse_retry(part->val, t);
    case PUSH_HTTP:
        return parse_http(part->val, t);
    case PUSH_DNS:
        t->dns = part->val;
        return ERR_NONE;
    default:
        return ERR_NONE;
    }
}

enum err scp81_session_parse(struct span objects, struct scp81_trigger *ret)
{
    struct reader r = rd_of(objects);
    struct scp81_trigger t = { 0 };
    struct tlv part;
    enum err err = ERR_NONE;
    while (err == ERR_NONE && tlv_next(&r, &part))
        err = parse_part(&part, &t);
    if (err == ERR_NONE)
        err = r.err;
    if (err == ERR_NONE)
        *ret = t;
    return err;
}

enum err scp81_trigger_parse(struct span bytes, struct scp81_trigger *ret)
{
    struct reader r = rd_of(bytes), in;
    struct tlv outer, session;
    if (!tlv_next(&r, &outer))
        return r.err == ERR_NONE ? ERR_MISSING : r.err;
    if (outer.tag != PUSH_TRIGGER)
        return ERR_BAD_TAG;
    in = rd_of(outer.val);
    if (!tlv_next(&in, &session))
        return in.err == ERR_NONE ? ERR_MISSING : in.err;
    if (session.tag != PUSH_SESSION)
        return ERR_BAD_TAG;
    return scp81_session_parse(session.val, ret);
}

/* ---- headers */

#define RID_LEN 5u

static void write_aid(struct writer *w, struct span aid)
{
    wr_text(w, "aid/");
    wr_hex(w, span_sub(aid, 0, RID_LEN));
    wr_text(w, "/");
    wr_hex(w, span_from(aid, RID_LEN));
}

void scp81_target_write(struct writer *w, struct span aid)
{
    wr_text(w, "//");
    write_aid(w, aid);
}

static bool skip(struct span *text, const char *prefix)
{
    size_t len = strlen(prefix);
    if (text->len < len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((text->ptr[i] | 0x20) != ((uint8_t)prefix[i] | 0x20))
            return false;
    *text = span_from(*text, len);
    return true;
}

static struct span trim(struct span s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = span_from(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* <RID>/<PIX> in hex, to the end of text. */
static enum err parse_aid(struct span text, uint8_t ret_aid[16], size_t *ret_len)
{
    uint8_t aid[16];
    size_t pix_len;
    if (text.len < 2 * RID_LEN + 1 || text.ptr[2 * RID_LEN] != '/')
        return ERR_BAD_VALUE;
    enum err err = hex_read_exact(span_sub(text, 0, 2 * RID_LEN), aid, RID_LEN);
    if (err == ERR_NONE)
        err = hex_read(span_from(text, 2 * RID_LEN + 1), aid + RID_LEN, sizeof aid - RID_LEN, &pix_len);
    if (err != ERR_NONE)
        return err;
    memcpy(ret_aid, aid, RID_LEN + pix_len);
    *ret_len = RID_LEN + pix_len;
    return ERR_NONE;
}

enum err scp81_target_parse(struct span text, uint8_t ret_aid[16], size_t *ret_len)
{
    text = trim(text);
    return skip(&text, "//aid/") ? parse_aid(text, ret_aid, ret_len) : ERR_BAD_VALUE;
}

void scp81_from_write(struct writer *w, const uint8_t eid[16], struct span aid)
{
    wr_text(w, "//se-id/eid/");
    wr_hex(w, (struct span){ eid, 16 });
    if (aid.len) {
        wr_text(w, ";//aa-id/");
        write_aid(w, aid);
    }
}

static enum err parse_part_of_from(struct span part, struct scp81_from *f)
{
    if (skip(&part, "//se-id/eid/") || skip(&part, "//seid/eid/")) {
        f->has_eid = true;
        return hex_read_exact(part, f->eid, sizeof f->eid);
    }
    if (skip(&part, "//aa-id/aid/") || skip(&part, "//aaid/aid/"))
        return parse_aid(part, f->aid, &f->aid_len);
    return ERR_NONE; /* others: not ours to judge */
}

static bool all_digits(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return true;
}

enum err scp81_from_parse(struct span text, struct scp81_from *ret)
{
    struct scp81_from f = { 0 };
    text = trim(text);
    if (text.len >= 18 && text.len <= 20 && all_digits(text)) {
        f.has_iccid = true;
        memcpy(f.iccid, text.ptr, text.len);
        *ret = f;
        return ERR_NONE;
    }
    while (text.len) {
        const uint8_t *end = memchr(text.ptr, ';', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        enum err err = parse_part_of_from(trim(span_sub(text, 0, len)), &f);
        if (err != ERR_NONE)
            return err;
        text = span_from(text, end ? len + 1 : len);
    }
    if (!f.has_eid && !f.aid_len)
        return ERR_MISSING;
    *ret = f;
    return ERR_NONE;
}

static const char *const status_texts[] = { "ok", "unknown-application", "not-a-security-domain", "security-error" };

const char *scp81_status_text(enum scp81_status status) { return status_texts[status]; }

enum err scp81_status_parse(struct span text, enum scp81_status *ret)
{
    text = trim(text);
    for (size_t i = 0; i < ARRAY_LEN(status_texts); i++) {
        struct span rest = text;
        if (skip(&rest, status_texts[i]) && rest.len == 0) {
            *ret = (enum scp81_status)i;
            return ERR_NONE;
        }
    }
    return ERR_BAD_VALUE;
}
