#include "fs.h"
#include "lib/codec/ber_tlv.h"

/* The inside of an FCP, TS 102 222 §6.3.2: which of our words each tag says. */

static enum err read_descriptor(struct span v, struct fs_file *f)
{
    struct reader r = rd_of(v);
    f->fdb = rd_u8(&r);
    if (v.len > 1)
        rd_u8(&r); /* data coding */
    if (v.len == 3)
        f->record_len = rd_u8(&r);
    else if (v.len >= 4)
        f->record_len = rd_u16(&r);
    if (v.len >= 5)
        rd_u8(&r); /* number of records: size / record length */
    return rd_finish(&r);
}

static enum err read_number(struct span v, uint32_t *ret)
{
    uint64_t n;
    enum err err = span_uint(v, &n);
    if (err == ERR_NONE && n > FS_FILE_SIZE_MAX)
        err = ERR_BAD_LENGTH;
    if (err == ERR_NONE)
        *ret = (uint32_t)n;
    return err;
}

static enum err read_security(struct span v, uint16_t implicit_arr, struct fs_file *f)
{
    if (v.len != 1 && v.len != 3)
        return ERR_BAD_LENGTH;
    f->arr_fid = v.len == 3 ? (uint16_t)(v.ptr[0] << 8 | v.ptr[1]) : implicit_arr;
    f->arr_record = v.ptr[v.len - 1];
    return ERR_NONE;
}

static enum err read_proprietary(struct span v, struct fs_file *f)
{
    struct reader r = rd_of(v);
    struct tlv t;
    enum err err = ERR_NONE;
    while (err == ERR_NONE && tlv_next(&r, &t)) {
        if (t.tag == 0xC0 && t.val.len == 1)
            f->special = t.val.ptr[0];
        else if (t.tag == 0x84 && t.val.len == 1)
            f->file_details = t.val.ptr[0];
        else if (t.tag == 0x86)
            err = read_number(t.val, &f->max_size);
    }
    return err == ERR_NONE ? r.err : err;
}

/* 90 PS_DO, then per reference 95 (usage) and 83: the references in order. */
static enum err read_pin_status(struct span v, struct fs_file *f)
{
    struct reader r = rd_of(v);
    struct tlv t;
    while (tlv_next(&r, &t)) {
        if (t.tag != 0x83)
            continue;
        if (t.val.len != 1 || f->pin_count == FS_PINS_MAX)
            return ERR_BAD_LENGTH;
        f->pins[f->pin_count++] = t.val.ptr[0];
    }
    return r.err;
}

static enum err read_sfi(struct span v, struct fs_file *f)
{
    if (v.len > 1 || (v.len == 1 && v.ptr[0] & 7))
        return ERR_BAD_VALUE;
    f->sfi = v.len == 0 ? FS_NO_SFI : v.ptr[0] >> 3;
    return ERR_NONE;
}

static enum err read_life_cycle(struct span v, struct fs_file *f)
{
    if (v.len != 1)
        return ERR_BAD_LENGTH;
    f->lcsi = v.ptr[0];
    return f->lcsi != 0 && fs_life_cycle_is_known(f->lcsi) ? ERR_NONE : ERR_BAD_VALUE;
}

static enum err read_fid(struct span v, struct fs_file *f)
{
    if (v.len != 2)
        return ERR_BAD_LENGTH;
    f->fid = (uint16_t)(v.ptr[0] << 8 | v.ptr[1]);
    return ERR_NONE;
}

static enum err read_member(const struct tlv *t, uint16_t implicit_arr, struct fs_file *f)
{
    switch (t->tag) {
    case 0x82:
        return read_descriptor(t->val, f);
    case 0x83:
        return read_fid(t->val, f);
    case 0x84:
        return aid_set(&f->aid, t->val) ? ERR_NONE : ERR_BAD_LENGTH;
    case 0x8A:
        return read_life_cycle(t->val, f);
    case 0x8B:
        return read_security(t->val, implicit_arr, f);
    case 0x80:
        return read_number(t->val, &f->size);
    case 0x88:
        return read_sfi(t->val, f);
    case 0xA5:
        return read_proprietary(t->val, f);
    case 0xC6:
        return read_pin_status(t->val, f);
    default:
        return ERR_NONE;
    }
}

enum err fs_fcp_decode(struct span fcp, uint16_t implicit_arr, struct fs_file *ret)
{
    struct fs_file f = { .number = FS_NONE, .parent = FS_NONE, .link = FS_NONE };
    struct reader r = rd_of(fcp);
    struct tlv t;
    bool has_descriptor = false, has_fid = false, has_sfi = false;
    while (tlv_next(&r, &t)) {
        enum err err = read_member(&t, implicit_arr, &f);
        if (err != ERR_NONE)
            return err;
        has_descriptor |= t.tag == 0x82;
        has_fid |= t.tag == 0x83;
        has_sfi |= t.tag == 0x88;
    }
    if (r.err != ERR_NONE)
        return r.err;
    if (!has_fid || !has_descriptor)
        return ERR_MISSING;
    if (!has_sfi) /* TS 102 221 §11.1.1.4.8: the five low bits of the FID */
        f.sfi = fs_is_df(&f) || (f.fid & 0x1F) == 0 || (f.fid & 0x1F) == 0x1F ? FS_NO_SFI : f.fid & 0x1F;
    *ret = f;
    return ERR_NONE;
}
