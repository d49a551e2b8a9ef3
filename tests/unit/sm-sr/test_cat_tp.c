/* CAT_TP at the SM-SR: which way a script goes and why, work over links, triggers that follow a packet, answers that
 * got lost, cards that do not come, notifications, and strangers. */
#include "link.h"

#include "lib/ota/es5.h"
#include "lib/scp/scp80.h"

static struct world w;
static struct link_client client;

static void begin(enum smsr_bearer_choice bearer)
{
    world_make(&w);
    w.config.bearer = bearer;
    w.config.cat_tp_port = 9000;
    w.config.cat_tp_udp_port = 8444;
    w.config.no_https = true;
    w.cat_tp = true;
    world_restart(&w);
    client = (struct link_client){ 0 };
    link_install(&w, &client);
    world_register(&w);
    world_add_profile(&w, ICCID_B, OID_OP1, 0x11, "882000002", 0);
}

static void enable(const char *call, uint32_t validity_s)
{
    struct es_profile_request r = { .base = world_call(call, validity_s),
                                    .eid = world_eid(),
                                    .iccid = world_iccid(ICCID_B) };
    world_ask(&w, OID_OP1, ES4_ENABLE_PROFILE, &r);
}

static void must_be_enabled(void)
{
    const struct told *t = world_told(&w, ES4_ENABLE_PROFILE);
    assert_non_null(t);
    if (t->status.exec != EXECUTED_SUCCESS)
        fail_msg("%s/%s %s", t->status.subject, t->status.code, t->status.detail);
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_ENABLED);
    assert_int_equal(w.card.enables, 1);
    world_check_agreement(&w);
    world_free(&w);
}

static void work_goes_over_a_link(void **state)
{
    (void)state;
    begin(SMSR_BEARER_CAT_TP);
    enable("x", 3600);
    world_pass(&w, 60000);
    assert_int_equal(client.links, 2); /* the command, and the confirmation from the other profile */
    assert_int_equal(client.packets, 2);
    must_be_enabled();
}

static void short_work_goes_by_sms(void **state)
{
    (void)state;
    begin(SMSR_BEARER_AUTO);
    enable("x", 3600);
    world_pass(&w, 60000);
    assert_int_equal(client.links, 0);
    must_be_enabled();
}

static void a_card_without_cat_tp_gets_short_messages(void **state)
{
    (void)state;
    world_make(&w);
    w.config.bearer = SMSR_BEARER_CAT_TP;
    w.config.cat_tp_port = 9000;
    world_restart(&w);
    client = (struct link_client){ 0 };
    link_install(&w, &client);
    world_register(&w);
    world_add_profile(&w, ICCID_B, OID_OP1, 0x11, "882000002", 0);
    enable("x", 3600);
    world_pass(&w, 60000);
    assert_int_equal(client.links, 0);
    must_be_enabled();
}

static void a_lossy_line_costs_time_only(void **state)
{
    (void)state;
    for (unsigned permille = 100; permille <= 400; permille += 100) {
        begin(SMSR_BEARER_CAT_TP);
        client.lose_permille = client.chance = permille;
        enable("x", 86400);
        for (unsigned i = 0; i < 60 && !world_told(&w, ES4_ENABLE_PROFILE); i++) {
            world_pass(&w, 60000);
            if (w.card.pending)
                card_repeat(&w);
        }
        must_be_enabled();
    }
}

/* Triggers that follow the packet have lower counters: it is still taken; one that is refused tells that it was. */
static void triggers_do_not_spoil_the_packet(void **state)
{
    (void)state;
    begin(SMSR_BEARER_CAT_TP);
    client.no_answer = true; /* the packet cannot even be acknowledged … */
    enable("x", 86400);
    world_pass(&w, 100000);
    unsigned executed = client.executed;
    client.no_answer = false;
    world_pass(&w, 400000);
    assert_int_equal(executed, 0);
    must_be_enabled();
}

static void an_answer_that_got_lost_is_said_again(void **state)
{
    (void)state;
    begin(SMSR_BEARER_CAT_TP);
    enable("x", 86400);
    for (unsigned i = 0; i < 50 && !client.executed; i++)
        world_pass(&w, 1);
    world_restart(&w); /* it is killed: the link is forgotten */
    world_pass(&w, 200000);
    must_be_enabled();
}

static void create_isdp(void)
{
    struct es3_create_isdp r = { .base = world_call("x", 3600),
                                 .eid = world_eid(),
                                 .iccid = world_iccid("8999970000000000019"),
                                 .required_memory = 30000 };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP1), &r.mno_id));
    world_ask(&w, OID_SMDP, ES3_CREATE_ISDP, &r);
}

static void a_terminal_without_udp_is_served_by_sms(void **state)
{
    (void)state;
    begin(SMSR_BEARER_AUTO);
    w.config.sms_script_max = 1300;
    client.no_udp = true;
    create_isdp();
    world_pass(&w, 3000); /* PUSH is refused: it does not wait for more triggers */
    const struct told *t = world_told(&w, ES3_CREATE_ISDP);
    assert_true(t && t->status.exec == EXECUTED_SUCCESS);
    assert_int_equal(client.links, 0);
    world_free(&w);
}

static void send_data(struct span data)
{
    struct es3_send_data r = {
        .base = world_call("data", 3600), .eid = world_eid(), .sd_aid = aid_isdp(0x11), .data = data
    };
    world_ask(&w, OID_SMDP, ES3_SEND_DATA, &r);
    world_settle(&w);
}

/* The card's SYN says what it can take: the packet goes another way, and the card is not called again and again. */
static void a_card_with_little_room_is_served_by_sms(void **state)
{
    (void)state;
    begin(SMSR_BEARER_AUTO);
    client.sdu_max = 60;
    send_data(hex_lit("220580CAFF2100 220580CAFF2100 220580CAFF2100 220580CAFF2100 220580CAFF2100 220580CAFF2100"));
    world_pass(&w, 5000);
    const struct told *t = world_told(&w, ES3_SEND_DATA);
    assert_true(t && t->status.exec == EXECUTED_SUCCESS);
    assert_int_equal(client.links, 1);
    assert_int_equal(client.packets, 0);
    world_free(&w);
}

/* Where there is no other way it is said at once, and not at the end of an hour. */
static void a_card_with_little_room_and_no_other_way_is_told_of(void **state)
{
    (void)state;
    begin(SMSR_BEARER_CAT_TP);
    client.sdu_max = 60;
    create_isdp();
    world_pass(&w, 3000);
    const struct told *t = world_told(&w, ES3_CREATE_ISDP);
    assert_true(t && t->status.exec == EXECUTED_FAILED);
    assert_non_null(strstr(t->status.detail, "takes 60 octets at a time"));
    assert_int_equal(client.links, 1);
    world_free(&w);
}

/* What waits for a session goes over a link when the card comes with one, if it fits there. */
static void what_waits_for_https_goes_over_a_link_that_comes(void **state)
{
    (void)state;
    for (unsigned items = 1; items <= 7; items += 6) {
        static uint8_t room[8000];
        struct writer data = wr_of(room, sizeof room);
        for (unsigned i = 0; i < items; i++)
            wr_bytes(&data, hex_lit("868203E8")), wr_fill(&data, 0x5A, 1000);
        begin(SMSR_BEARER_AUTO);
        w.config.no_https = false; /* but the card never comes that way */
        w.config.https_tries = 100;
        world_restart(&w);
        send_data(wr_span(&data));
        world_pass(&w, 1000);
        assert_int_equal(client.packets, 0);
        link_open(&w, SPAN_NONE);
        world_pass(&w, 5000);
        assert_int_equal(client.packets, items == 1);
        world_free(&w);
    }
}

static struct span packet_of_card(enum scp80_form form, uint64_t counter, bool good)
{
    static uint8_t e1_room[100], room[300];
    struct span e1 = { e1_room, card_notification(&w, ES5_FALLBACK, e1_room, sizeof e1_room) };
    struct writer out = wr_of(room, sizeof room);
    struct scp80_header h = {
        .form = form, .spi1 = 0x16, .kic = 0x12, .kid = 0x12, .tar = { 0, 0, 1 }, .counter = counter
    };
    struct scp80_keys k = { SPAN_OF(w.card.kic), SPAN_OF(w.card.kid), 8 };
    assert_ok(scp80_command_wrap(&h, &k, e1, &out));
    room[20] ^= good ? 0 : 1;
    return wr_span(&out);
}

static void a_notification_comes_over_a_link_and_is_confirmed_there(void **state)
{
    (void)state;
    begin(SMSR_BEARER_CAT_TP);
    unsigned before = w.sms_out;
    w.card.pending = true; /* else it would refuse the confirmation, and be asked for more */
    link_open(&w, packet_of_card(SCP80_CAT_TP, 900, true));
    world_pass(&w, 5000);
    assert_int_equal(client.executed, 1);
    assert_int_equal(w.sms_out, before); /* no trigger was needed */
    world_free(&w);
}

static void a_forged_notification_is_dropped(void **state)
{
    (void)state;
    begin(SMSR_BEARER_CAT_TP);
    link_open(&w, packet_of_card(SCP80_CAT_TP, 900, false));
    world_pass(&w, 5000);
    assert_int_equal(client.executed, 0);
    world_free(&w);
}

static struct span pdu(uint8_t flags, uint16_t to, struct span ident)
{
    static uint8_t room[200];
    struct writer out = wr_of(room, sizeof room);
    struct cat_tp_pdu p = { .flags = flags,
                            .source = 5,
                            .destination = to,
                            .sequence = 9,
                            .ack = 3,
                            .window = 4,
                            .max_pdu = 200,
                            .max_sdu = 1000,
                            .ident = ident };
    cat_tp_pdu_write(&out, &p);
    return wr_span(&out);
}

static void strangers_get_nothing(void **state)
{
    (void)state;
    begin(SMSR_BEARER_CAT_TP);
    link_stray(&w, 200, SPAN_LIT("no PDU at all"));
    assert_int_equal(link_replies(), 0);
    link_stray(&w, 200, pdu(CAT_TP_NUL | CAT_TP_ACK, 9000, SPAN_NONE)); /* no such link: RST */
    link_stray(&w, 200, pdu(CAT_TP_SYN, 9001, SPAN_NONE));              /* no such port */
    assert_int_equal(link_replies(), 2);
    link_stray(&w, 200, pdu(CAT_TP_RST, 9000, SPAN_NONE)); /* not answered: two would never end */
    assert_int_equal(link_replies(), 2);
    for (unsigned i = 0; i < 3000; i++) { /* a crowd that never says who it is */
        struct smsr_address from = { .len = 3, .octets = { 201, (uint8_t)(i >> 8), (uint8_t)i } };
        smsr_datagram(w.smsr, &from, pdu(CAT_TP_SYN, 9000, SPAN_NONE));
    }
    enable("x", 3600);
    world_pass(&w, 100000);
    must_be_enabled();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_goes_over_a_link),
        cmocka_unit_test(short_work_goes_by_sms),
        cmocka_unit_test(a_card_without_cat_tp_gets_short_messages),
        cmocka_unit_test(a_lossy_line_costs_time_only),
        cmocka_unit_test(triggers_do_not_spoil_the_packet),
        cmocka_unit_test(an_answer_that_got_lost_is_said_again),
        cmocka_unit_test(a_terminal_without_udp_is_served_by_sms),
        cmocka_unit_test(a_card_with_little_room_is_served_by_sms),
        cmocka_unit_test(a_card_with_little_room_and_no_other_way_is_told_of),
        cmocka_unit_test(what_waits_for_https_goes_over_a_link_that_comes),
        cmocka_unit_test(a_notification_comes_over_a_link_and_is_confirmed_there),
        cmocka_unit_test(a_forged_notification_is_dropped),
        cmocka_unit_test(strangers_get_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
