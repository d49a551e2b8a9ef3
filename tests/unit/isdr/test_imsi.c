/* A profile with several IMSIs in a real modem's slot (device/modem), across three countries: the card changes IMSI by
 * itself when the network refuses it or the country is another one; each keeps its sequence numbers; power cuts. */
#include "lab_modem.h"

#include "euicc/imsi/imsi.h"
#include "lib/profile/build.h"

static const struct subscriber {
    const char *imsi, *k, *opc;
} subscribers[] = {
    { "999710000000001", "8BAF473F2F8FD09487CCCBD7097C6862", "8E27B6AF0E692E750F32667A3B14605D" },
    { "262010000000002", "9C1185A5C5E9FC54612808977EE8F548", "C9E8763286B5B9FFBDF56E1297D0887B" },
    { "901280000000003", "5122250214C33E723A5DD523FC145FC0", "981D464C7C52EB6E5036234984AD0BCF" },
};

struct air {
    struct lab *lab;
    struct modem *modem;
    char asks[20], registered[20];
    const char *serves; /* imsis this country's network takes, separated by blanks */
    uint64_t sqn[3];
    unsigned refusals, resyncs;
    bool wants_auth, wants_location, has_sms;
    bool untold; /* the modem does not report that the network refused it */
};

static void on_auth_info(void *c, const char *imsi, const uint8_t *rand, const uint8_t *auts)
{
    struct air *a = c;
    (void)rand;
    a->resyncs += auts != NULL;
    snprintf(a->asks, sizeof a->asks, "%s", imsi);
    a->wants_auth = true;
}
static void on_location(void *c, const char *imsi) { (void)imsi, ((struct air *)c)->wants_location = true; }
static void on_registered(void *c, const char *imsi, const char *msisdn)
{
    (void)msisdn;
    snprintf(((struct air *)c)->registered, 20, "%s", imsi ? imsi : "");
}
static void on_sms(void *c, const struct sms_submit *sms) { (void)sms, ((struct air *)c)->has_sms = true; }
static void on_taken(void *c, uint64_t tag, bool ok) { (void)c, (void)tag, (void)ok; }
static void on_open(void *c, unsigned channel, enum modem_transport transport, const uint8_t ipv4[4],
                    uint16_t port)
{
    (void)c, (void)channel, (void)transport, (void)ipv4, (void)port;
}
static void on_send(void *c, unsigned channel, struct span bytes) { (void)c, (void)channel, (void)bytes; }
static void on_close(void *c, unsigned channel) { (void)c, (void)channel; }

/* The home network's vector, with a sequence number that only grows. */
static void answer_auth(struct air *a)
{
    size_t i = 0;
    while (i < 3 && strcmp(subscribers[i].imsi, a->asks) != 0)
        i++;
    assert_true(i < 3);
    if (!strstr(a->serves, a->asks)) {
        a->refusals++;
        modem_auth_info(a->modem, a->lab->clock.now_ms, NULL, 0x0B);
        return;
    }
    const struct lab_subscription s = { AKA_MILENAGE, hex_lit(subscribers[i].k), hex_lit(subscribers[i].opc) };
    struct gsup_vector v = lab_vector(&s, &a->sqn[i]);
    modem_auth_info(a->modem, a->lab->clock.now_ms, &v, 0);
}

static void settle(struct air *a)
{
    for (int i = 0; i < 200; i++) {
        if (a->wants_auth) {
            a->wants_auth = false;
            answer_auth(a);
        } else if (a->wants_location) {
            a->wants_location = false;
            modem_location_updated(a->modem, a->lab->clock.now_ms, true, "491700000001", 0);
        } else if (a->has_sms) {
            a->has_sms = false;
            modem_sms_sent(a->modem, a->lab->clock.now_ms, true);
        } else {
            return;
        }
    }
    fail_msg("the air never comes to rest");
}

/* The device is carried there and switched on; how long it takes to be registered, in seconds. */
static unsigned travel(struct air *a, const char *mcc_mnc, const char *serves)
{
    struct modem_config config = { .imei = "490154203237518", .attach_retry_s = 20, .poll_s = 10, .pin = "0000" };
    struct modem_slot slot = lab_slot(a->lab);
    struct modem_lines lines = { .context = a,
                                 .send_auth_info = on_auth_info,
                                 .update_location = on_location,
                                 .registered = on_registered,
                                 .sms_submit = on_sms,
                                 .sms_taken = on_taken,
                                 .channel_open = on_open,
                                 .channel_send = on_send,
                                 .channel_close = on_close };
    memcpy(config.mcc_mnc, hex_lit(mcc_mnc).ptr, 3);
    config.quirks.no_rejection_event = a->untold;
    modem_free(a->modem);
    a->modem = modem_new(&config, &slot, &lines);
    a->serves = serves;
    a->registered[0] = '\0';
    a->refusals = 0;
    a->wants_auth = a->wants_location = a->has_sms = false;
    modem_power_on(a->modem, a->lab->clock.now_ms);
    settle(a);
    unsigned seconds = 0;
    for (; !a->registered[0] && seconds < 600; seconds++) {
        a->lab->clock.now_ms += 1000;
        (void)modem_tick(a->modem, a->lab->clock.now_ms);
        settle(a);
    }
    return seconds;
}

static struct span package(struct arena *a)
{
    char path[500];
    struct build_fault fault;
    struct span p;
    snprintf(path, sizeof path, "%s/profiles/bootstrap-multi-imsi.profile", getenv("OSPREY_SOURCE"));
    if (profile_build(file_bytes(path), NULL, 0, a, &p, &fault) != ERR_NONE)
        fail_msg("line %u: %s", fault.line, fault.text);
    return p;
}

static struct lab *world(struct arena *a)
{
    struct lab *lab = malloc(sizeof *lab);
    arena_init(a, 4 * BUILD_ARENA_MIN);
    lab_init(lab);
    lab->p.bootstrap_package = package(a);
    lab->p.timing.poll_interval_s = 10;
    lab_make(lab);
    return lab;
}

static void journey(bool told)
{
    struct arena arena;
    struct air *a = calloc(1, sizeof *a);
    a->lab = world(&arena);
    a->untold = !told;
    /* at home: the profile's own */
    assert_in_range(travel(a, "99F917", "999710000000001"), 0, 5);
    assert_string_equal(a->registered, subscribers[0].imsi);
    assert_int_equal(a->refusals, 0);
    /* a country that one IMSI names: taken as soon as the card hears where it is */
    assert_in_range(travel(a, "62F210", "262010000000002"), 0, 45);
    assert_string_equal(a->registered, subscribers[1].imsi);
    assert_in_range(a->refusals, 1, 2);
    /* it names this one too, but the network there does not take it: the one for everywhere, at once or after the timer */
    assert_in_range(travel(a, "02F810", "901280000000003"), told ? 0 : 30, told ? 10 : 120);
    assert_string_equal(a->registered, subscribers[2].imsi);
    /* unknown land, the same IMSI goes on */
    assert_in_range(travel(a, "22F210", "901280000000003"), 0, 5);
    assert_string_equal(a->registered, subscribers[2].imsi);
    assert_int_equal(a->refusals, 0);
    /* home again, by the country alone: the network at home would take the other one as well */
    (void)travel(a, "99F917", "999710000000001 901280000000003");
    for (int i = 0; i < 60 && strcmp(a->registered, subscribers[0].imsi) != 0; i++) {
        a->lab->clock.now_ms += 1000;
        (void)modem_tick(a->modem, a->lab->clock.now_ms);
        settle(a);
    }
    assert_string_equal(a->registered, subscribers[0].imsi);
    /* and its sequence numbers were waiting: the vectors went on where they were, nothing had to be resynchronised */
    assert_int_equal(a->resyncs, 0);
    assert_int_equal(a->sqn[0], 2 * 0x20);
    modem_free(a->modem);
    lab_free(a->lab);
    arena_release(&arena);
    free(a);
}

static void three_countries(void **state)
{
    (void)state;
    journey(true);
}

static void three_countries_by_the_timer(void **state)
{
    (void)state;
    journey(false);
}

static void an_old_vector_is_old_after_a_change_too(void **state)
{
    (void)state;
    struct arena arena;
    struct air *a = calloc(1, sizeof *a);
    a->lab = world(&arena);
    (void)travel(a, "99F917", "999710000000001");
    (void)travel(a, "62F210", "262010000000002");
    a->sqn[0] = 0; /* the home network forgot */
    (void)travel(a, "99F917", "999710000000001");
    assert_true(a->resyncs > 0);
    modem_free(a->modem);
    lab_free(a->lab);
    arena_release(&arena);
    free(a);
}

/* ---- memory ---- */

static void expect_one_subscription(struct lab *lab)
{
    struct card *card = lab_card(lab);
    struct imsi_rules rules;
    uint8_t imsi[9];
    size_t len;
    assert_ok(imsi_rules_get(card->objects, card->profile, &rules));
    assert_int_equal(rules.count, 3);
    assert_int_equal(rules.rules[1].country_count, 2);
    assert_int_equal(rules.rules[1].countries[0], 262);
    assert_ok(card_read_file(card, true, hex_lit("6F07"), imsi, sizeof imsi, &len));
    assert_memory_equal(imsi, lab_isdp(lab, 0x10)->imsi, 9);
    uint8_t active = imsi_active(card, &rules);
    assert_true(active < 3);
    /* third digit of the IMSI: 9, 2, 1 */
    static const uint8_t third[] = { 9, 2, 1 };
    assert_int_equal(imsi[2] >> 4, third[active]);
}

static void power_may_fail_while_it_changes(void **state)
{
    (void)state;
    struct arena arena;
    struct lab *lab = world(&arena);
    unsigned changed = 0;
    for (uint64_t at = 1; at < 2600; at += 11) {
        struct card *card = lab_card(lab);
        struct imsi_rules rules;
        assert_ok(imsi_rules_get(card->objects, card->profile, &rules));
        uint8_t from = imsi_active(card, &rules), to = (uint8_t)((from + 1) % 3);
        nvm_memory_cut_after(&lab->memory, at);
        enum err err = imsi_change(card, from, to);
        lab_power_cycle(lab);
        expect_one_subscription(lab);
        uint8_t now = imsi_active(lab_card(lab), &rules);
        assert_int_equal(now, now == to ? to : from);
        assert_true(err != ERR_NONE || now == to);
        changed += now == to;
    }
    assert_in_range(changed, 5, 230);
    lab_free(lab);
    arena_release(&arena);
}

/* ---- rules as text and octets ---- */

static void bad_rules_are_refused(void **state)
{
    (void)state;
    struct multi_imsi m;
    static const char good[] = "8002003C A129 8009080910101032547698 8102 0106 820101 8310 000102030405060708090A0B0C0D0E0F 8400 850102";
    assert_ok(multi_imsi_parse(hex_lit(good), &m));
    assert_int_equal(m.count, 1);
    assert_int_equal(m.timer_s, 60);
    assert_int_equal(multi_imsi_country(&m.entries[0], 0), 262);
    WRITER_ON_STACK(w, 100);
    multi_imsi_write(&w, &m);
    assert_span_equal(wr_span(&w), hex_lit(good));
    static const struct {
        const char *content;
        enum err err;
    } bad[] = {
        { "", ERR_MISSING },
        { "8002003C", ERR_MISSING },
        { "8002003C A100", ERR_MISSING },
        { "8002003C A20100", ERR_BAD_TAG },
        { "8002003C A112 80080809101010325476 8201018303000102", ERR_BAD_LENGTH },
        { "8002003C A1 7F", ERR_TRUNCATED },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_fails(multi_imsi_parse(hex_lit(bad[i].content), &m), bad[i].err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_countries),
        cmocka_unit_test(three_countries_by_the_timer),
        cmocka_unit_test(an_old_vector_is_old_after_a_change_too),
        cmocka_unit_test(power_may_fail_while_it_changes),
        cmocka_unit_test(bad_rules_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
