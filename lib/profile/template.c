#include "template_files.h"

static const uint8_t root[] = { 0x67, 0x81, 0x0F, 0x01, 0x02 }; /* 2.23.143.1.2 */

const struct fs_template *template_at(size_t index) { return index < fs_template_count ? &fs_templates[index] : NULL; }

const struct fs_template *template_find(struct span oid)
{
    struct span suffix = span_from(oid, sizeof root);
    if (!span_eq(span_sub(oid, 0, sizeof root), SPAN_OF(root)) || suffix.len < 1 || suffix.len > 2)
        return NULL;
    uint8_t version = suffix.len == 2 ? suffix.ptr[1] : 1;
    if (suffix.len == 2 && version < 2)
        return NULL;
    for (size_t i = 0; i < fs_template_count; i++)
        if (fs_templates[i].number == suffix.ptr[0] && fs_templates[i].version == version)
            return &fs_templates[i];
    return NULL;
}

struct span template_oid(const struct fs_template *t, uint8_t *out)
{
    memcpy(out, root, sizeof root);
    out[sizeof root] = t->number;
    out[sizeof root + 1] = t->version;
    return (struct span){ out, sizeof root + (t->version > 1 ? 2 : 1) };
}

/* ---- templates without rows of their own ---- */

/* [?] What the templates of IoT minimal profiles hold is not known to us: a member is what the member of the same name
 * is in the newest of these. */
static const enum pe_kind lenders[] = { PE_MF, PE_USIM, PE_OPT_USIM, PE_DF_5GS, PE_DF_SAIP };
static const struct {
    const char *name;
    enum pe_kind kind;
    const char *as;
} other_names[] = { { "ef-arr-usim", PE_USIM, "ef-arr" }, { "ef-supi-nai", PE_DF_5GS, "ef-supinai" } };

static const struct template_file *row_of(enum pe_kind kind, const char *name)
{
    const struct fs_template *newest = NULL;
    uint32_t tag = pe_member_by_name(kind, span_text(name));
    for (size_t i = 0; i < fs_template_count; i++)
        if (fs_templates[i].kind == kind)
            newest = &fs_templates[i];
    return tag && newest ? template_file(newest, pe_member_number(tag)) : NULL;
}

static const struct template_file *borrowed(enum pe_kind kind, unsigned member)
{
    const char *name = pe_member_name(kind, pe_member_tag(member));
    const struct template_file *row = NULL;
    for (size_t i = 0; name && i < ARRAY_LEN(other_names); i++)
        if (!strcmp(name, other_names[i].name))
            return row_of(other_names[i].kind, other_names[i].as);
    for (size_t i = 0; name && !row && i < ARRAY_LEN(lenders); i++)
        row = row_of(lenders[i], name);
    return row;
}

/* ---- rows ---- */

const struct template_file *template_file(const struct fs_template *t, unsigned member)
{
    if (!t->count)
        return borrowed(t->kind, member);
    for (size_t i = 0; i < t->count && t->files[i].member <= member; i++)
        if (t->files[i].member == member && t->version >= t->files[i].from && t->version <= t->files[i].to)
            return &t->files[i];
    return NULL;
}

/* A file lies in the DF before it; a DF in the one that the element begins with. */
unsigned template_parent(const struct fs_template *t, unsigned member)
{
    const struct template_file *row = template_file(t, member);
    unsigned first = 0, last = 0;
    for (size_t i = 0; i < t->count && t->files[i].member < member; i++)
        if (t->files[i].structure == FILE_DF && t->version >= t->files[i].from) {
            last = t->files[i].member;
            first = first ? first : last;
        }
    for (unsigned m = 2; !t->count && m < member; m++) {
        const struct template_file *before = template_file(t, m);
        if (before && before->structure == FILE_DF) {
            last = m;
            first = m == 2 ? m : first;
        }
    }
    return row && row->structure == FILE_DF ? first : last;
}
