/* The lab's SM-SR: administration sessions, and packets by SMS. */
#include "lab.h"

/* ---- its HTTPS end ---- */

void server_close(struct lab_server *s)
{
    tls_free(s->tls);
    tls_ctx_free(s->ctx);
    s->tls = NULL;
    s->ctx = NULL;
    s->out_len = 0;
}

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

/* ---- its SCP80 end ---- */

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

/* ---- what the card has to say ---- */

struct es5_notification smsr_notified(struct lab *lab)
{
    struct es5_notification n;
    struct span e1 = smsr_notification(lab);
    assert_true(e1.len > 0);
    assert_ok(es5_notification_parse(e1, &n));
    return n;
}

void smsr_settles(struct lab *lab, uint8_t type, uint32_t tar)
{
    struct es5_notification n = smsr_notified(lab);
    assert_int_equal(n.type, type);
    assert_int_equal(aid_tar(&n.isdp), tar);
    assert_int_equal(smsr_confirm(lab, n.sequence), 0x9000);
    assert_int_equal(lab_phase(lab), SWITCH_IDLE);
}
