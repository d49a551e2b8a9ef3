/* euicc/uicc/fs.h: the file system of one profile (ETSI TS 102 221 §8, TS 102 222): MF, DFs, ADFs and the four kinds of
 * elementary files. Files are objects (nvm/objects.h); a small directory of them is kept in RAM while mounted.
 *
 * A file has a number that never changes (0 is the MF); parents, links, PIN contexts and NAAs are named by it.
 * Changes are made inside a transaction of the store (objects_begin … objects_commit; each function opens its own when
 * none is); the directory follows at once, so after a rollback call fs_mount again. A profile is built by mounting its
 * (empty) slot and creating file by file, the MF first; link targets before links. */
#ifndef OSPREY_EUICC_UICC_FS_H
#define OSPREY_EUICC_UICC_FS_H

#include "euicc/nvm/objects.h"
#include "lib/codec/writer.h"
#include "lib/model/aid.h"

#define FS_FILES_MAX      1024u
#define FS_FILE_SIZE_MAX  60000u
#define FS_RECORD_MAX     255u /* octets of a record */
#define FS_RECORDS_MAX    254u
#define FS_PINS_MAX       26u
#define FS_PATH_DEPTH_MAX 8u

typedef uint16_t fs_number;
#define FS_MF      ((fs_number)0)
#define FS_NONE    ((fs_number)0xFFFF)
#define FS_NO_SFI  0xFFu
#define FID_MF     0x3F00u
#define FID_ADF    0x7FFFu /* the current ADF */
#define FID_ARR_MF 0x2F06u /* EF.ARR of the MF level, implicit in a one-octet 8B */
#define FID_ARR_DF 0x6F06u /* EF.ARR below */

/* File descriptor octet without the shareable bit (0x40); the bit of an internal EF (0x08) is not part of the kind. */
enum fs_kind { FS_TRANSPARENT = 0x01, FS_LINEAR = 0x02, FS_CYCLIC = 0x06, FS_BER_TLV = 0x39, FS_DF = 0x38 };

enum fs_lcsi {
    FS_CREATION = 0x01,
    FS_INITIALISATION = 0x03,
    FS_DEACTIVATED = 0x04,
    FS_ACTIVATED = 0x05,
    FS_TERMINATED = 0x0C
};

#define FS_SPECIAL_HIGH_UPDATE    0x80u
#define FS_SPECIAL_DEACTIVATED_RW 0x40u /* readable and updatable when deactivated */

/* What a file is: the FCP in our words. Input of fs_create, output of fs_stat. */
struct fs_file {
    fs_number number; /* fs_create assigns it */
    fs_number parent; /* FS_NONE: this is the MF */
    uint16_t fid;
    uint8_t fdb;          /* as in tag 82: 0x41, 0x42, 0x46, 0x79, 0x78, or without the shareable bit */
    uint8_t lcsi;         /* 0: FS_ACTIVATED */
    uint8_t sfi;          /* 1 … 30; FS_NO_SFI: none */
    uint8_t special;      /* C0, FS_SPECIAL_… */
    uint8_t file_details; /* A5/84 of a BER-TLV file; 0: 01 */
    uint16_t record_len;  /* linear fixed, cyclic */
    uint32_t size;        /* octets of the body; 0 for DFs */
    uint32_t max_size;    /* BER-TLV: the limit (86); 0: size */
    fs_number link;   /* FS_NONE, or the file (or DF, of which the children are shared) whose content this one shows */
    uint16_t arr_fid; /* 8B: EF.ARR's FID; 0: no access rule (nothing is allowed) */
    uint8_t arr_record;
    struct aid aid;    /* an ADF's name; len 0 for all others */
    uint8_t pin_count; /* DFs: the key references of C6, in order */
    uint8_t pins[FS_PINS_MAX];
};
static inline bool fs_is_internal(const struct fs_file *f)
{
    return (f->fdb & 0x38) == 0x08;
} /* the card's own alone */
static inline enum fs_kind fs_kind(const struct fs_file *f)
{
    return (enum fs_kind)(f->fdb & (fs_is_internal(f) ? 0x07 : 0x3F));
}
static inline bool fs_is_df(const struct fs_file *f) { return fs_kind(f) == FS_DF; }
static inline bool fs_is_deactivated(const struct fs_file *f) { return (f->lcsi & ~2) == FS_DEACTIVATED; } /* 04, 06 */
static inline bool fs_life_cycle_is_known(uint8_t lcsi) /* and 0: not said */
{
    return lcsi <= FS_CREATION || lcsi == FS_INITIALISATION || (lcsi & ~3) == FS_DEACTIVATED ||
           (lcsi & ~3) == FS_TERMINATED;
}
static inline bool fs_is_terminated(const struct fs_file *f) { return f->lcsi >= FS_TERMINATED; }
static inline uint32_t fs_record_count(const struct fs_file *f) { return f->record_len ? f->size / f->record_len : 0; }

enum fs_entry_flags { FS_ENTRY_ADF = 1 };
struct fs_entry { /* the directory */
    fs_number number, parent, link;
    uint16_t fid;
    uint8_t fdb, sfi, flags;
};

#define FS_SEEN_COUNT 8u
struct fs_seen { /* a header as it was read; true while the store says the same of its changes */
    uint32_t changes;
    struct fs_file file;
};

struct fs {
    struct objects *store;
    struct arena *scratch; /* room for a whole body: fs_resize, fs_write_cyclic, fs_tlv_put need it (ERR_NO_MEMORY) */
    uint8_t profile;       /* slot; 0: the card's own files */
    uint16_t count, cap;
    fs_number next;           /* number of the next file made */
    struct fs_entry *entries; /* in the order of creation; on the heap while mounted */
    struct fs_seen *seen;     /* FS_SEEN_COUNT, likewise: a file's header is read several times in a command */
};

/* Reads the directory of the profile (slot 1 …, 0 the card's own); scratch may be NULL. A profile without files mounts
 * empty. *fs is zeroes, or was mounted before; fs_unmount gives its memory back. */
MUST_USE enum err fs_mount(struct fs *fs, struct objects *store, uint8_t profile, struct arena *scratch);
void fs_unmount(struct fs *fs);

/* ---- making and unmaking ---- */

#define FS_NUMBER_MAX 0xFFEu

/* Creates a file. The body: `body` first, then FF up to spec->size (the caller applies fill and repeat
 * patterns, which need to know records); a linked file has no body and takes the size and record length of its target.
 * A BER-TLV file starts with the objects in body (size is what is reserved).
 * ERR_EXISTS (FID there already among the children of the parent, an ADF of that AID), ERR_NOT_FOUND (parent or link
 * target), ERR_BAD_VALUE (descriptor, FID reserved, second MF), ERR_BAD_LENGTH (sizes, records), ERR_NO_SPACE. */
MUST_USE enum err fs_create(struct fs *fs, const struct fs_file *spec, struct span body, fs_number *ret_number);
/* With everything below it and the PINs and NAA keys bound to it. ERR_STATE: a link shows it. */
MUST_USE enum err fs_delete(struct fs *fs, fs_number number);
/* New body size (BER-TLV: new maximum); new octets are FF. ERR_BAD_LENGTH. */
MUST_USE enum err fs_resize(struct fs *fs, fs_number number, uint32_t size);
MUST_USE enum err fs_set_lcsi(struct fs *fs, fs_number number, uint8_t lcsi);

/* ---- finding; FS_NONE: not there ---- */

MUST_USE enum err fs_stat(const struct fs *fs, fs_number number, struct fs_file *ret);
fs_number fs_child(const struct fs *fs, fs_number df, uint16_t fid);
fs_number fs_parent(const struct fs *fs, fs_number number);          /* of the MF: the MF */
fs_number fs_by_sfi(const struct fs *fs, fs_number df, uint8_t sfi); /* the EF of that SFI among the children */
/* Two octets a step from `from` downward; a leading 7FFF is `adf`. An empty path is `from`. */
fs_number fs_by_path(const struct fs *fs, fs_number from, fs_number adf, struct span path);
/* The n-th (0 …) ADF whose AID starts with these octets. */
fs_number fs_by_aid(const struct fs *fs, struct span partial, unsigned nth);
/* SELECT by FID (TS 102 221 §8.4.2): children, the DF itself, parent, its children (siblings), MF, current ADF. */
fs_number fs_by_fid(const struct fs *fs, fs_number current_df, fs_number adf, uint16_t fid);
/* The ADF this file is or lies in; FS_NONE: it is not inside an ADF. */
fs_number fs_adf_of(const struct fs *fs, fs_number number);

/* ---- content: links are followed ---- */

/* offset + len inside the body (ERR_TRUNCATED). Record n (1 …) is at (n-1) * record_len; of a cyclic file record 1 is
 * the newest. */
MUST_USE enum err fs_read(const struct fs *fs, fs_number number, uint32_t offset, uint8_t *out, size_t len);
/* The same of a file that fs_stat has just described. */
MUST_USE enum err fs_read_file(const struct fs *fs, const struct fs_file *f, uint32_t offset, uint8_t *out, size_t len);
MUST_USE enum err fs_write(struct fs *fs, fs_number number, uint32_t offset, struct span bytes);
/* Cyclic: the record becomes record 1, the oldest is lost. */
MUST_USE enum err fs_write_cyclic(struct fs *fs, fs_number number, struct span record);

/* BER-TLV files: data objects by tag; tlv is tag, length and value. fs_tlv_get gives where it stands in the body, for
 * fs_read. fs_tlv_put replaces; an empty tlv deletes (ERR_NOT_FOUND). ERR_NO_SPACE: beyond the file's maximum. */
MUST_USE enum err fs_tlv_get(const struct fs *fs, fs_number number, uint32_t tag, uint32_t *ret_at, uint32_t *ret_len);
MUST_USE enum err fs_tlv_put(struct fs *fs, fs_number number, uint32_t tag, struct span tlv);
MUST_USE enum err fs_tlv_tags(const struct fs *fs, fs_number number, struct writer *ret_tags);

/* ---- FCP ---- */

/* Decodes the inside of tag 62 (CREATE FILE; the interpreter has its own DER reading). parent, number are left FS_NONE.
 * implicit_arr: EF.ARR's FID when 8B has one octet. Unknown tags are ignored. */
MUST_USE enum err fs_fcp_decode(struct span fcp, uint16_t implicit_arr, struct fs_file *ret);

#endif
