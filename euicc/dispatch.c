#include "uicc/suspend.h"
#include "uicc/uicc.h"

/* From the octets of a command to its row, and back to the octets of the answer (T=0). */

#define MORE_TIME_SW(len) ((uint16_t)(0x6100 | ((len) > 255 ? 0 : (len))))

/* clang-format off */
/* Commands of the whole card, whatever is selected. */
static const struct apdu_rule card_rules[] = {
    /* CLA INS   cases                      at least  handler */
    { 0x00, 0xA4, CASE_1 | CASE_3 | CASE_4, SEC_NONE, uicc_select },
    { 0x00, 0x70, CASE_1 | CASE_2,          SEC_NONE, uicc_manage_channel },
    { 0x80, 0xAA, CASE_3,                   SEC_NONE, uicc_terminal_capability, NEED_P1P2_ZERO },
    { 0x80, 0x10, CASE_3,                   SEC_NONE, uicc_terminal_profile, NEED_P1P2_ZERO | NEED_BASIC_CHANNEL },
    { 0x80, 0x12, CASE_2,                   SEC_NONE, uicc_fetch, NEED_P1P2_ZERO | NEED_BASIC_CHANNEL },
    { 0x80, 0x14, CASE_3,                   SEC_NONE, uicc_terminal_response, NEED_P1P2_ZERO | NEED_BASIC_CHANNEL },
    { 0x80, 0xC2, CASE_3 | CASE_4,          SEC_NONE, uicc_envelope, NEED_P1P2_ZERO | NEED_BASIC_CHANNEL },
};

/* Commands on the file system: when no security domain is selected on the channel. */
static const struct apdu_rule file_rules[] = {
    { 0x80, 0xF2, CASE_1 | CASE_2,          SEC_NONE, uicc_status },
    { 0x00, 0xB0, CASE_2,                   SEC_NONE, uicc_read_binary },
    { 0x00, 0xD6, CASE_3,                   SEC_NONE, uicc_update_binary },
    { 0x00, 0xB2, CASE_2,                   SEC_NONE, uicc_read_record },
    { 0x00, 0xDC, CASE_3,                   SEC_NONE, uicc_update_record },
    { 0x00, 0xA2, CASE_3 | CASE_4,          SEC_NONE, uicc_search_record },
    { 0x80, 0x32, CASE_3 | CASE_4,          SEC_NONE, uicc_increase },
    { 0x80, 0xCB, CASE_2 | CASE_3 | CASE_4, SEC_NONE, uicc_retrieve_data },
    { 0x80, 0xDB, CASE_3,                   SEC_NONE, uicc_set_data },
    { 0x00, 0x20, CASE_1 | CASE_2 | CASE_3, SEC_NONE, uicc_verify, NEED_P1_ZERO },
    { 0x00, 0x24, CASE_3,                   SEC_NONE, uicc_change_pin, NEED_P1_ZERO },
    { 0x00, 0x26, CASE_3,                   SEC_NONE, uicc_disable_pin },
    { 0x00, 0x28, CASE_3,                   SEC_NONE, uicc_enable_pin, NEED_P1_ZERO },
    { 0x00, 0x2C, CASE_1 | CASE_2 | CASE_3, SEC_NONE, uicc_unblock_pin, NEED_P1_ZERO },
    { 0x00, 0x88, CASE_3 | CASE_4,          SEC_NONE, uicc_authenticate, NEED_P1_ZERO | NEED_TERMINAL },
    { 0x00, 0x84, CASE_2,                   SEC_NONE, uicc_get_challenge, NEED_P1P2_ZERO },
    { 0x80, INS_SUSPEND, CASE_ANY,                 SEC_NONE, uicc_suspend, NEED_BASIC_CHANNEL | NEED_TERMINAL },
    { 0x80, 0x78, CASE_1 | CASE_2 | CASE_3 | CASE_4, SEC_NONE, uicc_get_identity, NEED_P1_ZERO | NEED_TERMINAL },
    { 0x00, 0x04, CASE_1 | CASE_2 | CASE_3, SEC_NONE, uicc_deactivate_file, NEED_P2_ZERO },
    { 0x00, 0x44, CASE_1 | CASE_2 | CASE_3, SEC_NONE, uicc_activate_file, NEED_P2_ZERO },
    { 0x00, 0xE0, CASE_3,                   SEC_NONE, uicc_create_file, NEED_P1P2_ZERO },
    { 0x00, 0xE4, CASE_3,                   SEC_NONE, uicc_delete_file, NEED_P1P2_ZERO },
    { 0x80, 0xD4, CASE_3,                   SEC_NONE, uicc_resize_file, NEED_P2_ZERO },
    { 0x00, 0xE6, CASE_1 | CASE_2,          SEC_NONE, uicc_terminate, NEED_P1P2_ZERO },
    { 0x00, 0xE8, CASE_1 | CASE_2,          SEC_NONE, uicc_terminate, NEED_P1P2_ZERO },
};
/* clang-format on */

/* ---- rules ---- */

static enum apdu_case case_of(const struct capdu *c)
{
    if (c->data.len == 0)
        return c->le ? CASE_2 : CASE_1;
    return c->le ? CASE_4 : CASE_3;
}

/* SW_WRONG_INS: no row; SW_WRONG_CLA: only of another class. */
static uint16_t rule_find(const struct apdu_rule *rules, size_t count, const struct command *cmd,
                          const struct apdu_rule **ret)
{
    uint16_t sw = SW_WRONG_INS;
    for (size_t i = 0; i < count; i++) {
        if (rules[i].ins != cmd->apdu.ins)
            continue;
        if (rules[i].cla == cmd->cla) {
            *ret = &rules[i];
            return SW_OK;
        }
        sw = SW_WRONG_CLA;
    }
    return sw;
}

/* Le may be missing where data come back, but not where they are all the command is for. P3 of 00 where data were
 * expected is an empty Lc, not Le. */
static bool case_is_good(const struct apdu_rule *rule, struct command *cmd)
{
    enum apdu_case is = case_of(&cmd->apdu);
    if (rule->cases & is)
        return true;
    if (is == CASE_2 && cmd->apdu.le == 256 && rule->cases & CASE_1) {
        cmd->apdu.le = 0;
        return true;
    }
    if (is == CASE_4 && rule->cases & CASE_3 && cmd->apdu.le == 256) {
        cmd->apdu.le = 0;
        return true;
    }
    return false;
}

static uint16_t rule_run(struct card *card, const struct apdu_rule *rule, const struct command *cmd, struct writer *rsp)
{
    struct command fitted = *cmd;
    if (rule->needs & NEED_BASIC_CHANNEL && cmd->channel->number != 0)
        return SW_CHANNEL_UNSUPPORTED;
    if ((rule->needs & NEED_P1_ZERO && cmd->apdu.p1 != 0) || (rule->needs & NEED_P2_ZERO && cmd->apdu.p2 != 0))
        return SW_WRONG_P1P2;
    if (!case_is_good(rule, &fitted))
        return SW_WRONG_LENGTH;
    if ((fitted.security & rule->at_least) != rule->at_least ||
        (rule->needs & NEED_TERMINAL && cmd->origin != ORIGIN_TERMINAL))
        return SW_SECURITY_STATUS;
    size_t before = rsp->len;
    uint16_t sw = rule->handler(card, &fitted, rsp);
    if (rsp->err != ERR_NONE) {
        rsp->err = ERR_NONE;
        sw = SW_NO_DIAGNOSIS;
    }
    bool keeps = sw == SW_OK || sw >> 8 == 0x62 || sw >> 8 == 0x63;
    if (!keeps)
        rsp->len = before;
    return sw;
}

uint16_t card_dispatch(struct card *card, const struct apdu_rule *rules, size_t rule_count, const struct command *cmd,
                       struct writer *rsp)
{
    const struct apdu_rule *rule;
    uint16_t sw = rule_find(rules, rule_count, cmd, &rule);
    return sw == SW_OK ? rule_run(card, rule, cmd, rsp) : sw;
}

/* STATUS shares its INS with GET STATUS, whose P1 is 80, 40, 20 or 10: the terminal's polling goes on. */
static bool is_poll(const struct command *cmd)
{
    return cmd->cla == 0x80 && cmd->apdu.ins == INS_GET_STATUS && cmd->apdu.p1 <= 2 && cmd->apdu.data.len == 0;
}

/* The tables a channel looks into, in order: a security domain's rows hide the card's; those of the files and the card's have
 * nothing in common. The best refusal (another class before unknown) is the answer. */
static uint16_t channel_dispatch(struct card *card, const struct command *cmd, struct writer *rsp)
{
    const struct applet *applet = cmd->channel->applet;
    const struct {
        const struct apdu_rule *rules;
        size_t count;
    } tables[] = { { applet ? applet->rules : NULL, applet ? applet->rule_count : 0 },
                   { card_rules, ARRAY_LEN(card_rules) },
                   { file_rules, applet ? 0 : ARRAY_LEN(file_rules) } };
    uint16_t sw = SW_WRONG_INS;
    if (applet && is_poll(cmd))
        return card_dispatch(card, file_rules, ARRAY_LEN(file_rules), cmd, rsp);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        const struct apdu_rule *rule;
        uint16_t found = rule_find(tables[i].rules, tables[i].count, cmd, &rule);
        if (found == SW_OK)
            return rule_run(card, rule, cmd, rsp);
        if (found == SW_WRONG_CLA)
            sw = found;
    }
    return sw;
}

/* ---- class ---- */

/* First interindustry 0X, further 4X; proprietary 8X, CX: channel and secure messaging. A0 and FF: no class of ours. */
static uint16_t class_read(uint8_t cla, uint8_t *ret_class, uint8_t *ret_channel, bool *ret_secure)
{
    bool first = (cla & 0x70) == 0x00, further = (cla & 0x40) != 0;
    if (cla == 0xFF || (!first && !further) || (further && cla & 0x10))
        return SW_WRONG_CLA;
    *ret_class = cla & 0x80;
    *ret_channel = further ? (uint8_t)((cla & 0x0F) + 4) : cla & 0x03;
    *ret_secure = further ? cla & 0x20 : cla & 0x0C;
    return SW_OK;
}

static uint16_t command_of(struct card *card, const struct capdu *apdu, struct command *ret)
{
    uint8_t number;
    bool secure;
    *ret = (struct command){ .apdu = *apdu };
    uint16_t sw = class_read(apdu->cla, &ret->cla, &number, &secure);
    if (sw != SW_OK)
        return sw;
    ret->channel = &card->channels[number];
    if (!ret->channel->open)
        return SW_CHANNEL_UNSUPPORTED;
    return secure ? SW_SM_UNSUPPORTED : SW_OK;
}

/* ---- T=0 ---- */

static void answer(struct writer *ret, struct span data, uint16_t sw)
{
    wr_bytes(ret, data);
    wr_u16(ret, sw);
}

/* 9000 announces a proactive command that waits: 91 and its length; words of commands in blocks have a twin for it. */
static uint16_t announce(struct card *card, uint16_t sw)
{
    uint16_t len = proactive_announced_len(card);
    if (len && (sw == SW_MORE_DATA_AVAILABLE || sw == SW_MORE_DATA_EXPECTED))
        return sw + 1;
    return sw == SW_OK && len ? (uint16_t)(0x9100 | (len & 0xFF)) : sw;
}

static size_t response_left(const struct card *card) { return card->response.len - card->response_sent; }

static void response_drop(struct card *card)
{
    card->response.len = 0;
    card->response.err = ERR_NONE;
    card->response_sent = 0;
}

static void get_response(struct card *card, const struct command *cmd, struct writer *ret)
{
    size_t left = response_left(card), le = cmd->apdu.le, n = left < 256 ? left : 256;
    if (cmd->apdu.p1 != 0 || cmd->apdu.p2 != 0 || left == 0 || cmd->channel->number != card->response_channel) {
        response_drop(card);
        answer(ret, SPAN_NONE, cmd->apdu.p1 || cmd->apdu.p2 ? SW_WRONG_P1P2 : SW_CONDITIONS);
        return;
    }
    if (le != 256 && le > left) {
        answer(ret, SPAN_NONE, 0x6C00 | (n & 0xFF));
        return;
    }
    if (le != 256 && le != 0)
        n = le;
    wr_bytes(ret, (struct span){ card->response.buf + card->response_sent, n });
    card->response_sent += n;
    left = response_left(card);
    wr_u16(ret, left ? MORE_TIME_SW(left) : announce(card, card->response_sw));
    if (left == 0)
        response_drop(card);
}

/* Data of a case 2 command go out at once; others are announced and wait for GET RESPONSE. A warning comes first and
 * the data then end with 9000 (TS 102 221 annex C). */
static void respond(struct card *card, const struct command *cmd, uint16_t sw, struct writer *ret)
{
    size_t len = card->response.len, le = cmd->apdu.le;
    bool at_once = cmd->apdu.data.len == 0 && le != 0 && cmd->apdu.ins != INS_SELECT;
    card->response_sw = SW_OK;
    card->response_channel = cmd->channel->number;
    if (len == 0) {
        answer(ret, SPAN_NONE, announce(card, sw));
    } else if (!at_once) {
        answer(ret, SPAN_NONE, sw == SW_OK ? MORE_TIME_SW(len) : announce(card, sw));
        return;
    } else if (le != 256 && le != len && len <= 256) {
        answer(ret, SPAN_NONE, 0x6C00 | (len & 0xFF));
    } else if (len > 256) {
        wr_bytes(ret, (struct span){ card->response.buf, 256 });
        card->response_sent = 256;
        wr_u16(ret, MORE_TIME_SW(len - 256));
        return;
    } else {
        answer(ret, (struct span){ card->response.buf, len }, announce(card, sw));
    }
    response_drop(card);
}

/* Timers first; and whatever a handler does, no transaction outlives its command. */
static uint16_t command_run(struct card *card, const struct command *cmd)
{
    if (suspension_ends(card, cmd))
        suspension_drop(card);
    if (card_idle(card, 0) != EUICC_NO_WAKE) /* the clock is asked when a timer runs */
        (void)card_idle(card, card_now_ms(card));
    uint16_t sw = channel_dispatch(card, cmd, &card->response);
    while (objects_in_transaction(card->objects))
        objects_rollback(card->objects);
    proactive_pump(card);
    arena_release(&card->scratch);
    return sw;
}

void euicc_transmit(struct euicc *euicc, struct span capdu, struct writer *ret)
{
    struct card *card = &euicc->card;
    struct capdu apdu;
    struct command cmd;
    if (capdu_parse(capdu, &apdu) != ERR_NONE || apdu.extended) {
        answer(ret, SPAN_NONE, SW_WRONG_LENGTH);
        return;
    }
    uint16_t sw = command_of(card, &apdu, &cmd);
    if (sw == SW_OK && apdu.ins == INS_GET_RESPONSE) { /* in either class: terminals repeat that of the command */
        get_response(card, &cmd, ret);
        return;
    }
    response_drop(card);
    if (sw == SW_OK)
        sw = command_run(card, &cmd);
    if (sw == SW_OK || card->response.len != 0) {
        respond(card, &cmd, sw, ret);
        return;
    }
    answer(ret, SPAN_NONE, announce(card, sw));
}

/* ---- scripts ---- */

void card_script_channel(struct card *card, struct channel *channel, fs_number adf)
{
    *channel = (struct channel){ .open = true, .number = 0, .df = FS_MF, .ef = FS_NONE, .adf = FS_NONE };
    struct fs_file f;
    channel->tlv.ef = FS_NONE;
    if (adf != FS_NONE && fs_stat(&card->fs, adf, &f) == ERR_NONE)
        channel_go(card, channel, &f);
}

uint16_t card_script_command(struct card *card, struct channel *channel, struct span capdu, uint32_t access,
                             struct writer *rsp)
{
    struct command cmd = { .channel = channel, .origin = ORIGIN_OTA, .security = SEC_MAC_ENC, .access = access };
    uint8_t number;
    bool secure;
    if (capdu_parse(capdu, &cmd.apdu) != ERR_NONE)
        return SW_WRONG_LENGTH;
    uint16_t sw = class_read(cmd.apdu.cla, &cmd.cla, &number, &secure);
    if (sw != SW_OK)
        return sw;
    if (cmd.cla == 0x00 && cmd.apdu.ins == INS_SELECT) {
        const struct apdu_rule *rule = &card_rules[0];
        return cmd.apdu.p1 == 0x04 ? SW_FUNCTION_UNSUPPORTED : rule_run(card, rule, &cmd, rsp);
    }
    sw = card_dispatch(card, file_rules, ARRAY_LEN(file_rules), &cmd, rsp);
    return sw;
}
