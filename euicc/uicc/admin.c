#include "uicc.h"

#include "lib/codec/ber_tlv.h"


/* Administration of files: TS 102 222 §6; ACTIVATE, DEACTIVATE: TS 102 221 §11.1.14, §11.1.15. */

static uint16_t sw_of_fs(enum err err)
{
    switch (err) {
    case ERR_EXISTS:
        return SW_FILE_EXISTS;
    case ERR_NOT_FOUND:
        return SW_FILE_NOT_FOUND;
    default:
        return sw_of_err(err);
    }
}

/* The implicit EF.ARR of a one-octet 8B: 2F06 at the level of the MF, 6F06 below. */
static uint16_t implicit_arr(const struct command *cmd) { return cmd->channel->df == FS_MF ? FID_ARR_MF : FID_ARR_DF; }

/* The fill or repeat pattern of A5 (C1, C2), TS 102 222 §6.3.2.2.2: over each record, or the whole body. */
static void pattern_fill(struct span fcp, const struct fs_file *f, uint8_t *body)
{
    struct span proprietary, pattern = SPAN_NONE;
    uint32_t unit = f->record_len ? f->record_len : f->size;
    memset(body, 0xFF, f->size);
    if (!tlv_find(fcp, 0xA5, &proprietary))
        return;
    bool fill = tlv_find(proprietary, 0xC1, &pattern);
    if (!fill && !tlv_find(proprietary, 0xC2, &pattern))
        return;
    for (uint32_t i = 0; pattern.len != 0 && i < f->size; i++) {
        uint32_t at = i % unit;
        body[i] = fill ? pattern.ptr[at < pattern.len ? at : pattern.len - 1] : pattern.ptr[at % pattern.len];
    }
}

enum err files_end(struct card *card, enum err err)
{
    const struct isdp *isdp = registry_by_slot(card, card->profile);
    if (err == ERR_NONE && isdp && !isdp_in_bounds(card, isdp))
        err = ERR_NO_SPACE;
    if (err == ERR_NONE)
        return card_commit(card);
    card_rollback(card);
    enum err mounted = fs_mount(&card->fs, card->objects, card->profile, &card->scratch);
    if (mounted != ERR_NONE)
        log_fact(card->env.log, LOG_ERROR_, NULL, "profile in slot %u cannot be read: %s", card->profile, err_text(mounted));
    return err;
}

uint16_t uicc_create_file(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f, df;
    struct span fcp;
    fs_number number;
    (void)rsp;
    if (!tlv_find(cmd->apdu.data, 0x62, &fcp) || fs_fcp_decode(fcp, implicit_arr(cmd), &f) != ERR_NONE)
        return SW_WRONG_DATA;
    if (f.arr_fid == 0 || (!fs_is_df(&f) && f.size == 0 && f.max_size == 0) || fs_is_terminated(&f))
        return SW_WRONG_DATA;
    if (f.aid.len && fs_by_aid(&card->fs, aid_span(&f.aid), 0) != FS_NONE)
        return SW_DF_NAME_EXISTS;
    if (fs_stat(&card->fs, cmd->channel->df, &df) != ERR_NONE)
        return SW_FILE_NOT_FOUND;
    if (!access_allowed(card, cmd, &df, fs_is_df(&f) ? ACCESS_CREATE_DF : ACCESS_CREATE_EF))
        return SW_SECURITY_STATUS;
    f.parent = df.number;
    if (fs_is_df(&f))
        f.size = 0;
    uint8_t *body = f.size <= FS_FILE_SIZE_MAX ? arena_alloc(&card->scratch, f.size + 1) : NULL;
    if (!body)
        return SW_NO_MEMORY;
    pattern_fill(fcp, &f, body);
    struct span content = fs_kind(&f) == FS_BER_TLV ? SPAN_NONE : (struct span){ body, f.size };
    card_begin(card);
    uint16_t sw = sw_of_fs(files_end(card, fs_create(&card->fs, &f, content, &number)));
    if (sw == SW_OK && fs_stat(&card->fs, number, &f) == ERR_NONE)
        channel_go(card, cmd->channel, &f);
    return sw;
}

/* Someone else's channel must not stand in what goes. */
static void channels_leave(struct card *card)
{
    for (unsigned i = 0; i < CARD_CHANNELS; i++) {
        struct channel *ch = &card->channels[i];
        struct fs_file f;
        if (ch->ef != FS_NONE && fs_stat(&card->fs, ch->ef, &f) != ERR_NONE)
            ch->ef = FS_NONE;
        if (ch->adf != FS_NONE && fs_stat(&card->fs, ch->adf, &f) != ERR_NONE)
            ch->adf = FS_NONE;
        if (fs_stat(&card->fs, ch->df, &f) != ERR_NONE)
            ch->df = FS_MF;
    }
}

uint16_t uicc_delete_file(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file df, f;
    struct span data = cmd->apdu.data;
    (void)rsp;
    if (data.len != 2)
        return SW_WRONG_LENGTH;
    fs_number number = fs_child(&card->fs, cmd->channel->df, (uint16_t)(data.ptr[0] << 8 | data.ptr[1]));
    if (number == FS_NONE || fs_stat(&card->fs, number, &f) != ERR_NONE ||
        fs_stat(&card->fs, cmd->channel->df, &df) != ERR_NONE)
        return SW_FILE_NOT_FOUND;
    if (!access_allowed(card, cmd, &f, ACCESS_DELETE) && !access_allowed(card, cmd, &df, ACCESS_DELETE_CHILD))
        return SW_SECURITY_STATUS;
    uint16_t sw = sw_of_fs(fs_delete(&card->fs, number));
    channels_leave(card);
    return sw;
}

uint16_t uicc_resize_file(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    struct span fcp, fid, size;
    uint64_t octets;
    (void)rsp;
    if (cmd->apdu.p1 > 1)
        return SW_WRONG_P1P2;
    if (!tlv_find(cmd->apdu.data, 0x62, &fcp) || !tlv_find(fcp, 0x83, &fid) || fid.len != 2 ||
        !tlv_find(fcp, 0x80, &size) || span_uint(size, &octets) != ERR_NONE || octets > FS_FILE_SIZE_MAX)
        return SW_WRONG_DATA;
    fs_number number = fs_child(&card->fs, cmd->channel->df, (uint16_t)(fid.ptr[0] << 8 | fid.ptr[1]));
    if (number == FS_NONE || fs_stat(&card->fs, number, &f) != ERR_NONE)
        return SW_FILE_NOT_FOUND;
    if (!access_allowed(card, cmd, &f, ACCESS_BY_INS))
        return SW_SECURITY_STATUS;
    card_begin(card);
    return sw_of_fs(files_end(card, fs_resize(&card->fs, number, (uint32_t)octets)));
}

/* The file P1 and the data name: the current EF without data. */
static fs_number file_named(struct card *card, const struct command *cmd)
{
    const struct channel *ch = cmd->channel;
    struct span data = cmd->apdu.data;
    switch (cmd->apdu.p1) {
    case 0x00:
        if (data.len == 2)
            return fs_by_fid(&card->fs, ch->df, ch->adf, (uint16_t)(data.ptr[0] << 8 | data.ptr[1]));
        return data.len == 0 ? ch->ef : FS_NONE;
    case 0x08:
        return fs_by_path(&card->fs, FS_MF, ch->adf, data);
    default: /* 09 */
        return fs_by_path(&card->fs, ch->df, ch->adf, data);
    }
}

static uint16_t set_life_cycle(struct card *card, const struct command *cmd, uint8_t right, uint8_t lcsi)
{
    struct fs_file f;
    if (cmd->apdu.p1 != 0 && cmd->apdu.p1 != 0x08 && cmd->apdu.p1 != 0x09)
        return SW_WRONG_P1P2;
    fs_number number = file_named(card, cmd);
    if (number == FS_NONE && cmd->apdu.p1 == 0 && cmd->apdu.data.len == 0)
        return SW_NO_EF;
    if (number == FS_NONE || fs_stat(&card->fs, number, &f) != ERR_NONE)
        return SW_FILE_NOT_FOUND;
    if (!access_allowed(card, cmd, &f, right))
        return SW_SECURITY_STATUS;
    if (fs_is_terminated(&f))
        return SW_CONDITIONS;
    return f.lcsi == lcsi ? SW_OK : sw_of_fs(fs_set_lcsi(&card->fs, number, lcsi));
}

uint16_t uicc_activate_file(struct card *card, const struct command *cmd, struct writer *rsp)
{
    (void)rsp;
    return set_life_cycle(card, cmd, ACCESS_ACTIVATE, FS_ACTIVATED);
}

uint16_t uicc_deactivate_file(struct card *card, const struct command *cmd, struct writer *rsp)
{
    (void)rsp;
    return set_life_cycle(card, cmd, ACCESS_DEACTIVATE, FS_DEACTIVATED);
}

/* TERMINATE EF, TERMINATE DF: for good. */
uint16_t uicc_terminate(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    (void)rsp;
    bool ef = cmd->apdu.ins == 0xE8;
    fs_number number = ef ? cmd->channel->ef : cmd->channel->df;
    if (number == FS_NONE || fs_stat(&card->fs, number, &f) != ERR_NONE)
        return SW_NO_EF;
    if (number == FS_MF)
        return SW_CONDITIONS;
    if (!access_allowed(card, cmd, &f, ACCESS_TERMINATE))
        return SW_SECURITY_STATUS;
    return sw_of_fs(fs_set_lcsi(&card->fs, number, FS_TERMINATED));
}
