/* A profile package as a readable tree: walks the same tables as the decoder. */
#include "dump.h"

#include "lib/codec/hex.h"
#include "lib/profile/package.h"

#define INDENT 2u

struct dumper {
    FILE *out;
    enum pe_kind kind;
    bool secrets;
};

static void dump_value(struct dumper *d, const struct der_type *type, const void *value, unsigned depth);

static void put_hex(struct dumper *d, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        fprintf(d->out, "%02X", s.ptr[i]);
}

static bool is_secret(const char *name)
{
    static const char *const names[] = { "key", "opc", "keyData", "pinValue", "pukValue", "authenticationKey", "ssd" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static void put_oid(struct dumper *d, struct span s)
{
    uint32_t arc = 0;
    bool first = true;
    for (size_t i = 0; i < s.len; i++) {
        arc = arc << 7 | (s.ptr[i] & 0x7F);
        if (s.ptr[i] & 0x80)
            continue;
        if (first)
            fprintf(d->out, "%u.%u", arc < 80 ? arc / 40 : 2, arc < 80 ? arc % 40 : arc - 80);
        else
            fprintf(d->out, ".%u", arc);
        first = false;
        arc = 0;
    }
}

static bool is_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7E)
            return false;
    return s.len > 2;
}

static void put_octets(struct dumper *d, const char *name, struct span s)
{
    if (!d->secrets && is_secret(name))
        fprintf(d->out, "(%zu octets, secret: --secrets shows them)", s.len);
    else if (!strcmp(name, "templateID"))
        put_oid(d, s);
    else if (!strcmp(name, "profileType"))
        fprintf(d->out, "\"%.*s\"", (int)s.len, (const char *)s.ptr);
    else
        put_hex(d, s);
    if (!strcmp(name, "fillFileContent") && is_text(s))
        fprintf(d->out, "  \"%.*s\"", (int)s.len, (const char *)s.ptr);
}

static void dump_list(struct dumper *d, const struct der_field *f, struct der_any_list list, unsigned depth)
{
    const uint8_t *item = list.items;
    size_t size = f->type ? f->type->size : sizeof(struct span);
    for (size_t i = 0; i < list.count; i++, item += size) {
        if (f->type) {
            if (f->item_tag)
                fprintf(d->out, "%*s- \n", (int)(depth * INDENT), "");
            dump_value(d, f->type, item, depth + (f->item_tag ? 1 : 0));
            continue;
        }
        struct span octets;
        memcpy(&octets, item, sizeof octets);
        fprintf(d->out, "%*s- ", (int)(depth * INDENT), "");
        if (f->item_tag == 0x06)
            put_oid(d, octets);
        else
            put_hex(d, octets);
        fputc('\n', d->out);
    }
}

static void dump_members(struct dumper *d, const struct der_field *f, struct der_any_list list, unsigned depth)
{
    const uint8_t *item = list.items;
    for (size_t i = 0; i < list.count; i++, item += f->type->size) {
        uint32_t tag;
        memcpy(&tag, item, sizeof tag);
        fprintf(d->out, "%*s%s\n", (int)(depth * INDENT), "", pe_member_name(d->kind, tag));
        dump_value(d, f->type, item, depth + 1);
    }
}

static void dump_field(struct dumper *d, const struct der_field *f, const void *field, unsigned depth)
{
    struct span octets;
    struct der_any_list list;
    uint32_t number;
    const void *nested = field;

    if (f->kind == DER_MEMBERS) {
        memcpy(&list, field, sizeof list);
        dump_members(d, f, list, depth);
        return;
    }
    fprintf(d->out, "%*s%s", (int)(depth * INDENT), "", f->name);
    switch (f->kind) {
    case DER_OCTETS:
        memcpy(&octets, field, sizeof octets);
        fprintf(d->out, ": ");
        put_octets(d, f->name, octets);
        fputc('\n', d->out);
        break;
    case DER_UINT:
        memcpy(&number, field, sizeof number);
        fprintf(d->out, ": %u\n", number);
        break;
    case DER_LIST:
        memcpy(&list, field, sizeof list);
        fprintf(d->out, " (%zu)\n", list.count);
        dump_list(d, f, list, depth + 1);
        break;
    case DER_SEQUENCE:
        memcpy(&nested, field, sizeof nested);
        fputc('\n', d->out);
        dump_value(d, f->type, nested, depth + 1);
        break;
    case DER_INLINE:
        fputc('\n', d->out);
        dump_value(d, f->type, nested, depth + 1);
        break;
    default:
        fputc('\n', d->out);
    }
}

static void dump_value(struct dumper *d, const struct der_type *type, const void *value, unsigned depth)
{
    if (type->sequence_of) {
        struct der_any_list list;
        memcpy(&list, der_field_at(value, type->fields), sizeof list);
        dump_list(d, type->fields, list, depth);
        return;
    }
    for (size_t i = 0; i < type->count; i++)
        if (der_present(value, &type->fields[i]))
            dump_field(d, &type->fields[i], der_field_at(value, &type->fields[i]), depth);
}

enum err package_dump(FILE *out, struct span package, bool secrets, struct arena *a)
{
    struct package_reader p;
    struct package_element e;
    struct reader segment = rd_of(package);
    size_t count = 0;

    package_init_arena(&p, a);
    for (; package_next(&p, &segment, &e); count++) {
        struct profile_element pe;
        struct der der = { .arena = a };
        enum err err = pe_decode(&der, e.raw, &pe);
        fprintf(out, "%zu. ", count);
        if (err != ERR_NONE) {
            fprintf(out, "element of tag %X at %u: %s%s%s\n", e.tag, e.offset, err_text(err), der.type ? " in " : "",
                    der.member ? der.member
                    : der.type ? der.type
                               : "");
            return err;
        }
        struct dumper d = { out, pe.kind, secrets };
        fprintf(out, "%s  (octets %u to %zu)\n", pe_name(pe.kind), e.offset, e.offset + e.raw.len);
        dump_value(&d, pe_type(pe.kind), pe.as.any, 1);
    }
    if (p.err == ERR_NONE && (!package_between(&p) || !p.ended))
        p.err = ERR_TRUNCATED;
    if (p.err != ERR_NONE)
        fprintf(out, "%zu. at octet %u: %s\n", count, p.offset, err_text(p.err));
    return p.err;
}
