/* What is wrong with a modem, seen from a card that writes down what it hears. */
#include "device/modem_host.h"

#include "tests/support/test.h"

#define RES "\x01\x02\x03\x04\x05\x06\x07\x08"

struct bench {
    struct modem *modem;
    uint64_t now_ms;
    struct span pending; /* proactive command that waits */
    size_t resets, polls, envelopes, responses, taken, lost, submits, host_sent, opened;
    uint8_t profile[40], profile_len, response[80], response_len;
    struct sms_submit submitted;
};

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
    case 0xC2: b->envelopes++; break;
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
    (void)n, (void)t, (void)a, (void)p;
    ((struct bench *)c)->opened++;
}
static void on_send(void *c, unsigned n, struct span s) { (void)c, (void)n, (void)s; }
static void on_close(void *c, unsigned n) { (void)c, (void)n; }
static void on_host_sent(void *c, bool ok, uint8_t reference) { (void)reference, ((struct bench *)c)->host_sent += ok; }

static struct bench *bench_new(const struct modem_quirks *quirks)
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

static void attach(struct bench *b)
{
    struct gsup_vector v = { .res_len = 8 };
    memcpy(v.res, RES, 8);
    modem_auth_info(b->modem, b->now_ms, &v, 0);
    modem_location_updated(b->modem, b->now_ms, true, "4917", 0);
    assert_true(modem_is_registered(b->modem));
}

static void wait_s(struct bench *b, unsigned seconds)
{
    for (; seconds; seconds--)
        (void)modem_tick(b->modem, b->now_ms += 1000);
}

static enum err deliver(struct bench *b)
{
    struct sms_deliver m = { .pid = 0x7F, .dcs = 0xF6, .ud = SPAN_LIT("x") };
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    assert_ok(sms_address_of("+49", &m.from));
    wr_sms_deliver(&tpdu, &m);
    return modem_sms_deliver(b->modem, b->now_ms, wr_span(&tpdu), 1);
}

#define OPEN_CHANNEL "D01C810301400182028182350103390205783C0302" "1F903E05217F000001"

/* What the card was answered to this command: general result. */
static uint8_t serve(struct bench *b, const char *command)
{
    size_t before = b->responses;
    b->pending = hex_lit(command);
    wait_s(b, 1);
    if (b->opened)
        modem_channel_opened(b->modem, b->now_ms, 1, true);
    assert_int_equal(b->responses, before + 1);
    for (size_t i = 0; i + 2 < b->response_len; i++)
        if (b->response[i] == 0x83)
            return b->response[i + 2];
    return 0xFF;
}

/* ---- the cases ---- */

static void no_bip_is_told_and_kept(void **state)
{
    (void)state;
    struct modem_quirks none = { 0 }, quirks = { .no_bip = true };
    struct bench *plain = bench_new(&none), *b = bench_new(&quirks);
    assert_int_equal(plain->profile[11], 0x1F);
    assert_int_equal(b->profile[11] | (b->profile[5] & 0x0C) | (b->profile[16] & 3), 0);
    assert_int_equal(b->profile[0], plain->profile[0]); /* the rest is as it was */
    attach(plain);
    attach(b);
    assert_int_equal(serve(plain, OPEN_CHANNEL), 0x00);
    assert_int_equal(serve(b, OPEN_CHANNEL), 0x30);
    assert_int_equal(b->opened, 0);
    modem_free(plain->modem);
    modem_free(b->modem);
}

static void the_profile_is_what_the_file_says(void **state)
{
    (void)state;
    struct modem_quirks quirks = { .profile = { 0xFF, 0xFF }, .profile_len = 2, .profile_clear = { 0x01, 0x80 }, .no_bip = true };
    struct bench *b = bench_new(&quirks);
    assert_int_equal(b->profile_len, 2);
    assert_memory_equal(b->profile, "\xFE\x7F", 2);
    modem_free(b->modem);
}

static void small_buffers_are_told(void **state)
{
    (void)state;
    struct modem_quirks quirks = { .bip_buffer = 100 };
    struct bench *b = bench_new(&quirks);
    attach(b);
    assert_int_equal(serve(b, OPEN_CHANNEL), 0x07); /* with modification */
    assert_memory_equal(b->response + b->response_len - 4, "\xB9\x02\x00\x64", 4);
    WRITER_ON_STACK(data, 220);
    wr_bytes(&data, hex_lit("D073810301430182028121B668"));
    wr_fill(&data, 0xAA, 104);
    char hex[441];
    assert_int_equal(serve(b, hex_text(wr_span(&data), hex, sizeof hex)), 0x36); /* 104 octets do not fit */
    modem_free(b->modem);
}

static void refresh_may_be_ignored(void **state)
{
    (void)state;
    struct modem_quirks quirks = { .refresh_ignored = true };
    struct bench *b = bench_new(&quirks);
    assert_int_equal(serve(b, "D009810301010482028182"), 0x00);
    assert_int_equal(b->resets, 1);
    modem_free(b->modem);
}

static void location_may_be_kept_secret(void **state)
{
    (void)state;
    struct modem_quirks none = { 0 }, quirks = { .no_location_event = true };
    struct bench *plain = bench_new(&none), *b = bench_new(&quirks);
    assert_int_equal(serve(plain, "D00C8103010500820281829901" "03"), 0x00);
    assert_int_equal(serve(b, "D00C8103010500820281829901" "03"), 0x00);
    attach(plain);
    attach(b);
    assert_true(plain->envelopes > 0);
    assert_int_equal(b->envelopes, 0);
    modem_free(plain->modem);
    modem_free(b->modem);
}

static void sleep_means_silence(void **state)
{
    (void)state;
    struct modem_quirks quirks = { .awake_s = 3, .asleep_s = 10 };
    struct bench *b = bench_new(&quirks);
    wait_s(b, 8);
    assert_false(modem_is_asleep(b->modem)); /* not before it is on the network */
    attach(b);
    b->now_ms += 4000;
    (void)modem_tick(b->modem, b->now_ms);
    assert_true(modem_is_asleep(b->modem));
    size_t polls = b->polls;
    assert_fails(deliver(b), ERR_BUSY);
    wait_s(b, 8);
    assert_int_equal(b->polls, polls);
    assert_int_equal(b->taken + b->envelopes, 0);
    wait_s(b, 2);
    assert_false(modem_is_asleep(b->modem));
    assert_ok(deliver(b));
    assert_int_equal(b->taken, 1);
    assert_int_equal(b->envelopes, 1);
    modem_free(b->modem);
}

static void what_comes_asleep_may_be_lost(void **state)
{
    (void)state;
    struct modem_quirks quirks = { .awake_s = 3, .asleep_s = 10, .loses_sms = true };
    struct bench *b = bench_new(&quirks);
    attach(b);
    b->now_ms += 4000;
    (void)modem_tick(b->modem, b->now_ms);
    assert_ok(deliver(b));
    assert_int_equal(b->taken, 1); /* the network believes it */
    wait_s(b, 20);
    assert_int_equal(b->envelopes, 0);
    modem_free(b->modem);
}

static void slow_answers_take_their_time(void **state)
{
    (void)state;
    struct modem_quirks quirks = { .answer_ms = 500 };
    struct bench *b = bench_new(&quirks);
    for (int i = 0; i < 4; i++)
        assert_ok(deliver(b));
    uint64_t started = b->now_ms;
    while (b->envelopes < 4) {
        size_t heard = b->envelopes + b->polls;
        uint64_t next = modem_tick(b->modem, b->now_ms);
        assert_in_range(b->envelopes + b->polls, heard, heard + 1); /* polls take their turn */
        assert_in_range(next, b->now_ms + 1, b->now_ms + 500);
        b->now_ms = next;
    }
    assert_in_range(b->now_ms - started, 2000, 5000);
    modem_free(b->modem);
}

/* One message at a time is on its way: the card's waits for the host's, and the other way round the host is told. */
static void host_and_card_share_the_air(void **state)
{
    (void)state;
    struct modem_quirks none = { 0 };
    struct bench *b = bench_new(&none);
    struct modem_host host = { .context = b, .sms_sent = on_host_sent };
    static const char card[] = "D016810301130082028183" "8B0B" "01000291940000" "03" "414243";
    modem_set_host(b->modem, &host);
    assert_fails(modem_host_submit(b->modem, b->now_ms, hex_lit("01000291940000024142")), ERR_CLOSED);
    attach(b);
    assert_ok(modem_host_submit(b->modem, b->now_ms, hex_lit("01000291940004024142")));
    assert_int_equal(b->submits, 1);
    assert_fails(modem_host_submit(b->modem, b->now_ms, hex_lit("01000291940004024142")), ERR_BUSY);
    b->pending = hex_lit(card);
    wait_s(b, 1);
    assert_int_equal(b->submits, 1);
    modem_sms_sent(b->modem, b->now_ms, true);
    assert_int_equal(b->host_sent, 1);
    assert_int_equal(b->submits, 2); /* now the card's leaves */
    assert_int_equal(b->submitted.ud.len, 3);
    assert_fails(modem_host_submit(b->modem, b->now_ms, hex_lit("01000291940004024142")), ERR_BUSY);
    modem_sms_sent(b->modem, b->now_ms, true);
    assert_int_equal(b->responses, 1);
    assert_int_equal(b->host_sent, 1);
    modem_free(b->modem);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bip_is_told_and_kept),      cmocka_unit_test(the_profile_is_what_the_file_says),
        cmocka_unit_test(small_buffers_are_told),       cmocka_unit_test(refresh_may_be_ignored),
        cmocka_unit_test(location_may_be_kept_secret),  cmocka_unit_test(sleep_means_silence),
        cmocka_unit_test(what_comes_asleep_may_be_lost), cmocka_unit_test(slow_answers_take_their_time),
        cmocka_unit_test(host_and_card_share_the_air),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
