/* Reading the subscription from the card as a UE does, and getting on the network with it: AKA with the card's
 * AUTHENTICATE (TS 31.102 §7.1.2), then update location. */
#include "modem_private.h"

#include <stdio.h>

#include "lib/codec/hex.h"

#define USIM_RID_LEN 7u
#define UPDATE_TYPE_ATTACH 0x09 /* EPS attach */
static const uint8_t usim_rid[USIM_RID_LEN] = { 0xA0, 0, 0, 0, 0x87, 0x10, 0x02 };

uint16_t card_select(struct modem *m, uint8_t p1, struct span id, struct writer *fcp)
{
    WRITER_ON_STACK(command, 5 + 16);
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    wr_bytes(&command, SPAN_LIT("\x00\xA4"));
    wr_u8(&command, p1);
    wr_u8(&command, fcp ? 0x04 : 0x0C);
    wr_u8(&command, (uint8_t)id.len);
    wr_bytes(&command, id);
    return command.err == ERR_NONE ? modem_apdu(m, wr_span(&command), fcp ? fcp : &answer) : 0x6700;
}

static uint16_t select_file(struct modem *m, uint8_t p1, struct span id) { return card_select(m, p1, id, NULL); }

uint16_t card_select_usim(struct modem *m, struct writer *fcp)
{
    if (!m->usim_len)
        return 0x6A82;
    uint16_t sw = card_select(m, 0x04, (struct span){ m->usim, m->usim_len }, fcp);
    if (sw == 0x9000)
        m->moved = false;
    return sw;
}

static enum err read_binary(struct modem *m, uint16_t fid, uint8_t len, struct writer *ret)
{
    uint8_t id[] = { (uint8_t)(fid >> 8), (uint8_t)fid }, command[] = { 0x00, 0xB0, 0, 0, len };
    uint16_t sw = select_file(m, 0x00, SPAN_OF(id));
    if (sw != 0x9000)
        return ERR_NOT_FOUND;
    sw = modem_apdu(m, SPAN_OF(command), ret);
    return sw == 0x9000 && ret->err == ERR_NONE ? ERR_NONE : ERR_DENIED;
}

/* The first USIM of EF.DIR. */
static enum err find_usim(struct modem *m)
{
    if (select_file(m, 0x00, SPAN_LIT("\x3F\x00")) != 0x9000 || select_file(m, 0x00, SPAN_LIT("\x2F\x00")) != 0x9000)
        return ERR_NOT_FOUND;
    for (uint8_t record = 1; record < 16; record++) {
        uint8_t command[] = { 0x00, 0xB2, record, 0x04, 0x00 };
        WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
        struct span template, found;
        if (modem_apdu(m, SPAN_OF(command), &answer) != 0x9000)
            break;
        if (!tlv_find(wr_span(&answer), 0x61, &template) || !tlv_find(template, 0x4F, &found))
            continue;
        if (found.len >= USIM_RID_LEN && found.len <= 16 && !memcmp(found.ptr, usim_rid, USIM_RID_LEN)) {
            memcpy(m->usim, found.ptr, found.len);
            m->usim_len = (uint8_t)found.len;
            return ERR_NONE;
        }
    }
    return ERR_NOT_FOUND;
}

static enum err imsi_text(struct span ef, char out[GSUP_IMSI_MAX])
{
    char digits[GSUP_IMSI_MAX + 1];
    if (ef.len < 9 || ef.ptr[0] < 4 || ef.ptr[0] > 8)
        return ERR_BAD_LENGTH;
    enum err err = bcd_text(span_sub(ef, 1, ef.ptr[0]), true, digits, sizeof digits);
    if (err == ERR_NONE) /* the first digit is the type of identity and parity */
        memcpy(out, digits + 1, GSUP_IMSI_MAX);
    return err;
}

static void verify_pin(struct modem *m)
{
    uint8_t command[] = { 0x00, 0x20, 0x00, 0x01, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    if (!m->config.pin)
        return;
    for (size_t i = 0; i < 8 && m->config.pin[i]; i++)
        command[5 + i] = (uint8_t)m->config.pin[i];
    uint16_t sw = modem_apdu(m, SPAN_OF(command), &answer);
    wipe(command, sizeof command);
    if (sw != 0x9000)
        modem_fact(m, LOG_WARN_, "PIN is answered with %04X", sw);
}

/* What it takes to get at the subscription: VERIFY without a PIN tells the tries that are left. */
static enum modem_card pin_state(struct modem *m)
{
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    uint16_t sw = modem_apdu(m, SPAN_LIT("\x00\x20\x00\x01"), &answer);
    if (sw == 0x6983 || sw == 0x63C0)
        return MODEM_CARD_PUK;
    return sw >> 4 == 0x63C ? MODEM_CARD_PIN : MODEM_CARD_READY;
}

enum err card_read_subscription(struct modem *m)
{
    WRITER_ON_STACK(imsi, 2 * MODEM_RAPDU_MAX);
    WRITER_ON_STACK(ad, 2 * MODEM_RAPDU_MAX);
    m->imsi[0] = '\0';
    m->usim_len = 0;
    m->card = MODEM_CARD_READY;
    enum err err = find_usim(m);
    if (err != ERR_NONE)
        return err;
    if (card_select_usim(m, NULL) != 0x9000)
        return ERR_NOT_FOUND;
    verify_pin(m);
    err = read_binary(m, 0x6F07, 9, &imsi);
    if (err == ERR_DENIED)
        m->card = pin_state(m);
    if (err == ERR_NONE)
        err = imsi_text(wr_span(&imsi), m->imsi);
    if (err == ERR_NONE && read_binary(m, 0x6FAD, 4, &ad) == ERR_NONE && (ad.buf[3] & 15) != 2 && (ad.buf[3] & 15) != 3)
        modem_fact(m, LOG_WARN_, "EF.AD says that the MNC has %u digits", ad.buf[3] & 15u);
    return err;
}

void write_location(const struct modem *m, struct writer *w)
{
    size_t mark = wr_tlv_open(w, 0x93);
    wr_bytes(w, SPAN_OF(m->config.mcc_mnc));
    wr_bytes(w, SPAN_OF(m->config.lac));
    wr_bytes(w, SPAN_OF(m->config.cell));
    wr_tlv_close(w, mark);
}

void tell_location(struct modem *m)
{
    WRITER_ON_STACK(body, 32);
    if (m->config.quirks.no_location_event)
        return;
    wr_tlv_u8(&body, 0x9B, (uint8_t)m->location);
    if (m->location == LOCATION_NORMAL)
        write_location(m, &body);
    modem_event(m, EVENT_LOCATION_STATUS, wr_span(&body), 0x82);
}

/* What the network said no to, and why (TS 102 223: network rejection event). */
static void tell_rejection(struct modem *m, uint8_t cause)
{
    WRITER_ON_STACK(body, 32);
    if (m->config.quirks.no_rejection_event || !cause)
        return;
    write_location(m, &body);
    wr_tlv_u8(&body, 0xF4, UPDATE_TYPE_ATTACH);
    wr_tlv_u8(&body, 0xF5, cause);
    modem_event(m, EVENT_NETWORK_REJECTION, wr_span(&body), 0x83);
}

void attach_end(struct modem *m, enum location_status location)
{
    bool was_on = m->attach == ATTACH_DONE;
    m->attach = ATTACH_OFF;
    m->attach_at = 0;
    m->location = location;
    if (was_on)
        m->lines.registered(m->lines.context, NULL, NULL);
    tell_location(m);
}

/* cause: the network's; 0: it said nothing. */
static void refused(struct modem *m, const char *why, uint8_t cause)
{
    m->attach = ATTACH_REFUSED;
    m->location = LOCATION_LIMITED;
    m->attach_at = m->now_ms + m->config.attach_retry_s * 1000ull;
    modem_fact(m, LOG_WARN_, "attach of IMSI %s refused: %s", m->imsi, why);
    if (m->lines.watch.attached)
        m->lines.watch.attached(m->lines.watch.context, m->imsi, false, why);
    tell_location(m);
    tell_rejection(m, cause);
    modem_work(m);
}

void attach_start(struct modem *m)
{
    m->attach_at = 0;
    m->resynced = false;
    if (!m->coverage || m->radio_off || !m->imsi[0])
        return;
    m->attach = ATTACH_AUTH_INFO;
    m->attach_at = m->now_ms + m->config.attach_retry_s * 1000ull; /* the network may never answer */
    m->lines.send_auth_info(m->lines.context, m->imsi, NULL, NULL);
}

void attach_tick(struct modem *m)
{
    if (m->attach_at && m->now_ms >= m->attach_at && m->attach != ATTACH_DONE)
        attach_start(m);
}

/* The card's answer: DB with RES, or DC with AUTS when the sequence number is out of its window. */
static enum { AKA_OK, AKA_RESYNC, AKA_FAILED } authenticate(struct modem *m, const struct gsup_vector *v, uint8_t auts[14])
{
    WRITER_ON_STACK(command, 5 + 34 + 1);
    WRITER_ON_STACK(answer, 2 * MODEM_RAPDU_MAX);
    wr_bytes(&command, SPAN_LIT("\x00\x88\x00\x81\x22\x10"));
    wr_bytes(&command, SPAN_OF(v->rand));
    wr_u8(&command, 16);
    wr_bytes(&command, SPAN_OF(v->autn));
    wr_u8(&command, 0);
    if (m->moved)
        (void)card_select_usim(m, NULL);
    uint16_t sw = modem_apdu(m, wr_span(&command), &answer);
    struct reader r = rd_of(wr_span(&answer));
    uint8_t tag = rd_u8(&r);
    struct span value = rd_span(&r, rd_u8(&r));
    int result = AKA_FAILED;
    if (sw == 0x9000 && r.err == ERR_NONE && tag == 0xDB)
        result = span_eq_ct(value, (struct span){ v->res, v->res_len }) ? AKA_OK : AKA_FAILED;
    else if (sw == 0x9000 && r.err == ERR_NONE && tag == 0xDC && value.len == 14) {
        memcpy(auts, value.ptr, 14);
        result = AKA_RESYNC;
    }
    wipe(answer.buf, answer.len);
    return result;
}

void modem_auth_info(struct modem *m, uint64_t now_ms, const struct gsup_vector *vector, uint8_t cause)
{
    uint8_t auts[14];
    m->now_ms = now_ms;
    if (m->attach != ATTACH_AUTH_INFO)
        return;
    if (!vector) {
        refused(m, cause ? gsup_cause_text(cause) : "the HLR does not answer", cause);
        return;
    }
    int result = authenticate(m, vector, auts);
    if (result == AKA_OK) {
        m->attach = ATTACH_LOCATION;
        m->lines.update_location(m->lines.context, m->imsi);
    } else if (result == AKA_RESYNC && !m->resynced) {
        m->resynced = true;
        m->lines.send_auth_info(m->lines.context, m->imsi, vector->rand, auts);
    } else {
        refused(m, result == AKA_RESYNC ? "sequence numbers cannot be synchronised" : "authentication failed", 0);
    }
    modem_work(m);
}

void modem_location_updated(struct modem *m, uint64_t now_ms, bool accepted, const char *msisdn, uint8_t cause)
{
    m->now_ms = now_ms;
    if (m->attach != ATTACH_LOCATION)
        return;
    if (!accepted) {
        refused(m, cause ? gsup_cause_text(cause) : "the HLR does not answer", cause);
        return;
    }
    m->attach = ATTACH_DONE;
    m->attach_at = 0;
    m->counts.attaches++;
    m->location = LOCATION_NORMAL;
    modem_fact(m, LOG_INFO_, "attached with IMSI %s", m->imsi);
    if (m->lines.watch.attached)
        m->lines.watch.attached(m->lines.watch.context, m->imsi, true, "");
    snprintf(m->msisdn, sizeof m->msisdn, "%s", msisdn ? msisdn : "");
    m->lines.registered(m->lines.context, m->imsi, m->msisdn);
    tell_location(m);
    modem_work(m);
}
