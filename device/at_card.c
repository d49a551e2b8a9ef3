/* AT commands that talk to the card: identity, PIN, files, commands as they are. */
#include "at_private.h"

#include <stdio.h>

#define PIN_TEXT 9u /* 8 digits and NUL */

int at_card_error(struct at *at)
{
    switch (modem_card_state(at->modem)) {
    case MODEM_CARD_ABSENT: return AT_CME | CME_NO_SIM;
    case MODEM_CARD_PIN: return AT_CME | CME_SIM_PIN;
    case MODEM_CARD_PUK: return AT_CME | CME_SIM_PUK;
    case MODEM_CARD_READY: break;
    }
    return AT_OK;
}

static bool card_is_absent(struct at *at) { return modem_card_state(at->modem) == MODEM_CARD_ABSENT; }

static int imsi(struct at *at, const struct at_args *a)
{
    int error = at_card_error(at);
    if (a->form == AT_TEST || error != AT_OK)
        return a->form == AT_TEST ? AT_OK : error;
    if (!modem_imsi(at->modem)[0])
        return AT_CME | CME_SIM_FAILURE;
    at_say(at, "%s", modem_imsi(at->modem));
    return AT_OK;
}

static int iccid(struct at *at, const struct at_args *a)
{
    WRITER_ON_STACK(ef, MODEM_HOST_ANSWER_MAX);
    char digits[24];
    if (a->form == AT_TEST || card_is_absent(at))
        return a->form == AT_TEST ? AT_OK : AT_CME | CME_NO_SIM;
    uint16_t sw = modem_host_select(at->modem, at->now_ms, false, SPAN_LIT("\x2F\xE2"), NULL);
    if (sw == 0x9000)
        sw = modem_host_apdu(at->modem, at->now_ms, SPAN_LIT("\x00\xB0\x00\x00\x0A"), &ef);
    if (sw != 0x9000 || bcd_text(wr_span(&ef), true, digits, sizeof digits) != ERR_NONE)
        return AT_CME | CME_NOT_FOUND;
    at_say(at, "+CCID: %s", digits);
    return AT_OK;
}

/* ---- PIN ---- */

static int pin_result(uint16_t sw)
{
    switch (sw) {
    case 0x9000: return AT_OK;
    case 0x0000: return AT_CME | CME_NO_SIM;
    case 0x6983: case 0x63C0: return AT_CME | CME_SIM_PUK;
    case 0x6984: case 0x6985: return AT_CME | CME_NOT_ALLOWED;
    default: return sw >> 4 == 0x63C ? AT_CME | CME_WRONG_PASSWORD : AT_CME | CME_SIM_FAILURE;
    }
}

static bool pin_text(const struct at_args *a, size_t i, char out[PIN_TEXT])
{
    return at_text(a, i, out, PIN_TEXT) && strlen(out) >= 4 && strspn(out, "0123456789") == strlen(out);
}

static int pin(struct at *at, const struct at_args *a)
{
    static const char *const states[] = { "", "READY", "SIM PIN", "SIM PUK" };
    enum modem_card card = modem_card_state(at->modem);
    char value[PIN_TEXT], fresh[PIN_TEXT];
    if (a->form == AT_TEST || card == MODEM_CARD_ABSENT)
        return a->form == AT_TEST ? AT_OK : AT_CME | CME_NO_SIM;
    if (a->form == AT_READ) {
        at_say(at, "+CPIN: %s", states[card]);
        return AT_OK;
    }
    if (card == MODEM_CARD_READY)
        return AT_CME | CME_NOT_ALLOWED;
    bool two = a->count > 1;
    if (!pin_text(a, 0, value) || (two && !pin_text(a, 1, fresh)) || two != (card == MODEM_CARD_PUK))
        return AT_CME | (card == MODEM_CARD_PUK ? CME_SIM_PUK : CME_PARAMETERS);
    int result = pin_result(modem_host_pin(at->modem, at->now_ms, two ? MODEM_PIN_UNBLOCK : MODEM_PIN_VERIFY, value,
                                           two ? fresh : NULL));
    wipe(value, sizeof value);
    wipe(fresh, sizeof fresh);
    return result;
}

static int pin_tries(struct at *at, const struct at_args *a)
{
    if (a->form == AT_TEST || card_is_absent(at))
        return a->form == AT_TEST ? AT_OK : AT_CME | CME_NO_SIM;
    int tries = modem_host_pin_tries(at->modem, at->now_ms, false), puk = modem_host_pin_tries(at->modem, at->now_ms, true);
    if (tries >= 0)
        at_say(at, "+CPINR: SIM PIN,%d", tries);
    if (puk >= 0)
        at_say(at, "+CPINR: SIM PUK,%d", puk);
    return AT_OK;
}

/* Facility lock: the SIM's PIN is the only one there is. */
static int lock(struct at *at, const struct at_args *a)
{
    char facility[4], value[PIN_TEXT];
    unsigned long mode;
    if (a->form == AT_TEST) {
        at_say(at, "+CLCK: (\"SC\")");
        return AT_OK;
    }
    if (!at_text(a, 0, facility, sizeof facility) || !at_number(a, 1, 9, &mode) || mode > 2)
        return AT_CME | CME_PARAMETERS;
    if (strcasecmp(facility, "SC"))
        return AT_CME | CME_NOT_SUPPORTED;
    if (card_is_absent(at))
        return AT_CME | CME_NO_SIM;
    if (mode == 2) {
        at_say(at, "+CLCK: %d", modem_host_pin_enabled(at->modem, at->now_ms));
        return AT_OK;
    }
    if (!pin_text(a, 2, value))
        return AT_CME | CME_PARAMETERS;
    int result = pin_result(modem_host_pin(at->modem, at->now_ms, mode ? MODEM_PIN_ENABLE : MODEM_PIN_DISABLE, value, NULL));
    wipe(value, sizeof value);
    return result;
}

static int password(struct at *at, const struct at_args *a)
{
    char facility[4], old[PIN_TEXT], fresh[PIN_TEXT];
    if (a->form == AT_TEST) {
        at_say(at, "+CPWD: (\"SC\",8)");
        return AT_OK;
    }
    if (!at_text(a, 0, facility, sizeof facility) || strcasecmp(facility, "SC"))
        return AT_CME | CME_NOT_SUPPORTED;
    if (!pin_text(a, 1, old) || !pin_text(a, 2, fresh))
        return AT_CME | CME_PARAMETERS;
    int result = pin_result(modem_host_pin(at->modem, at->now_ms, MODEM_PIN_CHANGE, old, fresh));
    wipe(old, sizeof old);
    wipe(fresh, sizeof fresh);
    return result;
}

/* ---- commands of the host ---- */

/* Hex at argument i with its length in characters before it. */
static bool command_argument(const struct at_args *a, size_t i, uint8_t *out, size_t cap, struct span *ret)
{
    unsigned long length;
    size_t len;
    if (!at_number(a, i, 0, &length) || !at_hex(a, i + 1, out, cap, &len) || length != 2 * len || len < 4)
        return false;
    *ret = (struct span){ out, len };
    return true;
}

static int pass_on(struct at *at, const char *name, struct span capdu)
{
    WRITER_ON_STACK(answer, MODEM_HOST_ANSWER_MAX);
    if (card_is_absent(at))
        return AT_CME | CME_NO_SIM;
    uint16_t sw = modem_host_apdu(at->modem, at->now_ms, capdu, &answer);
    if (!sw)
        return AT_CME | CME_NOT_ALLOWED;
    wr_u16(&answer, sw);
    at_say_hex(at, wr_span(&answer), "%s: %zu,", name, 2 * answer.len);
    return AT_OK;
}

static int generic_access(struct at *at, const struct at_args *a)
{
    uint8_t memory[261];
    struct span capdu;
    if (a->form == AT_TEST)
        return AT_OK;
    return command_argument(a, 0, memory, sizeof memory, &capdu) ? pass_on(at, "+CSIM", capdu) : AT_CME | CME_PARAMETERS;
}

static int channel_open(struct at *at, const struct at_args *a)
{
    uint8_t aid[16];
    size_t len;
    unsigned channel;
    if (a->form == AT_TEST)
        return AT_OK;
    if (!at_hex(a, 0, aid, sizeof aid, &len) || len < 1)
        return AT_CME | CME_PARAMETERS;
    if (card_is_absent(at))
        return AT_CME | CME_NO_SIM;
    uint16_t sw = modem_host_open_channel(at->modem, at->now_ms, (struct span){ aid, len }, &channel);
    if (sw == 0x6A82)
        return AT_CME | CME_NOT_FOUND;
    if (sw != 0x9000)
        return AT_CME | CME_SIM_FAILURE;
    at_say(at, "+CCHO: %u", channel);
    return AT_OK;
}

static int channel_close(struct at *at, const struct at_args *a)
{
    unsigned long channel;
    if (a->form == AT_TEST)
        return AT_OK;
    if (!at_number(a, 0, 0, &channel) || channel < 1 || channel > 19)
        return AT_CME | CME_INDEX;
    if (card_is_absent(at))
        return AT_CME | CME_NO_SIM;
    uint16_t sw = modem_host_close_channel(at->modem, at->now_ms, (unsigned)channel);
    return sw == 0x9000 ? AT_OK : AT_CME | CME_INDEX;
}

static int logical_access(struct at *at, const struct at_args *a)
{
    uint8_t memory[261];
    unsigned long channel;
    struct span capdu;
    if (a->form == AT_TEST)
        return AT_OK;
    if (!at_number(a, 0, 0, &channel) || channel < 1 || channel > 19)
        return AT_CME | CME_INDEX;
    if (!command_argument(a, 1, memory, sizeof memory, &capdu))
        return AT_CME | CME_PARAMETERS;
    memory[0] = modem_host_class(memory[0], (unsigned)channel);
    return pass_on(at, "+CGLA", capdu);
}

/* ---- files ---- */

struct file_access {
    unsigned long command, fid, p1, p2, p3;
    uint8_t path[8], data[255];
    size_t path_len, data_len;
    bool in_usim;
};

/* Where a file is when the host gives its identifier only: 2Fxx and the MF below the MF, the rest in the USIM. */
static bool file_path(const struct at_args *a, struct file_access *f)
{
    uint8_t path[8];
    size_t len = 0;
    if (a->count > 6 && a->args[6].len && !at_hex(a, 6, path, sizeof path, &len))
        return false;
    struct span below = { path, len };
    bool from_mf = len >= 2 && path[0] == 0x3F && path[1] == 0x00;
    if (from_mf)
        below = span_from(below, 2);
    bool adf = below.len >= 2 && below.ptr[0] == 0x7F && below.ptr[1] == 0xFF;
    if (adf)
        below = span_from(below, 2);
    f->in_usim = adf || (!len && f->fid >> 8 != 0x2F && f->fid != 0x3F00 && f->fid >> 8 != 0x7F);
    memcpy(f->path, below.ptr, below.len);
    f->path_len = below.len;
    if (f->fid != 0x3F00 && f->fid != 0x7FFF && f->path_len + 2 <= sizeof f->path) {
        f->path[f->path_len++] = (uint8_t)(f->fid >> 8);
        f->path[f->path_len++] = (uint8_t)f->fid;
    }
    return true;
}

static bool file_access_read(const struct at_args *a, struct file_access *f)
{
    memset(f, 0, sizeof *f);
    bool numbers = at_number(a, 0, 0, &f->command) && at_number(a, 1, 0x3F00, &f->fid) && at_number(a, 2, 0, &f->p1) &&
                   at_number(a, 3, 0, &f->p2) && at_number(a, 4, 0, &f->p3);
    bool data = a->count <= 5 || !a->args[5].len || at_hex(a, 5, f->data, sizeof f->data, &f->data_len);
    return numbers && data && f->command < 256 && f->fid < 0x10000 && f->p1 < 256 && f->p2 < 256 && f->p3 < 256 && file_path(a, f);
}

static bool file_command_is_known(const struct file_access *f)
{
    static const uint8_t known[] = { 176, 178, 192, 203, 214, 219, 220, 242 };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (f->command == known[i])
            return f->command != 214 && f->command != 220 ? true : f->data_len == f->p3;
    return false;
}

static void file_command(const struct file_access *f, struct writer *w)
{
    wr_u8(w, f->command == 203 || f->command == 219 || f->command == 242 ? 0x80 : 0x00);
    wr_u8(w, (uint8_t)f->command);
    wr_u8(w, (uint8_t)f->p1);
    wr_u8(w, (uint8_t)f->p2);
    wr_u8(w, f->data_len ? (uint8_t)f->data_len : (uint8_t)f->p3);
    wr_bytes(w, (struct span){ f->data, f->data_len });
}

static int restricted_access(struct at *at, const struct at_args *a)
{
    WRITER_ON_STACK(fcp, MODEM_HOST_ANSWER_MAX);
    WRITER_ON_STACK(command, 5 + 255);
    struct file_access f;
    if (a->form == AT_TEST)
        return AT_OK;
    if (!file_access_read(a, &f))
        return AT_CME | CME_PARAMETERS;
    if (!file_command_is_known(&f))
        return AT_CME | CME_NOT_SUPPORTED;
    if (card_is_absent(at))
        return AT_CME | CME_NO_SIM;
    bool wants_fcp = f.command == 192;
    uint16_t sw = modem_host_select(at->modem, at->now_ms, f.in_usim, (struct span){ f.path, f.path_len }, wants_fcp ? &fcp : NULL);
    if (sw == 0x9000 && !wants_fcp) {
        file_command(&f, &command);
        sw = modem_host_apdu(at->modem, at->now_ms, wr_span(&command), &fcp);
    }
    if (fcp.len && sw == 0x9000)
        at_say_hex(at, wr_span(&fcp), "+CRSM: %u,%u,", sw >> 8, sw & 255u);
    else
        at_say(at, "+CRSM: %u,%u", sw >> 8, sw & 255u);
    return AT_OK;
}

static int own_number(struct at *at, const struct at_args *a)
{
    const char *number = modem_msisdn(at->modem);
    if (a->form == AT_DO && number[0])
        at_say(at, "+CNUM: ,\"+%s\",145", number);
    return AT_OK;
}

const struct at_command at_card_commands[] = {
    { "+CIMI", AT_DO | AT_TEST, imsi },
    { "+CCID", AT_DO | AT_READ | AT_TEST, iccid },
    { "+ICCID", AT_DO | AT_READ | AT_TEST, iccid },
    { "+CPIN", AT_READ | AT_TEST | AT_SET, pin },
    { "+CPINR", AT_DO | AT_TEST | AT_SET, pin_tries },
    { "+CLCK", AT_TEST | AT_SET, lock },
    { "+CPWD", AT_TEST | AT_SET, password },
    { "+CSIM", AT_TEST | AT_SET, generic_access },
    { "+CRSM", AT_TEST | AT_SET, restricted_access },
    { "+CCHO", AT_TEST | AT_SET, channel_open },
    { "+CCHC", AT_TEST | AT_SET, channel_close },
    { "+CGLA", AT_TEST | AT_SET, logical_access },
    { "+CNUM", AT_DO | AT_TEST, own_number },
    { NULL, 0, NULL },
};
