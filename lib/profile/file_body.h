/* lib/profile/file_body.h: what a file element makes: template and Fcp merged, and the content filled. */
#ifndef OSPREY_PROFILE_FILE_BODY_H
#define OSPREY_PROFILE_FILE_BODY_H

#include "template.h"

struct file_spec {
    enum file_structure structure;
    bool adf, link;
    uint8_t descriptor; /* FDB: 41, 42, 46, 79, 78 */
    uint16_t fid;
    uint32_t size;       /* octets of the body */
    uint16_t record_len; /* 0 without records */
    uint16_t arr_fid;    /* 0: the implicit EF.ARR */
    uint8_t arr_record;
    uint8_t sfi; /* TEMPLATE_NO_SFI */
    uint8_t lcsi;
    uint8_t special_information;
    uint32_t maximum_size; /* BER-TLV; 0: none */
    uint8_t details;
    struct span df_name, pin_status, link_path;
    enum template_fill fill;
    struct span pattern;
};

/* Merges. row NULL: generic file management; fcp NULL: as the template says. Errors: ERR_MISSING when neither says what
 * is needed, ERR_BAD_LENGTH, ERR_BAD_VALUE, ERR_TOO_LONG, ERR_DENIED when the element may not change this. */
MUST_USE enum err file_spec_make(const struct template_file *row, const struct fcp *fcp, struct file_spec *ret);

/* Fills body (spec->size octets) with the pattern. */
void file_body_fill(const struct file_spec *spec, uint8_t *body);

/* One fill command; *position moves. ERR_TOO_LONG beyond the end. */
MUST_USE enum err file_body_write(uint8_t *body, uint32_t size, uint32_t *position, const struct file_item *item);

#endif
