#include "uicc.h"

#include "lib/codec/ber_tlv.h"

#include <stdlib.h>

/* RETRIEVE DATA, SET DATA on BER-TLV files: TS 102 221 §11.3. P2: b8 b7 block, b5…b1 SFI. */

enum block { BLOCK_NEXT = 0x00, BLOCK_RETRANSMIT = 0x40, BLOCK_FIRST = 0x80 };
#define BLOCK_OF(p2) ((p2)&0xC0)
#define TAG_LIST     0x5Cu
#define SET_DATA_MAX (16u * 1024u) /* octets of one data object written in blocks */

static uint16_t tlv_file(struct card *card, const struct command *cmd, uint8_t right, struct fs_file *ret)
{
    if (cmd->apdu.p1 != 0 || cmd->apdu.p2 & 0x20 || BLOCK_OF(cmd->apdu.p2) == 0xC0)
        return SW_WRONG_P1P2;
    uint16_t sw = ef_current(card, cmd, cmd->apdu.p2 & 0x1F, ret);
    return sw == SW_OK ? ef_usable(card, cmd, ret, FS_BER_TLV, right) : sw;
}

static bool read_tag(struct reader *r, uint32_t *ret)
{
    uint32_t tag = rd_u8(r);
    if ((tag & 0x1F) == 0x1F)
        do
            tag = tag << 8 | rd_u8(r);
        while (tag & 0x80 && tag < 0x10000 && r->err == ERR_NONE);
    *ret = tag;
    return r->err == ERR_NONE && tag != 0;
}

/* ---- RETRIEVE DATA ---- */

static uint16_t retrieve_tags(struct card *card, const struct fs_file *f, struct writer *rsp)
{
    struct writer tags = wr_arena(&card->scratch, 1024);
    if (fs_tlv_tags(&card->fs, f->number, &tags) != ERR_NONE || tags.len > 250)
        return SW_NO_MEMORY;
    wr_tlv(rsp, TAG_LIST, wr_span(&tags));
    return SW_OK;
}

static uint16_t retrieve_block(struct card *card, const struct command *cmd, const struct fs_file *f,
                               struct writer *rsp)
{
    struct channel *ch = cmd->channel;
    uint32_t at, len;
    if (fs_tlv_get(&card->fs, f->number, ch->tlv.tag, &at, &len) != ERR_NONE)
        return SW_NOT_FOUND;
    uint32_t left = len - ch->tlv.offset;
    uint32_t n = left < 255 ? left : 255; /* 61 xx, 62 F1: one octet says how much there is */
    ch->tlv.last_offset = ch->tlv.offset;
    if (fs_read(&card->fs, f->number, at + ch->tlv.offset, wr_room(rsp, n), n) != ERR_NONE)
        return SW_MEMORY_FAILURE;
    ch->tlv.offset += n;
    ch->tlv.total = len;
    return ch->tlv.offset < len ? SW_MORE_DATA_AVAILABLE : SW_OK;
}

static uint16_t retrieve_first(struct card *card, const struct command *cmd, const struct fs_file *f,
                               struct writer *rsp)
{
    struct reader r = rd_of(cmd->apdu.data);
    struct channel *ch = cmd->channel;
    uint32_t tag;
    if (!read_tag(&r, &tag) || !rd_at_end(&r))
        return SW_WRONG_DATA;
    if (tag == TAG_LIST)
        return retrieve_tags(card, f, rsp);
    ch->tlv.ef = f->number;
    ch->tlv.writing = false;
    ch->tlv.tag = tag;
    ch->tlv.offset = 0;
    uint16_t sw = retrieve_block(card, cmd, f, rsp);
    if (sw != SW_OK && sw != SW_MORE_DATA_AVAILABLE)
        ch->tlv.ef = FS_NONE;
    return sw;
}

uint16_t uicc_retrieve_data(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    struct channel *ch = cmd->channel;
    uint16_t sw = tlv_file(card, cmd, ACCESS_READ, &f);
    if (sw != SW_OK)
        return sw;
    if (BLOCK_OF(cmd->apdu.p2) == BLOCK_FIRST)
        return retrieve_first(card, cmd, &f, rsp);
    if (ch->tlv.ef != f.number || ch->tlv.writing || cmd->apdu.data.len != 0)
        return SW_CONDITIONS;
    if (BLOCK_OF(cmd->apdu.p2) == BLOCK_RETRANSMIT)
        ch->tlv.offset = ch->tlv.last_offset;
    else if (ch->tlv.offset >= ch->tlv.total)
        return SW_CONDITIONS;
    return retrieve_block(card, cmd, &f, rsp);
}

/* ---- SET DATA: the blocks are gathered in card->set_data, and become the object with the last one ---- */

void set_data_drop(struct card *card)
{
    if (card->set_data.buf)
        wipe(card->set_data.buf, card->set_data.cap);
    free(card->set_data.buf);
    card->set_data = wr_of(NULL, 0);
}

static bool set_data_begin(struct card *card, size_t total)
{
    uint8_t *room = malloc(total);
    set_data_drop(card);
    if (room)
        card->set_data = wr_of(room, total);
    return room != NULL;
}

static void set_data_forget(struct card *card, struct channel *ch)
{
    set_data_drop(card);
    ch->tlv.ef = FS_NONE;
}

static uint16_t set_data_store(struct card *card, struct channel *ch, const struct fs_file *f)
{
    struct span tlv = wr_span(&card->set_data);
    card_begin(card);
    enum err err = files_end(card, fs_tlv_put(&card->fs, f->number, ch->tlv.tag, tlv));
    set_data_forget(card, ch);
    return err == ERR_NOT_FOUND ? SW_NOT_FOUND : sw_of_err(err);
}

static uint16_t set_data_add(struct card *card, struct channel *ch, const struct fs_file *f, struct span block)
{
    if (block.len > ch->tlv.total - card->set_data.len) {
        set_data_forget(card, ch);
        return SW_WRONG_DATA;
    }
    ch->tlv.last_offset = (uint32_t)card->set_data.len;
    wr_bytes(&card->set_data, block);
    return card->set_data.len < ch->tlv.total ? SW_MORE_DATA_EXPECTED : set_data_store(card, ch, f);
}

/* The first block begins with tag and length, which say how much will come; a tag alone deletes. */
static uint16_t set_data_first(struct card *card, const struct command *cmd, const struct fs_file *f)
{
    struct channel *ch = cmd->channel;
    struct reader r = rd_of(cmd->apdu.data);
    uint32_t tag, len = 0;
    if (!read_tag(&r, &tag) || tag == TAG_LIST)
        return SW_WRONG_DATA;
    set_data_forget(card, ch);
    ch->tlv.ef = f->number;
    ch->tlv.tag = tag;
    ch->tlv.writing = true;
    if (rd_at_end(&r))
        return set_data_store(card, ch, f);
    len = rd_u8(&r);
    if (len == 0x80 || len > 0x83)
        rd_fail(&r, ERR_BAD_LENGTH);
    if (len > 0x80) {
        unsigned octets = len & 3;
        for (len = 0; octets--;)
            len = len << 8 | rd_u8(&r);
    }
    size_t head = cmd->apdu.data.len - rd_left(&r);
    ch->tlv.total = (uint32_t)head + len;
    if (r.err != ERR_NONE || ch->tlv.total > (f->max_size ? f->max_size : f->size) ||
        ch->tlv.total > SET_DATA_MAX || !set_data_begin(card, ch->tlv.total)) {
        set_data_forget(card, ch);
        return r.err != ERR_NONE ? SW_WRONG_DATA : SW_NO_MEMORY;
    }
    return set_data_add(card, ch, f, cmd->apdu.data);
}

uint16_t uicc_set_data(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    struct channel *ch = cmd->channel;
    (void)rsp;
    uint16_t sw = tlv_file(card, cmd, ACCESS_UPDATE, &f);
    if (sw != SW_OK)
        return sw;
    if (BLOCK_OF(cmd->apdu.p2) == BLOCK_FIRST)
        return set_data_first(card, cmd, &f);
    if (ch->tlv.ef != f.number || !ch->tlv.writing || card->set_data.cap != ch->tlv.total)
        return SW_CONDITIONS;
    if (BLOCK_OF(cmd->apdu.p2) == BLOCK_RETRANSMIT)
        card->set_data.len = ch->tlv.last_offset;
    return set_data_add(card, ch, &f, cmd->apdu.data);
}
