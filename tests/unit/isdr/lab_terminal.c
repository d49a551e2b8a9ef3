/* The lab's terminal: a modem's half of the toolkit, and a UDP channel. */
#include "lab.h"

/* ---- APDUs ---- */

uint16_t terminal_apdu(struct lab *lab, struct span capdu, struct writer *ret)
{
    uint8_t command[EUICC_CAPDU_MAX];
    size_t len = capdu.len;
    memcpy(command, capdu.ptr, len);
    for (;;) {
        WRITER_ON_STACK(answer, EUICC_RAPDU_MAX);
        if (lab->memory.cut_at <= lab->memory.written) {
            lab->terminal.no_power = true;
            return 0;
        }
        euicc_transmit(lab->euicc, (struct span){ command, len }, &answer);
        assert_true(answer.err == ERR_NONE && answer.len >= 2);
        uint8_t sw1 = answer.buf[answer.len - 2], sw2 = answer.buf[answer.len - 1];
        wr_bytes(ret, (struct span){ answer.buf, answer.len - 2 });
        if (sw1 == 0x61) {
            const uint8_t get_response[] = { 0x00, 0xC0, 0x00, 0x00, sw2 };
            memcpy(command, get_response, len = sizeof get_response);
        } else if (sw1 == 0x6C) {
            command[len - 1] = sw2;
        } else if (sw1 == 0x91) {
            lab->terminal.pending = sw2 ? sw2 : 256;
            return 0x9000;
        } else {
            return (uint16_t)(sw1 << 8 | sw2);
        }
    }
}

static uint16_t apdu_of(struct lab *lab, uint8_t cla, uint8_t ins, uint8_t p1, uint8_t p2, struct span data,
                        struct writer *ret)
{
    uint8_t command[EUICC_CAPDU_MAX] = { cla, ins, p1, p2, (uint8_t)data.len };
    assert_true(data.len > 0 && data.len <= 255);
    memcpy(command + 5, data.ptr, data.len);
    return terminal_apdu(lab, (struct span){ command, 5 + data.len }, ret);
}

static void envelope(struct lab *lab, struct span tlv)
{
    WRITER_ON_STACK(ret, EUICC_RAPDU_MAX);
    (void)apdu_of(lab, 0x80, 0xC2, 0x00, 0x00, tlv, &ret);
}

void terminal_boot(struct lab *lab)
{
    uint8_t profile[32];
    WRITER_ON_STACK(ret, EUICC_RAPDU_MAX);
    memset(profile, 0xFF, sizeof profile);
    lab->terminal.pending = 0;
    lab->terminal.resets++;
    euicc_reset(lab->euicc, NULL);
    (void)apdu_of(lab, 0x80, 0x10, 0x00, 0x00, SPAN_OF(profile), &ret);
    terminal_run(lab);
}

static void record_sms(struct lab *lab, struct span command)
{
    struct lab_terminal *t = &lab->terminal;
    struct span tpdu, centre;
    struct sms_submit m;
    assert_true(ctlv_find(command, 0x0B, &tpdu));
    assert_ok(sms_submit_read(tpdu, &m));
    t->submits++;
    if (t->sms_result)
        return;
    assert_true(t->sms_count < LAB_SMS_MAX && m.ud.len <= SMS_UD_MAX);
    t->sms[t->sms_count].len = (uint8_t)m.ud.len;
    memcpy(t->sms[t->sms_count].ud, m.ud.ptr, m.ud.len);
    snprintf(t->sms[t->sms_count].to, sizeof t->sms[0].to, "%s", m.to.text);
    t->sms[t->sms_count].centre_len = 0;
    if (ctlv_find(command, 0x06, &centre) && centre.len <= sizeof t->sms[0].centre) {
        t->sms[t->sms_count].centre_len = (uint8_t)centre.len;
        memcpy(t->sms[t->sms_count].centre, centre.ptr, centre.len);
    }
    t->sms_count++;
}

static void channel_break(struct lab *lab)
{
    server_close(&lab->server);
    lab->terminal.channel = false;
    envelope(lab, hex_lit("D60B9901 0A 82028281 B8020100"));
}

static bool is_serviced(struct lab *lab)
{
    const struct isdp *enabled = registry_enabled(lab_card(lab));
    struct aid aid = aid_isdp(lab->terminal.serves_only);
    return lab->terminal.serves_only ? enabled && span_eq(isdp_aid(enabled), aid_span(&aid)) : lab->terminal.serviced;
}

/* ---- a UDP channel ---- */

void lab_datagram(struct lab *lab, struct span datagram)
{
    struct lab_udp *u = &lab->udp;
    assert_true(u->count < LAB_DATAGRAMS_MAX && datagram.len <= sizeof u->down[0].octets);
    size_t place = (u->first + u->count++) % LAB_DATAGRAMS_MAX;
    u->down[place].len = (uint16_t)datagram.len;
    memcpy(u->down[place].octets, datagram.ptr, datagram.len);
}

static uint8_t udp_open(struct lab *lab, struct writer *more)
{
    struct lab_udp *u = &lab->udp;
    if (!u->take)
        return 0x30;
    u->open = lab->terminal.channel = true;
    u->up_len = u->count = u->fetched = 0;
    lab->terminal.told = false;
    wr_bytes(more, hex_lit("38028100 350103 39020578"));
    return 0x00;
}

static void udp_send(struct lab *lab, uint8_t qualifier, struct span data)
{
    struct lab_udp *u = &lab->udp;
    assert_true(data.len <= sizeof u->up - u->up_len);
    memcpy(u->up + u->up_len, data.ptr, data.len);
    u->up_len += data.len;
    if (!(qualifier & 1))
        return;
    struct span whole = { u->up, u->up_len };
    u->up_len = 0;
    u->take(u->context, whole);
}

static size_t udp_waiting(const struct lab *lab)
{
    const struct lab_udp *u = &lab->udp;
    return u->open && u->count ? u->down[u->first].len - u->fetched : 0;
}

static void udp_receive(struct lab *lab, size_t len, struct writer *more)
{
    struct lab_udp *u = &lab->udp;
    size_t left = udp_waiting(lab);
    len = len < left ? len : left;
    wr_tlv(more, 0xB6, (struct span){ u->down[u->first].octets + u->fetched, len });
    u->fetched += len;
    left -= len;
    wr_tlv_u8(more, 0xB7, (uint8_t)(left < 255 ? left : 255));
    lab->terminal.told = left > 0;
    if (left)
        return;
    u->fetched = 0;
    u->first = (u->first + 1) % LAB_DATAGRAMS_MAX;
    u->count--;
}

/* Carries the command out; result and further objects of the TERMINAL RESPONSE. */
static uint8_t serve(struct lab *lab, uint8_t type, uint8_t qualifier, struct span command, struct writer *more,
                     bool *ret_reset, bool *ret_break)
{
    struct lab_terminal *t = &lab->terminal;
    struct lab_server *s = &lab->server;
    struct span data;
    switch (type) {
    case PROACTIVE_REFRESH:
        t->refreshes++;
        *ret_reset = t->refresh_result == 0 && !t->ignores_refresh && qualifier >= REFRESH_UICC_RESET;
        if (ctlv_find(command, 0x12, &data) && data.len <= sizeof t->refresh_files) {
            memcpy(t->refresh_files, data.ptr, data.len);
            t->refresh_files_len = data.len;
        }
        t->refresh_mode = qualifier;
        return t->refresh_result;
    case PROACTIVE_SEND_SMS:
        record_sms(lab, command);
        return t->sms_result;
    case PROACTIVE_PROVIDE_LOCAL_INFO:
        if (qualifier == 0x01)
            wr_bytes(more, hex_lit("94083A45990057918503"));
        else if (!is_serviced(lab))
            return 0x20;
        else
            wr_bytes(more, hex_lit("930762F22000010002"));
        return 0x00;
    case PROACTIVE_OPEN_CHANNEL:
        t->opens++;
        t->open_len = command.len;
        memcpy(t->open_command, command.ptr, command.len);
        if (t->open_result)
            return t->open_result;
        if (ctlv_find(command, 0x3C, &data) && data.len == 3 && data.ptr[0] == 0x01)
            return udp_open(lab, more);
        server_accept(s);
        t->channel = true;
        t->told = false;
        wr_bytes(more, hex_lit("38028100 350103 39020578"));
        return 0x00;
    case PROACTIVE_CLOSE_CHANNEL:
        t->closes++;
        t->channel = lab->udp.open = false;
        server_close(s);
        return 0x00;
    case PROACTIVE_SEND_DATA:
        if (!t->channel)
            return 0x3A;
        assert_true(ctlv_find(command, 0x36, &data));
        if (lab->udp.open)
            udp_send(lab, qualifier, data);
        else
            *ret_break = !server_feed(s, data);
        wr_bytes(more, hex_lit("B701FF"));
        return 0x00;
    case PROACTIVE_RECEIVE_DATA: {
        if (!t->channel)
            return 0x3A;
        assert_true(ctlv_find(command, 0x37, &data) && data.len == 1);
        if (lab->udp.open) {
            udp_receive(lab, data.ptr[0], more);
            return 0x00;
        }
        size_t len = data.ptr[0] < s->out_len ? data.ptr[0] : s->out_len;
        wr_tlv(more, 0xB6, (struct span){ s->out, len });
        s->out_len -= len;
        memmove(s->out, s->out + len, s->out_len);
        wr_tlv_u8(more, 0xB7, (uint8_t)(s->out_len < 255 ? s->out_len : 255));
        t->told = s->out_len > 0;
        return 0x00;
    }
    default:
        return 0x00;
    }
}

static void fetch_and_serve(struct lab *lab)
{
    const uint8_t fetch[] = { 0x80, 0x12, 0x00, 0x00, (uint8_t)lab->terminal.pending };
    WRITER_ON_STACK(d0, EUICC_RAPDU_MAX);
    lab->terminal.pending = 0;
    uint16_t sw = terminal_apdu(lab, SPAN_OF(fetch), &d0);
    if (lab->terminal.no_power)
        return;
    assert_int_equal(sw, 0x9000);
    struct span command, details;
    assert_true(tlv_find(wr_span(&d0), 0xD0, &command));
    assert_true(ctlv_find(command, 0x01, &details) && details.len == 3);
    WRITER_ON_STACK(response, 255);
    WRITER_ON_STACK(more, 255);
    bool reset = false, breaks = false;
    uint8_t result = serve(lab, details.ptr[1], details.ptr[2], command, &more, &reset, &breaks);
    wr_tlv(&response, 0x81, details);
    wr_tlv(&response, 0x82, hex_lit("8281"));
    wr_tlv_u8(&response, 0x83, result);
    wr_bytes(&response, wr_span(&more));
    assert_ok(response.err);
    WRITER_ON_STACK(ret, EUICC_RAPDU_MAX);
    (void)apdu_of(lab, 0x80, 0x14, 0x00, 0x00, wr_span(&response), &ret);
    if (lab->terminal.no_power)
        return;
    if (reset)
        terminal_boot(lab);
    if (breaks)
        channel_break(lab);
}

void terminal_run(struct lab *lab)
{
    struct lab_terminal *t = &lab->terminal;
    for (int i = 0; i < 4000 && !t->no_power; i++) {
        if (t->pending) {
            fetch_and_serve(lab);
        } else if (t->channel && (lab->server.out_len || udp_waiting(lab)) && !t->told) {
            size_t waiting = lab->udp.open ? udp_waiting(lab) : lab->server.out_len;
            t->told = true;
            uint8_t event[] = { 0xD6, 0x0E, 0x99, 0x01, 0x09, 0x82, 0x02, 0x82,
                                0x81, 0xB8, 0x02, 0x81, 0x00, 0xB7, 0x01, 0xFF };
            if (waiting < 255)
                event[sizeof event - 1] = (uint8_t)waiting;
            envelope(lab, SPAN_OF(event));
        } else if (euicc_has_proactive(lab->euicc)) {
            static const uint8_t status[] = { 0x80, 0xF2, 0x00, 0x0C };
            WRITER_ON_STACK(ret, EUICC_RAPDU_MAX);
            (void)terminal_apdu(lab, SPAN_OF(status), &ret);
        } else {
            return;
        }
    }
    assert_true(t->no_power); /* otherwise the card never comes to rest */
}

void terminal_location(struct lab *lab, uint8_t status)
{
    lab->terminal.serviced = status == 0;
    const uint8_t limited[] = { 0xD6, 0x0A, 0x99, 0x01, 0x03, 0x82, 0x02, 0x82, 0x81, 0x9B, 0x01, status };
    if (status == 0)
        envelope(lab, hex_lit("D613 990103 82028281 9B0100 930762F22000010002"));
    else
        envelope(lab, SPAN_OF(limited));
    terminal_run(lab);
}

uint16_t terminal_sms(struct lab *lab, struct span ud, struct writer *report)
{
    struct sms_deliver m = { .more_to_send = false, .udhi = true, .pid = 0x7F, .dcs = lab->terminal.sms_dcs ? lab->terminal.sms_dcs : 0xF6, .ud = ud };
    struct sms_address centre;
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    WRITER_ON_STACK(d1, 255);
    WRITER_ON_STACK(data, EUICC_RAPDU_MAX);
    assert_ok(sms_address_of("+33699082113", &m.from));
    assert_ok(sms_address_of("+33699000000", &centre));
    sms_scts(lab->clock.now_ms, m.scts);
    wr_sms_deliver(&tpdu, &m);
    wr_sms_envelope(&d1, &centre, wr_span(&tpdu));
    assert_ok(d1.err);
    uint16_t sw = apdu_of(lab, 0x80, 0xC2, 0x00, 0x00, wr_span(&d1), &data);
    if (report)
        wr_bytes(report, wr_span(&data));
    return sw;
}
