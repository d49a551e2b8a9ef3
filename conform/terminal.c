/* The terminal: powers the card, carries its proactive commands out (TS 102 223) as the case wants it. */
#include "bed.h"

#include "lib/codec/comprehension_tlv.h"

#define IMEI_OBJECT    "94083A45990057918503"
#define RUN_ROUNDS     6000
#define REAL_STEP_MS   100u
#define RESULT_NO_LINK 0x3A
#define RESULT_UNABLE  0x20
enum { T_REFRESH = 0x01, T_POLL = 0x03, T_SMS = 0x13, T_LOCAL_INFO = 0x26, T_OPEN = 0x40, T_CLOSE, T_RECEIVE, T_SEND };

static const uint8_t status_command[] = { 0x80, 0xF2, 0x00, 0x0C };

/* ---- APDUs ---- */

static uint16_t noted(struct bed *b, uint8_t sw1, uint8_t sw2)
{
    if (sw1 != 0x91)
        return (uint16_t)(sw1 << 8 | sw2);
    b->terminal.pending = sw2 ? sw2 : 256;
    return 0x9000;
}

uint16_t terminal_apdu(struct bed *b, struct span capdu, struct writer *ret)
{
    uint8_t command[EUICC_CAPDU_MAX];
    size_t len = capdu.len;
    need(b, len <= sizeof command, "the runner's command is too long");
    memcpy(command, capdu.ptr, len);
    for (;;) {
        WRITER_ON_STACK(answer, TARGET_RAPDU_MAX);
        need_ok(b, b->target->transmit(b->target, (struct span){ command, len }, &answer), "the card's reader");
        need(b, answer.len >= 2, "no status word");
        uint8_t sw1 = answer.buf[answer.len - 2], sw2 = answer.buf[answer.len - 1];
        wr_bytes(ret, (struct span){ answer.buf, answer.len - 2 });
        if (sw1 == 0x61) {
            const uint8_t get_response[] = { 0x00, 0xC0, 0x00, 0x00, sw2 };
            memcpy(command, get_response, len = sizeof get_response);
        } else if (sw1 == 0x6C && len >= 5) {
            command[len - 1] = sw2;
        } else {
            return noted(b, sw1, sw2);
        }
    }
}

static uint16_t apdu_of(struct bed *b, uint8_t ins, struct span data, struct writer *ret)
{
    uint8_t command[EUICC_CAPDU_MAX] = { 0x80, ins, 0x00, 0x00, (uint8_t)data.len };
    need(b, data.len > 0 && data.len <= 255, "the terminal's data do not fit");
    memcpy(command + 5, data.ptr, data.len);
    return terminal_apdu(b, (struct span){ command, 5 + data.len }, ret);
}

static void envelope(struct bed *b, struct span tlv)
{
    WRITER_ON_STACK(ret, TARGET_RAPDU_MAX);
    (void)apdu_of(b, 0xC2, tlv, &ret);
}

void terminal_event(struct bed *b, struct span d6)
{
    envelope(b, d6);
    terminal_run(b);
}

static void terminal_start(struct bed *b)
{
    uint8_t profile[32];
    WRITER_ON_STACK(ret, TARGET_RAPDU_MAX);
    memset(profile, 0xFF, sizeof profile);
    b->terminal.pending = 0;
    b->terminal.channel = false;
    b->terminal.resets++;
    server_close(b);
    (void)apdu_of(b, 0x10, SPAN_OF(profile), &ret);
    terminal_run(b);
}

void terminal_boot(struct bed *b)
{
    need_ok(b, b->target->reset(b->target), "reset");
    terminal_start(b);
}

void terminal_power_cycle(struct bed *b)
{
    need_ok(b, b->target->power_cycle(b->target), "power off and on");
    terminal_start(b);
}

/* ---- proactive commands ---- */

struct proactive {
    uint8_t type, qualifier;
    struct span body;    /* of D0 */
    struct writer *more; /* further objects of the TERMINAL RESPONSE */
    bool reset;          /* afterwards */
};

static uint8_t do_refresh(struct bed *b, struct proactive *p)
{
    b->terminal.refreshes++;
    p->reset = b->terminal.refresh_result == 0 && !b->terminal.ignores_refresh;
    return b->terminal.refresh_result;
}

static uint8_t do_sms(struct bed *b, struct proactive *p)
{
    struct bed_terminal *t = &b->terminal;
    struct bed_sms *s = &t->sms[t->sms_count];
    struct span tpdu, centre;
    struct sms_submit m;
    need(b, ctlv_find(p->body, 0x0B, &tpdu), "SEND SHORT MESSAGE without TPDU");
    need_ok(b, sms_submit_read(tpdu, &m), "SMS-SUBMIT");
    t->submits++;
    if (t->sms_result || t->sms_count == BED_SMS_MAX || m.ud.len > SMS_UD_MAX)
        return t->sms_result ? t->sms_result : RESULT_UNABLE;
    *s = (struct bed_sms){ .len = (uint8_t)m.ud.len };
    memcpy(s->ud, m.ud.ptr, m.ud.len);
    snprintf(s->to, sizeof s->to, "%s", m.to.text);
    if (ctlv_find(p->body, 0x06, &centre) && centre.len <= sizeof s->centre) {
        s->centre_len = (uint8_t)centre.len;
        memcpy(s->centre, centre.ptr, centre.len);
    }
    t->sms_count++;
    return 0x00;
}

static uint8_t do_local_info(struct bed *b, struct proactive *p)
{
    if (p->qualifier == 0x01)
        wr_bytes(p->more, hexf(b, IMEI_OBJECT));
    else if (p->qualifier == 0x00 && !b->terminal.serviced)
        return RESULT_UNABLE;
    else if (p->qualifier == 0x00)
        wr_bytes(p->more, hexf(b, "930762F22000010002"));
    return 0x00;
}

static uint8_t do_open(struct bed *b, struct proactive *p)
{
    struct bed_terminal *t = &b->terminal;
    struct span transport;
    t->opens++;
    t->open_len = p->body.len;
    memcpy(t->open_command, p->body.ptr, p->body.len);
    if (t->open_result)
        return t->open_result;
    t->is_udp = ctlv_find(p->body, 0x3C, &transport) && transport.len == 3 && transport.ptr[0] == 0x01;
    if (t->is_udp && !t->udp)
        return RESULT_NO_LINK;
    t->channel = true;
    t->told = false;
    if (!t->is_udp)
        server_accept(b);
    wr_bytes(p->more, hexf(b, "38028100 350103 39020578"));
    return 0x00;
}

static uint8_t do_send(struct bed *b, struct proactive *p)
{
    struct bed_terminal *t = &b->terminal;
    struct span data;
    if (!t->channel)
        return RESULT_NO_LINK;
    need(b, ctlv_find(p->body, 0x36, &data), "SEND DATA without data");
    if (!t->is_udp) {
        server_feed(b, data);
    } else if (t->udp_in_count < 8 && data.len <= sizeof t->udp_in[0]) {
        memcpy(t->udp_in[t->udp_in_count], data.ptr, data.len);
        t->udp_in_len[t->udp_in_count++] = data.len;
    }
    wr_bytes(p->more, hexf(b, "B701FF"));
    return 0x00;
}

static uint8_t do_receive(struct bed *b, struct proactive *p)
{
    struct bed_server *s = &b->server;
    struct span asked;
    if (!b->terminal.channel)
        return RESULT_NO_LINK;
    need(b, ctlv_find(p->body, 0x37, &asked) && asked.len == 1, "RECEIVE DATA without length");
    size_t len = asked.ptr[0] < s->out_len ? asked.ptr[0] : s->out_len;
    wr_tlv(p->more, 0xB6, (struct span){ s->out, len });
    s->out_len -= len;
    memmove(s->out, s->out + len, s->out_len);
    wr_tlv_u8(p->more, 0xB7, (uint8_t)(s->out_len < 255 ? s->out_len : 255));
    b->terminal.told = s->out_len > 0;
    return 0x00;
}

static uint8_t do_close(struct bed *b, struct proactive *p)
{
    (void)p;
    b->terminal.channel = false;
    server_close(b);
    return 0x00;
}

static uint8_t serve(struct bed *b, struct proactive *p)
{
    static const struct {
        uint8_t type;
        uint8_t (*run)(struct bed *, struct proactive *);
    } rows[] = { { T_REFRESH, do_refresh }, { T_SMS, do_sms },   { T_LOCAL_INFO, do_local_info }, { T_OPEN, do_open },
                 { T_CLOSE, do_close },     { T_SEND, do_send }, { T_RECEIVE, do_receive } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].type == p->type)
            return rows[i].run(b, p);
    return 0x00;
}

static void fetch_and_serve(struct bed *b)
{
    const uint8_t fetch[] = { 0x80, 0x12, 0x00, 0x00, (uint8_t)b->terminal.pending };
    WRITER_ON_STACK(d0, TARGET_RAPDU_MAX);
    WRITER_ON_STACK(more, 255);
    WRITER_ON_STACK(response, 300);
    struct proactive p = { .more = &more };
    struct span details;
    b->terminal.pending = 0;
    need_sw(b, terminal_apdu(b, SPAN_OF(fetch), &d0), 0x9000, "FETCH");
    need(b, tlv_find(wr_span(&d0), 0xD0, &p.body) && ctlv_find(p.body, 0x01, &details) && details.len == 3,
         "no proactive command: %s", hex_of(b, wr_span(&d0)));
    p.type = details.ptr[1];
    p.qualifier = details.ptr[2];
    uint8_t result = serve(b, &p);
    wr_tlv(&response, 0x81, details);
    wr_tlv(&response, 0x82, SPAN_LIT("\x82\x81"));
    wr_tlv_u8(&response, 0x83, result);
    wr_bytes(&response, wr_span(&more));
    WRITER_ON_STACK(ret, TARGET_RAPDU_MAX);
    (void)apdu_of(b, 0x14, wr_span(&response), &ret);
    if (p.reset)
        terminal_boot(b);
}

/* ENVELOPE: data available. */
static void tell_data(struct bed *b)
{
    uint8_t event[] = {
        0xD6, 0x0E, 0x99, 0x01, 0x09, 0x82, 0x02, 0x82, 0x81, 0xB8, 0x02, 0x81, 0x00, 0xB7, 0x01, 0xFF
    };
    if (b->server.out_len < 255)
        event[sizeof event - 1] = (uint8_t)b->server.out_len;
    b->terminal.told = true;
    envelope(b, SPAN_OF(event));
}

static void poll_once(struct bed *b)
{
    WRITER_ON_STACK(ret, TARGET_RAPDU_MAX);
    (void)terminal_apdu(b, SPAN_OF(status_command), &ret);
}

void terminal_run(struct bed *b)
{
    struct bed_terminal *t = &b->terminal;
    bool polled = false;
    for (int i = 0; i < RUN_ROUNDS; i++) {
        if (t->pending) {
            fetch_and_serve(b);
        } else if (t->channel && b->server.out_len && !t->told) {
            tell_data(b);
        } else if (!polled) {
            polled = true;
            poll_once(b);
        } else {
            return;
        }
    }
    fail(b, "the card never comes to rest");
}

void terminal_location(struct bed *b, bool serviced)
{
    b->terminal.serviced = serviced;
    if (serviced)
        envelope(b, hexf(b, "D613 990103 82028281 9B0100 930762F22000010002"));
    else
        envelope(b, hexf(b, "D60A 990103 82028281 9B0102"));
    terminal_run(b);
}

uint16_t terminal_sms(struct bed *b, struct span ud, struct writer *report)
{
    struct sms_deliver m = { .udhi = true, .pid = SMS_PID_USIM_DOWNLOAD, .dcs = SMS_DCS_CLASS2_8BIT, .ud = ud };
    struct sms_address centre;
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    WRITER_ON_STACK(d1, 255);
    WRITER_ON_STACK(data, TARGET_RAPDU_MAX);
    need_ok(b, sms_address_of("+33699082113", &m.from), "address");
    need_ok(b, sms_address_of("+33699000000", &centre), "address");
    sms_scts(b->target->now_ms(b->target), m.scts);
    wr_sms_deliver(&tpdu, &m);
    wr_sms_envelope(&d1, &centre, wr_span(&tpdu));
    need_ok(b, d1.err, "SMS-PP envelope");
    uint16_t sw = b->terminal.envelope_sw = apdu_of(b, 0xC2, wr_span(&d1), &data);
    if (report)
        wr_bytes(report, wr_span(&data));
    return sw;
}

/* ---- time ---- */

static void step(struct bed *b, uint64_t ms)
{
    b->target->wait_ms(b->target, ms);
    poll_once(b);
    terminal_run(b);
}

static void need_patience(struct bed *b, uint64_t seconds)
{
    if (!b->target->virtual_time && seconds / b->target->speed > b->patience_s)
        skip(b, "may take %llu s of real time: more than --patience", (unsigned long long)(seconds / b->target->speed));
}

void bed_wait(struct bed *b, uint64_t seconds)
{
    need_patience(b, seconds);
    uint64_t ms = b->target->virtual_time ? 1000 : REAL_STEP_MS;
    uint64_t end = b->target->now_ms(b->target) + seconds * 1000u;
    while (b->target->now_ms(b->target) < end)
        step(b, ms);
}

void bed_wait_reset(struct bed *b, size_t resets, uint64_t max_s)
{
    need_patience(b, max_s);
    uint64_t end = b->target->now_ms(b->target) + max_s * 1000u;
    while (b->terminal.resets <= resets && b->target->now_ms(b->target) < end)
        step(b, b->target->virtual_time ? 1000 : REAL_STEP_MS);
    need(b, b->terminal.resets > resets, "no REFRESH within %llu s", (unsigned long long)max_s);
}
