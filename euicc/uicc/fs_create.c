#include "fs_object.h"

#define FID_RESERVED 0x3FFFu

/* ---- create ---- */

static enum err check_sizes(const struct fs_file *f)
{
    switch (fs_kind(f)) {
    case FS_DF:
        return f->size == 0 && f->record_len == 0 ? ERR_NONE : ERR_BAD_LENGTH;
    case FS_TRANSPARENT:
    case FS_BER_TLV:
        return f->record_len == 0 && f->size <= FS_FILE_SIZE_MAX && f->max_size <= FS_FILE_SIZE_MAX ? ERR_NONE
                                                                                                    : ERR_BAD_LENGTH;
    case FS_LINEAR:
    case FS_CYCLIC:
        if (f->record_len == 0 || f->record_len > FS_RECORD_MAX || f->size % f->record_len != 0)
            return ERR_BAD_LENGTH;
        return f->size / f->record_len <= FS_RECORDS_MAX && f->size <= FS_FILE_SIZE_MAX ? ERR_NONE : ERR_BAD_LENGTH;
    }
    return ERR_BAD_VALUE;
}

static enum err check_place(const struct fs *fs, const struct fs_file *f)
{
    if (f->parent == FS_NONE)
        return fs->count == 0 && f->fid == FID_MF && fs_is_df(f) ? ERR_NONE : ERR_BAD_VALUE;
    const struct fs_entry *parent = fs_entry(fs, f->parent);
    if (!parent || (parent->fdb & 0x3F) != FS_DF)
        return ERR_NOT_FOUND;
    if (f->fid == FID_MF || f->fid == FID_ADF || f->fid == FID_RESERVED || (f->aid.len && !fs_is_df(f)))
        return ERR_BAD_VALUE;
    if (f->sfi != FS_NO_SFI && (f->sfi == 0 || f->sfi > 30))
        return ERR_BAD_VALUE;
    if (fs_child(fs, f->parent, f->fid) != FS_NONE || (f->aid.len && fs_by_aid(fs, aid_span(&f->aid), 0) != FS_NONE))
        return ERR_EXISTS;
    return ERR_NONE;
}

/* A link shows another file's body, so it has that one's size. */
static enum err follow_link(const struct fs *fs, struct fs_file *f)
{
    struct fs_file target;
    fs_number body = fs_body(fs, f->link);
    if (body == FS_NONE)
        return ERR_NOT_FOUND;
    enum err err = fs_stat(fs, body, &target);
    if (err != ERR_NONE)
        return err;
    if (fs_kind(&target) != fs_kind(f))
        return ERR_BAD_VALUE;
    f->size = target.size;
    f->max_size = target.max_size;
    f->record_len = target.record_len;
    return ERR_NONE;
}

static enum err spec_check(const struct fs *fs, struct fs_file *f, struct span body)
{
    enum err err = f->link == FS_NONE ? ERR_NONE : follow_link(fs, f);
    if (err == ERR_NONE)
        err = check_sizes(f);
    if (err == ERR_NONE)
        err = check_place(fs, f);
    if (err != ERR_NONE)
        return err;
    if (fs->count == FS_FILES_MAX || fs->next > FS_NUMBER_MAX)
        return ERR_NO_SPACE;
    uint32_t room = fs_kind(f) == FS_BER_TLV && f->max_size ? f->max_size : f->size;
    return body.len <= (f->link == FS_NONE ? room : 0) ? ERR_NONE : ERR_BAD_LENGTH;
}

/* The body, and FF up to the size; a BER-TLV file has only what is in it. */
static enum err file_store(struct fs *fs, const struct fs_file *f, struct span body)
{
    WRITER_ON_STACK(w, FS_HEADER_MAX);
    fs_header_write(&w, f);
    bool whole = f->link != FS_NONE || fs_kind(f) == FS_BER_TLV || body.len == f->size;
    if (whole)
        return objects_put2(fs->store, fs_key(fs, f->number), wr_span(&w), body);
    struct writer full = wr_of(NULL, 0);
    uint8_t *room = NULL, small[512];
    if (f->size <= sizeof small)
        room = small;
    else if (fs->scratch)
        room = arena_alloc(fs->scratch, f->size);
    if (!room)
        return ERR_NO_MEMORY;
    full = wr_of(room, f->size);
    wr_bytes(&full, body);
    wr_fill(&full, 0xFF, f->size - body.len);
    return objects_put2(fs->store, fs_key(fs, f->number), wr_span(&w), wr_span(&full));
}

enum err fs_create(struct fs *fs, const struct fs_file *spec, struct span body, fs_number *ret_number)
{
    struct fs_file f = *spec;
    enum err err = spec_check(fs, &f, body);
    if (err == ERR_NONE)
        err = fs_room(fs);
    if (err != ERR_NONE)
        return err;
    f.number = fs->next;
    if (f.lcsi == 0)
        f.lcsi = FS_ACTIVATED;
    objects_begin(fs->store);
    err = fs_end(fs, file_store(fs, &f, body));
    if (err != ERR_NONE)
        return err;
    fs_entry_of(&f, &fs->entries[fs->count++]);
    fs->next++;
    *ret_number = f.number;
    return ERR_NONE;
}

/* ---- delete ---- */

static bool is_below(const struct fs *fs, fs_number number, fs_number top)
{
    while (number != FS_NONE && number != top) {
        const struct fs_entry *e = fs_entry(fs, number);
        number = e ? e->parent : FS_NONE;
    }
    return number == top;
}

/* A link from outside into what goes. */
static bool is_linked(const struct fs *fs, fs_number top)
{
    for (uint16_t i = 0; i < fs->count; i++) {
        const struct fs_entry *e = &fs->entries[i];
        if (e->link != FS_NONE && is_below(fs, e->link, top) && !is_below(fs, e->number, top))
            return true;
    }
    return false;
}

static enum err delete_one(struct fs *fs, fs_number number)
{
    struct objects *o = fs->store;
    uint8_t p = fs->profile;
    uint32_t first = (uint32_t)number << 8, last = first | 0xFF;
    enum err err = objects_delete(o, fs_key(fs, number));
    if (err == ERR_NONE)
        err = objects_delete_range(o, OBJECT_KEY(p, OBJ_PIN, first), OBJECT_KEY(p, OBJ_PIN, last));
    if (err == ERR_NONE)
        err = objects_delete(o, OBJECT_KEY(p, OBJ_PIN_SHARE, number));
    if (err == ERR_NONE)
        err = objects_delete(o, OBJECT_KEY(p, OBJ_NAA, number));
    return err == ERR_NONE ? objects_delete(o, OBJECT_KEY(p, OBJ_NAA_SQN, number)) : err;
}

static void forget_deleted(struct fs *fs)
{
    uint16_t kept = 0;
    for (uint16_t i = 0; i < fs->count; i++)
        if (objects_has(fs->store, fs_key(fs, fs->entries[i].number)))
            fs->entries[kept++] = fs->entries[i];
    fs->count = kept;
}

enum err fs_delete(struct fs *fs, fs_number number)
{
    if (!fs_entry(fs, number))
        return ERR_NOT_FOUND;
    if (is_linked(fs, number))
        return ERR_STATE;
    enum err err = ERR_NONE;
    objects_begin(fs->store);
    for (uint16_t i = 0; i < fs->count && err == ERR_NONE; i++)
        if (is_below(fs, fs->entries[i].number, number))
            err = delete_one(fs, fs->entries[i].number);
    err = fs_end(fs, err);
    if (err == ERR_NONE)
        forget_deleted(fs);
    return err;
}

/* ---- change ---- */

static enum err patch_header(struct fs *fs, const struct fs_file *f)
{
    WRITER_ON_STACK(w, FS_HEADER_MAX);
    fs_header_write(&w, f);
    return objects_patch(fs->store, fs_key(fs, f->number), 0, wr_span(&w));
}

static enum err rewrite_header(struct fs *fs, const struct fs_file *f)
{
    objects_begin(fs->store);
    return fs_end(fs, patch_header(fs, f));
}

enum err fs_set_lcsi(struct fs *fs, fs_number number, uint8_t lcsi)
{
    struct fs_file f;
    enum err err = fs_stat(fs, number, &f);
    if (err != ERR_NONE)
        return err;
    f.lcsi = lcsi;
    return rewrite_header(fs, &f);
}

static enum err resize_body(struct fs *fs, const struct fs_file *f, uint32_t old_size)
{
    uint8_t *body = fs->scratch ? arena_alloc(fs->scratch, f->size ? f->size : 1) : NULL;
    if (!body)
        return ERR_NO_MEMORY;
    uint32_t kept = old_size < f->size ? old_size : f->size;
    enum err err = objects_read(fs->store, fs_key(fs, f->number), fs_header_len(f), body, kept);
    if (err != ERR_NONE)
        return err;
    memset(body + kept, 0xFF, f->size - kept);
    WRITER_ON_STACK(w, FS_HEADER_MAX);
    fs_header_write(&w, f);
    objects_begin(fs->store);
    return fs_end(fs, objects_put2(fs->store, fs_key(fs, f->number), wr_span(&w), (struct span){ body, f->size }));
}

/* Who shows the body of another file has that one's size. */
static enum err links_follow(struct fs *fs, const struct fs_file *body)
{
    enum err err = ERR_NONE;
    for (uint16_t i = 0; i < fs->count && err == ERR_NONE; i++) {
        struct fs_file link;
        if (fs->entries[i].link == FS_NONE || fs_body(fs, fs->entries[i].number) != body->number)
            continue;
        err = fs_stat(fs, fs->entries[i].number, &link);
        link.size = body->size;
        link.max_size = body->max_size;
        if (err == ERR_NONE)
            err = patch_header(fs, &link);
    }
    return err;
}

static enum err resize_one(struct fs *fs, struct fs_file *f, uint32_t size)
{
    enum err err;
    uint32_t old_size = f->size;
    if (fs_kind(f) == FS_DF || fs_kind(f) == FS_CYCLIC)
        return ERR_STATE;
    if (fs_kind(f) == FS_BER_TLV) {
        size_t len;
        err = objects_len(fs->store, fs_key(fs, f->number), &len);
        if (err != ERR_NONE || len - fs_header_len(f) > size)
            return err != ERR_NONE ? err : ERR_BAD_LENGTH;
        f->max_size = size;
        return size <= FS_FILE_SIZE_MAX ? rewrite_header(fs, f) : ERR_BAD_LENGTH;
    }
    f->size = size;
    err = check_sizes(f);
    return err == ERR_NONE ? resize_body(fs, f, old_size) : err;
}

enum err fs_resize(struct fs *fs, fs_number number, uint32_t size)
{
    struct fs_file f;
    enum err err = fs_stat(fs, fs_body(fs, number), &f);
    if (err != ERR_NONE)
        return err;
    objects_begin(fs->store);
    err = resize_one(fs, &f, size);
    if (err == ERR_NONE)
        err = links_follow(fs, &f);
    return fs_end(fs, err);
}
