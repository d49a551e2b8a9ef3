/* What is wrong with a modem, seen from a card that writes down what it hears. */
#include "bench.h"

#define OPEN_CHANNEL "D01C810301400182028182350103390205783C0302" "1F903E05217F000001"

static void on_host_sent(void *c, bool ok, uint8_t reference) { (void)reference, ((struct bench *)c)->host_sent += ok; }

static void no_bip_is_told_and_kept(void **state)
{
    (void)state;
    struct modem_quirks none = { 0 }, quirks = { .no_bip = true };
    struct bench *plain = bench_new(&none), *b = bench_new(&quirks);
    assert_int_equal(plain->profile[11], 0x1F);
    assert_int_equal(b->profile[11] | (b->profile[5] & 0x0C) | (b->profile[16] & 3), 0);
    assert_int_equal(b->profile[0], plain->profile[0]); /* the rest is as it was */
    bench_attach(plain);
    bench_attach(b);
    assert_int_equal(bench_serve(plain, OPEN_CHANNEL), 0x00);
    assert_int_equal(bench_serve(b, OPEN_CHANNEL), 0x30);
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
    bench_attach(b);
    assert_int_equal(bench_serve(b, OPEN_CHANNEL), 0x07); /* with modification */
    assert_memory_equal(b->response + b->response_len - 4, "\xB9\x02\x00\x64", 4);
    WRITER_ON_STACK(data, 220);
    wr_bytes(&data, hex_lit("D073810301430182028121B668"));
    wr_fill(&data, 0xAA, 104);
    char hex[441];
    assert_int_equal(bench_serve(b, hex_text(wr_span(&data), hex, sizeof hex)), 0x36); /* 104 octets do not fit */
    modem_free(b->modem);
}

static void refresh_may_be_ignored(void **state)
{
    (void)state;
    struct modem_quirks quirks = { .refresh_ignored = true };
    struct bench *b = bench_new(&quirks);
    assert_int_equal(bench_serve(b, "D009810301010482028182"), 0x00);
    assert_int_equal(b->resets, 1);
    modem_free(b->modem);
}

static void location_may_be_kept_secret(void **state)
{
    (void)state;
    struct modem_quirks none = { 0 }, quirks = { .no_location_event = true };
    struct bench *plain = bench_new(&none), *b = bench_new(&quirks);
    assert_int_equal(bench_serve(plain, "D00C8103010500820281829901" "03"), 0x00);
    assert_int_equal(bench_serve(b, "D00C8103010500820281829901" "03"), 0x00);
    bench_attach(plain);
    bench_attach(b);
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
    bench_wait_s(b, 8);
    assert_false(modem_is_asleep(b->modem)); /* not before it is on the network */
    bench_attach(b);
    b->now_ms += 4000;
    (void)modem_tick(b->modem, b->now_ms);
    assert_true(modem_is_asleep(b->modem));
    size_t polls = b->polls;
    assert_fails(bench_deliver(b), ERR_BUSY);
    bench_wait_s(b, 8);
    assert_int_equal(b->polls, polls);
    assert_int_equal(b->taken + b->envelopes, 0);
    bench_wait_s(b, 2);
    assert_false(modem_is_asleep(b->modem));
    assert_ok(bench_deliver(b));
    assert_int_equal(b->taken, 1);
    assert_int_equal(b->envelopes, 1);
    modem_free(b->modem);
}

static void what_comes_asleep_may_be_lost(void **state)
{
    (void)state;
    struct modem_quirks quirks = { .awake_s = 3, .asleep_s = 10, .loses_sms = true };
    struct bench *b = bench_new(&quirks);
    bench_attach(b);
    b->now_ms += 4000;
    (void)modem_tick(b->modem, b->now_ms);
    assert_ok(bench_deliver(b));
    assert_int_equal(b->taken, 1); /* the network believes it */
    bench_wait_s(b, 20);
    assert_int_equal(b->envelopes, 0);
    modem_free(b->modem);
}

static void slow_answers_take_their_time(void **state)
{
    (void)state;
    struct modem_quirks quirks = { .answer_ms = 500 };
    struct bench *b = bench_new(&quirks);
    for (int i = 0; i < 4; i++)
        assert_ok(bench_deliver(b));
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
    bench_attach(b);
    assert_ok(modem_host_submit(b->modem, b->now_ms, hex_lit("01000291940004024142")));
    assert_int_equal(b->submits, 1);
    assert_fails(modem_host_submit(b->modem, b->now_ms, hex_lit("01000291940004024142")), ERR_BUSY);
    b->pending = hex_lit(card);
    bench_wait_s(b, 1);
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
