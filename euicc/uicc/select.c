#include "uicc.h"

#include "lib/codec/ber_tlv.h"

/* SELECT and STATUS: TS 102 221 §11.1.1, §11.1.2. */

#define P2_RETURN(p2)     ((p2)&0x1C)
#define P2_FCP            0x04u
#define P2_NOTHING        0x0Cu
#define P2_TERMINATE      0x40u
#define P2_OCCURRENCE(p2) ((p2)&0x03)
enum occurrence { OCCURRENCE_FIRST, OCCURRENCE_LAST, OCCURRENCE_NEXT, OCCURRENCE_PREVIOUS };

void channel_deselect(struct card *card, struct channel *ch)
{
    if (ch->applet && ch->applet->deselect)
        ch->applet->deselect(card, ch);
    ch->applet = NULL;
    ch->selected.len = 0;
}

void channel_go(struct card *card, struct channel *ch, const struct fs_file *f)
{
    channel_deselect(card, ch);
    ch->record = 0;
    ch->tlv.ef = FS_NONE;
    if (!fs_is_df(f)) {
        ch->ef = f->number;
        if (fs_child(&card->fs, ch->df, f->fid) != f->number) /* it is not below the current DF, nor through a linked one */
            ch->df = f->parent;
        return;
    }
    ch->df = f->number;
    ch->ef = FS_NONE;
    if (f->aid.len)
        ch->adf = f->number;
}

/* ---- files ---- */

static uint16_t answer_file(struct card *card, const struct command *cmd, fs_number number, struct writer *rsp)
{
    struct fs_file f;
    if (number == FS_NONE || fs_stat(&card->fs, number, &f) != ERR_NONE)
        return SW_FILE_NOT_FOUND;
    channel_go(card, cmd->channel, &f);
    if (P2_RETURN(cmd->apdu.p2) != P2_NOTHING)
        fcp_write(card, &f, rsp);
    return fs_is_terminated(&f) ? SW_TERMINATED : fs_is_deactivated(&f) ? SW_DEACTIVATED : SW_OK;
}

static uint16_t select_fid(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct span data = cmd->apdu.data;
    if (data.len != 0 && data.len != 2)
        return SW_WRONG_LENGTH;
    uint16_t fid = data.len ? (uint16_t)(data.ptr[0] << 8 | data.ptr[1]) : FID_MF;
    return answer_file(card, cmd, fs_by_fid(&card->fs, cmd->channel->df, cmd->channel->adf, fid), rsp);
}

static uint16_t select_child_df(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct span data = cmd->apdu.data;
    struct fs_file f;
    if (data.len != 2)
        return SW_WRONG_LENGTH;
    fs_number n = fs_child(&card->fs, cmd->channel->df, (uint16_t)(data.ptr[0] << 8 | data.ptr[1]));
    bool is_df = n != FS_NONE && fs_stat(&card->fs, n, &f) == ERR_NONE && fs_is_df(&f) && f.aid.len == 0;
    return is_df ? answer_file(card, cmd, n, rsp) : SW_FILE_NOT_FOUND;
}

static uint16_t select_parent(struct card *card, const struct command *cmd, struct writer *rsp)
{
    if (cmd->apdu.data.len != 0)
        return SW_WRONG_LENGTH;
    return answer_file(card, cmd, fs_parent(&card->fs, cmd->channel->df), rsp);
}

static uint16_t select_path(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct span path = cmd->apdu.data;
    if (path.len == 0 || path.len % 2 != 0)
        return SW_WRONG_LENGTH;
    fs_number from = cmd->apdu.p1 == 0x08 ? FS_MF : cmd->channel->df;
    return answer_file(card, cmd, fs_by_path(&card->fs, from, cmd->channel->adf, path), rsp);
}

/* ---- applications ---- */

struct application {
    fs_number adf; /* FS_NONE: an applet */
    const struct applet *applet;
    struct aid aid;
};

static bool adf_match(struct card *card, struct span partial, unsigned nth, struct application *ret)
{
    struct fs_file f;
    fs_number adf = fs_by_aid(&card->fs, partial, nth);
    if (adf == FS_NONE || fs_stat(&card->fs, adf, &f) != ERR_NONE)
        return false;
    *ret = (struct application){ adf, NULL, f.aid };
    return true;
}

/* The n-th application whose AID starts so: the profile's ADFs first, then the modules' in their order. */
static bool application_match(struct card *card, struct span partial, unsigned nth, struct application *ret)
{
    unsigned skipped = 0;
    for (; adf_match(card, partial, skipped, ret); skipped++)
        if (skipped == nth)
            return true;
    for (const struct card_module *const *m = card_modules; *m; m++) {
        struct application found = { .adf = FS_NONE };
        for (unsigned i = 0; (*m)->find && (found.applet = (*m)->find(card, partial, i, &found.aid)); i++, skipped++)
            if (skipped == nth) {
                *ret = found;
                return true;
            }
    }
    return false;
}

static bool is_current(const struct channel *ch, const struct application *app)
{
    if (ch->applet)
        return app->applet == ch->applet && aid_eq(&app->aid, &ch->selected);
    return app->applet == NULL && app->adf == ch->adf;
}

/* Which of several is meant; ISO 7816-4's first, last, next, previous. */
static bool application_find(struct card *card, const struct command *cmd, struct application *ret)
{
    struct span aid = cmd->apdu.data;
    struct application app;
    unsigned count = 0, current = 0;
    bool has_current = false;
    if (P2_OCCURRENCE(cmd->apdu.p2) == OCCURRENCE_FIRST)
        return application_match(card, aid, 0, ret);
    for (; application_match(card, aid, count, &app); count++)
        if (is_current(cmd->channel, &app)) {
            current = count;
            has_current = true;
        }
    switch ((enum occurrence)P2_OCCURRENCE(cmd->apdu.p2)) {
    case OCCURRENCE_FIRST: /* above */
    case OCCURRENCE_LAST:
        return count != 0 && application_match(card, aid, count - 1, ret);
    case OCCURRENCE_NEXT:
        return application_match(card, aid, has_current ? current + 1 : 0, ret);
    case OCCURRENCE_PREVIOUS:
        return count != 0 && !(has_current && current == 0) &&
               application_match(card, aid, has_current ? current - 1 : count - 1, ret);
    }
    return false;
}

static uint16_t select_applet(struct card *card, const struct command *cmd, const struct application *app,
                              struct writer *rsp)
{
    struct channel *ch = cmd->channel;
    if (ch->applet != app->applet)
        channel_deselect(card, ch);
    struct aid before = ch->selected;
    ch->selected = app->aid;
    uint16_t sw = app->applet->select(card, ch, cmd, rsp);
    if (sw == SW_OK)
        ch->applet = app->applet;
    else
        ch->selected = before;
    return sw;
}

static uint16_t select_aid(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct application app;
    if (cmd->apdu.data.len == 0 || cmd->apdu.data.len > AID_MAX)
        return SW_WRONG_LENGTH;
    if (!application_find(card, cmd, &app))
        return SW_FILE_NOT_FOUND;
    if (app.applet)
        return select_applet(card, cmd, &app, rsp);
    if (!(cmd->apdu.p2 & P2_TERMINATE))
        return answer_file(card, cmd, app.adf, rsp);
    uint16_t sw = answer_file(card, cmd, app.adf, rsp); /* the session ends: the MF is current again */
    struct fs_file mf;
    if (fs_stat(&card->fs, FS_MF, &mf) == ERR_NONE)
        channel_go(card, cmd->channel, &mf);
    cmd->channel->adf = FS_NONE;
    return sw;
}

static bool p2_is_good(uint8_t p1, uint8_t p2)
{
    uint8_t wanted = P2_RETURN(p2);
    if (p2 & 0xA0 || (wanted != P2_FCP && wanted != P2_NOTHING && wanted != 0))
        return false;
    return p1 == 0x04 || (p2 & (P2_TERMINATE | 0x03)) == 0;
}

uint16_t uicc_select(struct card *card, const struct command *cmd, struct writer *rsp)
{
    static const struct {
        uint8_t p1;
        command_handler *how;
    } forms[] = { { 0x00, select_fid }, { 0x01, select_child_df }, { 0x03, select_parent },
                  { 0x04, select_aid }, { 0x08, select_path },     { 0x09, select_path } };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (forms[i].p1 == cmd->apdu.p1)
            return p2_is_good(cmd->apdu.p1, cmd->apdu.p2) ? forms[i].how(card, cmd, rsp) : SW_WRONG_P1P2;
    return SW_WRONG_P1P2;
}

/* ---- STATUS ---- */

static uint16_t status_application(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    if (cmd->channel->adf == FS_NONE || fs_stat(&card->fs, cmd->channel->adf, &f) != ERR_NONE)
        return SW_NOT_FOUND;
    wr_tlv(rsp, 0x84, aid_span(&f.aid));
    return SW_OK;
}

uint16_t uicc_status(struct card *card, const struct command *cmd, struct writer *rsp)
{
    struct fs_file f;
    if (cmd->apdu.p1 > 2 || (cmd->apdu.p2 != 0x00 && cmd->apdu.p2 != 0x01 && cmd->apdu.p2 != 0x0C))
        return SW_WRONG_P1P2;
    if (cmd->origin == ORIGIN_TERMINAL)
        for (const struct card_module *const *m = card_modules; *m; m++)
            if ((*m)->status)
                (*m)->status(card);
    if (cmd->apdu.p2 == 0x0C)
        return SW_OK;
    if (cmd->apdu.p2 == 0x01)
        return status_application(card, cmd, rsp);
    if (fs_stat(&card->fs, cmd->channel->df, &f) != ERR_NONE)
        return SW_FILE_NOT_FOUND;
    fcp_write(card, &f, rsp);
    return SW_OK;
}
