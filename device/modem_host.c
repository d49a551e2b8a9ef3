#include "modem_private.h"

#include <stdio.h>

#define PIN_FIELD 8u

void modem_set_host(struct modem *m, const struct modem_host *host) { m->host = *host; }
enum modem_card modem_card_state(const struct modem *m) { return m->on ? m->card : MODEM_CARD_ABSENT; }
uint16_t modem_area(const struct modem *m) { return (uint16_t)(m->config.lac[0] << 8 | m->config.lac[1]); }
uint16_t modem_cell(const struct modem *m) { return (uint16_t)(m->config.cell[0] << 8 | m->config.cell[1]); }
const char *modem_imei(const struct modem *m) { return m->config.imei; }
const char *modem_msisdn(const struct modem *m) { return m->attach == ATTACH_DONE ? m->msisdn : ""; }
bool modem_radio_is_on(const struct modem *m) { return m->on && !m->radio_off; }
bool modem_is_powered(const struct modem *m) { return m->on; }

void modem_plmn(const struct modem *m, char ret_digits[7])
{
    const uint8_t *p = m->config.mcc_mnc; /* TS 24.008 §10.5.1.3: MCC 2, 1; MNC 3, MCC 3; MNC 2, 1 */
    snprintf(ret_digits, 7, "%u%u%u%u%u", p[0] & 15u, p[0] >> 4, p[1] & 15u, p[2] & 15u, p[2] >> 4);
    if (p[1] >> 4 != 15)
        snprintf(ret_digits + 5, 2, "%u", p[1] >> 4);
}

static bool is_home(const struct modem *m)
{
    char plmn[7];
    modem_plmn(m, plmn);
    return strncmp(m->imsi, plmn, strlen(plmn)) == 0;
}

enum modem_registration modem_registration(const struct modem *m)
{
    if (!modem_radio_is_on(m) || !m->imsi[0])
        return MODEM_NOT_SEARCHING;
    switch (m->attach) {
    case ATTACH_DONE: return is_home(m) ? MODEM_HOME : MODEM_ROAMING;
    case ATTACH_REFUSED: return MODEM_DENIED;
    default: return MODEM_SEARCHING;
    }
}

/* ---- the card ---- */

static bool card_is_there(struct modem *m, uint64_t now_ms)
{
    m->now_ms = now_ms;
    return m->on && m->card != MODEM_CARD_ABSENT;
}

uint8_t modem_host_class(uint8_t cla, unsigned channel)
{
    if (channel > 3)
        return (uint8_t)((cla & 0x80) | 0x40 | (channel - 4));
    return (uint8_t)((cla & 0xFC) | channel);
}

static bool is_the_modems(struct span capdu)
{
    uint8_t ins = capdu.ptr[1];
    return (capdu.ptr[0] & 0xF0) == 0x80 && (ins == 0x10 || ins == 0x12 || ins == 0x14);
}

uint16_t modem_host_apdu(struct modem *m, uint64_t now_ms, struct span capdu, struct writer *ret)
{
    if (!card_is_there(m, now_ms) || capdu.len < 4 || is_the_modems(capdu))
        return 0;
    bool basic = !(capdu.ptr[0] & 0x40) && !(capdu.ptr[0] & 0x03);
    m->moved |= basic && (capdu.ptr[1] == 0xA4 || capdu.ptr[1] == 0xB0 || capdu.ptr[1] == 0xB2);
    uint16_t sw = modem_apdu(m, capdu, ret);
    modem_work(m);
    return sw;
}

uint16_t modem_host_select(struct modem *m, uint64_t now_ms, bool in_usim, struct span path, struct writer *fcp)
{
    if (!card_is_there(m, now_ms))
        return 0;
    m->moved = true;
    uint16_t sw = in_usim ? card_select_usim(m, path.len ? NULL : fcp)
                          : card_select(m, 0x00, SPAN_LIT("\x3F\x00"), path.len ? NULL : fcp);
    m->moved |= path.len > 0;
    if (sw != 0x9000 || !path.len)
        return sw;
    return card_select(m, in_usim ? 0x09 : 0x08, path, fcp);
}

uint16_t modem_host_open_channel(struct modem *m, uint64_t now_ms, struct span aid, unsigned *ret_channel)
{
    WRITER_ON_STACK(number, 2 * MODEM_RAPDU_MAX);
    WRITER_ON_STACK(select, 5 + 16 + 1);
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    uint16_t sw = modem_host_apdu(m, now_ms, SPAN_LIT("\x00\x70\x00\x00\x01"), &number);
    if (sw != 0x9000)
        return sw;
    if (number.len != 1 || number.buf[0] < 1 || number.buf[0] > 19)
        return 0x6F00;
    wr_u8(&select, modem_host_class(0x00, number.buf[0]));
    wr_bytes(&select, SPAN_LIT("\xA4\x04\x00"));
    wr_u8(&select, (uint8_t)aid.len);
    wr_bytes(&select, aid);
    wr_u8(&select, 0x00);
    sw = select.err == ERR_NONE ? modem_host_apdu(m, now_ms, wr_span(&select), &answer) : 0x6700;
    if (sw == 0x9000)
        *ret_channel = number.buf[0];
    else
        (void)modem_host_close_channel(m, now_ms, number.buf[0]);
    return sw;
}

uint16_t modem_host_close_channel(struct modem *m, uint64_t now_ms, unsigned channel)
{
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    uint8_t command[] = { 0x00, 0x70, 0x80, (uint8_t)channel };
    return modem_host_apdu(m, now_ms, SPAN_OF(command), &answer);
}

/* ---- PIN1 ---- */

static void wr_pin(struct writer *w, const char *digits)
{
    size_t len = strlen(digits) < PIN_FIELD ? strlen(digits) : PIN_FIELD;
    wr_bytes(w, (struct span){ (const uint8_t *)digits, len });
    wr_fill(w, 0xFF, PIN_FIELD - len);
}

uint16_t modem_host_pin(struct modem *m, uint64_t now_ms, enum modem_pin_action action, const char *value, const char *new_value)
{
    WRITER_ON_STACK(command, 5 + 2 * PIN_FIELD);
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    if (!card_is_there(m, now_ms))
        return 0;
    wr_u8(&command, 0x00);
    wr_u8(&command, (uint8_t)action);
    wr_u16(&command, 0x0001);
    wr_u8(&command, new_value ? 2 * PIN_FIELD : PIN_FIELD);
    wr_pin(&command, value);
    if (new_value)
        wr_pin(&command, new_value);
    (void)card_select_usim(m, NULL);
    uint16_t sw = modem_apdu(m, wr_span(&command), &answer);
    wipe(command.buf, command.len);
    if (m->card == MODEM_CARD_PIN && (sw == 0x6983 || sw == 0x63C0))
        m->card = MODEM_CARD_PUK;
    if (sw == 0x9000 && m->card != MODEM_CARD_READY && card_read_subscription(m) == ERR_NONE)
        attach_start(m);
    modem_work(m);
    return sw;
}

int modem_host_pin_tries(struct modem *m, uint64_t now_ms, bool puk)
{
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    uint8_t command[] = { 0x00, puk ? 0x2C : 0x20, 0x00, 0x01 };
    if (!card_is_there(m, now_ms) || (m->moved && card_select_usim(m, NULL) != 0x9000))
        return -1;
    uint16_t sw = modem_apdu(m, SPAN_OF(command), &answer);
    if (sw == 0x6983)
        return 0;
    return sw >> 4 == 0x63C ? sw & 15 : -1;
}

/* C6: 90 says with one bit a reference which are enabled, 83 names them in turn (TS 102 221 §9.5.2). */
static bool template_has(struct span pins, uint8_t reference)
{
    struct reader r = rd_of(pins);
    struct tlv t;
    struct span enabled = SPAN_NONE;
    unsigned bit = 0;
    while (tlv_next(&r, &t)) {
        if (t.tag == 0x90)
            enabled = t.val;
        if (t.tag != 0x83 || t.val.len != 1)
            continue;
        if (t.val.ptr[0] == reference)
            return bit / 8 < enabled.len && enabled.ptr[bit / 8] >> (7 - bit % 8) & 1;
        bit++;
    }
    return false;
}

bool modem_host_pin_enabled(struct modem *m, uint64_t now_ms)
{
    WRITER_ON_STACK(fcp, 2 * MODEM_RAPDU_MAX);
    struct span body, pins;
    if (modem_host_select(m, now_ms, true, SPAN_NONE, &fcp) != 0x9000)
        return false;
    return tlv_find(wr_span(&fcp), 0x62, &body) && tlv_find(body, 0xC6, &pins) && template_has(pins, 0x01);
}

/* ---- radio and power ---- */

void modem_radio(struct modem *m, uint64_t now_ms, bool on)
{
    m->now_ms = now_ms;
    if (m->radio_off == !on)
        return;
    m->radio_off = !on;
    modem_fact(m, LOG_INFO_, on ? "the radio is on" : "the radio is off");
    if (!m->on)
        return;
    if (on)
        attach_start(m);
    else
        attach_end(m, LOCATION_NONE);
    modem_work(m);
}

void host_reset(struct modem *m)
{
    m->fetch_len = 0;
    m->reset_wanted = false;
    m->card = MODEM_CARD_ABSENT;
    m->imsi[0] = '\0';
}

void modem_power_off(struct modem *m, uint64_t now_ms)
{
    m->now_ms = now_ms;
    if (!m->on)
        return;
    attach_end(m, LOCATION_NONE);
    toolkit_reset(m);
    host_reset(m);
    m->on = false;
    modem_fact(m, LOG_INFO_, "switched off");
}

/* ---- short messages ---- */

bool host_takes_sms(struct modem *m, struct span tpdu, uint64_t tag)
{
    struct sms_deliver sms;
    if (!m->host.sms_received || sms_deliver_read(tpdu, &sms) != ERR_NONE || sms_is_usim_download(&sms))
        return false;
    bool ok = m->host.sms_received(m->host.context, tpdu);
    m->lines.sms_taken(m->lines.context, tag, ok);
    return true;
}

enum err modem_host_submit(struct modem *m, uint64_t now_ms, struct span tpdu)
{
    struct sms_submit sms;
    m->now_ms = now_ms;
    enum err err = sms_submit_read(tpdu, &sms);
    if (err != ERR_NONE)
        return err;
    if (m->attach != ATTACH_DONE)
        return ERR_CLOSED;
    if (m->host_sends || (m->command.waiting && m->command.type == 0x13))
        return ERR_BUSY;
    sms.reference = ++m->reference;
    m->host_sends = true;
    m->lines.sms_submit(m->lines.context, &sms);
    return ERR_NONE;
}
