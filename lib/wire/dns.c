#include "dns.h"

#define LABEL_MAX     63u
#define POINTER       0xC0u
#define HEADER_LEN    12u
#define TYPE_A        1u
#define TYPE_CNAME    5u
#define CLASS_IN      1u
#define FLAG_RESPONSE 0x8000u
#define FLAG_CUT      0x0200u
#define FLAG_RECURSE  0x0100u
#define OPCODE_MASK   0x7800u
#define RCODE_MASK    0x000Fu
#define NAME_ERROR    3u
#define ALIASES_MAX   8u
#define RECORDS_MAX   64u

struct name {
    char text[DNS_NAME_MAX + 1];
    size_t len;
};

/* ---- names ---- */

static char lower(uint8_t c) { return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c); }

static bool label_is_good(struct span label)
{
    for (size_t i = 0; i < label.len; i++) {
        char c = lower(label.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i > 0 && i + 1 < label.len)))
            return false;
    }
    return label.len >= 1 && label.len <= LABEL_MAX;
}

static struct span without_end_dot(struct span name)
{
    return name.len && name.ptr[name.len - 1] == '.' ? span_sub(name, 0, name.len - 1) : name;
}

static struct span next_label(struct span *rest)
{
    const uint8_t *dot = rest->len ? memchr(rest->ptr, '.', rest->len) : NULL;
    struct span label = dot ? span_sub(*rest, 0, (size_t)(dot - rest->ptr)) : *rest;
    *rest = dot ? span_from(*rest, label.len + 1) : SPAN_NONE;
    return label;
}

bool dns_name_is_good(struct span name)
{
    struct span rest = without_end_dot(name);
    if (rest.len == 0 || rest.len > DNS_NAME_MAX || rest.ptr[rest.len - 1] == '.')
        return false;
    while (rest.len)
        if (!label_is_good(next_label(&rest)))
            return false;
    return true;
}

static bool name_add(struct name *n, struct span label)
{
    if (label.len + (n->len > 0) > DNS_NAME_MAX - n->len)
        return false;
    if (n->len)
        n->text[n->len++] = '.';
    for (size_t i = 0; i < label.len; i++)
        n->text[n->len++] = lower(label.ptr[i]);
    return true;
}

/* From r on, r ends behind it. Pointers lead backwards only, so there is an end. */
static enum err name_read(struct span message, struct reader *r, struct name *ret)
{
    struct reader in = *r;
    size_t before = (size_t)(r->pos - message.ptr);
    bool jumped = false;
    ret->len = 0;
    for (;;) {
        uint8_t len = rd_u8(&in);
        if ((len & POINTER) == POINTER) {
            size_t to = (size_t)(len & ~POINTER) << 8 | rd_u8(&in);
            if (!jumped)
                *r = in;
            jumped = true;
            if (in.err != ERR_NONE || to >= before)
                return in.err != ERR_NONE ? in.err : ERR_BAD_VALUE;
            before = to;
            in = rd_of(span_from(message, to));
            continue;
        }
        struct span label = rd_span(&in, len);
        if (in.err != ERR_NONE)
            return in.err;
        if (len == 0)
            break;
        if (len > LABEL_MAX || !name_add(ret, label))
            return ERR_BAD_LENGTH;
    }
    if (!jumped)
        *r = in;
    return ERR_NONE;
}

static bool name_eq(const struct name *a, const struct name *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static struct name name_of(struct span text)
{
    struct name n = { .len = 0 };
    text = without_end_dot(text);
    for (size_t i = 0; i < text.len && i < DNS_NAME_MAX; i++)
        n.text[n.len++] = lower(text.ptr[i]);
    return n;
}

/* ---- the question ---- */

enum err dns_query_write(struct writer *w, uint16_t id, struct span name)
{
    struct span rest = without_end_dot(name);
    if (!dns_name_is_good(name))
        return ERR_BAD_VALUE;
    wr_u16(w, id);
    wr_u16(w, FLAG_RECURSE);
    wr_u16(w, 1); /* one question, no records */
    wr_fill(w, 0, 6);
    while (rest.len) {
        struct span label = next_label(&rest);
        wr_u8(w, (uint8_t)label.len);
        wr_bytes(w, label);
    }
    wr_u8(w, 0);
    wr_u16(w, TYPE_A);
    wr_u16(w, CLASS_IN);
    return w->err;
}

/* ---- the answer ---- */

struct record {
    struct name owner;
    uint16_t type, class;
    uint32_t ttl_s;
    struct span data;
};

static enum err record_read(struct span message, struct reader *r, struct record *ret)
{
    enum err err = name_read(message, r, &ret->owner);
    if (err != ERR_NONE)
        return err;
    ret->type = rd_u16(r);
    ret->class = rd_u16(r);
    ret->ttl_s = rd_u32(r);
    ret->data = rd_span(r, rd_u16(r));
    return r->err;
}

static void address_add(struct dns_answer *a, const struct record *record)
{
    if (a->count < DNS_ADDRESSES_MAX)
        memcpy(a->ipv4[a->count++], record->data.ptr, 4);
}

/* Where the alias leads: the name in its data, which may point into the message. */
static enum err alias_read(struct span message, const struct record *record, struct name *ret)
{
    struct reader r = { record->data.ptr, message.ptr + message.len, ERR_NONE };
    enum err err = name_read(message, &r, ret);
    if (err == ERR_NONE && r.pos != record->data.ptr + record->data.len)
        err = ERR_BAD_LENGTH;
    return err;
}

/* What the records say of *at: its addresses into a, or the name it is an alias of into *at. */
static enum err records_ask(struct span message, struct reader r, size_t count, struct name *at, struct dns_answer *a,
                            bool *ret_alias)
{
    struct name next = *at;
    *ret_alias = false;
    for (size_t i = 0; i < count; i++) {
        struct record record;
        enum err err = record_read(message, &r, &record);
        if (err != ERR_NONE)
            return err;
        bool ours = record.class == CLASS_IN && name_eq(&record.owner, at);
        if (ours && record.type == TYPE_A && record.data.len != 4)
            return ERR_BAD_LENGTH;
        if (ours && (record.type == TYPE_A || record.type == TYPE_CNAME))
            a->ttl_s = record.ttl_s < a->ttl_s ? record.ttl_s : a->ttl_s;
        if (ours && record.type == TYPE_A)
            address_add(a, &record);
        if (ours && record.type == TYPE_CNAME) {
            err = alias_read(message, &record, &next);
            *ret_alias = true;
        }
        if (err != ERR_NONE)
            return err;
    }
    *at = next;
    return ERR_NONE;
}

static enum err header_read(struct reader *r, uint16_t id, size_t *ret_records)
{
    uint16_t got = rd_u16(r), flags = rd_u16(r), questions = rd_u16(r);
    *ret_records = rd_u16(r);
    (void)rd_u32(r); /* authority, additional */
    if (r->err != ERR_NONE)
        return r->err;
    if (got != id || !(flags & FLAG_RESPONSE) || flags & OPCODE_MASK || questions != 1)
        return ERR_VERIFY;
    if (flags & FLAG_CUT)
        return ERR_TRUNCATED;
    return *ret_records > RECORDS_MAX ? ERR_BAD_VALUE : ERR_NONE;
}

enum err dns_answer_read(struct span message, uint16_t id, struct span name, struct dns_answer *ret)
{
    struct reader r = rd_of(message);
    struct name at = name_of(name), asked;
    struct dns_answer a = { .ttl_s = UINT32_MAX };
    size_t records;
    enum err err = header_read(&r, id, &records);
    if (err == ERR_NONE)
        err = name_read(message, &r, &asked);
    if (err != ERR_NONE)
        return err;
    uint16_t type = rd_u16(&r), class = rd_u16(&r), rcode = (uint16_t)(message.ptr[3] & RCODE_MASK);
    if (r.err != ERR_NONE || type != TYPE_A || class != CLASS_IN || !name_eq(&asked, &at))
        return r.err != ERR_NONE ? r.err : ERR_VERIFY;
    if (rcode)
        return rcode == NAME_ERROR ? ERR_NOT_FOUND : ERR_DENIED;
    bool alias = true;
    for (size_t i = 0; alias && err == ERR_NONE && !a.count && i <= ALIASES_MAX; i++)
        err = records_ask(message, r, records, &at, &a, &alias);
    if (err == ERR_NONE && a.count == 0)
        err = ERR_NOT_FOUND;
    if (err == ERR_NONE)
        *ret = a;
    return err;
}
