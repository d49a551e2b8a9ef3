#include "der.h"

#include <assert.h>

#define NOT_FOUND SIZE_MAX

static enum err fault(struct der *d, const struct der_type *t, const struct der_field *f, const uint8_t *at,
                      enum err err)
{
    if (!d->type) { /* the innermost place is the one worth telling */
        d->type = t->name;
        d->member = f ? f->name : NULL;
        d->at = at;
    }
    return err;
}

enum err der_uint(struct span content, uint32_t *ret)
{
    uint64_t v = 0;
    if (content.len == 0 || content.len > 5)
        return ERR_BAD_LENGTH;
    for (size_t i = 0; i < content.len; i++)
        v = v << 8 | content.ptr[i];
    if (v > DER_UINT31_MAX) /* no field is negative: AA without a leading 00, as real packages have it, is 170 */
        return ERR_BAD_VALUE;
    *ret = (uint32_t)v;
    return ERR_NONE;
}

static void set_defaults(const struct der_type *t, void *value)
{
    memset(value, 0, t->size);
    for (const struct der_field *f = t->fields, *end = f + t->count; f < end; f++)
        if (f->kind == DER_UINT)
            memcpy((uint8_t *)value + f->offset, &f->absent, sizeof f->absent);
        else if (f->kind == DER_OCTETS && f->absent_octets.ptr)
            memcpy((uint8_t *)value + f->offset, &f->absent_octets, sizeof f->absent_octets);
}

/* Members come in the order of the table, so the search goes on where the last one was found. */
static size_t find_field(const struct der_type *t, size_t next, uint32_t tag)
{
    for (size_t i = next; i < t->count; i++)
        if (t->fields[i].tag == tag || t->fields[i].kind == DER_MEMBERS)
            return i;
    return NOT_FOUND;
}

static size_t find_behind(const struct der_type *t, size_t next, uint32_t tag)
{
    for (size_t i = 0; i < next; i++)
        if (t->fields[i].tag == tag && t->fields[i].kind != DER_MEMBERS)
            return i;
    return NOT_FOUND;
}

static enum err count_items(struct span list, uint32_t item_tag, size_t *ret)
{
    struct reader r = rd_of(list);
    struct tlv t;
    size_t count = 0;

    while (tlv_next(&r, &t)) {
        if (item_tag && t.tag != item_tag)
            return ERR_BAD_TAG;
        count++;
    }
    *ret = count;
    return r.err;
}

static enum err decode_octets(const struct der_field *f, struct span content, struct span *ret)
{
    if (content.len < f->min || content.len > f->max)
        return ERR_BAD_LENGTH;
    *ret = content;
    return ERR_NONE;
}

static enum err decode_list(struct der *d, const struct der_field *f, struct span list, void *ret)
{
    struct der_any_list out = { NULL, 0 };
    enum err err = count_items(list, f->item_tag, &out.count);
    if (err != ERR_NONE)
        return err;
    if (out.count < f->min || out.count > f->max)
        return ERR_BAD_LENGTH;

    size_t size = f->type ? f->type->size : sizeof(struct span);
    uint8_t *item = arena_array(d->arena, size, out.count ? out.count : 1); /* an empty list is there, too */
    if (!item)
        return ERR_NO_SPACE;
    out.items = item;
    struct reader r = rd_of(list);
    struct tlv t;
    for (; err == ERR_NONE && tlv_next(&r, &t); item += size)
        if (f->type)
            err = der_decode(d, f->type, f->item_tag ? t.val : t.raw, item);
        else
            memcpy(item, &t.val, sizeof t.val);
    memcpy(ret, &out, sizeof out);
    return err;
}

/* The rest of a SEQUENCE whose members are all of one kind; r stands behind the first one. */
static enum err decode_members(struct der *d, const struct der_field *f, struct tlv first, struct reader *r, void *ret)
{
    struct der_any_list out = { NULL, 0 };
    enum err err = count_items((struct span){ r->pos, rd_left(r) }, 0, &out.count);
    if (err != ERR_NONE)
        return err;
    if (++out.count > f->max)
        return ERR_TOO_LONG;

    uint8_t *item = arena_array(d->arena, f->type->size, out.count);
    if (!item)
        return ERR_NO_SPACE;
    out.items = item;
    const struct der_field *list = &f->type->fields[0];
    uint32_t last = 0;
    struct tlv t = first;
    do {
        if (t.tag <= last)
            return fault(d, f->type, NULL, t.raw.ptr, ERR_BAD_TAG);
        memcpy(item, &t.tag, sizeof t.tag);
        err = decode_list(d, list, t.val, item + list->offset);
        if (err != ERR_NONE)
            return fault(d, f->type, NULL, t.raw.ptr, err);
        last = t.tag;
        item += f->type->size;
    } while (tlv_next(r, &t));
    memcpy(ret, &out, sizeof out);
    return ERR_NONE;
}

static enum err decode_field(struct der *d, const struct der_field *f, struct tlv t, struct reader *r, void *field)
{
    void *nested;
    uint32_t number = 0;
    enum err err;

    switch (f->kind) {
    case DER_OCTETS:
        return decode_octets(f, t.val, field);
    case DER_UINT:
        err = der_uint(t.val, &number);
        if (err == ERR_NONE && (number < f->min || number > f->max))
            err = ERR_BAD_VALUE;
        memcpy(field, &number, sizeof number);
        return err;
    case DER_FLAG:
        *(bool *)field = true;
        return t.val.len ? ERR_BAD_LENGTH : ERR_NONE;
    case DER_INLINE:
        return der_decode(d, f->type, t.val, field);
    case DER_SEQUENCE:
        nested = arena_alloc(d->arena, f->type->size);
        memcpy(field, &nested, sizeof nested);
        return nested ? der_decode(d, f->type, t.val, nested) : ERR_NO_SPACE;
    case DER_LIST:
        return decode_list(d, f, t.val, field);
    case DER_MEMBERS:
        return decode_members(d, f, t, r, field);
    }
    return ERR_BAD_TAG;
}

static enum err check_complete(struct der *d, const struct der_type *t, uint64_t seen, const uint8_t *at,
                               const void *value)
{
    if (t->choice)
        return seen ? ERR_NONE : fault(d, t, NULL, at, ERR_MISSING);
    for (size_t i = 0; i < t->count; i++)
        if (!t->fields[i].optional && !(seen >> i & 1))
            return fault(d, t, &t->fields[i], at, ERR_MISSING);
    enum err err = t->check ? t->check(value) : ERR_NONE;
    return err == ERR_NONE ? err : fault(d, t, NULL, at, err);
}

static enum err decode_members_of(struct der *d, const struct der_type *t, struct span value, void *ret)
{
    struct reader r = rd_of(value);
    struct tlv tlv;
    uint64_t seen = 0;
    size_t next = 0;

    while (tlv_next(&r, &tlv)) {
        size_t i = find_field(t, t->choice ? 0 : next, tlv.tag);
        if (i == NOT_FOUND) {
            i = find_behind(t, next, tlv.tag);
            if (i != NOT_FOUND && !t->any_order)
                return fault(d, t, &t->fields[i], tlv.raw.ptr, ERR_BAD_TAG);
        }
        if (i == NOT_FOUND) {
            if (t->choice)
                return fault(d, t, NULL, tlv.raw.ptr, ERR_BAD_TAG);
            if (!d->unknown_tag) {
                d->unknown_tag = tlv.tag;
                d->unknown_at = tlv.raw.ptr;
            }
            continue;
        }
        const struct der_field *f = &t->fields[i];
        if (seen >> i & 1 || (t->choice && seen))
            return fault(d, t, f, tlv.raw.ptr, ERR_BAD_TAG);
        enum err err = decode_field(d, f, tlv, &r, (uint8_t *)ret + f->offset);
        if (err != ERR_NONE)
            return fault(d, t, f, tlv.raw.ptr, err);
        seen |= (uint64_t)1 << i;
        next = i + 1 > next ? i + 1 : next;
    }
    if (r.err != ERR_NONE)
        return fault(d, t, NULL, r.pos, r.err);
    return check_complete(d, t, seen, value.ptr, ret);
}

enum err der_decode(struct der *d, const struct der_type *type, struct span value, void *ret)
{
    assert(type->count <= DER_MEMBERS_MAX);
    set_defaults(type, ret);
    enum err err = type->sequence_of ? decode_list(d, type->fields, value, (uint8_t *)ret + type->fields->offset)
                                     : decode_members_of(d, type, value, ret);
    if (err != ERR_NONE)
        set_defaults(type, ret);
    return err;
}

void wr_der_uint(struct writer *w, uint32_t tag, uint32_t v)
{
    uint8_t octets[5] = { 0, (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
    size_t from = 0;
    while (from < 4 && octets[from] == 0 && !(octets[from + 1] & 0x80))
        from++;
    wr_tlv(w, tag, span_from(SPAN_OF(octets), from));
}

bool der_present(const void *value, const struct der_field *f)
{
    const void *field = der_field_at(value, f);
    struct span octets;
    uint32_t number;
    struct der_any_list list;
    const void *nested;

    switch (f->kind) {
    case DER_OCTETS:
        memcpy(&octets, field, sizeof octets);
        return octets.ptr && !(f->absent_octets.ptr && span_eq(octets, f->absent_octets));
    case DER_UINT:
        memcpy(&number, field, sizeof number);
        return number != f->absent;
    case DER_FLAG:
        return *(const bool *)field;
    case DER_INLINE:
        return true;
    case DER_SEQUENCE:
        memcpy(&nested, field, sizeof nested);
        return nested != NULL;
    case DER_LIST:
    case DER_MEMBERS:
        memcpy(&list, field, sizeof list);
        return list.items != NULL;
    }
    return false;
}

static void encode_items(struct writer *w, const struct der_field *f, struct der_any_list list)
{
    const uint8_t *item = list.items;
    size_t size = f->type ? f->type->size : sizeof(struct span);

    for (size_t i = 0; i < list.count; i++, item += size) {
        if (!f->type) {
            struct span octets;
            memcpy(&octets, item, sizeof octets);
            wr_tlv(w, f->item_tag, octets);
            continue;
        }
        size_t mark = f->item_tag ? wr_tlv_open(w, f->item_tag) : 0;
        der_encode(w, f->type, item);
        if (f->item_tag)
            wr_tlv_close(w, mark);
    }
}

static void encode_members(struct writer *w, const struct der_field *f, struct der_any_list list)
{
    const uint8_t *item = list.items;

    for (size_t i = 0; i < list.count; i++, item += f->type->size) {
        uint32_t tag;
        memcpy(&tag, item, sizeof tag);
        size_t mark = wr_tlv_open(w, tag);
        der_encode(w, f->type, item);
        wr_tlv_close(w, mark);
    }
}

static void encode_nested(struct writer *w, const struct der_field *f, const void *field)
{
    struct der_any_list list;
    const void *nested = field;
    if (f->kind == DER_SEQUENCE)
        memcpy(&nested, field, sizeof nested);

    size_t mark = wr_tlv_open(w, f->tag);
    if (f->kind == DER_LIST) {
        memcpy(&list, field, sizeof list);
        encode_items(w, f, list);
    } else {
        der_encode(w, f->type, nested);
    }
    wr_tlv_close(w, mark);
}

static void encode_field(struct writer *w, const struct der_field *f, const void *field)
{
    struct span octets;
    uint32_t number;
    struct der_any_list list;

    switch (f->kind) {
    case DER_OCTETS:
        memcpy(&octets, field, sizeof octets);
        wr_tlv(w, f->tag, octets);
        break;
    case DER_UINT:
        memcpy(&number, field, sizeof number);
        wr_der_uint(w, f->tag, number);
        break;
    case DER_FLAG:
        wr_tlv(w, f->tag, SPAN_NONE);
        break;
    case DER_MEMBERS:
        memcpy(&list, field, sizeof list);
        encode_members(w, f, list);
        break;
    default:
        encode_nested(w, f, field);
    }
}

void der_encode(struct writer *w, const struct der_type *type, const void *value)
{
    if (type->sequence_of) {
        struct der_any_list list;
        memcpy(&list, der_field_at(value, type->fields), sizeof list);
        encode_items(w, type->fields, list);
        return;
    }
    for (const struct der_field *f = type->fields, *end = f + type->count; f < end; f++)
        if (der_present(value, f))
            encode_field(w, f, der_field_at(value, f));
        else if (!f->optional)
            wr_fail(w, ERR_MISSING);
}
