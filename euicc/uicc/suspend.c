/* SUSPEND UICC (TS 102 221 §11.1.22) for devices that sleep (PSM, eDRX): the session is written to card memory, the
 * power may go, and who shows the token goes on where the device fell asleep, PINs verified and the toolkit session
 * running. Time asleep is no time to the card: what its timers had left they have left afterwards. Any other command
 * than RESUME after the next activation, or a wrong token, ends it: then it was an ordinary reset. Offered where the
 * profile's EF.UMPC says so; never while something is under way that a reset would break. */
#include "suspend.h"

#include "uicc.h"

#define UMPC_SUSPENSION 0x02u /* third octet */
#define TOKEN_LEN       8u
#define SUSPENSION_KEY  OBJECT_KEY(0, OBJ_CARD, CARD_SUSPENSION)
#define LONGEST_S       (30u * 86400u) /* what this card takes */
#define LONGEST         "\x03\x1E"     /* the same, coded */
#define P1_SUSPEND      0x00u
#define P1_RESUME       0x01u

/* ---- the object ---- */

static void channels_write(const struct card *card, struct writer *w)
{
    uint8_t open = 0;
    for (unsigned i = 0; i < CARD_CHANNELS; i++)
        open = (uint8_t)(open + card->channels[i].open);
    wr_u8(w, open);
    for (unsigned i = 0; i < CARD_CHANNELS; i++) {
        const struct channel *ch = &card->channels[i];
        if (!ch->open)
            continue;
        wr_u8(w, ch->number);
        wr_u16(w, ch->df);
        wr_u16(w, ch->ef);
        wr_u16(w, ch->adf);
        wr_u16(w, ch->record);
    }
}

static void channels_read(struct card *card, struct reader *r)
{
    for (unsigned open = rd_u8(r); open && r->err == ERR_NONE; open--) {
        struct channel *ch = &card->channels[rd_u8(r) % CARD_CHANNELS];
        ch->open = true;
        ch->df = rd_u16(r);
        ch->ef = rd_u16(r);
        ch->adf = rd_u16(r);
        ch->record = rd_u16(r);
    }
}

static void pins_write(const struct card *card, struct writer *w)
{
    wr_u8(w, (uint8_t)card->verified_count);
    for (size_t i = 0; i < card->verified_count; i++) {
        wr_u16(w, card->verified[i].context);
        wr_u8(w, card->verified[i].reference);
    }
}

static void pins_read(struct card *card, struct reader *r)
{
    size_t count = rd_u8(r);
    if (count > CARD_VERIFIED_MAX)
        rd_fail(r, ERR_BAD_VALUE);
    for (card->verified_count = 0; card->verified_count < count && r->err == ERR_NONE; card->verified_count++) {
        struct verified_pin *pin = &card->verified[card->verified_count];
        pin->context = rd_u16(r);
        pin->reference = rd_u8(r);
    }
}

static enum err session_keep(struct card *card, const uint8_t token[TOKEN_LEN])
{
    WRITER_ON_STACK(w, OBJECT_SECRET_MAX);
    wr_bytes(&w, (struct span){ token, TOKEN_LEN });
    wr_u8(&w, card->profile);
    channels_write(card, &w);
    pins_write(card, &w);
    proactive_suspend(card, &w);
    for (const struct card_module *const *m = card_modules; *m; m++)
        if ((*m)->suspend)
            (*m)->suspend(card, &w);
    if (w.err != ERR_NONE)
        return w.err;
    card_begin(card);
    enum err err = objects_put_secret(card->objects, SUSPENSION_KEY, wr_span(&w));
    if (err == ERR_NONE)
        err = card_commit(card);
    else
        card_rollback(card);
    wipe(w.buf, w.cap);
    return err;
}

static enum err session_take_up(struct card *card, struct reader *r)
{
    channels_read(card, r);
    pins_read(card, r);
    proactive_resume(card, r);
    for (const struct card_module *const *m = card_modules; *m; m++)
        if ((*m)->resume)
            (*m)->resume(card, r);
    return rd_finish(r);
}

void suspension_find(struct card *card)
{
    card->suspension = objects_has(card->objects, SUSPENSION_KEY) ? SUSPENSION_KEPT : SUSPENSION_NONE;
}

void suspension_drop(struct card *card)
{
    card->suspension = SUSPENSION_NONE;
    card_begin(card);
    enum err err = objects_delete(card->objects, SUSPENSION_KEY);
    if (err == ERR_NONE)
        err = card_commit(card);
    else
        card_rollback(card);
    if (err != ERR_NONE)
        log_fact(card->env.log, LOG_WARN_, NULL, "a suspended session could not be dropped: %s", err_text(err));
}

bool suspension_ends(const struct card *card, const struct command *cmd)
{
    bool resumes = cmd->cla == 0x80 && cmd->apdu.ins == INS_SUSPEND && cmd->apdu.p1 == P1_RESUME;
    return card->suspension != SUSPENSION_NONE && !resumes;
}

/* ---- commands ---- */

/* Unit (seconds, minutes, hours, days, ten days) and count. */
static bool duration_read(const uint8_t coded[2], uint32_t *ret_s)
{
    static const uint32_t unit_s[] = { 1, 60, 3600, 86400, 864000 };
    if (coded[0] >= ARRAY_LEN(unit_s))
        return false;
    *ret_s = unit_s[coded[0]] * coded[1];
    return true;
}

static bool may_suspend(struct card *card)
{
    if (!proactive_is_idle(card) || card->set_data.len)
        return false;
    for (unsigned i = 0; i < CARD_CHANNELS; i++)
        if (card->channels[i].applet)
            return false;
    for (const struct card_module *const *m = card_modules; *m; m++)
        if ((*m)->may_suspend && !(*m)->may_suspend(card))
            return false;
    return true;
}

static uint16_t suspend(struct card *card, const struct command *cmd, struct writer *rsp)
{
    uint32_t least_s, most_s;
    uint8_t token[TOKEN_LEN];
    if (cmd->apdu.data.len != 4)
        return SW_WRONG_LENGTH;
    const uint8_t *asked = cmd->apdu.data.ptr;
    if (!duration_read(asked, &least_s) || !duration_read(asked + 2, &most_s) || least_s > most_s)
        return SW_WRONG_DATA;
    if (least_s > LONGEST_S)
        return SW_SUSPENSION_TOO_LONG;
    if (!may_suspend(card))
        return SW_CONDITIONS;
    card_random(card, token, sizeof token);
    enum err err = session_keep(card, token);
    if (err != ERR_NONE)
        return sw_of_err(err);
    card->suspension = SUSPENSION_ANSWERED;
    wr_bytes(rsp, most_s > LONGEST_S ? SPAN_LIT(LONGEST) : (struct span){ asked + 2, 2 });
    wr_bytes(rsp, SPAN_OF(token));
    return SW_OK;
}

/* The object goes before anything is taken up: a token opens one session once. */
static uint16_t resume(struct card *card, const struct command *cmd)
{
    uint8_t stored[OBJECT_SECRET_MAX];
    size_t len;
    if (card->suspension != SUSPENSION_KEPT)
        return SW_CONDITIONS;
    if (cmd->apdu.data.len != TOKEN_LEN)
        return SW_WRONG_LENGTH;
    enum err err = objects_read_secret(card->objects, SUSPENSION_KEY, stored, sizeof stored, &len);
    suspension_drop(card);
    if (err != ERR_NONE)
        return sw_of_err(err);
    struct reader r = rd_of((struct span){ stored, len });
    bool good = span_eq_ct(rd_span(&r, TOKEN_LEN), cmd->apdu.data);
    uint16_t sw = good ? SW_OK : SW_SECURITY_STATUS;
    if (good && (rd_u8(&r) != card->profile || session_take_up(card, &r) != ERR_NONE))
        sw = SW_CONDITIONS;
    wipe(stored, sizeof stored);
    return sw;
}

static bool is_offered(struct card *card)
{
    static const uint8_t path[] = { 0x2F, 0x08 };
    uint8_t umpc[3];
    size_t len = 0;
    return card_read_file(card, false, SPAN_OF(path), umpc, sizeof umpc, &len) == ERR_NONE && len == sizeof umpc &&
           umpc[2] & UMPC_SUSPENSION;
}

uint16_t uicc_suspend(struct card *card, const struct command *cmd, struct writer *rsp)
{
    if (!is_offered(card))
        return SW_WRONG_INS;
    if (cmd->apdu.p2 != 0 || cmd->apdu.p1 > P1_RESUME)
        return SW_WRONG_P1P2;
    return cmd->apdu.p1 == P1_SUSPEND ? suspend(card, cmd, rsp) : resume(card, cmd);
}
