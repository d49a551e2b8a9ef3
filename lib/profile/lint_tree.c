/* The files a package would make. */
#include "iot.h"
#include "lint_private.h"

static const uint8_t adf_prefix[3][7] = {
    { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02 },
    { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x04 },
    { 0xA0, 0x00, 0x00, 0x03, 0x43, 0x10, 0x02 },
};

uint16_t lint_child(const struct lint *l, uint16_t df, uint16_t fid)
{
    for (size_t i = 1; df != LINT_NONE && i < l->file_count; i++)
        if (l->files[i].parent == df && l->files[i].spec.fid == fid)
            return (uint16_t)i;
    return LINT_NONE;
}

uint16_t lint_path(const struct lint *l, struct span path)
{
    struct reader r = rd_of(path);
    uint16_t file = l->file_count ? 0 : LINT_NONE;
    while (rd_left(&r) >= 2)
        file = lint_child(l, file, rd_u16(&r));
    return file;
}

static uint16_t add(struct lint *l, size_t element, uint16_t parent, const struct file_spec *spec, const char *name)
{
    if (l->file_count == LINT_FILES_MAX || (parent == LINT_NONE) != (l->file_count == 0)) {
        lint_say(l, LINT_ERROR, element, "%s: its DF is not there", name);
        return LINT_NONE;
    }
    if (lint_child(l, parent, spec->fid) != LINT_NONE)
        lint_say(l, LINT_ERROR, element, "%s: there is a file %04X already", name, spec->fid);
    if (spec->link && lint_path(l, spec->link_path) == LINT_NONE)
        lint_say(l, LINT_ERROR, element, "%s: links to a file that is not there", name);
    uint16_t number = (uint16_t)l->file_count++;
    struct lint_file *f = &l->files[number];
    *f = (struct lint_file){ .parent = parent, .spec = *spec, .element = element, .name = name };
    if (spec->size && !spec->link && spec->structure != FILE_DF) {
        f->body = arena_alloc(l->a, spec->size);
        if (f->body)
            file_body_fill(spec, f->body);
    }
    for (size_t k = 0; spec->adf && k < 3; k++)
        if (span_eq(span_sub(spec->df_name, 0, 7), SPAN_OF(adf_prefix[k])))
            l->adf[k] = number;
    l->last_adf = spec->adf ? number : l->last_adf;
    return number;
}

static void fill(struct lint *l, size_t element, uint16_t file, uint32_t *position, const struct file_item *item)
{
    struct lint_file *f = file == LINT_NONE ? NULL : &l->files[file];
    if (!f || !f->body)
        return;
    if (file_body_write(f->body, f->spec.size, position, item) != ERR_NONE)
        lint_say(l, LINT_ERROR, element, "%s (%04X): more content than its %u octets", f->name, f->spec.fid,
                 f->spec.size);
    else if (f->spec.record_len && item->content.len &&
             (*position - item->content.len) / f->spec.record_len != (*position - 1) / f->spec.record_len &&
             item->content.len < f->spec.record_len)
        lint_say(l, LINT_WARNING, element, "%s (%04X): content runs over the end of a record", f->name, f->spec.fid);
}

/* ---- templates ---- */

static uint16_t base_of(const struct lint *l, enum pe_kind kind)
{
    switch (kind) {
    case PE_MF:
    case PE_IOT:
        return LINT_NONE;
    case PE_OPT_IOT:
    case PE_OPT_USIM:
    case PE_PHONEBOOK:
    case PE_GSM_ACCESS:
    case PE_DF_5GS:
    case PE_DF_SAIP:
    case PE_DF_SNPN:
    case PE_DF_5GPROSE:
        return l->adf[0];
    case PE_OPT_ISIM:
        return l->adf[1];
    case PE_OPT_CSIM:
        return l->adf[2];
    case PE_EAP:
        return l->last_adf;
    default:
        return l->file_count ? 0 : LINT_NONE;
    }
}

static void one_file(struct lint *l, size_t element, const struct fs_template *t, const struct pe_file *file,
                     uint16_t base, uint16_t dfs[128])
{
    unsigned member = pe_member_number(file->tag), df = template_parent(t, member);
    const struct template_file *row = template_file(t, member);
    const char *name = pe_member_name(t->kind, file->tag);
    struct file_spec spec;

    if (file->items.count && file->items.items[0].do_not_create) {
        if (!t->by_default)
            lint_say(l, LINT_ERROR, element, "%s: doNotCreate where nothing is created by default", name);
        return;
    }
    enum err err = file_spec_make(row, file->items.count ? file->items.items[0].fcp : NULL, &spec);
    if (err != ERR_NONE) {
        lint_say(l, LINT_ERROR, element, "%s: %s in its file description", name, err_text(err));
        return;
    }
    uint16_t number = add(l, element, df == 0 ? base : dfs[df], &spec, name);
    if (number != LINT_NONE && spec.structure == FILE_DF)
        dfs[member] = number;
    uint32_t position = 0;
    for (size_t i = 0; i < file->items.count; i++)
        if (!file->items.items[i].fcp)
            fill(l, element, number, &position, &file->items.items[i]);
    if (spec.fill == FILL_REQUIRED && position == 0 && !spec.link && spec.structure != FILE_DF &&
        spec.structure != FILE_BER_TLV)
        lint_say(l, LINT_WARNING, element, "%s: its template wants content", name);
}

/* PE-IoT with the members that it leaves to the card. */
static const struct pe_filesystem *iot_whole(struct lint *l, const struct pe_filesystem *pe)
{
    const struct profile_header *h = l->elements[0].pe.kind == PE_HEADER ? l->elements[0].pe.as.header : NULL;
    struct pe_filesystem *whole = ARENA_NEW(l->a, struct pe_filesystem);
    if (!whole || !h || !h->iot)
        return NULL;
    const struct iot_profile profile = { h->iccid, h->iot->pix };
    return iot_complete(l->a, pe, &profile, whole) == ERR_NONE ? whole : NULL;
}

static void template_element(struct lint *l, size_t element)
{
    const struct profile_element *pe = &l->elements[element].pe;
    const struct fs_template *t = template_find(pe->as.files->template_id);
    uint16_t dfs[128], base = base_of(l, pe->kind);
    if (!t || t->kind != pe->kind) {
        lint_say(l, LINT_ERROR, element, "%s: not a template of this element", pe_name(pe->kind));
        return;
    }
    const struct pe_filesystem *whole = pe->kind == PE_IOT ? iot_whole(l, pe->as.files) : pe->as.files;
    if (!whole) {
        lint_say(l, LINT_ERROR, element, "iot: a header with iotOptions goes with it, and members in their order");
        return;
    }
    if (base == LINT_NONE && pe->kind != PE_MF && pe->kind != PE_IOT) {
        lint_say(l, LINT_ERROR, element, "%s: the DF or ADF it belongs to is not there yet", pe_name(pe->kind));
        return;
    }
    memset(dfs, 0xFF, sizeof dfs);
    size_t before = l->file_count;
    for (size_t i = 0; i < whole->files.count; i++)
        one_file(l, element, t, &whole->files.items[i], base, dfs);
    l->context = base == LINT_NONE ? 0 : base;
    for (size_t i = l->file_count; i-- > before;)
        if (l->files[i].spec.structure == FILE_DF)
            l->context = (uint16_t)i; /* the first one made */
}

/* ---- generic file management ---- */

static void generic_element(struct lint *l, size_t element)
{
    const struct pe_generic_file_management *gfm = l->elements[element].pe.as.gfm;
    uint16_t directory = l->file_count ? 0 : LINT_NONE, file = LINT_NONE, first = LINT_NONE;
    uint32_t position = 0;

    for (size_t i = 0; i < gfm->commands.count; i++)
        for (size_t k = 0; k < gfm->commands.items[i].list.count; k++) {
            const struct file_command *c = &gfm->commands.items[i].list.items[k];
            struct file_spec spec;
            if (c->path.ptr) {
                file = lint_path(l, c->path);
                position = 0;
                if (file == LINT_NONE)
                    lint_say(l, LINT_ERROR, element, "a path names a file that is not there");
                else if (l->files[file].spec.structure == FILE_DF)
                    directory = file;
            } else if (c->create && file_spec_make(NULL, c->create, &spec) == ERR_NONE) {
                file = add(l, element, directory, &spec, "file");
                position = 0;
                directory = spec.structure == FILE_DF && file != LINT_NONE ? file : directory;
            } else if (c->create) {
                lint_say(l, LINT_ERROR, element, "a created file is not described in full");
            } else {
                struct file_item item = { .offset = c->offset, .content = c->content };
                fill(l, element, file, &position, &item);
            }
            bool is_df = file != LINT_NONE && l->files[file].spec.structure == FILE_DF;
            first = first == LINT_NONE && is_df ? file : first;
        }
    l->context = first != LINT_NONE ? first : l->context;
}

/* ---- PINs: where they are ---- */

static void pin_element(struct lint *l, size_t element)
{
    const struct pin_codes *codes = l->elements[element].pe.as.pins->codes;
    for (size_t i = 0; i < codes->pins.count && l->pin_count < LINT_PINS_MAX; i++) {
        uint32_t reference = codes->pins.items[i].key_reference;
        bool local = reference >= 0x81 && reference <= 0x88;
        if (local == (l->context == 0))
            lint_say(l, LINT_ERROR, element, "PIN %02X: %s", reference,
                     local ? "a local PIN at the MF" : "a global PIN below the MF");
        l->pins[l->pin_count++] = (struct lint_pin){ l->context, reference, LINT_NONE };
    }
    if (codes->same_as.ptr && l->pin_count < LINT_PINS_MAX) {
        uint16_t with = lint_path(l, codes->same_as);
        if (with == LINT_NONE)
            lint_say(l, LINT_ERROR, element, "PINs shared with a DF that is not there");
        l->pins[l->pin_count++] = (struct lint_pin){ l->context, 0, with };
    }
}

void lint_tree(struct lint *l)
{
    for (size_t i = 0; i < l->count; i++) {
        enum pe_kind kind = l->elements[i].pe.kind;
        if (kind >= PE_FIRST_FILESYSTEM && kind < PE_KIND_COUNT)
            template_element(l, i);
        else if (kind == PE_GENERIC_FILE_MANAGEMENT)
            generic_element(l, i);
        else if (kind == PE_PIN_CODES)
            pin_element(l, i);
        l->elements[i].context = l->context;
        l->elements[i].adf = l->last_adf;
    }
}
