/* lib/profile/template.h: the file system templates (annex A of the profile package specification): what the elements
 * PE-MF … PE-OPT-IoT create when they do not say otherwise. */
#ifndef OSPREY_PROFILE_TEMPLATE_H
#define OSPREY_PROFILE_TEMPLATE_H

#include "profile_element.h"

#define TEMPLATE_NO_SFI   0xFFu
#define TEMPLATE_OID_MAX  7u
#define TEMPLATE_VERSIONS 4u
#define TEMPLATE_FID_OPEN 0u /* the element must state the file identifier (ADFs, DF.EAP) */

/* How a file is filled before the element's own content. */
enum template_fill {
    FILL_FF,       /* nothing said */
    FILL_REQUIRED, /* the element must give content or a pattern */
    FILL_PATTERN,  /* pattern, its last octet to the end */
    FILL_REPEAT,   /* pattern again and again */
    FILL_TAIL      /* FF, and pattern at the end */
};

struct template_file {
    uint8_t member;   /* number of the member in the element: 2 is the first file */
    uint8_t from, to; /* versions of the template that have this row */
    enum file_structure structure;
    uint16_t fid, fid_last; /* fid_last > fid: a family of files, the element chooses */
    uint16_t size;          /* octets of a transparent file, or of a record; 0: the element must say */
    uint8_t records;        /* 0: the element must say */
    uint8_t arr;            /* record of the implicit EF.ARR */
    uint8_t sfi;            /* TEMPLATE_NO_SFI */
    enum template_fill fill;
    struct span pattern;
    bool high_update;
};

struct fs_template {
    enum pe_kind kind;
    uint8_t number, version; /* 2.23.143.1.2.number[.version] */
    bool by_default;         /* files that the element does not name are created too */
    const struct template_file *files;
    size_t count; /* rows of all versions */
};

/* By the value octets of the OID; NULL when unknown. */
const struct fs_template *template_find(struct span oid);
const struct fs_template *template_at(size_t index); /* NULL behind the last */
/* The row of a member, or NULL when this version has none. */
const struct template_file *template_file(const struct fs_template *t, unsigned member);
/* The value octets of the OID; out of TEMPLATE_OID_MAX octets. */
struct span template_oid(const struct fs_template *t, uint8_t *out);
/* The member number of the DF of the same element that a member lies in; 0: the DF the element is put into. */
unsigned template_parent(const struct fs_template *t, unsigned member);

#endif
