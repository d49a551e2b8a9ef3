/* Files: nodes of the tree, and the elements that create them from templates. */
#include "installation.h"

#include "lib/base/mutant.h"
#include "lib/profile/iot.h"

/* [?] Does a template that is "created by default" also create the files that its element does not name at all? The
 * profiles we know name every file they want, or leave out what they do not. */
#define CREATE_UNNAMED false

/* ---- the tree ---- */

bool node_is_df(const struct installation *in, uint16_t node) { return fs_is_df(&in->nodes[node].file); }

/* A link to a DF shows that DF's children. */
static uint16_t content_of(const struct installation *in, uint16_t node)
{
    while (in->nodes[node].file.link != FS_NONE)
        node = in->nodes[node].file.link;
    return node;
}

uint16_t node_child(const struct installation *in, uint16_t df, uint16_t fid)
{
    df = content_of(in, df);
    for (size_t i = 1; i < in->now.node_count; i++)
        if (in->nodes[i].file.parent == df && in->nodes[i].file.fid == fid)
            return (uint16_t)i;
    return NO_NODE;
}

uint16_t node_by_path(const struct installation *in, struct span path)
{
    struct reader r = rd_of(path);
    uint16_t node = in->now.has_mf ? FS_MF : NO_NODE;
    while (node != NO_NODE && rd_left(&r) >= 2) {
        uint16_t fid = rd_u16(&r);
        node = node_is_df(in, node) ? node_child(in, node, fid) : NO_NODE;
    }
    return rd_at_end(&r) ? node : NO_NODE;
}

uint16_t node_by_aid(const struct installation *in, struct span aid)
{
    for (size_t i = 1; i < in->now.node_count; i++)
        if (in->nodes[i].file.aid.len && span_eq(aid_span(&in->nodes[i].file.aid), aid))
            return (uint16_t)i;
    return NO_NODE;
}

static bool grow_nodes(struct installation *in)
{
    if (in->now.node_count < in->node_capacity)
        return true;
    size_t capacity = in->node_capacity ? 2 * in->node_capacity : 64;
    if (capacity > INSTALL_NODES_MAX)
        return false;
    struct node *nodes = ARENA_ARRAY(&in->arena, struct node, capacity);
    if (!nodes)
        return false;
    if (in->node_capacity)
        memcpy(nodes, in->nodes, in->node_capacity * sizeof *nodes);
    in->nodes = nodes;
    in->node_capacity = capacity;
    return true;
}

static enum pe_status_code check_siblings(const struct installation *in, uint16_t parent, const struct fs_file *f)
{
    if (parent == NO_NODE)
        return PE_STATUS_OK;
    for (size_t i = 1; i < in->now.node_count; i++) {
        const struct fs_file *other = &in->nodes[i].file;
        if (other->parent == parent &&
            other->fid == f->fid) /* SFIs twice in a DF are in the field: the first one counts */
            return PE_STATUS_BAD_VALUES;
    }
    return f->aid.len && node_by_aid(in, aid_span(&f->aid)) != NO_NODE ? PE_STATUS_BAD_VALUES : PE_STATUS_OK;
}

/* Counts towards the memory granted to the ISD-P. */
static enum pe_status_code count_size(struct installation *in, uint32_t size)
{
    in->now.size += size + INSTALL_FILE_OVERHEAD;
    return in->quota && in->now.size > in->quota && !MUTANT(ignores_the_quota) ? PE_STATUS_NOT_ENOUGH_MEMORY : PE_STATUS_OK;
}

static enum pe_status_code set_link(struct installation *in, const struct file_spec *spec, struct fs_file *f)
{
    if (!spec->link)
        return PE_STATUS_OK;
    uint16_t target = node_by_path(in, spec->link_path);
    if (target == NO_NODE)
        return PE_STATUS_BAD_VALUES;
    target = content_of(in, target);
    const struct fs_file *of = &in->nodes[target].file;
    if (fs_kind(of) != fs_kind(f))
        return PE_STATUS_BAD_VALUES;
    f->link = target; /* a record length that is not the target's is in the field, too: the target's counts */
    f->size = of->size;
    f->record_len = of->record_len;
    return PE_STATUS_OK;
}

static enum pe_status_code make_body(struct installation *in, const struct file_spec *spec, struct node *node)
{
    if (spec->structure == FILE_DF || spec->link)
        return count_size(in, 0);
    if (spec->size > FS_FILE_SIZE_MAX)
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    if (spec->record_len > FS_RECORD_MAX || (spec->record_len && spec->size / spec->record_len > FS_RECORDS_MAX))
        return PE_STATUS_BAD_VALUES;
    enum pe_status_code status = count_size(in, spec->size);
    if (status != PE_STATUS_OK)
        return status;
    node->body = arena_alloc(&in->arena, spec->size);
    if (!node->body)
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    if (spec->structure != FILE_BER_TLV) { /* that one starts empty */
        file_body_fill(spec, node->body);
        node->body_len = spec->size;
    }
    return PE_STATUS_OK;
}

static struct fs_file file_of(const struct installation *in, uint16_t parent, const struct file_spec *spec)
{
    bool top = parent == NO_NODE || parent == FS_MF;
    struct fs_file f = {
        .number = (fs_number)in->now.node_count,
        .parent = parent,
        .fid = spec->fid,
        .fdb = spec->descriptor,
        .lcsi = spec->lcsi,
        .sfi = spec->sfi == TEMPLATE_NO_SFI ? FS_NO_SFI : spec->sfi,
        .special = spec->special_information,
        .file_details = spec->details,
        .record_len = spec->record_len,
        .size = spec->size,
        .max_size = spec->maximum_size,
        .link = FS_NONE,
        .arr_fid = spec->arr_fid ? spec->arr_fid
                   : top         ? FID_ARR_MF
                                 : FID_ARR_DF,
        .arr_record = spec->arr_record,
    };
    f.pin_count = (uint8_t)(spec->pin_status.len < FS_PINS_MAX ? spec->pin_status.len : FS_PINS_MAX);
    if (f.pin_count)
        memcpy(f.pins, spec->pin_status.ptr, f.pin_count);
    return f;
}

/* USIM, ISIM and CSIM are told apart by the first seven octets of the AID. */
static const uint8_t adf_prefix[][7] = {
    [ADF_USIM] = { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02 },
    [ADF_ISIM] = { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x04 },
    [ADF_CSIM] = { 0xA0, 0x00, 0x00, 0x03, 0x43, 0x10, 0x02 },
};

static void note_adf(struct installation *in, uint16_t node)
{
    const struct aid *aid = &in->nodes[node].file.aid;
    if (!aid->len)
        return;
    in->now.last_adf = node;
    for (size_t kind = 0; kind < ARRAY_LEN(adf_prefix); kind++)
        if (span_eq(span_sub(aid_span(aid), 0, 7), SPAN_OF(adf_prefix[kind])))
            in->now.adf[kind] = node;
}

enum pe_status_code node_create(struct installation *in, uint16_t parent, const struct file_spec *spec, uint16_t *ret)
{
    struct node node = { .file = file_of(in, parent, spec), .owner = in->pe.identification };
    if (!fs_life_cycle_is_known(spec->lcsi) || fs_is_terminated(&node.file))
        return PE_STATUS_BAD_VALUES;
    if ((parent == NO_NODE) != (in->now.node_count == 0) || (spec->adf && parent != FS_MF) ||
        (spec->adf && !aid_set(&node.file.aid, spec->df_name)))
        return PE_STATUS_BAD_VALUES;
    if (!grow_nodes(in))
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    enum pe_status_code status = set_link(in, spec, &node.file);
    if (status == PE_STATUS_OK)
        status = check_siblings(in, parent, &node.file);
    if (status == PE_STATUS_OK)
        status = make_body(in, spec, &node);
    if (status != PE_STATUS_OK)
        return status;
    uint16_t number = (uint16_t)in->now.node_count++;
    in->nodes[number] = node;
    note_adf(in, number);
    *ret = number;
    return PE_STATUS_OK;
}

/* A body that another element made is changed in a copy, so that it can be put back. */
static bool own_body(struct installation *in, uint16_t number, size_t made_before)
{
    struct node *node = &in->nodes[number];
    if (number >= made_before)
        return true;
    for (const struct undo *u = in->undo; u; u = u->next)
        if (u->node == number)
            return true;
    struct undo *u = ARENA_NEW(&in->element, struct undo);
    uint8_t *copy = arena_alloc(&in->arena, node->file.size);
    if (!u || !copy)
        return false;
    memcpy(copy, node->body, node->body_len);
    *u = (struct undo){ number, node->body, node->body_len, in->undo };
    in->undo = u;
    node->body = copy;
    return true;
}

enum pe_status_code node_write(struct installation *in, uint16_t number, uint32_t *position,
                               const struct file_item *item)
{
    number = content_of(in, number);
    struct node *node = &in->nodes[number];
    if (fs_is_df(&node->file))
        return PE_STATUS_INVALID_PARAMETER;
    if (item->content.ptr && !own_body(in, number, in->made_before))
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    enum err err = file_body_write(node->body, node->file.size, position, item);
    if (err == ERR_NONE && *position > node->body_len)
        node->body_len = *position;
    return status_of_err(err);
}

/* ---- elements with a template ---- */

static uint16_t base_of(const struct installation *in, enum pe_kind kind)
{
    switch (kind) {
    case PE_MF:
    case PE_IOT:
        return NO_NODE;
    case PE_OPT_IOT:
    case PE_OPT_USIM:
    case PE_PHONEBOOK:
    case PE_GSM_ACCESS:
    case PE_DF_5GS:
    case PE_DF_SAIP:
    case PE_DF_SNPN:
    case PE_DF_5GPROSE:
        return in->now.adf[ADF_USIM];
    case PE_OPT_ISIM:
        return in->now.adf[ADF_ISIM];
    case PE_OPT_CSIM:
        return in->now.adf[ADF_CSIM];
    case PE_EAP:
        return in->now.last_adf;
    default:
        return FS_MF;
    }
}

struct template_run {
    const struct fs_template *template;
    const struct pe_filesystem *pe;
    uint16_t base;
    uint16_t dfs[128]; /* node of each DF member made */
    uint16_t first_df;
};

static uint16_t parent_of(struct installation *in, struct template_run *run, unsigned member)
{
    unsigned df = template_parent(run->template, member);
    if (df == 0)
        return run->base;
    if (run->dfs[df] != NO_NODE)
        return run->dfs[df];
    const struct template_file *row = template_file(run->template, df); /* made by an element before this one */
    uint16_t above = row ? parent_of(in, run, df) : NO_NODE;
    return above == NO_NODE || row->fid == TEMPLATE_FID_OPEN ? NO_NODE : node_child(in, above, row->fid);
}

static bool is_adf_member(enum pe_kind kind, unsigned member)
{
    return (member == 2 && (kind == PE_USIM || kind == PE_ISIM || kind == PE_CSIM)) || (member == 8 && kind == PE_IOT);
}

static enum pe_status_code fill_file(struct installation *in, uint16_t node, const struct pe_file *file)
{
    uint32_t position = 0;
    enum pe_status_code status = PE_STATUS_OK;
    for (size_t i = 0; status == PE_STATUS_OK && i < file->items.count; i++)
        if (!file->items.items[i].fcp)
            status = node_write(in, node, &position, &file->items.items[i]);
    return status;
}

/* file NULL: the element does not name it, the template makes it. */
static enum pe_status_code make_file(struct installation *in, struct template_run *run, unsigned member,
                                     const struct template_file *row, const struct pe_file *file)
{
    const struct fcp *fcp = file && file->items.count ? file->items.items[0].fcp : NULL;
    enum pe_kind kind = run->template->kind;
    struct file_spec spec;
    uint16_t node;
    enum err err = file_spec_make(row, fcp, &spec);

    if (!file && (err != ERR_NONE || spec.fill == FILL_REQUIRED)) /* the template alone does not say enough */
        return PE_STATUS_OK;
    if (err != ERR_NONE)
        return PE_STATUS_BAD_VALUES;
    if (is_adf_member(kind, member) && !spec.adf)
        return PE_STATUS_BAD_VALUES;
    uint16_t parent = parent_of(in, run, member);
    if (parent == NO_NODE && (!row || row->fid != FID_MF))
        return PE_STATUS_BAD_VALUES;
    enum pe_status_code status = node_create(in, parent, &spec, &node);
    if (status != PE_STATUS_OK)
        return status;
    if (spec.structure == FILE_DF) {
        run->dfs[member] = node;
        run->first_df = run->first_df == NO_NODE ? node : run->first_df;
    }
    return file ? fill_file(in, node, file) : PE_STATUS_OK;
}

static enum pe_status_code make_member(struct installation *in, struct template_run *run, unsigned member,
                                       const struct pe_file *file)
{
    bool absent = file && file->items.count && file->items.items[0].do_not_create;
    if (absent && !run->template->by_default)
        return PE_STATUS_INVALID_PARAMETER;
    if (absent && run->template->kind != PE_MF && run->template->kind != PE_IOT)
        return PE_STATUS_OK;
    struct pe_file plain = { .tag = file ? file->tag : 0 };
    return make_file(in, run, member, template_file(run->template, member), absent ? &plain : file);
}

/* Members in their order; between them, files that the template makes by itself. */
static enum pe_status_code make_members(struct installation *in, struct template_run *run)
{
    const struct fs_template *t = run->template;
    unsigned last = t->count ? t->files[t->count - 1].member : 0;
    size_t next = 0;
    enum pe_status_code status = PE_STATUS_OK;

    for (size_t i = 0; i < run->pe->files.count; i++)
        last =
            pe_member_number(run->pe->files.items[i].tag) > last ? pe_member_number(run->pe->files.items[i].tag) : last;
    for (unsigned member = 2; status == PE_STATUS_OK && member <= last; member++) {
        const struct pe_file *file = next < run->pe->files.count ? &run->pe->files.items[next] : NULL;
        if (file && pe_member_number(file->tag) == member)
            next++;
        else
            file = NULL;
        if (file || (CREATE_UNNAMED && t->by_default && template_file(t, member)))
            status = make_member(in, run, member, file);
    }
    return status;
}

enum pe_status_code install_filesystem(struct installation *in, const struct profile_element *pe)
{
    struct template_run run = { .template = template_find(pe->as.files->template_id), .pe = pe->as.files };
    if (!run.template || run.template->kind != pe->kind)
        return PE_STATUS_TEMPLATE_NOT_SUPPORTED;
    run.base = base_of(in, pe->kind);
    run.first_df = NO_NODE;
    memset(run.dfs, 0xFF, sizeof run.dfs);
    in->made_before = in->now.node_count;

    enum pe_status_code status = make_members(in, &run);
    if (status != PE_STATUS_OK)
        return status;
    in->now.has_mf = in->now.has_mf || in->now.node_count;
    in->now.pin_context = run.first_df != NO_NODE ? run.first_df : run.base;
    return PE_STATUS_OK;
}

enum pe_status_code install_iot(struct installation *in, const struct profile_element *pe)
{
    const struct iot_profile profile = { SPAN_OF(in->iccid), in->iot_pix };
    struct pe_filesystem all;
    struct profile_element whole = *pe;
    enum err err = iot_complete(&in->element, pe->as.files, &profile, &all);
    if (err != ERR_NONE)
        return status_of_err(err);
    whole.as.files = &all;
    return install_filesystem(in, &whole);
}
