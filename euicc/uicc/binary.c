#include "uicc.h"

/* READ BINARY, UPDATE BINARY: TS 102 221 §11.1.3, §11.1.4; and what all commands on EFs share. */

uint16_t ef_current(struct card *card, const struct command *cmd, uint8_t sfi, struct fs_file *ret)
{
    struct channel *ch = cmd->channel;
    fs_number ef = ch->ef;
    if (sfi != 0) {
        ef = sfi <= 30 ? fs_by_sfi(&card->fs, ch->df, sfi) : FS_NONE;
        if (ef == FS_NONE)
            return SW_FILE_NOT_FOUND;
    }
    if (ef == FS_NONE || fs_stat(&card->fs, ef, ret) != ERR_NONE)
        return SW_NO_EF;
    if (ef != ch->ef)
        channel_go(card, ch, ret);
    return SW_OK;
}

uint16_t ef_usable(struct card *card, const struct command *cmd, const struct fs_file *f, enum fs_kind kind,
                   uint8_t right)
{
    if (fs_kind(f) != kind)
        return SW_INCOMPATIBLE_FILE;
    if (fs_is_terminated(f) || (fs_is_deactivated(f) && !(f->special & FS_SPECIAL_DEACTIVATED_RW)))
        return SW_REFERENCE_DATA_INVALIDATED;
    return !fs_is_internal(f) && access_allowed(card, cmd, f, right) ? SW_OK : SW_SECURITY_STATUS;
}

/* P1 with b8: SFI and offset in P2; otherwise the offset is in both. */
static uint16_t binary_start(struct card *card, const struct command *cmd, uint8_t right, struct fs_file *ret,
                             uint32_t *ret_offset)
{
    uint8_t p1 = cmd->apdu.p1;
    bool by_sfi = p1 & 0x80;
    if (by_sfi && (p1 & 0x60 || (p1 & 0x1F) == 0))
        return SW_WRONG_P1P2;
    uint16_t sw = ef_current(card, cmd, by_sfi ? p1 & 0x1F : 0, ret);
    if (sw == SW_OK)
        sw = ef_usable(card, cmd, ret, FS_TRANSPARENT, right);
    *ret_offset = by_sfi ? cmd->apdu.p2 : (uint32_t)p1 << 8 | cmd->apdu.p2;
    return sw == SW_OK && *ret_offset >= ret->size ? SW_WRONG_OFFSET : sw;
}

uint16_t uicc_read_binary(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    uint32_t offset;
    uint16_t sw = binary_start(card, cmd, ACCESS_READ, &f, &offset);
    if (sw != SW_OK)
        return sw;
    uint32_t left = f.size - offset, len = cmd->apdu.le;
    if (len == 256 && left < 256)
        len = left;
    if (len > left)
        return 0x6C00 | (left & 0xFF);
    return sw_of_err(fs_read_file(&card->fs, &f, offset, wr_room(rsp, len), len));
}

uint16_t uicc_update_binary(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    uint32_t offset;
    (void)rsp;
    uint16_t sw = binary_start(card, cmd, ACCESS_UPDATE, &f, &offset);
    if (sw != SW_OK)
        return sw;
    if (cmd->apdu.data.len > f.size - offset)
        return SW_WRONG_LENGTH;
    return sw_of_err(fs_write(&card->fs, f.number, offset, cmd->apdu.data));
}
