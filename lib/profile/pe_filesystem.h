/* lib/profile/pe_filesystem.h: files. The elements that create files from a template (PE-MF, PE-CD, PE-TELECOM,
 * PE-USIM … PE-OPT-IoT: one shape, the template says what each member is) and PE-GenericFileManagement.
 * eUICC profile package: File, Fcp, ProprietaryEFInfo, FileManagement. */
#ifndef OSPREY_PROFILE_PE_FILESYSTEM_H
#define OSPREY_PROFILE_PE_FILESYSTEM_H

#include "pe_header.h"

#define FILE_PATH_MAX    8u /* octets: four file identifiers, from the MF down, without 3F00 */
#define FILE_PATTERN_MAX 200u
#define FILE_BODY_MAX    0xFFFFu
#define FILE_ITEMS_MAX   4096u /* fill commands for one file */

/* Every span may be absent (.ptr NULL): the template decides then. */
struct proprietary_info {
    struct span special_information; /* 1 octet; 40 readable and updatable when deactivated, 80 high update activity */
    struct span fill_pattern;        /* its last octet repeats to the end of the file, or of each record */
    struct span repeat_pattern;      /* repeats as a whole */
    struct span maximum_size;        /* BER-TLV files */
    struct span details;             /* BER-TLV files: coding of the objects, 01 = DER */
};

struct fcp {
    struct span descriptor; /* FDB, data coding, [record length 1 or 2 octets] */
    struct span file_id;
    struct span df_name;    /* AID of an ADF */
    struct span lcsi;       /* 05 when not stated */
    struct span access;     /* 1 octet: record of the implicit EF.ARR; 3: EF.ARR and record */
    struct span size;       /* big-endian number */
    struct span pin_status; /* the key references of this DF, one octet each */
    struct span sfi;        /* absent: as the template or the file identifier says; empty: none; else SFI << 3 */
    struct proprietary_info *info;
    struct span link_path; /* shares the body of that file; empty: do not link what the template links */
};

/* One of: do_not_create, fcp, offset (relative to the position reached), content. */
struct file_item {
    bool do_not_create;
    struct fcp *fcp;
    uint32_t offset; /* DER_ABSENT when this is another item */
    struct span content;
};

/* A member of a template element: the tag says which file of the template it is. */
struct pe_file {
    uint32_t tag;
    DER_LIST_OF(struct file_item) items;
};

struct pe_filesystem {
    struct pe_header header;
    struct span template_id;
    DER_LIST_OF(struct pe_file) files;
};

/* One of: path (empty: MF), create, offset, content. */
struct file_command {
    struct span path;
    struct fcp *create;
    uint32_t offset;
    struct span content;
};

struct file_commands {
    DER_LIST_OF(struct file_command) list;
};

struct pe_generic_file_management {
    struct pe_header header;
    DER_LIST_OF(struct file_commands) commands;
};

extern const struct der_type fcp_type, file_item_type, pe_filesystem_type, pe_generic_file_management_type;

/* The descriptor in parts. record_len is 0 for files without records. */
enum file_structure { FILE_DF, FILE_TRANSPARENT, FILE_LINEAR, FILE_CYCLIC, FILE_BER_TLV };
struct file_shape {
    enum file_structure structure;
    bool shareable, internal;
    uint16_t record_len;
};
MUST_USE enum err file_shape_read(struct span descriptor, struct file_shape *ret);

#endif
