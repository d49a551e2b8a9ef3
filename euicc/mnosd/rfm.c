/* Remote file management of the enabled profile (TS 102 226 §7): commands of a verified packet in its file system. */
#include "euicc/isdp/applications.h"
#include "euicc/isdr/isdr.h"

#define TLV_FILE_LIST     0x92u
#define ACCESS_DOMAIN_ALL 0x00u
#define ACCESS_DOMAIN_ARR 0x02u /* three octets of key references follow */

static uint32_t access_of(const struct access_domain *d)
{
    if (d->len == 0 || d->octets[0] == ACCESS_DOMAIN_ALL)
        return ACCESS_ALL;
    if (d->octets[0] == ACCESS_DOMAIN_ARR && d->len == 4)
        return (uint32_t)d->octets[1] << 16 | (uint32_t)d->octets[2] << 8 | d->octets[3];
    return 0;
}

/* ---- what the terminal must read again ---- */

enum change { CHANGE_NONE, CHANGE_CONTENT, CHANGE_FILES };

static enum change change_of(uint8_t ins)
{
    static const uint8_t content[] = { 0xD6, 0xDC, 0xDB, 0x32 }, files[] = { 0xE0, 0xE4, 0xD4, 0x04, 0x44, 0xE6, 0xE8 };
    for (size_t i = 0; i < ARRAY_LEN(content); i++)
        if (content[i] == ins)
            return CHANGE_CONTENT;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (files[i] == ins)
            return CHANGE_FILES;
    return CHANGE_NONE;
}

static void change_note(struct rfm_changes *c, enum change change, fs_number ef)
{
    if (change == CHANGE_NONE)
        return;
    for (size_t i = 0; i < c->count; i++)
        if (c->files[i] == ef)
            return;
    if (change == CHANGE_FILES || ef == FS_NONE || c->count == RFM_CHANGES_MAX)
        c->all = true;
    else
        c->files[c->count++] = ef;
}

/* 3F00 …, 3F00 7FFF … inside an application. */
static void path_write(struct writer *w, const struct fs *fs, fs_number file)
{
    uint16_t fids[FS_PATH_DEPTH_MAX];
    size_t count = 0;
    struct fs_file f;
    for (; file != FS_MF && count < ARRAY_LEN(fids) && fs_stat(fs, file, &f) == ERR_NONE; file = f.parent)
        fids[count++] = f.aid.len ? FID_ADF : f.fid;
    wr_u16(w, FID_MF);
    while (count)
        wr_u16(w, fids[--count]);
}

void rfm_refresh(struct card *card, struct sd_session *s)
{
    struct rfm_changes c = s->rfm_changes;
    WRITER_ON_STACK(paths, 1u + RFM_CHANGES_MAX * 2u * (FS_PATH_DEPTH_MAX + 1u));
    WRITER_ON_STACK(body, 200);
    s->rfm_changes = (struct rfm_changes){ .count = 0 };
    if (c.count == 0 && !c.all)
        return;
    wr_u8(&paths, c.count);
    for (size_t i = 0; i < c.count; i++)
        path_write(&paths, &card->fs, c.files[i]);
    if (!c.all)
        wr_tlv(&body, TLV_FILE_LIST, wr_span(&paths));
    c.all = c.all || body.err != ERR_NONE;
    enum err err = proactive_push(card, PROACTIVE_REFRESH, c.all ? REFRESH_INIT_FULL_FILE_CHANGE : REFRESH_FILE_CHANGE,
                                  DEVICE_TERMINAL, c.all ? SPAN_NONE : wr_span(&body), NULL, NULL);
    if (err != ERR_NONE)
        log_fact(card->env.log, LOG_INFO_, NULL, "files changed over the air, the terminal is not told: %s",
                 err_text(err));
}

/* ---- commands ---- */

/* Commands of TS 102 222 need the administrative domain. Below the ADF of the instance its own domains hold, below
 * another ADF none, and those of the UICC everywhere else. */
static uint32_t access_at(const struct card *card, const struct application_rfm *rfm, fs_number df, uint8_t ins)
{
    static const uint8_t administrative[] = { 0xE0, 0xE4, 0xD4, 0xE6, 0xE8 };
    bool admin = memchr(administrative, ins, sizeof administrative) != NULL;
    fs_number adf = fs_adf_of(&card->fs, df);
    if (adf == FS_NONE)
        return access_of(admin ? &rfm->admin : &rfm->access);
    if (rfm->adf.len == 0 || adf != fs_by_aid(&card->fs, aid_span(&rfm->adf), 0))
        return 0;
    return access_of(admin ? &rfm->adf_admin : &rfm->adf_access);
}

/* What the last command had to say and was not asked for, in pieces (TS 102 226 §5.1.2); it lies in s->collected. */
static uint16_t get_response(struct sd_session *s, const struct capdu *c, struct writer *data)
{
    size_t left = s->collected_len, n = c->le ? c->le : 256;
    if (c->p1 != 0 || c->p2 != 0)
        return SW_WRONG_P1P2;
    if (left == 0)
        return SW_CONDITIONS;
    if (n != 256 && n > left)
        return 0x6C00 | (left & 0xFF);
    n = n < left ? n : left;
    wr_bytes(data, (struct span){ s->collected, n });
    memmove(s->collected, s->collected + n, left - n);
    s->collected_len = (uint16_t)(left - n);
    return s->collected_len ? 0x6100 | s->collected_len : SW_OK;
}

/* Without Le the data wait for GET RESPONSE: 61 and how much there is. */
static uint16_t data_hold(struct sd_session *s, const struct capdu *c, uint16_t sw, struct writer *data)
{
    if (c->le != 0 || data->len == 0 || data->len > 256 || data->err != ERR_NONE)
        return sw;
    memcpy(s->collected, data->buf, data->len);
    s->collected_len = (uint16_t)data->len;
    data->len = 0;
    return sw == SW_OK ? 0x6100 | (s->collected_len & 0xFF) : sw;
}

uint16_t rfm_command(struct card *card, struct sd_session *s, struct span capdu, struct writer *data)
{
    const uint8_t tar[TAR_LEN] = { (uint8_t)(s->target.tar >> 16), (uint8_t)(s->target.tar >> 8),
                                   (uint8_t)s->target.tar };
    struct application_rfm rfm;
    if (s->target.slot != card->profile ||
        application_rfm_by_tar(card->objects, (uint8_t)s->target.slot, SPAN_OF(tar), &rfm) != ERR_NONE)
        return SW_FILE_NOT_FOUND;
    bool in_adf = rfm.adf.len != 0;
    if (!s->rfm_begun)
        card_script_channel(card, &s->rfm, in_adf ? fs_by_aid(&card->fs, aid_span(&rfm.adf), 0) : FS_NONE);
    s->rfm_begun = true;
    struct capdu c;
    if (capdu_parse(capdu, &c) != ERR_NONE)
        return SW_WRONG_LENGTH;
    if (c.ins == INS_GET_RESPONSE)
        return get_response(s, &c, data);
    s->collected_len = 0;
    uint16_t sw = card_script_command(card, &s->rfm, capdu, access_at(card, &rfm, s->rfm.df, c.ins), data);
    if (sw_is_positive(sw))
        change_note(&s->rfm_changes, change_of(c.ins), s->rfm.ef);
    return data_hold(s, &c, sw, data);
}
