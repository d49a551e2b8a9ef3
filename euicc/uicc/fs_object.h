/* euicc/uicc/fs_object.h: a file as an object: its header, then its body. Private to the file system. */
#ifndef OSPREY_EUICC_UICC_FS_OBJECT_H
#define OSPREY_EUICC_UICC_FS_OBJECT_H

#include "fs.h"
#include "lib/codec/reader.h"

#define FS_HEADER_FIXED 26u
#define FS_HEADER_FID   6u /* where its FID stands */
#define FS_HEADER_MAX   (FS_HEADER_FIXED + AID_MAX + FS_PINS_MAX)

static inline object_key fs_key(const struct fs *fs, fs_number number)
{
    return OBJECT_KEY(fs->profile, OBJ_FILE, number);
}
static inline size_t fs_header_len(const struct fs_file *f) { return FS_HEADER_FIXED + f->aid.len + f->pin_count; }
void fs_header_write(struct writer *w, const struct fs_file *f);
enum err fs_header_read(const struct fs *fs, fs_number number, struct fs_file *ret);

/* The directory. */
/* Room for one entry more. */
enum err fs_room(struct fs *fs);
struct fs_entry *fs_entry(const struct fs *fs, fs_number number); /* NULL */
void fs_entry_of(const struct fs_file *f, struct fs_entry *ret);
/* The file whose body this one shows: itself, or where its link leads; FS_NONE when that is gone. */
fs_number fs_body(const struct fs *fs, fs_number number);

/* begin … commit around one change, or rollback; err is what the change said. */
enum err fs_end(struct fs *fs, enum err err);

#endif
