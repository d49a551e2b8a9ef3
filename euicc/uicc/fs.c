#include "fs_object.h"

#include <stdlib.h>

#define ENTRIES_STEP 32u /* files the directory grows by; FS_FILES_MAX is a multiple */

void fs_header_write(struct writer *w, const struct fs_file *f)
{
    wr_u8(w, f->fdb);
    wr_u8(w, f->lcsi);
    wr_u8(w, f->sfi);
    wr_u8(w, f->special);
    wr_u16(w, f->parent);
    wr_u16(w, f->fid);
    wr_u16(w, f->record_len);
    wr_u32(w, f->size);
    wr_u32(w, f->max_size);
    wr_u16(w, f->link);
    wr_u16(w, f->arr_fid);
    wr_u8(w, f->arr_record);
    wr_u8(w, f->file_details);
    wr_u8(w, f->aid.len);
    wr_u8(w, f->pin_count);
    wr_bytes(w, aid_span(&f->aid));
    wr_bytes(w, (struct span){ f->pins, f->pin_count });
}

static enum err header_decode(struct reader *r, struct fs_file *f)
{
    f->fdb = rd_u8(r);
    f->lcsi = rd_u8(r);
    f->sfi = rd_u8(r);
    f->special = rd_u8(r);
    f->parent = rd_u16(r);
    f->fid = rd_u16(r);
    f->record_len = rd_u16(r);
    f->size = rd_u32(r);
    f->max_size = rd_u32(r);
    f->link = rd_u16(r);
    f->arr_fid = rd_u16(r);
    f->arr_record = rd_u8(r);
    f->file_details = rd_u8(r);
    f->aid.len = rd_u8(r);
    f->pin_count = rd_u8(r);
    if (r->err == ERR_NONE && (f->aid.len > AID_MAX || f->pin_count > FS_PINS_MAX))
        return ERR_VERIFY;
    rd_copy(r, f->aid.octets, f->aid.len);
    rd_copy(r, f->pins, f->pin_count);
    return r->err;
}

enum err fs_header_read(const struct fs *fs, fs_number number, struct fs_file *ret)
{
    uint8_t bytes[FS_HEADER_MAX];
    struct fs_file f = { .number = number };
    size_t len;
    enum err err = objects_read_front(fs->store, fs_key(fs, number), bytes, sizeof bytes, &len);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of((struct span){ bytes, len });
    err = header_decode(&r, &f);
    if (err == ERR_NONE)
        *ret = f;
    return err;
}

enum err fs_stat(const struct fs *fs, fs_number number, struct fs_file *ret)
{
    struct fs_seen *seen = fs->seen ? &fs->seen[number % FS_SEEN_COUNT] : NULL;
    uint32_t changes = objects_changes(fs->store);
    if (number == FS_NONE)
        return ERR_NOT_FOUND;
    if (seen && seen->changes == changes && seen->file.number == number) {
        *ret = seen->file;
        return ERR_NONE;
    }
    enum err err = fs_header_read(fs, number, ret);
    if (err == ERR_NONE && seen)
        *seen = (struct fs_seen){ changes, *ret };
    return err;
}

void fs_entry_of(const struct fs_file *f, struct fs_entry *ret)
{
    *ret = (struct fs_entry){ f->number, f->parent, f->link, f->fid, f->fdb, f->sfi, f->aid.len ? FS_ENTRY_ADF : 0 };
}

enum err fs_room(struct fs *fs)
{
    if (fs->count < fs->cap)
        return ERR_NONE;
    if (fs->count == FS_FILES_MAX)
        return ERR_TOO_LONG;
    struct fs_entry *entries = realloc(fs->entries, (fs->cap + ENTRIES_STEP) * sizeof *entries);
    if (!entries)
        return ERR_NO_MEMORY;
    fs->entries = entries;
    fs->cap = (uint16_t)(fs->cap + ENTRIES_STEP);
    return ERR_NONE;
}

enum err fs_mount(struct fs *fs, struct objects *store, uint8_t profile, struct arena *scratch)
{
    *fs = (struct fs){
        .store = store, .profile = profile, .scratch = scratch, .entries = fs->entries, .cap = fs->cap, .seen = fs->seen
    };
    if (fs->seen)
        memset(fs->seen, 0, FS_SEEN_COUNT * sizeof *fs->seen);
    else
        fs->seen = calloc(FS_SEEN_COUNT, sizeof *fs->seen); /* it goes without, too */
    object_key key = OBJECT_KEY(profile, OBJ_FILE, 0), last = OBJECT_KEY(profile, OBJ_FILE, 0xFFFFF);
    for (; objects_next(store, key, last, &key); key++) {
        struct fs_file f;
        enum err err = fs_room(fs);
        if (err == ERR_NONE)
            err = fs_header_read(fs, (fs_number)OBJECT_NUMBER(key), &f);
        if (err != ERR_NONE) {
            fs_unmount(fs);
            return err;
        }
        fs_entry_of(&f, &fs->entries[fs->count++]);
        fs->next = (fs_number)(f.number + 1);
    }
    return ERR_NONE;
}

void fs_unmount(struct fs *fs)
{
    free(fs->entries);
    free(fs->seen);
    fs->entries = NULL;
    fs->seen = NULL;
    fs->profile = 0;
    fs->count = fs->cap = 0;
    fs->next = 0;
}

enum err fs_end(struct fs *fs, enum err err)
{
    if (err == ERR_NONE)
        return objects_commit(fs->store);
    objects_rollback(fs->store);
    return err;
}

/* ---- finding ---- */

struct fs_entry *fs_entry(const struct fs *fs, fs_number number)
{
    uint16_t low = 0, high = fs->count;
    if (number < high && fs->entries[number].number == number) /* no file was ever deleted before it */
        return &fs->entries[number];
    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (fs->entries[middle].number < number)
            low = (uint16_t)(middle + 1);
        else
            high = middle;
    }
    return low < fs->count && fs->entries[low].number == number ? (struct fs_entry *)&fs->entries[low] : NULL;
}

fs_number fs_body(const struct fs *fs, fs_number number)
{
    for (unsigned hops = 0; hops < FS_PATH_DEPTH_MAX; hops++) {
        const struct fs_entry *e = fs_entry(fs, number);
        if (!e)
            return FS_NONE;
        if (e->link == FS_NONE)
            return number;
        number = e->link;
    }
    return FS_NONE;
}

fs_number fs_child(const struct fs *fs, fs_number df, uint16_t fid)
{
    df = fs_body(fs, df);
    for (uint16_t i = 0; df != FS_NONE && i < fs->count; i++)
        if (fs->entries[i].fid == fid && fs->entries[i].parent == df)
            return fs->entries[i].number;
    return FS_NONE;
}

fs_number fs_by_sfi(const struct fs *fs, fs_number df, uint8_t sfi)
{
    df = fs_body(fs, df);
    for (uint16_t i = 0; df != FS_NONE && i < fs->count; i++)
        if (fs->entries[i].sfi == sfi && fs->entries[i].parent == df && (fs->entries[i].fdb & 0x3F) != FS_DF)
            return fs->entries[i].number;
    return FS_NONE;
}

fs_number fs_parent(const struct fs *fs, fs_number number)
{
    const struct fs_entry *e = fs_entry(fs, number);
    return !e ? FS_NONE : e->parent == FS_NONE ? number : e->parent;
}

fs_number fs_adf_of(const struct fs *fs, fs_number number)
{
    const struct fs_entry *e = fs_entry(fs, number);
    while (e && !(e->flags & FS_ENTRY_ADF))
        e = e->parent == FS_NONE ? NULL : fs_entry(fs, e->parent);
    return e ? e->number : FS_NONE;
}

fs_number fs_by_path(const struct fs *fs, fs_number from, fs_number adf, struct span path)
{
    struct reader r = rd_of(path);
    bool first = true;
    while (from != FS_NONE && !rd_at_end(&r) && r.err == ERR_NONE) {
        uint16_t fid = rd_u16(&r);
        from = first && fid == FID_ADF ? adf : fs_child(fs, from, fid);
        first = false;
    }
    return r.err == ERR_NONE ? from : FS_NONE;
}

fs_number fs_by_aid(const struct fs *fs, struct span partial, unsigned nth)
{
    for (uint16_t i = 0; i < fs->count; i++) {
        struct fs_file f;
        if (!(fs->entries[i].flags & FS_ENTRY_ADF) || fs_header_read(fs, fs->entries[i].number, &f) != ERR_NONE)
            continue;
        if (span_eq(span_sub(aid_span(&f.aid), 0, partial.len), partial) && nth-- == 0)
            return f.number;
    }
    return FS_NONE;
}

/* A DF among the children that can be named by its FID: an ADF cannot. */
static fs_number child_by_fid(const struct fs *fs, fs_number df, uint16_t fid, bool only_df)
{
    fs_number found = fs_child(fs, df, fid);
    const struct fs_entry *e = found == FS_NONE ? NULL : fs_entry(fs, found);
    bool fits = e && !(e->flags & FS_ENTRY_ADF) && (!only_df || (e->fdb & 0x3F) == FS_DF);
    return fits ? found : FS_NONE;
}

fs_number fs_by_fid(const struct fs *fs, fs_number current_df, fs_number adf, uint16_t fid)
{
    const struct fs_entry *df = fs_entry(fs, current_df);
    if (!df)
        return FS_NONE;
    if (fid == FID_MF)
        return FS_MF;
    if (fid == FID_ADF)
        return adf;
    fs_number found = child_by_fid(fs, current_df, fid, false);
    if (found != FS_NONE)
        return found;
    if (df->fid == fid && !(df->flags & FS_ENTRY_ADF))
        return current_df;
    if (df->parent == FS_NONE)
        return FS_NONE;
    const struct fs_entry *parent = fs_entry(fs, df->parent);
    if (parent && parent->fid == fid && !(parent->flags & FS_ENTRY_ADF))
        return parent->number;
    return child_by_fid(fs, df->parent, fid, true);
}
