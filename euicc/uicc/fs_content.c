#include "fs_object.h"
#include "lib/codec/ber_tlv.h"

/* The file whose body is meant. */
static enum err body_stat(const struct fs *fs, fs_number number, struct fs_file *ret)
{
    fs_number body = fs_body(fs, number);
    return body == FS_NONE ? ERR_NOT_FOUND : fs_stat(fs, body, ret);
}

static enum err body_len(const struct fs *fs, const struct fs_file *f, size_t *ret)
{
    size_t len;
    enum err err = objects_len(fs->store, fs_key(fs, f->number), &len);
    if (err == ERR_NONE)
        *ret = len - fs_header_len(f);
    return err;
}

enum err fs_read_file(const struct fs *fs, const struct fs_file *f, uint32_t offset, uint8_t *out, size_t len)
{
    if (f->link != FS_NONE)
        return fs_read(fs, f->number, offset, out, len);
    return objects_read(fs->store, fs_key(fs, f->number), fs_header_len(f) + offset, out, len);
}

enum err fs_read(const struct fs *fs, fs_number number, uint32_t offset, uint8_t *out, size_t len)
{
    struct fs_file f;
    enum err err = body_stat(fs, number, &f);
    return err == ERR_NONE ? fs_read_file(fs, &f, offset, out, len) : err;
}

enum err fs_write(struct fs *fs, fs_number number, uint32_t offset, struct span bytes)
{
    struct fs_file f;
    enum err err = body_stat(fs, number, &f);
    if (err != ERR_NONE)
        return err;
    if (offset > f.size || bytes.len > f.size - offset)
        return ERR_TRUNCATED;
    objects_begin(fs->store);
    return fs_end(fs, objects_patch(fs->store, fs_key(fs, f.number), fs_header_len(&f) + offset, bytes));
}

enum err fs_write_cyclic(struct fs *fs, fs_number number, struct span record)
{
    struct fs_file f;
    enum err err = body_stat(fs, number, &f);
    if (err != ERR_NONE)
        return err;
    if (record.len != f.record_len || f.size < f.record_len)
        return ERR_BAD_LENGTH;
    uint8_t *body = fs->scratch ? arena_alloc(fs->scratch, f.size) : NULL;
    if (!body)
        return ERR_NO_MEMORY;
    memcpy(body, record.ptr, record.len);
    err = fs_read(fs, f.number, 0, body + record.len, f.size - record.len);
    if (err != ERR_NONE)
        return err;
    return fs_write(fs, f.number, 0, (struct span){ body, f.size });
}

/* ---- BER-TLV files ---- */

#define TLV_HEAD_MAX 9u /* tag of 4, length of 5 */

/* The object at `at`: its tag and whole length; false at the end or when the body is broken. */
static bool tlv_at(const struct fs *fs, const struct fs_file *f, size_t at, size_t end, uint32_t *ret_tag,
                   uint32_t *ret_len)
{
    uint8_t head[TLV_HEAD_MAX];
    size_t n = end - at < sizeof head ? end - at : sizeof head;
    if (n < 2 || objects_read(fs->store, fs_key(fs, f->number), fs_header_len(f) + at, head, n) != ERR_NONE)
        return false;
    size_t i = 0;
    uint32_t tag = head[i++];
    if ((tag & 0x1F) == 0x1F)
        do
            tag = tag << 8 | head[i++];
        while (i < 4 && i < n && head[i - 1] & 0x80);
    uint32_t len = i < n ? head[i++] : 0;
    for (unsigned octets = len > 0x80 && len <= 0x84 ? len & 7 : 0, first = 1; octets-- && i < n; first = 0)
        len = (first ? 0 : len << 8) | head[i++];
    *ret_tag = tag;
    *ret_len = (uint32_t)i + len;
    return i <= n && at + i + len <= end;
}

enum err fs_tlv_get(const struct fs *fs, fs_number number, uint32_t tag, uint32_t *ret_at, uint32_t *ret_len)
{
    struct fs_file f;
    size_t end, at = 0;
    uint32_t found, len;
    enum err err = body_stat(fs, number, &f);
    if (err == ERR_NONE)
        err = body_len(fs, &f, &end);
    if (err != ERR_NONE)
        return err;
    for (; tlv_at(fs, &f, at, end, &found, &len); at += len) {
        if (found != tag)
            continue;
        *ret_at = (uint32_t)at;
        *ret_len = len;
        return ERR_NONE;
    }
    return ERR_NOT_FOUND;
}

enum err fs_tlv_tags(const struct fs *fs, fs_number number, struct writer *ret_tags)
{
    struct fs_file f;
    size_t end, at = 0;
    uint32_t tag, len;
    enum err err = body_stat(fs, number, &f);
    if (err == ERR_NONE)
        err = body_len(fs, &f, &end);
    for (; err == ERR_NONE && tlv_at(fs, &f, at, end, &tag, &len); at += len)
        wr_tag(ret_tags, tag);
    return err == ERR_NONE ? ret_tags->err : err;
}

/* The body without the object of that tag, and the new object behind it. */
static enum err tlv_replace(struct fs *fs, const struct fs_file *f, struct writer *body, uint32_t tag, struct span tlv)
{
    uint32_t at, len;
    size_t end;
    enum err err = body_len(fs, f, &end);
    if (err != ERR_NONE)
        return err;
    err = fs_tlv_get(fs, f->number, tag, &at, &len);
    if (err == ERR_NOT_FOUND && tlv.len != 0) {
        at = (uint32_t)end;
        len = 0;
    } else if (err != ERR_NONE) {
        return err;
    }
    if (end - len + tlv.len > (f->max_size ? f->max_size : f->size))
        return ERR_NO_SPACE;
    uint8_t *front = wr_room(body, at);
    err = at ? fs_read(fs, f->number, 0, front, at) : ERR_NONE;
    size_t rest = end - at - len;
    uint8_t *back = wr_room(body, rest);
    if (err == ERR_NONE && rest)
        err = fs_read(fs, f->number, at + len, back, rest);
    wr_bytes(body, tlv);
    return err == ERR_NONE ? body->err : err;
}

enum err fs_tlv_put(struct fs *fs, fs_number number, uint32_t tag, struct span tlv)
{
    struct fs_file f;
    enum err err = body_stat(fs, number, &f);
    if (err != ERR_NONE)
        return err;
    if (fs_kind(&f) != FS_BER_TLV)
        return ERR_STATE;
    if (!fs->scratch)
        return ERR_NO_MEMORY;
    struct writer body = wr_arena(fs->scratch, (f.max_size ? f.max_size : f.size) + 1);
    err = tlv_replace(fs, &f, &body, tag, tlv);
    if (err != ERR_NONE)
        return err;
    WRITER_ON_STACK(w, FS_HEADER_MAX);
    fs_header_write(&w, &f);
    objects_begin(fs->store);
    return fs_end(fs, objects_put2(fs->store, fs_key(fs, f.number), wr_span(&w), wr_span(&body)));
}
