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

const struct template_file *template_file(const struct fs_template *t, unsigned member)
{
    for (size_t i = 0; i < t->count && t->files[i].member <= member; i++)
        if (t->files[i].member == member && t->version >= t->files[i].from && t->version <= t->files[i].to)
            return &t->files[i];
    return NULL;
}

/* The first DF of an element holds its other DFs; a file lies in the DF before it. */
unsigned template_parent(const struct fs_template *t, unsigned member)
{
    const struct template_file *row = template_file(t, member);
    unsigned first = 0, last = 0;
    for (size_t i = 0; i < t->count && t->files[i].member < member; i++)
        if (t->files[i].structure == FILE_DF && t->version >= t->files[i].from) {
            last = t->files[i].member;
            first = first ? first : last;
        }
    return row && row->structure == FILE_DF ? first : last;
}
