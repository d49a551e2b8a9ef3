#include "pe_filesystem.h"

static const struct der_field info_fields[] = {
    DER_OCT_DEF(struct proprietary_info, special_information, "specialFileInformation", 0xC0, 1, 1, "\x00"),
    DER_OCT_OPT(struct proprietary_info, fill_pattern, "fillPattern", 0xC1, 1, FILE_PATTERN_MAX),
    DER_OCT_OPT(struct proprietary_info, repeat_pattern, "repeatPattern", 0xC2, 1, FILE_PATTERN_MAX),
    DER_OCT_OPT(struct proprietary_info, maximum_size, "maximumFileSize", 0x86, 1, 4),
    DER_OCT_DEF(struct proprietary_info, details, "fileDetails", 0x84, 1, 1, "\x01"),
};
static const struct der_type info_type =
    DER_TYPE_WITH(struct proprietary_info, "ProprietaryInfo", info_fields, .any_order = true);

static const struct der_field fcp_fields[] = {
    DER_OCT_OPT(struct fcp, descriptor, "fileDescriptor", 0x82, 2, 4),
    DER_OCT_OPT(struct fcp, file_id, "fileID", 0x83, 2, 2),
    DER_OCT_OPT(struct fcp, df_name, "dfName", 0x84, 5, 16),
    DER_OCT_DEF(struct fcp, lcsi, "lcsi", 0x8A, 1, 1, "\x05"),
    DER_OCT_OPT(struct fcp, access, "securityAttributesReferenced", 0x8B, 1, 3),
    DER_OCT_OPT(struct fcp, size, "efFileSize", 0x80, 1, 4),
    DER_OCT_OPT(struct fcp, pin_status, "pinStatusTemplateDO", 0xC6, 0, 32),
    DER_OCT_OPT(struct fcp, sfi, "shortEFID", 0x88, 0, 1),
    DER_SEQ_OPT(struct fcp, info, "proprietaryEFInfo", 0xA5, &info_type),
    DER_OCT_OPT(struct fcp, link_path, "linkPath", 0xC7, 0, FILE_PATH_MAX),
};
const struct der_type fcp_type = DER_TYPE_WITH(struct fcp, "Fcp", fcp_fields, .any_order = true);

static const struct der_field item_fields[] = {
    DER_NULL(struct file_item, do_not_create, "doNotCreate", 0x80),
    DER_SEQ_OPT(struct file_item, fcp, "fileDescriptor", 0xA1, &fcp_type),
    DER_NUM_OPT(struct file_item, offset, "fillFileOffset", 0x82, 0, 0xFFFF),
    DER_OCT_OPT(struct file_item, content, "fillFileContent", 0x83, 0, FILE_BODY_MAX),
};
const struct der_type file_item_type = DER_TYPE_WITH(struct file_item, "File", item_fields, .choice = true);

static const struct der_field file_fields[] = {
    DER_MANY(struct pe_file, items, "File", 0, 0, FILE_ITEMS_MAX, 0, &file_item_type),
};
static const struct der_type file_type = DER_TYPE_WITH(struct pe_file, "File", file_fields, .sequence_of = true);

/* doNotCreate stands alone; the Fcp stands first, once. */
static enum err check_items(const struct pe_file *file)
{
    for (size_t i = 0; i < file->items.count; i++) {
        const struct file_item *item = &file->items.items[i];
        if ((item->fcp && i > 0) || (item->do_not_create && file->items.count > 1))
            return ERR_BAD_TAG;
    }
    return ERR_NONE;
}

static enum err check_filesystem(const void *value)
{
    const struct pe_filesystem *pe = value;
    for (size_t i = 0; i < pe->files.count; i++) {
        const struct pe_file *file = &pe->files.items[i];
        bool low = file->tag >= 0xA2 && file->tag <= 0xBE, high = file->tag >= 0xBF1F && file->tag <= 0xBF7F;
        if (!low && !high)
            return ERR_BAD_TAG;
        enum err err = check_items(file);
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

static const struct der_field filesystem_fields[] = {
    DER_IN(struct pe_filesystem, header, "header", 0xA0, &pe_header_type),
    DER_OCT(struct pe_filesystem, template_id, "templateID", 0x81, 1, 32),
    DER_REST(struct pe_filesystem, files, 127, &file_type),
};
const struct der_type pe_filesystem_type =
    DER_TYPE_WITH(struct pe_filesystem, "PE with files", filesystem_fields, .check = check_filesystem);

static const struct der_field command_fields[] = {
    DER_OCT_OPT(struct file_command, path, "filePath", 0x80, 0, FILE_PATH_MAX),
    DER_SEQ_OPT(struct file_command, create, "createFCP", 0x62, &fcp_type),
    DER_NUM_OPT(struct file_command, offset, "fillFileOffset", 0x02, 0, 0xFFFF),
    DER_OCT_OPT(struct file_command, content, "fillFileContent", 0x81, 0, FILE_BODY_MAX),
};
static const struct der_type command_type =
    DER_TYPE_WITH(struct file_command, "FileManagement", command_fields, .choice = true);

static const struct der_field commands_fields[] = {
    DER_MANY(struct file_commands, list, "", 0, 0, FILE_ITEMS_MAX, 0, &command_type),
};
static const struct der_type commands_type =
    DER_TYPE_WITH(struct file_commands, "FileManagement", commands_fields, .sequence_of = true);

static const struct der_field gfm_fields[] = {
    DER_IN(struct pe_generic_file_management, header, "gfm-header", 0xA0, &pe_header_type),
    DER_MANY(struct pe_generic_file_management, commands, "fileManagementCMD", 0xA1, 0, 1024, 0x30, &commands_type),
};
const struct der_type pe_generic_file_management_type =
    DER_TYPE(struct pe_generic_file_management, "PE-GenericFileManagement", gfm_fields);

enum err file_shape_read(struct span d, struct file_shape *ret)
{
    struct file_shape shape = { 0 };
    if (d.len < 2 || d.len > 4)
        return ERR_BAD_LENGTH;
    shape.shareable = d.ptr[0] & 0x40;
    shape.internal = (d.ptr[0] & 0x38) == 0x08;
    switch (d.ptr[0] & 0xBF) {
    case 0x38:
        shape.structure = FILE_DF;
        break;
    case 0x39:
        shape.structure = FILE_BER_TLV;
        break;
    case 0x01:
    case 0x09:
        shape.structure = FILE_TRANSPARENT;
        break;
    case 0x02:
    case 0x0A:
        shape.structure = FILE_LINEAR;
        break;
    case 0x06:
    case 0x0E:
        shape.structure = FILE_CYCLIC;
        break;
    default:
        return ERR_BAD_VALUE;
    }
    bool records = shape.structure == FILE_LINEAR || shape.structure == FILE_CYCLIC;
    if (d.len > 2 && !records)
        return ERR_BAD_LENGTH;
    for (size_t i = 2; i < d.len; i++)
        shape.record_len = (uint16_t)(shape.record_len << 8 | d.ptr[i]);
    *ret = shape;
    return ERR_NONE;
}
