#include "lab.h"

#include <stdlib.h>

#include "lib/ota/es5.h"
#include "lib/pki/gp_certificate.h"
#include "lib/scp/scp03t.h"

const uint8_t LAB_KEY[16] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
                              0x99, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16 };
const uint8_t LAB_PSK[16] = { 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47,
                              0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F };
#define LAB_EID       "89044045113010000000000000000002"
#define LAB_BOOTSTRAP "TS48v3_SAIP2.3_NoBERTLV.der"

/* ---- seams ---- */

static uint64_t clock_now(struct clock *clock)
{
    return ((struct lab *)((char *)clock - offsetof(struct lab, clock)))->clock.now_ms;
}
static void clock_wake(struct clock *clock, uint64_t at_ms) { (void)clock, (void)at_ms; }

/* What the test dictated, as long as the length fits; else a counter's hash, good enough for a bench. */
static void rng_fill(struct rng *rng, uint8_t *out, size_t len)
{
    struct lab *lab = (struct lab *)((char *)rng - offsetof(struct lab, rng));
    if (lab->rng.count && lab->rng.queue[0].len == len) {
        memcpy(out, lab->rng.queue[0].ptr, len);
        memmove(lab->rng.queue, lab->rng.queue + 1, --lab->rng.count * sizeof lab->rng.queue[0]);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        lab->rng.seed = lab->rng.seed * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(lab->rng.seed >> 33);
    }
}

void lab_random(struct lab *lab, struct span octets)
{
    assert_true(lab->rng.count < LAB_RANDOM_MAX);
    lab->rng.queue[lab->rng.count++] = octets;
}

/* ---- factory ---- */

struct span lab_profile(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "data/profiles/%s", name);
    const char *found = shared_path(path);
    if (!found)
        skip();
    return file_bytes(found);
}

static void key_set(struct euicc_key_set *set, uint8_t kvn, uint8_t type, size_t count, const uint8_t *value)
{
    *set = (struct euicc_key_set){ .kvn = kvn, .key_count = (uint8_t)count };
    for (size_t i = 0; i < count; i++) {
        set->keys[i] = (struct euicc_key){ .kid = (uint8_t)(i + 1), .type = type, .len = 16 };
        memcpy(set->keys[i].value, value, 16);
    }
}

void lab_init(struct lab *lab)
{
    memset(lab, 0, sizeof *lab);
    lab->clock.seam = (struct clock){ clock_now, clock_wake };
    lab->clock.now_ms = 1700000000000u;
    lab->rng.seam.fill = rng_fill;
    lab->rng.seed = 42;
    lab->key = LAB_KEY;
    assert_ok(nvm_memory_init(&lab->memory, EUICC_NVM_DEFAULT));
    lab->env = (struct env){ .clock = &lab->clock.seam, .rng = &lab->rng.seam, .nvm = &lab->memory.nvm };
    arena_init(&lab->arena, 4 * EUICC_ARENA_SIZE);
    lab->server.out = malloc(LAB_SCRIPT_MAX);
    struct euicc_personalisation *p = &lab->p;
    assert_ok(eid_from_text(span_text(LAB_EID), &p->eid));
    p->ecasd.curve = EUICC_CURVE_P256;
    p->ecasd.sk = hex_lit("36FAD76C284CD5C227CF50252EAA93FA75C5FCBF73C2AC9F4B42DD488E639E9E");
    p->ecasd.cert = hex_lit("7F2103930101");
    p->ci[0] = (struct euicc_ci){
        .ski = hex_lit("C6E7352D42488A7E1ADC6BCC9CE1D6FCCBB864AB"),
        .public_key =
            hex_lit("04C3B6B4CFE8C896A54BD96BEA23E37A47C90CE9B0014BF67DFFB186E32CA921C0DFB0D080CF92DEC73AA3773C"
                    "85FC9D12FFD0B59FA601CA998531B3BDEFB25AC6"),
        .curve = EUICC_CURVE_P256,
    };
    p->ci_count = 1;
    key_set(&p->isdr_keys[0], 0x01, 0x88, 3, LAB_KEY);
    key_set(&p->isdr_keys[1], 0x40, 0x85, 1, LAB_PSK);
    p->isdr_key_set_count = 2;
    p->smsr.sms_tp_da = hex_lit("0B913336990821F3");
    p->timing = (struct euicc_timing){ .attach_guard_s = 300,
                                       .notification_interval_s = 60,
                                       .notification_tries = 3,
                                       .fallback_s = 600,
                                       .session_idle_s = 30,
                                       .refresh_retry_s = 10,
                                       .poll_interval_s = 30,
                                       .retry_wait_s = 5 };
}

static void open_card(struct lab *lab)
{
    assert_ok(euicc_open(&lab->arena, &lab->env, &lab->euicc));
    euicc_reset(lab->euicc, NULL);
}

void lab_make(struct lab *lab)
{
    assert_ok(euicc_manufacture(&lab->env, &lab->p, &lab->arena, NULL));
    open_card(lab);
}

struct lab *lab_new_with(const char *bootstrap)
{
    struct lab *lab = malloc(sizeof *lab);
    lab_init(lab);
    if (bootstrap)
        lab->p.bootstrap_package = lab_profile(bootstrap);
    lab_make(lab);
    return lab;
}

struct lab *lab_new(bool with_profile) { return lab_new_with(with_profile ? LAB_BOOTSTRAP : NULL); }

void server_close(struct lab_server *s)
{
    tls_free(s->tls);
    tls_ctx_free(s->ctx);
    s->tls = NULL;
    s->ctx = NULL;
    s->out_len = 0;
}

void lab_free(struct lab *lab)
{
    server_close(&lab->server);
    free(lab->server.out);
    euicc_close(lab->euicc);
    arena_release(&lab->arena);
    nvm_memory_done(&lab->memory);
    free(lab);
}

void lab_power_cycle(struct lab *lab)
{
    euicc_close(lab->euicc);
    arena_release(&lab->arena);
    nvm_memory_power_on(&lab->memory);
    server_close(&lab->server);
    lab->terminal.channel = false;
    open_card(lab);
    terminal_boot(lab);
}

struct card *lab_card(struct lab *lab) { return &lab->euicc->card; }

void lab_expect_one_enabled(struct lab *lab)
{
    const struct isdp_registry *r = card_registry(lab_card(lab));
    size_t enabled = 0, holders = 0;
    for (size_t i = 0; i < r->count; i++) {
        enabled += r->items[i].state == ISDP_ENABLED;
        holders += (r->items[i].attributes & ISDP_FALLBACK) != 0;
    }
    assert_int_equal(enabled, 1);
    assert_int_equal(holders, 1);
}

void lab_restore(struct lab *lab, const uint8_t *image, uint64_t counter)
{
    euicc_close(lab->euicc);
    arena_release(&lab->arena);
    nvm_memory_power_on(&lab->memory);
    memcpy(lab->memory.bytes, image, lab->memory.nvm.size);
    lab->sent_counter = counter;
    lab->terminal.sms_count = 0;
    lab->terminal.no_power = false;
    assert_ok(euicc_open(&lab->arena, &lab->env, &lab->euicc));
    terminal_boot(lab);
}

void lab_wait(struct lab *lab, uint64_t seconds)
{
    static const uint8_t status[] = { 0x80, 0xF2, 0x00, 0x0C };
    for (; seconds; seconds--) {
        lab->clock.now_ms += 1000;
        (void)euicc_idle(lab->euicc, lab->clock.now_ms);
        WRITER_ON_STACK(ret, EUICC_RAPDU_MAX);
        (void)terminal_apdu(lab, SPAN_OF(status), &ret);
        terminal_run(lab);
    }
}

/* ---- the SM-SR's HTTPS end ---- */

void server_accept(struct lab_server *s)
{
    server_close(s);
    s->connections++;
    assert_ok(tls_ctx_new(TLS_SERVER, 0, &s->ctx));
    assert_ok(tls_server_new(s->ctx, &s->tls));
    http1_reader_init(&s->http, HTTP1_REQUEST, s->head, sizeof s->head, sizeof s->requests[0].body);
}

static void server_write(struct lab_server *s, struct span plain)
{
    struct writer out = wr_of(s->out, LAB_SCRIPT_MAX);
    out.len = s->out_len;
    assert_ok(tls_write(s->tls, plain, &out));
    s->out_len = out.len;
}

static void header_copy(const struct http1_head *h, const char *name, char *out, size_t cap)
{
    struct span v = http1_header_find(h->headers, h->header_count, name);
    snprintf(out, cap, "%.*s", (int)v.len, v.ptr ? (const char *)v.ptr : "");
}

static bool server_answer(struct lab_server *s)
{
    if (s->drop_after_requests && s->request_count == s->drop_after_requests) {
        s->drop_after_requests = 0;
        return false;
    }
    uint8_t *text = malloc(LAB_SCRIPT_MAX);
    struct writer w = wr_of(text, LAB_SCRIPT_MAX);
    if (s->answered < s->step_count) {
        const struct lab_server_step *step = &s->steps[s->answered++];
        char uri[40];
        snprintf(uri, sizeof uri, "/gsma/adminagent?cmd=%zu", s->answered);
        http1_wr_response(&w, 200);
        http1_wr_header(&w, SCP81_HEADER_PROTOCOL, span_text(SCP81_PROTOCOL));
        http1_wr_header(&w, SCP81_HEADER_NEXT_URI, span_text(uri));
        if (step->target)
            http1_wr_header(&w, SCP81_HEADER_TARGET, span_text(step->target));
        http1_wr_header(&w, "Content-Type", span_text(SCP81_TYPE_COMMAND));
        http1_wr_chunked(&w, step->script);
    } else {
        http1_wr_response(&w, 204);
        http1_wr_header(&w, SCP81_HEADER_PROTOCOL, span_text(SCP81_PROTOCOL));
        http1_wr_no_body(&w);
    }
    assert_ok(w.err);
    server_write(s, wr_span(&w));
    free(text);
    return true;
}

/* false: the line breaks. */
static bool server_http(struct lab_server *s, struct span plain)
{
    struct reader in = rd_of(plain);
    struct span piece;
    for (;;) {
        struct lab_request *r = &s->requests[s->request_count];
        switch (http1_next(&s->http, &in, &piece)) {
        case HTTP1_MORE:
            return true;
        case HTTP1_HEAD:
            assert_true(s->request_count < LAB_STEPS_MAX);
            *r = (struct lab_request){ .len = 0 };
            snprintf(r->uri, sizeof r->uri, "%.*s", (int)s->http.head.target.len,
                     (const char *)s->http.head.target.ptr);
            header_copy(&s->http.head, SCP81_HEADER_STATUS, r->status, sizeof r->status);
            header_copy(&s->http.head, SCP81_HEADER_RESUME, r->resume, sizeof r->resume);
            r->has_body = s->http.head.chunked;
            break;
        case HTTP1_BODY:
            assert_true(r->len + piece.len <= sizeof r->body);
            memcpy(r->body + r->len, piece.ptr, piece.len);
            r->len += piece.len;
            break;
        case HTTP1_DONE:
            s->request_count++;
            if (!server_answer(s))
                return false;
            break;
        default:
            fail_msg("the card's HTTP is broken: %s", err_text(s->http.err));
        }
    }
}

/* What the card sent; false: the line breaks. */
bool server_feed(struct lab_server *s, struct span in)
{
    uint8_t buf[20000];
    bool more = !s->mute;
    while (more) {
        struct writer plain = wr_of(buf, sizeof buf), out = wr_of(s->out, LAB_SCRIPT_MAX);
        out.len = s->out_len;
        enum tls_state state = tls_step(s->tls, in, &out, &plain);
        s->out_len = out.len;
        in = SPAN_NONE;
        more = tls_has_more(s->tls);
        if (state == TLS_WANT_PSK) {
            assert_ok(tls_psk(s->tls, SPAN_OF(s->psk)));
            more = true;
        }
        s->failed = s->failed || state == TLS_FAILED;
        if (plain.len && !server_http(s, wr_span(&plain)))
            return false;
        if (state == TLS_FAILED || state == TLS_CLOSED)
            return true;
    }
    return true;
}

/* ---- terminal ---- */

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

/* ---- the SM-SR's SCP80 end ---- */

static struct scp80_keys smsr_keys(const struct lab *lab)
{
    return (struct scp80_keys){ .kic = { lab->key, 16 }, .kid = { lab->key, 16 } };
}

/* Takes the packets with that IEI out of what the card sent, the latest one stays: from RPL or CPL on. */
static struct span smsr_take(struct lab *lab, uint8_t iei)
{
    static struct sms_reassembly reassembly;
    static uint8_t latest[SMS_PACKET_MAX];
    struct lab_terminal *t = &lab->terminal;
    size_t kept = 0, latest_len = 0;
    memset(&reassembly, 0, sizeof reassembly);
    for (size_t i = 0; i < t->sms_count; i++) {
        bool complete;
        struct span packet;
        uint8_t found;
        struct sms_header h;
        struct span ud = { t->sms[i].ud, t->sms[i].len };
        assert_ok(sms_header_read(ud, &h));
        assert_ok(sms_reassemble(&reassembly, "card", lab->clock.now_ms, ud, &complete, &packet, &found));
        if (complete && found == iei) {
            memcpy(latest, packet.ptr, latest_len = packet.len);
        } else if (complete) {
            t->sms[kept++] = t->sms[i];
        }
    }
    t->sms_count = kept;
    return (struct span){ latest, latest_len };
}

struct span smsr_packet(struct lab *lab, const struct scp80_header *h, struct span data, uint8_t *ret_status)
{
    struct scp80_keys keys = smsr_keys(lab);
    static uint8_t plain_memory[SMS_PACKET_MAX];
    WRITER_ON_STACK(packet, SMS_PACKET_MAX);
    WRITER_ON_STACK(out, SMS_PACKET_MAX + 200);
    WRITER_ON_STACK(report, 300);
    struct span parts[SMS_PARTS_MAX];
    size_t count;
    assert_ok(scp80_command_wrap(h, &keys, data, &packet));
    assert_ok(sms_split(wr_span(&packet), SMS_IEI_COMMAND, ++lab->reference, &out, parts, &count));
    (void)smsr_take(lab, SMS_IEI_RESPONSE);
    for (size_t i = 0; i < count; i++)
        (void)terminal_sms(lab, parts[i], &report);
    terminal_run(lab);
    struct span por = report.len > 3 ? span_from(wr_span(&report), 3) : smsr_take(lab, SMS_IEI_RESPONSE);
    *ret_status = 0xFF;
    if (!por.len)
        return SPAN_NONE;
    struct writer plain = wr_of(plain_memory, sizeof plain_memory);
    struct scp80_response r;
    assert_ok(scp80_response_unwrap(h, por, &keys, &plain, &r));
    *ret_status = r.status;
    return r.data;
}

struct span smsr_script(struct lab *lab, uint32_t tar, struct span script)
{
    struct scp80_header h = { .spi1 = SCP80_SPI1_FULL,
                              .spi2 = SCP80_SPI2_FULL,
                              .kic = 0x12,
                              .kid = 0x12,
                              .tar = { (uint8_t)(tar >> 16), (uint8_t)(tar >> 8), (uint8_t)tar },
                              .counter = ++lab->sent_counter };
    uint8_t status;
    struct span data = smsr_packet(lab, &h, script, &status);
    lab->terminal.no_power = lab->terminal.no_power || lab->memory.cut_at <= lab->memory.written;
    if (!lab->terminal.no_power)
        assert_int_equal(status, SCP80_OK);
    return data;
}

struct span smsr_capdu(struct lab *lab, struct span capdu)
{
    WRITER_ON_STACK(script, 400);
    struct ram_script s;
    struct ram_reader r;
    struct ram_item item;
    ram_script_open(&s, &script, RAM_DEFINITE);
    ram_script_capdu(&s, capdu);
    ram_script_close(&s);
    struct span answer = smsr_script(lab, TAR_ISDR, wr_span(&script));
    if (lab->terminal.no_power)
        return SPAN_NONE;
    assert_ok(ram_results_open(&r, answer));
    assert_true(ram_results_next(&r, &item) && item.tag == RAM_TAG_RAPDU);
    return item.value;
}

uint16_t smsr_sw(struct lab *lab, struct span capdu)
{
    struct rapdu r = { .sw = 0 };
    struct span answer = smsr_capdu(lab, capdu);
    if (!lab->terminal.no_power)
        assert_ok(rapdu_parse(answer, &r));
    return r.sw;
}

struct span smsr_notification(struct lab *lab)
{
    static uint8_t plain_memory[SMS_PACKET_MAX];
    struct scp80_keys keys = smsr_keys(lab);
    struct scp80_header h;
    struct span e1, packet = smsr_take(lab, SMS_IEI_COMMAND);
    if (!packet.len)
        return SPAN_NONE;
    struct writer plain = wr_of(plain_memory, sizeof plain_memory);
    assert_ok(scp80_command_unwrap(SCP80_SMS, packet, &keys, &plain, &h, &e1));
    assert_ok(scp80_policy_isdr(&h));
    return e1;
}

uint16_t smsr_confirm(struct lab *lab, uint16_t sequence)
{
    WRITER_ON_STACK(w, 64);
    es5_notification_confirmation_write(&w, sequence);
    return smsr_sw(lab, wr_span(&w));
}

/* ---- ES8 ---- */

struct isdp *lab_isdp(struct lab *lab, uint32_t tar)
{
    struct aid aid = aid_isdp(tar);
    return registry_find(lab_card(lab), aid_span(&aid));
}

uint8_t lab_state(struct lab *lab, uint32_t tar)
{
    const struct isdp *isdp = lab_isdp(lab, tar);
    return isdp ? (uint8_t)isdp->state : 0;
}

void lab_install(struct lab *lab, uint32_t tar, struct span package)
{
    struct card *card = lab_card(lab);
    struct scp03_keys keys = { .kvn = 0x30, .key_len = 16 };
    memset(keys.enc, 0xE1, 16);
    memset(keys.mac, 0xE2, 16);
    memset(keys.dek, 0xE3, 16);
    struct aid aid = aid_isdp(tar);
    struct isdp *isdp;
    card_begin(card);
    assert_ok(registry_create(card, aid_span(&aid), 0, &isdp));
    assert_ok(isdp_keyset_set(isdp, 0x30, keys.enc, keys.mac, keys.dek));
    assert_ok(registry_store(card, isdp));
    assert_ok(card_commit(card));
    struct scp03_session host;
    struct sd_session session = { .bearer = SD_BY_HTTP };
    sd_session_begin(&session, SD_BY_HTTP, 0x40, (struct sd_target){ SD_ISDP, isdp->slot });
    static const uint8_t challenge[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    WRITER_ON_STACK(script, 2000);
    WRITER_ON_STACK(answer, 2000);
    struct ram_script s;
    ram_script_open(&s, &script, RAM_INDEFINITE);
    WRITER_ON_STACK(tlv, 1100);
    scp03t_initialize_update_write(&tlv, 0x30, challenge);
    ram_script_raw(&s, wr_span(&tlv));
    ram_script_close(&s);
    sd_script(card, &session, wr_span(&script), &answer);
    struct ram_reader r;
    struct ram_item item;
    assert_ok(ram_results_open(&r, wr_span(&answer)));
    assert_true(ram_results_next(&r, &item) && item.tag == 0x84);
    assert_ok(scp03t_open_host(&keys, challenge, item.value, aid_span(&aid), &host));
    for (size_t at = 0, first = 1; at < package.len || first; first = 0) {
        script.len = answer.len = tlv.len = 0;
        ram_script_open(&s, &script, RAM_INDEFINITE);
        if (first)
            assert_ok(scp03t_external_authenticate_write(&host, &tlv));
        else {
            assert_ok(scp03t_wrap(&host, span_sub(package, at, SCP03T_PLAIN_MAX), &tlv));
            at += SCP03T_PLAIN_MAX;
        }
        ram_script_raw(&s, wr_span(&tlv));
        ram_script_close(&s);
        sd_script(card, &session, wr_span(&script), &answer);
        assert_ok(ram_results_open(&r, wr_span(&answer)));
        assert_true(ram_results_next(&r, &item));
        assert_int_equal(item.tag, first ? 0x85 : 0x86);
    }
    uint8_t plain_memory[1100];
    struct writer plain = wr_of(plain_memory, sizeof plain_memory);
    struct span response;
    assert_ok(scp03t_response_unwrap(&host, item.value, &plain, &response));
    assert_span_equal(response, hex_lit("3007A0053003800100"));
    sd_session_end(&session);
    assert_int_equal(lab_state(lab, tar), ISDP_DISABLED);
}
