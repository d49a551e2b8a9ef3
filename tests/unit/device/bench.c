#include "bench.h"

#include "lib/codec/comprehension_tlv.h"

#define RES "\x01\x02\x03\x04\x05\x06\x07\x08"

/* ---- a card ---- */

static void slot_reset(void *c, struct writer *atr)
{
    ((struct bench *)c)->resets++;
    wr_u8(atr, 0x3B);
}

static void remember(struct span command, uint8_t *out, uint8_t *ret_len)
{
    *ret_len = (uint8_t)(command.len - 5);
    memcpy(out, command.ptr + 5, *ret_len);
}

static void slot_transmit(void *c, struct span in, struct writer *out)
{
    struct bench *b = c;
    switch (in.ptr[1]) {
    case 0xB2: wr_bytes(out, SPAN_LIT("\x61\x09\x4F\x07\xA0\x00\x00\x00\x87\x10\x02")); break;
    case 0xB0: wr_bytes(out, in.ptr[4] == 9 ? SPAN_LIT("\x08\x09\x10\x10\x10\x32\x54\x76\x98") : SPAN_LIT("\0\0\0\x02")); break;
    case 0x88: wr_bytes(out, SPAN_LIT("\xDB\x08" RES)); break;
    case 0x10: remember(in, b->profile, &b->profile_len); break;
    case 0x14:
        remember(in, b->response, &b->response_len);
        b->responses++;
        break;
    case 0xC2:
        remember(in, b->envelope, &b->envelope_len);
        b->envelopes++;
        break;
    case 0xF2: b->polls++; break;
    case 0x12:
        wr_bytes(out, b->pending);
        b->pending = SPAN_NONE;
        break;
    default: break;
    }
    wr_u16(out, b->pending.len ? (uint16_t)(0x9100 | b->pending.len) : 0x9000);
}

static uint64_t slot_idle(void *c, uint64_t now) { (void)c, (void)now; return UINT64_MAX; }
static bool slot_has_proactive(void *c) { return ((struct bench *)c)->pending.len > 0; }

/* ---- a network ---- */

static void on_auth(void *c, const char *i, const uint8_t *r, const uint8_t *a) { (void)c, (void)i, (void)r, (void)a; }
static void on_location(void *c, const char *imsi) { (void)c, (void)imsi; }
static void on_registered(void *c, const char *i, const char *m) { (void)c, (void)i, (void)m; }
static void on_submit(void *c, const struct sms_submit *sms)
{
    ((struct bench *)c)->submits++;
    ((struct bench *)c)->submitted = *sms;
}
static void on_taken(void *c, uint64_t tag, bool ok) { (void)tag, ((struct bench *)c)->taken += ok; }
static void on_open(void *c, unsigned n, enum modem_transport t, const uint8_t a[4], uint16_t p)
{
    struct bench *b = c;
    assert_int_equal(n, 1);
    b->transport = t;
    memcpy(b->address, a, sizeof b->address);
    b->port = p;
    b->opened++;
}
static void on_send(void *c, unsigned n, struct span s)
{
    struct bench *b = c;
    assert_int_equal(n, 1);
    assert_true(s.len <= sizeof b->datagram);
    memcpy(b->datagram, s.ptr, s.len);
    b->datagram_len = s.len;
    b->sent++;
}
static void on_close(void *c, unsigned n) { (void)n, ((struct bench *)c)->closed++; }

struct bench *bench_new(const struct modem_quirks *quirks)
{
    struct bench *b = test_keep(calloc(1, sizeof *b));
    struct modem_config config = { .imei = "490154203237518", .poll_s = 1, .quirks = *quirks };
    struct modem_slot slot = { b, slot_reset, slot_transmit, slot_idle, slot_has_proactive };
    struct modem_lines lines = { b, on_auth, on_location, on_registered, on_submit, on_taken, on_open, on_send, on_close, { 0 } };
    b->now_ms = 1000;
    b->modem = modem_new(&config, &slot, &lines);
    modem_power_on(b->modem, b->now_ms);
    return b;
}

void bench_attach(struct bench *b)
{
    struct gsup_vector v = { .res_len = 8 };
    memcpy(v.res, RES, 8);
    modem_auth_info(b->modem, b->now_ms, &v, 0);
    modem_location_updated(b->modem, b->now_ms, true, "4917", 0);
    assert_true(modem_is_registered(b->modem));
}

void bench_wait_s(struct bench *b, unsigned seconds)
{
    for (; seconds; seconds--)
        (void)modem_tick(b->modem, b->now_ms += 1000);
}

enum err bench_deliver(struct bench *b)
{
    struct sms_deliver m = { .pid = 0x7F, .dcs = 0xF6, .ud = SPAN_LIT("x") };
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    assert_ok(sms_address_of("+49", &m.from));
    wr_sms_deliver(&tpdu, &m);
    return modem_sms_deliver(b->modem, b->now_ms, wr_span(&tpdu), 1);
}

uint8_t bench_serve(struct bench *b, const char *command)
{
    size_t before = b->responses;
    b->pending = hex_lit(command);
    bench_wait_s(b, 1);
    if (b->opened)
        modem_channel_opened(b->modem, b->now_ms, 1, true);
    assert_int_equal(b->responses, before + 1);
    return bench_answered(b, 0x03).ptr[0];
}

struct span bench_answered(const struct bench *b, uint16_t tag)
{
    struct span value = SPAN_NONE;
    if (!ctlv_find((struct span){ b->response, b->response_len }, tag, &value))
        fail_msg("object %02X is not in the response", tag);
    return value;
}
