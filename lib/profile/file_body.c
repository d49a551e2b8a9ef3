#include "file_body.h"

#define SFI_MAX 30u

static const uint8_t fdb_of[] = {
    [FILE_DF] = 0x78, [FILE_TRANSPARENT] = 0x41, [FILE_LINEAR] = 0x42, [FILE_CYCLIC] = 0x46, [FILE_BER_TLV] = 0x79
};

static uint16_t be16(struct span s) { return (uint16_t)(s.ptr[0] << 8 | s.ptr[1]); }

static bool has_records(enum file_structure s) { return s == FILE_LINEAR || s == FILE_CYCLIC; }

static enum err merge_type(const struct template_file *row, const struct fcp *fcp, struct file_spec *spec)
{
    struct file_shape shape = { 0 };
    if (row) {
        spec->structure = row->structure;
        spec->descriptor = fdb_of[row->structure];
        spec->record_len = has_records(row->structure) ? row->size : 0;
    }
    if (!fcp || !fcp->descriptor.ptr)
        return row ? ERR_NONE : ERR_MISSING;
    enum err err = file_shape_read(fcp->descriptor, &shape);
    if (err != ERR_NONE)
        return err;
    if (row && (row->structure == FILE_DF) != (shape.structure == FILE_DF))
        return ERR_DENIED;
    spec->structure = shape.structure;
    spec->descriptor = fcp->descriptor.ptr[0];
    if (shape.record_len || !has_records(shape.structure))
        spec->record_len = shape.record_len;
    return ERR_NONE;
}

static enum err merge_fid(const struct template_file *row, const struct fcp *fcp, struct file_spec *spec)
{
    bool stated = fcp && fcp->file_id.ptr;
    spec->fid = stated ? be16(fcp->file_id) : row ? row->fid : 0;
    if (!stated)
        return spec->fid ? ERR_NONE : ERR_MISSING;
    if (!row || row->fid == TEMPLATE_FID_OPEN || spec->fid == row->fid)
        return ERR_NONE;
    return spec->fid > row->fid && spec->fid <= row->fid_last ? ERR_NONE : ERR_DENIED;
}

static enum err merge_access(const struct template_file *row, const struct fcp *fcp, struct file_spec *spec)
{
    if (!fcp || !fcp->access.ptr) {
        spec->arr_record = row ? row->arr : 0;
        return row ? ERR_NONE : ERR_MISSING;
    }
    if (fcp->access.len == 2)
        return ERR_BAD_LENGTH;
    spec->arr_record = fcp->access.ptr[fcp->access.len - 1];
    spec->arr_fid = fcp->access.len == 3 ? be16(fcp->access) : 0;
    return ERR_NONE;
}

static enum err merge_sfi(const struct template_file *row, const struct fcp *fcp, struct file_spec *spec)
{
    spec->sfi = TEMPLATE_NO_SFI;
    if (spec->structure == FILE_DF)
        return ERR_NONE;
    if (!fcp || !fcp->sfi.ptr) {
        uint8_t implicit = spec->fid & 0x1F;
        spec->sfi = row ? row->sfi : implicit == 0 || implicit == 0x1F ? TEMPLATE_NO_SFI : implicit;
        return ERR_NONE;
    }
    if (fcp->sfi.len == 0)
        return ERR_NONE;
    uint8_t stated = fcp->sfi.ptr[0];
    if (stated & 7) /* not shifted: wrong, but in the field, and real cards take it */
        spec->sfi = stated;
    else
        spec->sfi = stated >> 3;
    return spec->sfi >= 1 && spec->sfi <= SFI_MAX ? ERR_NONE : ERR_BAD_VALUE;
}

static enum err merge_size(const struct template_file *row, const struct fcp *fcp, struct file_spec *spec)
{
    uint64_t size = 0;
    if (spec->structure == FILE_DF || spec->link)
        return ERR_NONE;
    if (fcp && fcp->size.ptr) {
        if (span_uint(fcp->size, &size) != ERR_NONE || size > FILE_BODY_MAX)
            return ERR_TOO_LONG;
    } else if (row) {
        size = has_records(spec->structure) ? (uint64_t)row->records * spec->record_len : row->size;
    }
    if (has_records(spec->structure) && (spec->record_len == 0 || size % spec->record_len))
        return spec->record_len ? ERR_BAD_LENGTH : ERR_MISSING;
    spec->size = (uint32_t)size;
    return size ? ERR_NONE : ERR_MISSING;
}

static enum err merge_info(const struct template_file *row, const struct fcp *fcp, struct file_spec *spec)
{
    const struct proprietary_info *info = fcp ? fcp->info : NULL;
    uint64_t maximum = 0;

    spec->fill = row ? row->fill : FILL_FF;
    spec->pattern = row ? row->pattern : SPAN_NONE;
    spec->special_information = row && row->high_update ? 0x80 : 0;
    spec->details = 1;
    if (!info)
        return ERR_NONE;
    if (info->fill_pattern.ptr && info->repeat_pattern.ptr)
        return ERR_BAD_VALUE;
    if (info->fill_pattern.ptr || info->repeat_pattern.ptr) {
        spec->fill = info->fill_pattern.ptr ? FILL_PATTERN : FILL_REPEAT;
        spec->pattern = info->fill_pattern.ptr ? info->fill_pattern : info->repeat_pattern;
    }
    if (info->special_information.ptr[0])
        spec->special_information = info->special_information.ptr[0];
    if (info->maximum_size.ptr && span_uint(info->maximum_size, &maximum) != ERR_NONE)
        return ERR_BAD_LENGTH;
    spec->maximum_size = maximum > FILE_BODY_MAX ? FILE_BODY_MAX : (uint32_t)maximum;
    spec->details = info->details.ptr[0];
    return ERR_NONE;
}

static enum err merge_df(const struct fcp *fcp, struct file_spec *spec)
{
    if (spec->structure != FILE_DF)
        return ERR_NONE;
    if (!fcp || (!fcp->pin_status.ptr && !spec->link))
        return ERR_MISSING;
    if (fcp->size.ptr)
        return ERR_DENIED;
    spec->pin_status = fcp->pin_status;
    spec->df_name = fcp->df_name;
    spec->adf = fcp->df_name.ptr != NULL;
    return ERR_NONE;
}

enum err file_spec_make(const struct template_file *row, const struct fcp *fcp, struct file_spec *ret)
{
    struct file_spec spec = { .lcsi = 0x05 };
    enum err (*const merges[])(const struct template_file *, const struct fcp *, struct file_spec *) = {
        merge_type, merge_fid, merge_access, merge_sfi, merge_size, merge_info,
    };

    if (fcp) {
        spec.lcsi = fcp->lcsi.ptr[0];
        spec.link_path = fcp->link_path;
        spec.link = fcp->link_path.len > 0;
        if (fcp->link_path.len % 2)
            return ERR_BAD_LENGTH;
    }
    enum err err = ERR_NONE;
    for (size_t i = 0; err == ERR_NONE && i < ARRAY_LEN(merges); i++)
        err = merges[i](row, fcp, &spec);
    if (err == ERR_NONE)
        err = merge_df(fcp, &spec);
    if (err == ERR_NONE)
        *ret = spec;
    return err;
}

static void fill_unit(enum template_fill fill, struct span p, uint8_t *out, size_t len)
{
    size_t head = p.len < len ? p.len : len;
    memset(out, 0xFF, len);
    switch (fill) {
    case FILL_PATTERN:
        memcpy(out, p.ptr, head);
        memset(out + head, p.ptr[p.len - 1], len - head);
        break;
    case FILL_REPEAT:
        for (size_t i = 0; i < len; i++)
            out[i] = p.ptr[i % p.len];
        break;
    case FILL_TAIL:
        memcpy(out + len - head, p.ptr + p.len - head, head);
        break;
    case FILL_FF:
    case FILL_REQUIRED:
        break;
    }
}

void file_body_fill(const struct file_spec *spec, uint8_t *body)
{
    uint32_t unit = spec->record_len ? spec->record_len : spec->size;
    for (uint32_t at = 0; unit && at + unit <= spec->size; at += unit)
        fill_unit(spec->fill, spec->pattern, body + at, unit);
}

enum err file_body_write(uint8_t *body, uint32_t size, uint32_t *position, const struct file_item *item)
{
    uint32_t step = item->content.ptr ? (uint32_t)item->content.len : item->offset == DER_ABSENT ? 0 : item->offset;
    if (step > size || *position > size - step)
        return ERR_TOO_LONG;
    if (item->content.len)
        memcpy(body + *position, item->content.ptr, item->content.len);
    *position += step;
    return ERR_NONE;
}
