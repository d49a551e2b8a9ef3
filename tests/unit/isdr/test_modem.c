/* The card in a real modem's slot (device/modem): attach with AKA, notification and trigger as short messages, an
 * administration session, and a profile whose subscription the network refuses. */
#include "lab_modem.h"

#define SECOND "TS48V5-SAIP2-3-NOBERTLV-UNIQUE.der"

struct air {
    struct lab *lab;
    struct modem *modem;
    bool refuses; /* the HLR knows the subscription no more */
    uint64_t sqn;
    size_t taken, attached, refused;
    bool channel;
    unsigned channel_id;
    struct span up; /* octets of the card that wait for the server */
    uint8_t up_memory[20000];
    struct sms_submit sms;
    uint8_t sms_ud[SMS_UD_MAX];
    bool has_sms, wants_auth, wants_location, wants_open, wants_close;
};

static void on_auth_info(void *c, const char *imsi, const uint8_t *rand, const uint8_t *auts)
{
    (void)imsi, (void)rand, (void)auts;
    ((struct air *)c)->wants_auth = true;
}
static void on_location(void *c, const char *imsi) { (void)imsi, ((struct air *)c)->wants_location = true; }
static void on_registered(void *c, const char *imsi, const char *msisdn) { (void)c, (void)imsi, (void)msisdn; }
static void on_sms(void *c, const struct sms_submit *sms)
{
    struct air *a = c;
    a->sms = *sms;
    memcpy(a->sms_ud, sms->ud.ptr, sms->ud.len);
    a->sms.ud = (struct span){ a->sms_ud, sms->ud.len };
    a->has_sms = true;
}
static void on_taken(void *c, uint64_t tag, bool ok) { (void)tag, ((struct air *)c)->taken += ok; }
static void on_open(void *c, unsigned channel, enum modem_transport transport, const uint8_t ipv4[4],
                    uint16_t port)
{
    (void)transport, (void)ipv4, (void)port;
    ((struct air *)c)->wants_open = true;
    ((struct air *)c)->channel_id = channel;
}
static void on_send(void *c, unsigned channel, struct span bytes)
{
    struct air *a = c;
    (void)channel;
    assert_true(a->up.len + bytes.len <= sizeof a->up_memory);
    memcpy(a->up_memory + a->up.len, bytes.ptr, bytes.len);
    a->up = (struct span){ a->up_memory, a->up.len + bytes.len };
}
static void on_close(void *c, unsigned channel) { (void)channel, ((struct air *)c)->wants_close = true; }
static void on_attached(void *c, const char *imsi, bool accepted, const char *why)
{
    (void)imsi, (void)why;
    *(accepted ? &((struct air *)c)->attached : &((struct air *)c)->refused) += 1;
}

/* The GSMA test profiles' key is 00 … 0F, their algorithm the test one. */
static void answer_auth(struct air *a)
{
    uint8_t k[16];
    if (a->refuses) {
        modem_auth_info(a->modem, a->lab->clock.now_ms, NULL, 0x02);
        return;
    }
    for (uint8_t i = 0; i < 16; i++)
        k[i] = i;
    struct gsup_vector v = lab_vector(&(struct lab_subscription){ AKA_XOR_TEST, SPAN_OF(k), SPAN_NONE }, &a->sqn);
    modem_auth_info(a->modem, a->lab->clock.now_ms, &v, 0);
}

static void keep_sms(struct air *a)
{
    struct lab_terminal *t = &a->lab->terminal;
    assert_true(t->sms_count < LAB_SMS_MAX);
    t->sms[t->sms_count].len = (uint8_t)a->sms.ud.len;
    memcpy(t->sms[t->sms_count++].ud, a->sms.ud.ptr, a->sms.ud.len);
}

/* Everything that waits on the air, until nothing does. */
static void settle(struct air *a)
{
    struct lab_server *s = &a->lab->server;
    uint64_t now = a->lab->clock.now_ms;
    for (int i = 0; i < 2000; i++) {
        if (a->wants_auth) {
            a->wants_auth = false;
            answer_auth(a);
        } else if (a->wants_location) {
            a->wants_location = false;
            modem_location_updated(a->modem, now, true, "491700000001", 0);
        } else if (a->has_sms) {
            a->has_sms = false;
            keep_sms(a);
            modem_sms_sent(a->modem, now, true);
        } else if (a->wants_open) {
            a->wants_open = false;
            a->channel = true;
            server_accept(s);
            modem_channel_opened(a->modem, now, a->channel_id, true);
        } else if (a->wants_close) {
            a->wants_close = a->channel = false;
            a->up.len = 0;
            server_close(s);
        } else if (a->channel && a->up.len) {
            struct span in = a->up;
            a->up.len = 0;
            assert_true(server_feed(s, in));
        } else if (a->channel && s->out_len) {
            size_t taken;
            struct span out = { s->out, s->out_len };
            (void)modem_channel_data(a->modem, now, a->channel_id, out, &taken);
            s->out_len -= taken;
            memmove(s->out, s->out + taken, s->out_len);
        } else {
            return;
        }
    }
    fail_msg("the air never comes to rest");
}

static void wait_s(struct air *a, unsigned seconds)
{
    for (; seconds; seconds--) {
        a->lab->clock.now_ms += 1000;
        (void)modem_tick(a->modem, a->lab->clock.now_ms);
        settle(a);
    }
}

static void send_ud(struct air *a, struct span ud)
{
    struct sms_deliver m = { .udhi = true, .pid = 0x7F, .dcs = 0xF6, .ud = ud };
    WRITER_ON_STACK(tpdu, SMS_TPDU_MAX);
    assert_ok(sms_address_of("+33699082113", &m.from));
    sms_scts(a->lab->clock.now_ms, m.scts);
    wr_sms_deliver(&tpdu, &m);
    assert_ok(modem_sms_deliver(a->modem, a->lab->clock.now_ms, wr_span(&tpdu), 1));
    settle(a);
}

/* One secured packet to the ISD-R without PoR. */
static void send_packet(struct air *a, struct span data)
{
    struct scp80_keys keys = { .kic = SPAN_OF(LAB_KEY), .kid = SPAN_OF(LAB_KEY) };
    struct scp80_header h = { .spi1 = SCP80_SPI1_FULL,
                              .spi2 = 0x00,
                              .kic = 0x12,
                              .kid = 0x12,
                              .tar = { 0, 0, 1 },
                              .counter = ++a->lab->sent_counter };
    WRITER_ON_STACK(packet, SMS_PACKET_MAX);
    WRITER_ON_STACK(out, SMS_PACKET_MAX + 200);
    struct span parts[SMS_PARTS_MAX];
    size_t count;
    assert_ok(scp80_command_wrap(&h, &keys, data, &packet));
    assert_ok(sms_split(wr_span(&packet), SMS_IEI_COMMAND, ++a->lab->reference, &out, parts, &count));
    for (size_t i = 0; i < count; i++)
        send_ud(a, parts[i]);
}

static struct es5_notification next_notification(struct air *a)
{
    struct es5_notification n = { .type = 0 };
    struct span e1 = smsr_notification(a->lab);
    assert_true(e1.len > 0);
    assert_ok(es5_notification_parse(e1, &n));
    return n;
}

static void confirm(struct air *a, uint16_t sequence)
{
    WRITER_ON_STACK(w, 64);
    wr_bytes(&w, hex_lit("AA0F220D"));
    es5_notification_confirmation_write(&w, sequence);
    w.buf[1] = (uint8_t)(w.len - 2);
    w.buf[3] = (uint8_t)(w.len - 4);
    send_packet(a, wr_span(&w));
}

/* A card with a second profile in a modem that is about to be switched on. */
static struct air *air_new(struct modem_quirks quirks)
{
    struct air *a = calloc(1, sizeof *a);
    a->lab = lab_new(true);
    lab_install(a->lab, 0x11, lab_profile(SECOND));
    memcpy(a->lab->server.psk, LAB_PSK, 16);
    struct modem_config config = {
        .imei = "490154203237518", .attach_retry_s = 20, .mcc_mnc = { 0x00, 0xF1, 0x10 }, .quirks = quirks
    };
    struct modem_slot slot = lab_slot(a->lab);
    struct modem_lines lines = { .context = a,
                                 .send_auth_info = on_auth_info,
                                 .update_location = on_location,
                                 .registered = on_registered,
                                 .sms_submit = on_sms,
                                 .sms_taken = on_taken,
                                 .channel_open = on_open,
                                 .channel_send = on_send,
                                 .channel_close = on_close,
                                 .watch = { .context = a, .attached = on_attached } };
    a->modem = modem_new(&config, &slot, &lines);
    return a;
}

static void air_free(struct air *a)
{
    modem_free(a->modem);
    lab_free(a->lab);
    free(a);
}

static void the_card_lives_in_a_modem(void **state)
{
    (void)state;
    struct air *a = air_new((struct modem_quirks){ 0 });

    /* first life: attach, notification, confirmation */
    modem_power_on(a->modem, a->lab->clock.now_ms);
    settle(a);
    assert_true(modem_is_registered(a->modem));
    assert_int_equal(a->attached, 1);
    struct es5_notification n = next_notification(a);
    assert_int_equal(n.type, ES5_FIRST_ATTACH);
    assert_true(n.has_imei);
    assert_memory_equal(n.imei, hex_lit("4A09512430325781").ptr, 8);
    confirm(a, n.sequence);
    assert_int_equal(lab_card(a->lab)->isdr->sw.state.phase, SWITCH_IDLE);

    /* a session */
    WRITER_ON_STACK(trigger, SCP81_TRIGGER_MAX);
    struct scp81_trigger t = { .connection = hex_lit("350103390205783C03021F9A3E05217F000001"),
                               .uri = span_text("/agent") };
    scp81_trigger_write(&trigger, &t);
    a->lab->server.steps[a->lab->server.step_count++] =
        (struct lab_server_step){ NULL, hex_lit("AE80220980CABF30035C015A000000") };
    send_packet(a, wr_span(&trigger));
    assert_int_equal(a->lab->server.request_count, 2);
    assert_false(a->channel);

    /* a profile that the network refuses: back, and told so */
    a->refuses = true;
    send_packet(a, hex_lit("AA1C221A80E28800153A03124F10A0000005591010FFFFFFFF8900001100"));
    assert_int_equal(lab_state(a->lab, 0x11), ISDP_ENABLED);
    assert_false(modem_is_registered(a->modem));
    wait_s(a, 298);
    assert_true(a->refused > 3);
    assert_int_equal(lab_state(a->lab, 0x11), ISDP_ENABLED);
    assert_int_equal(smsr_notification(a->lab).len, 0);
    for (int i = 0; i < 10 && lab_state(a->lab, 0x10) != ISDP_ENABLED; i++)
        wait_s(a, 1);
    assert_int_equal(lab_state(a->lab, 0x10), ISDP_ENABLED);
    a->refuses = false; /* of the old subscription nobody said anything */
    wait_s(a, 30);
    assert_true(modem_is_registered(a->modem));
    n = next_notification(a);
    assert_int_equal(n.type, ES5_CHANGE_ROLLED_BACK);
    confirm(a, n.sequence);
    assert_int_equal(lab_card(a->lab)->isdr->sw.state.phase, SWITCH_IDLE);
    air_free(a);
}

/* ---- devices that sleep ---- */

#define AWAKE_S  10u
#define ASLEEP_S 36000u

/* EF.UMPC of the profile in use says that SUSPEND UICC is there. */
static void offer_suspension(struct air *a)
{
    struct card *card = lab_card(a->lab);
    fs_number umpc = fs_by_path(&card->fs, FS_MF, FS_NONE, hex_lit("2F08"));
    assert_int_not_equal(umpc, FS_NONE);
    card_begin(card);
    assert_ok(fs_write(&card->fs, umpc, 2, hex_lit("02")));
    assert_ok(card_commit(card));
}

/* A new profile is enabled, has told so once, and nobody has confirmed. */
static struct air *waits_for_confirmation(bool suspends)
{
    struct air *a = air_new((struct modem_quirks){ .awake_s = AWAKE_S, .asleep_s = ASLEEP_S, .suspends = suspends });
    modem_power_on(a->modem, a->lab->clock.now_ms);
    settle(a);
    confirm(a, next_notification(a).sequence);
    send_packet(a, hex_lit("AA1C221A80E28800153A03124F10A0000005591010FFFFFFFF8900001100"));
    assert_int_equal(lab_state(a->lab, 0x11), ISDP_ENABLED);
    offer_suspension(a);
    assert_int_equal(lab_card(a->lab)->isdr->sw.state.tries, 1);
    return a;
}

static void fall_asleep(struct air *a)
{
    for (unsigned s = 0; s < 3 * AWAKE_S && !modem_is_asleep(a->modem); s++)
        wait_s(a, 1);
    assert_true(modem_is_asleep(a->modem));
}

static void sleep_through(struct air *a)
{
    a->lab->clock.now_ms += ASLEEP_S * 1000ull;
    (void)modem_tick(a->modem, a->lab->clock.now_ms);
    settle(a);
    assert_false(modem_is_asleep(a->modem));
}

/* Three nights of ten hours: the three tries of an hour each are made awake, and the confirmation still finds its switch. */
static void time_asleep_costs_no_try(void **state)
{
    bool suspends = *state != NULL;
    struct air *a = waits_for_confirmation(suspends);
    uint16_t sequence = next_notification(a).sequence;
    unsigned resets = (unsigned)modem_counts(a->modem).resets;
    for (int night = 0; night < 3; night++) {
        fall_asleep(a);
        assert_int_equal(lab_card(a->lab)->suspension != SUSPENSION_NONE, suspends);
        sleep_through(a);
    }
    assert_int_equal(modem_counts(a->modem).resets - resets, suspends ? 3 : 0);
    assert_int_equal(lab_state(a->lab, 0x11), ISDP_ENABLED);
    assert_true(lab_card(a->lab)->isdr->sw.state.tries <= 3);
    assert_true(modem_is_registered(a->modem));
    confirm(a, sequence);
    assert_int_equal(lab_card(a->lab)->isdr->sw.state.phase, SWITCH_IDLE);
    air_free(a);
}

/* The card rolls back nevertheless when nobody confirms in all the time it was awake. */
static void time_awake_counts(void **state)
{
    (void)state;
    struct air *a = waits_for_confirmation(true);
    for (int night = 0; night < 60 && lab_state(a->lab, 0x10) != ISDP_ENABLED; night++) {
        fall_asleep(a);
        sleep_through(a);
    }
    assert_int_equal(lab_state(a->lab, 0x10), ISDP_ENABLED);
    assert_int_equal(a->attached, 3);
    air_free(a);
}

/* No service at bed-time is not ten hours without service. */
static void a_night_without_coverage_is_no_loss_of_network(void **state)
{
    struct air *a = waits_for_confirmation(*state != NULL);
    confirm(a, next_notification(a).sequence);
    wait_s(a, 5);
    struct switch_run *run = &lab_card(a->lab)->isdr->sw;
    switch_service(lab_card(a->lab), false);
    fall_asleep(a);
    sleep_through(a);
    assert_int_equal(run->state.phase, SWITCH_IDLE);
    wait_s(a, 2);
    assert_int_equal(run->state.phase, SWITCH_IDLE);
    assert_int_equal(lab_state(a->lab, 0x11), ISDP_ENABLED);
    air_free(a);
}

int main(void)
{
    if (!shared_path("data/profiles/" SECOND))
        return TEST_SKIPPED;
    static char with_suspension[] = "suspended";
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_card_lives_in_a_modem),
        cmocka_unit_test(time_asleep_costs_no_try),
        cmocka_unit_test_prestate(time_asleep_costs_no_try, with_suspension),
        cmocka_unit_test(time_awake_counts),
        cmocka_unit_test(a_night_without_coverage_is_no_loss_of_network),
        cmocka_unit_test_prestate(a_night_without_coverage_is_no_loss_of_network, with_suspension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
