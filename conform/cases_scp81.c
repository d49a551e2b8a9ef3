/* Administration sessions over HTTPS, CAT_TP, and the runner's own server ends: fact book 8, 9, 11. */
#include "cases.h"

#include "lib/codec/comprehension_tlv.h"
#include "lib/crypto/sha256.h"
#include "lib/scp/scp81.h"

static void status_ok(struct bed *b)
{
    https_open(b);
    need(b, !b->server.request.has_body, "the first POST has a body");
    struct span body = https_script(b, &AID_ISDR, script_of(b, RAM_INDEFINITE, hexf(b, "80CAFF2100")));
    need(b, b->server.request.has_body && body.len > 4 && span_eq(span_sub(body, 0, 3), hexf(b, "AF8023")),
         "body %.80s", hex_of(b, body));
    need_sw(b, result_at(b, body, 0).sw, 0x9000, "GET DATA");
    https_end(b);
    need(b, !b->terminal.channel, "the channel stays open after 204");
}

static void unknown_application(struct bed *b)
{
    https_open(b);
    https_reply(b, "//aid/A000000559/1010FFFFFFFF8900FEDC00", script_of(b, RAM_INDEFINITE, hexf(b, "80CAFF2100")));
    need(b, !strcmp(b->server.request.status, "unknown-application"), "X-Admin-Script-Status: %s",
         b->server.request.status);
    need(b, b->server.request.len == 0, "the body is not empty");
    https_end(b);
}

static void wrong_psk(struct bed *b)
{
    struct writer w = room(b, SCP81_TRIGGER_MAX);
    struct scp81_trigger t = { .connection = hexf(b, "350103 39020578 3C03021F9A 3E05210A08288F"),
                               .has_retry = true,
                               .host = SPAN_LIT("sm-sr.example"),
                               .uri = SPAN_LIT("/gsma/adminagent") };
    scp81_trigger_write(&w, &t);
    b->server.psk[0] ^= 0x01;
    https_trigger(b, wr_span(&w));
    need(b, b->server.failed, "the handshake does not fail");
    need(b, b->server.request_count == 0, "a request all the same");
    need(b, !b->terminal.channel, "the channel stays open");
}

static struct span open_parameters(struct bed *b)
{
    struct span c = { b->terminal.open_command, b->terminal.open_len };
    return span_from(kept(b, c), 9); /* command details, device identities */
}

static void stored_parameters(struct bed *b)
{
    struct span trigger = hexf(b, "81 15 83 13 89 11 8C0F 2F656C736577686572652F636F6E66"), got, stored, value, want;
    size_t opens = b->terminal.opens;
    if (!b->keys->https_len)
        skip(b, "the keys file does not tell HTTPS parameters of the card");
    https_trigger(b, trigger);
    need(b, b->terminal.opens == opens + 1, "no OPEN CHANNEL");
    got = open_parameters(b);
    need(b, tlv_find((struct span){ b->keys->https, b->keys->https_len }, 0x84, &stored), "A5 without 84");
    for (uint8_t tag = 0x3C; tag <= 0x3E; tag = (uint8_t)(tag + 2))
        if (ctlv_find(stored, tag, &want))
            need(b, ctlv_find(got, tag, &value) && span_eq(value, want), "object %02X is not the stored one: %s", tag,
                 hex_of(b, got));
    need(b, b->server.request_count == 1 && !strcmp(b->server.request.uri, "/elsewhere/conf"),
         "the first POST goes to %s", b->server.request.uri);
    https_end(b);
}

static void one_attempt(struct bed *b)
{
    struct writer w = room(b, SCP81_TRIGGER_MAX);
    struct scp81_trigger t = { .connection = hexf(b, "350103 39020578 3C03021F9A 3E05210A08288F"),
                               .has_retry = true,
                               .retry_count = 0,
                               .retry_timer = { 0, 0, 1 },
                               .uri = SPAN_LIT("/gsma/adminagent") };
    size_t opens = b->terminal.opens;
    scp81_trigger_write(&w, &t);
    b->terminal.open_result = 0x3A;
    https_trigger(b, wr_span(&w));
    bed_wait(b, b->target->virtual_time ? 600 : 6);
    need(b, b->terminal.opens == opens + 1, "%zu attempts", b->terminal.opens - opens);
}

/* Objects of OPEN CHANNEL in order; the access name comes from the card, 24 is dropped. */
static void stored_access_name(struct bed *b)
{
    static const uint8_t order[] = { 0x05, 0x35, 0x39, 0x47, 0x3C, 0x3E };
    struct writer w = room(b, SCP81_TRIGGER_MAX);
    struct scp81_trigger t = { .connection = hexf(b, "0500 350103 3902058E 3C03021F9A 2401FF 3E05210A08288F"),
                               .host = SPAN_LIT("sm-sr.example"),
                               .uri = SPAN_LIT("/gsma/adminagent") };
    struct tlv object;
    size_t n = 0;
    scp81_trigger_write(&w, &t);
    https_trigger(b, wr_span(&w));
    need(b, b->server.request_count == 1, "no session");
    struct span got = open_parameters(b);
    struct reader r = rd_of(got);
    while (ctlv_next(&r, &object)) {
        if (object.tag == 0x0D)
            continue; /* login and password, if the card has them */
        need(b, n < ARRAY_LEN(order) && object.tag == order[n], "objects of OPEN CHANNEL: %s", hex_of(b, got));
        need(b, object.tag != 0x47 || object.val.len > 1, "an empty network access name");
        n++;
    }
    need(b, n == ARRAY_LEN(order), "objects of OPEN CHANNEL: %s", hex_of(b, got));
    https_end(b);
}

/* ---- the server's ends in this runner, which are the SM-SR's (lib/wire, lib/scp, lib/ota) ---- */

/* The same freedom the other way: what HTTP leaves open in an answer is no matter to the card. */
static void card_is_tolerant(struct bed *b)
{
    https_open(b);
    https_say(b, SPAN_LIT("HTTP/1.1 200 ok\r\nx-admin-protocol:globalplatform-remote-admin/1.0\r\n"
                          "X-ADMIN-NEXT-URI:\t/gsma/adminagent?cmd=1 \r\ncontent-type:  " SCP81_TYPE_COMMAND "\r\n"
                          "x-whatever: x\r\ntransfer-encoding: Chunked\r\n\r\n"
                          "00B;a=b\r\n\xAE\x80\x22\x05\x80\xCA\xFF\x21\x00\x00\x00\r\n0\r\n\r\n"));
    need(b, b->server.request_count == 2, "no answer to a script with header names in lower case");
    need(b, !strcmp(b->server.request.status, "ok"), "X-Admin-Script-Status: %s", b->server.request.status);
    need(b, !strcmp(b->server.request.uri, "/gsma/adminagent?cmd=1"), "the next request goes to %s",
         b->server.request.uri);
    https_end(b);
    note(b, "the SM-SR's parsers, and the card's reading of an answer as loose");
}

static void server_is_tolerant(struct bed *b)
{
    static const char request[] = "POST /gsma/adminagent HTTP/1.1\r\nhost: 172.96.0.1\r\n"
                                  "x-admin-protocol:globalplatform-remote-admin/1.0\r\n"
                                  "x-admin-from: //se-id/eid/89001012012341234012345678901224;//aaid/aid/A000000559/"
                                  "1010FFFFFFFF8900000100\r\nx-admin-script-status: ok\r\n"
                                  "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n";
    struct writer head = room(b, HTTP1_HEAD_MAX);
    struct http1_reader http;
    struct reader in = rd_of(SPAN_LIT(request));
    struct span piece, value;
    struct scp81_from from;
    enum http1_event event;
    bool whole = false;
    http1_reader_init(&http, HTTP1_REQUEST, head.buf, head.cap, 100);
    http.lenient_end = true;
    while ((event = http1_next(&http, &in, &piece)) != HTTP1_MORE && event != HTTP1_FAILED) {
        whole = whole || event == HTTP1_DONE;
        if (event != HTTP1_HEAD)
            continue;
        value = http1_header_find(http.head.headers, http.head.header_count, SCP81_HEADER_FROM);
        need_ok(b, scp81_from_parse(value, &from), "x-admin-from with //aaid/");
        need(b, from.has_eid && from.aid_len == 16, "x-admin-from is not understood");
    }
    need(b, whole, "a last chunk without an empty line behind it does not end the request");
    card_is_tolerant(b);
}

static void server_takes_number_zero(struct bed *b)
{
    struct writer w = room(b, 32);
    struct es5_notification n;
    for (int i = 0; i < 2; i++) {
        struct span e1 = hexf(b, "E135 4C1089001012012341234012345678901224 4D0102 4E020000 "
                                 "4F10A0000005591010FFFFFFFF8900001300 14081122334455667788");
        need_ok(b, es5_notification_parse(e1, &n), "notification 0000");
        need(b, n.sequence == 0 && n.type == ES5_CHANGE_SUCCEEDED && aid_tar(&n.isdp) == 0x13, "it is not understood");
    }
    es5_notification_confirmation_write(&w, n.sequence);
    need_span(b, wr_span(&w), hexf(b, "80E2890007 3A08044E020000 00"), "its confirmation");
    note(b, "judged on the parsers that the SM-SR reads with; the card has no part in it");
}

/* ---- CAT_TP ---- */

enum { CT_SYN = 0x80, CT_ACK = 0x40, CT_RST = 0x10, CT_HEADER = 18 };

static uint16_t checksum(struct span s)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < s.len; i++)
        sum += i % 2 ? s.ptr[i] : (uint32_t)s.ptr[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint16_t u16_at(struct span s, size_t at) { return (uint16_t)(s.ptr[at] << 8 | s.ptr[at + 1]); }

static struct span cat_tp_syn(struct bed *b)
{
    struct bed_terminal *t = &b->terminal;
    t->udp = true;
    t->udp_in_count = 0;
    struct writer w = room(b, 200);
    struct ram_script s;
    ram_script_open(&s, &w, RAM_DEFINITE);
    ram_script_capdu(&s, hexf(b, "80EC010113 350103 39020578 3C03012328 3E05210A08288F 00"));
    ram_script_capdu(&s, hexf(b, "80EC010217 3C03002328 3610 %s 00", hex_of(b, SPAN_OF(b->keys->eid.octets))));
    ram_script_close(&s);
    struct span answer = script_sms(b, TAR_ISDR, wr_span(&w));
    uint16_t sw = result_at(b, answer, 0).sw;
    if (sw == 0x6D00 || sw == 0x6A81)
        skip(b, "the card has no CAT_TP: PUSH gives %04X", sw);
    need_sw(b, sw, 0x9000, "PUSH: OPEN CHANNEL");
    need_sw(b, result_at(b, answer, 1).sw, 0x9000, "PUSH: CAT_TP link");
    terminal_run(b);
    need(b, t->udp_in_count > 0, "no datagram");
    struct span syn = kept(b, (struct span){ t->udp_in[0], t->udp_in_len[0] });
    need(b, syn.len >= CT_HEADER + 4 && syn.ptr[0] & CT_SYN, "no SYN: %s", hex_of(b, syn));
    need(b, checksum(syn) == 0, "its checksum is wrong");
    return syn;
}

static void cat_tp_answer(struct bed *b, struct span syn, bool good)
{
    struct span pdu = hexf(b, "%02X0000 16 %04X%04X 0000 1000 %04X 000A 0000 00C8 0400", CT_SYN | CT_ACK,
                           u16_at(syn, 6), u16_at(syn, 4), u16_at(syn, 10));
    struct writer w = room(b, 64);
    wr_bytes(&w, pdu);
    uint16_t sum = checksum(pdu);
    w.buf[16] = (uint8_t)(sum >> 8);
    w.buf[17] = (uint8_t)(sum ^ (good ? 0 : 0x01));
    memcpy(b->server.out, w.buf, w.len);
    b->server.out_len = w.len;
    b->terminal.told = false;
    b->terminal.udp_in_count = 0;
    terminal_run(b);
}

static void cat_tp_identification(struct bed *b)
{
    struct span syn = cat_tp_syn(b), id = span_from(syn, CT_HEADER + 4);
    id = span_sub(id, 0, syn.ptr[3] > CT_HEADER + 4 ? syn.ptr[3] - (size_t)CT_HEADER - 4u : 0);
    need_span(b, id, SPAN_OF(b->keys->eid.octets), "identification data of the SYN");
    cat_tp_answer(b, syn, true);
    struct bed_terminal *t = &b->terminal;
    need(b, t->udp_in_count > 0 && t->udp_in[0][0] & CT_ACK && !(t->udp_in[0][0] & CT_RST), "no ACK to the SYN/ACK");
}

static void cat_tp_bad_checksum(struct bed *b)
{
    struct span syn = cat_tp_syn(b);
    cat_tp_answer(b, syn, false);
    struct bed_terminal *t = &b->terminal;
    for (size_t i = 0; i < t->udp_in_count; i++)
        need(b, t->udp_in[i][0] & CT_SYN, "a PDU with a wrong checksum is answered %s",
             hex_of(b, (struct span){ t->udp_in[i], t->udp_in_len[i] }));
}

static const struct case_def scp81_cases[] = {
    { 96, "scp81", "script status ok, body AF", "8.3", status_ok },
    { 97, "scp81", "unknown application", "8.3", unknown_application },
    { 98, "scp81", "wrong PSK", "8.2", wrong_psk },
    { 99, "scp81", "trigger with 89 only", "8.1", stored_parameters },
    { 100, "scp81", "retry counter 0", "8.1", one_attempt },
    { 124, "scp81", "stored network access name, order of objects", "8.1", stored_access_name },
};
static const struct case_def cattp_cases[] = {
    { 101, "cattp", "SYN with the EID, ACK", "9", cat_tp_identification },
    { 102, "cattp", "bad checksum", "9.1", cat_tp_bad_checksum },
};
static const struct case_def server_cases[] = {
    { 125, "server", "loose HTTP of cards", "8.3", server_is_tolerant },
    { 126, "server", "notification number 0000 again", "11.1", server_takes_number_zero },
};
const struct case_group scp81_group = { scp81_cases, ARRAY_LEN(scp81_cases) };
const struct case_group cattp_group = { cattp_cases, ARRAY_LEN(cattp_cases) };
const struct case_group server_group = { server_cases, ARRAY_LEN(server_cases) };
