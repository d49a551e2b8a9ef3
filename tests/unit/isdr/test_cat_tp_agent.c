/* CAT_TP on the card: PUSH by SMS, a link over the terminal's UDP channel, SCP80 packets on it, over a line that loses
 * datagrams; answers that were not heard, links that break, switches, notifications. */
#include "lab.h"

#include "euicc/agent/cat_tp_agent.h"

#define PUSH_CHANNEL "80EC010113 350103 39020578 3C03012328 3E05210A08288F 00"
#define PUSH_LINK    "80EC010217 3C03002328 3610 89044045113010000000000000000002 00"
#define EID          "89044045113010000000000000000002"
#define CREATE_11                                                                                                      \
    "80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010A0000005591010FFFFFFFF8900001100" \
    "0380C000"                                                                                                         \
    "06C904810203700000"
#define GET_MEMORY "80CAFF2100"

/* The SM-SR's end: one listening machine, the last SDU the card said. */
struct sr {
    struct lab *lab;
    struct cat_tp link;
    uint8_t tx[CAT_TP_SDU_MAX], rx[CAT_TP_SDU_MAX], sdu[CAT_TP_SDU_MAX], ident[64];
    size_t sdu_len, sdus, ident_len, opened;
    unsigned lose_permille, chance;
    bool mute, closed;
    uint8_t closed_reason;
};

static bool lost(struct sr *sr)
{
    sr->chance = sr->chance * 1103515245u + 12345u;
    return (sr->chance >> 16) % 1000 < sr->lose_permille;
}

static void from_card(void *context, struct span datagram)
{
    struct sr *sr = context;
    if (!sr->mute && !lost(sr))
        cat_tp_receive(&sr->link, sr->lab->clock.now_ms, datagram);
}

static void to_card(void *context, struct span datagram)
{
    struct sr *sr = context;
    if (!lost(sr))
        lab_datagram(sr->lab, datagram);
}

static void opened(void *context, struct span ident)
{
    struct sr *sr = context;
    sr->opened++;
    memcpy(sr->ident, ident.ptr, sr->ident_len = ident.len);
}

static void sdu(void *context, struct span bytes)
{
    struct sr *sr = context;
    sr->sdus++;
    memcpy(sr->sdu, bytes.ptr, sr->sdu_len = bytes.len);
}

static void closed(void *context, uint8_t reason)
{
    ((struct sr *)context)->closed = true;
    ((struct sr *)context)->closed_reason = reason;
}

static void listen(struct sr *sr)
{
    struct cat_tp_config c = { .source = 9000,
                               .max_pdu = 400,
                               .first_sequence = 0xFFFE,
                               .tx = sr->tx,
                               .rx = sr->rx,
                               .tx_cap = sizeof sr->tx,
                               .rx_cap = sizeof sr->rx,
                               .context = sr,
                               .datagram = to_card,
                               .opened = opened,
                               .sdu = sdu,
                               .closed = closed };
    assert_ok(cat_tp_init(&sr->link, &c));
    cat_tp_listen(&sr->link);
    sr->closed = false;
}

static struct sr *world(void)
{
    struct sr *sr = calloc(1, sizeof *sr);
    assert_non_null(sr);
    sr->lab = malloc(sizeof *sr->lab);
    lab_init(sr->lab);
    sr->lab->p.bootstrap_package = lab_profile("TS48v3_SAIP2.3_NoBERTLV.der");
    sr->lab->p.timing.session_idle_s = 120;
    lab_make(sr->lab);
    sr->lab->udp = (struct lab_udp){ .context = sr, .take = from_card };
    sr->lab->terminal.serviced = true;
    terminal_boot(sr->lab);
    assert_true(smsr_notification(sr->lab).len > 0);
    assert_int_equal(smsr_confirm(sr->lab, 1), 0x9000);
    listen(sr);
    return sr;
}

static void end(struct sr *sr)
{
    lab_free(sr->lab);
    free(sr);
}

/* Seconds in which both ends' timers run. */
static void wait(struct sr *sr, unsigned seconds)
{
    for (; seconds; seconds--) {
        (void)cat_tp_tick(&sr->link, sr->lab->clock.now_ms);
        lab_wait(sr->lab, 1);
    }
}

static void push(struct sr *sr)
{
    assert_int_equal(smsr_sw(sr->lab, hex_lit(PUSH_CHANNEL)), 0x9000);
    assert_int_equal(smsr_sw(sr->lab, hex_lit(PUSH_LINK)), 0x9000);
}

static struct scp80_header header(uint64_t counter)
{
    return (struct scp80_header){ .form = SCP80_CAT_TP,
                                  .spi1 = 0x16,
                                  .spi2 = 0x39,
                                  .kic = 0x12,
                                  .kid = 0x12,
                                  .tar = { 0, 0, 1 },
                                  .counter = counter };
}

static const struct scp80_keys keys = { { LAB_KEY, 16 }, { LAB_KEY, 16 }, 0 };

static struct span script(struct span capdu)
{
    uint8_t *memory = test_keep(malloc(3000));
    struct writer w = wr_of(memory, 3000);
    struct ram_script s;
    ram_script_open(&s, &w, RAM_INDEFINITE);
    ram_script_capdu(&s, capdu);
    ram_script_close(&s);
    return wr_span(&w);
}

static struct span packet(uint64_t counter, struct span data)
{
    uint8_t *memory = test_keep(malloc(9000));
    struct writer w = wr_of(memory, 9000);
    struct scp80_header h = header(counter);
    assert_ok(scp80_command_wrap(&h, &keys, data, &w));
    return wr_span(&w);
}

static void send(struct sr *sr, struct span bytes)
{
    sr->sdus = 0;
    assert_ok(cat_tp_send(&sr->link, sr->lab->clock.now_ms, bytes));
    terminal_run(sr->lab);
}

static void expect_por(struct sr *sr, uint64_t counter, uint8_t status, const char *data)
{
    uint8_t memory[CAT_TP_SDU_MAX];
    struct writer plain = wr_of(memory, sizeof memory);
    struct scp80_header h = header(counter);
    struct scp80_response por;
    for (unsigned i = 0; i < 600 && !sr->sdus; i++)
        wait(sr, 1);
    assert_int_equal(sr->sdus, 1);
    assert_int_equal(sr->sdu[0], 0x02);
    assert_ok(scp80_response_unwrap(&h, (struct span){ sr->sdu, sr->sdu_len }, &keys, &plain, &por));
    assert_int_equal(por.counter, counter);
    assert_int_equal(por.status, status);
    if (data)
        assert_span_equal(por.data, hex_lit(data));
}

static void push_opens_a_link_that_carries_commands(void **state)
{
    (void)state;
    struct sr *sr = world();
    push(sr);
    struct span c = { sr->lab->terminal.open_command, sr->lab->terminal.open_len };
    assert_span_equal(span_from(c, 9), hex_lit("350103 39020578 3C03012328 3E05210A08288F"));
    assert_int_equal(sr->link.state, CAT_TP_OPEN);
    assert_span_equal(((struct span){ sr->ident, sr->ident_len }), hex_lit(EID));
    send(sr, packet(100, script(hex_lit(CREATE_11))));
    expect_por(sr, 100, SCP80_OK, "AF8023030090000000");
    assert_int_equal(lab_state(sr->lab, 0x11), ISDP_SELECTABLE);
    send(sr, packet(101, script(hex_lit("80CABF30035C015A00"))));
    expect_por(sr, 101, SCP80_OK, NULL);
    cat_tp_close(&sr->link);
    terminal_run(sr->lab);
    assert_false(cat_tp_is_busy(lab_card(sr->lab)));
    assert_int_equal(sr->lab->terminal.closes, 1);
    end(sr);
}

static void a_lossy_line_costs_time_only(void **state)
{
    (void)state;
    for (unsigned permille = 100; permille <= 400; permille += 100) {
        struct sr *sr = world();
        sr->lose_permille = sr->chance = permille;
        push(sr);
        for (unsigned i = 0; i < 300 && sr->link.state != CAT_TP_OPEN; i++)
            wait(sr, 1);
        for (uint64_t n = 100; n < 104; n++) {
            WRITER_ON_STACK(w, 3000);
            struct ram_script s;
            ram_script_open(&s, &w, RAM_INDEFINITE);
            for (unsigned i = 0; i < 200; i++)
                ram_script_capdu(&s, hex_lit(GET_MEMORY));
            ram_script_close(&s);
            send(sr, packet(n, wr_span(&w)));
            expect_por(sr, n, SCP80_OK, NULL);
            assert_true(sr->sdu_len > 200 * 17);
        }
        assert_int_equal(sr->opened, 1);
        end(sr);
    }
}

static void a_command_that_comes_twice_is_executed_once(void **state)
{
    (void)state;
    struct sr *sr = world();
    push(sr);
    struct span create = packet(100, script(hex_lit(CREATE_11)));
    send(sr, create);
    expect_por(sr, 100, SCP80_OK, "AF8023030090000000");
    send(sr, create);
    expect_por(sr, 100, SCP80_OK, "AF8023030090000000");
    send(sr, packet(99, script(hex_lit(GET_MEMORY))));
    expect_por(sr, 99, SCP80_COUNTER_LOW, "");
    send(sr, create); /* another command lies between: this is a replay */
    expect_por(sr, 100, SCP80_COUNTER_LOW, "");
    end(sr);
}

static void bad_packets_are_met_with_silence(void **state)
{
    (void)state;
    struct sr *sr = world();
    push(sr);
    struct span good = packet(100, script(hex_lit(CREATE_11)));
    uint8_t bad[300];
    for (size_t i = 0; i < good.len; i += 7) {
        memcpy(bad, good.ptr, good.len);
        bad[i] ^= 0x40;
        if (i >= 7 && i <= 10) /* the TAR is looked at before the keys: 09 */
            continue;
        send(sr, (struct span){ bad, good.len });
        wait(sr, 1);
        assert_int_equal(sr->sdus, 0);
    }
    assert_int_equal(lab_state(sr->lab, 0x11), 0);
    send(sr, good);
    expect_por(sr, 100, SCP80_OK, "AF8023030090000000");
    end(sr);
}

/* The SM-SR died with the answer: it does not know the link, the card comes again and says what was not heard. */
static void an_answer_that_was_not_heard_is_said_on_the_next_link(void **state)
{
    (void)state;
    struct sr *sr = world();
    push(sr);
    struct span create = packet(100, script(hex_lit(CREATE_11)));
    assert_ok(cat_tp_send(&sr->link, sr->lab->clock.now_ms, create));
    sr->mute = true;
    terminal_run(sr->lab);
    assert_int_equal(lab_state(sr->lab, 0x11), ISDP_SELECTABLE);
    wait(sr, 3);
    struct cat_tp_pdu rst = {
        .flags = CAT_TP_RST, .source = 9000, .destination = sr->link.c.destination, .reason = CAT_TP_UNEXPECTED
    };
    WRITER_ON_STACK(w, 64);
    cat_tp_pdu_write(&w, &rst);
    lab_datagram(sr->lab, wr_span(&w));
    sr->mute = false;
    listen(sr);
    wait(sr, 3);
    assert_int_equal(sr->opened, 2);
    expect_por(sr, 100, SCP80_OK, "AF8023030090000000");
    send(sr, create);
    expect_por(sr, 100, SCP80_OK, "AF8023030090000000");
    end(sr);
}

static void nobody_there_is_tried_as_often_as_the_policy_says(void **state)
{
    (void)state;
    struct sr *sr = world();
    sr->mute = true;
    push(sr);
    wait(sr, 3000);
    assert_int_equal(sr->lab->terminal.opens, 1 + CAT_TP_AGENT_TRIES);
    assert_int_equal(sr->lab->terminal.closes, 1 + CAT_TP_AGENT_TRIES);
    assert_false(cat_tp_is_busy(lab_card(sr->lab)));
    sr->lab->terminal.open_result = 0x3A; /* no channel at all */
    push(sr);
    wait(sr, 200);
    assert_int_equal(sr->lab->terminal.opens, 2 * (1 + CAT_TP_AGENT_TRIES));
    assert_false(cat_tp_is_busy(lab_card(sr->lab)));
    end(sr);
}

static void a_push_during_a_link_that_lives_changes_nothing(void **state)
{
    (void)state;
    struct sr *sr = world();
    push(sr);
    push(sr);
    wait(sr, 2);
    send(sr, packet(100, script(hex_lit(GET_MEMORY))));
    expect_por(sr, 100, SCP80_OK, NULL);
    cat_tp_close(&sr->link);
    wait(sr, 2);
    assert_int_equal(sr->lab->terminal.opens, 1);
    assert_false(cat_tp_is_busy(lab_card(sr->lab)));
    end(sr);
}

static void a_push_during_a_dead_link_makes_a_new_one(void **state)
{
    (void)state;
    struct sr *sr = world();
    push(sr);
    listen(sr); /* it has forgotten, and says nothing to what it does not know */
    push(sr);
    wait(sr, 200);
    assert_int_equal(sr->opened, 2);
    assert_int_equal(sr->lab->terminal.opens, 2);
    end(sr);
}

static void pushes_that_cannot_be(void **state)
{
    (void)state;
    struct sr *sr = world();
    assert_int_equal(smsr_sw(sr->lab, hex_lit(PUSH_LINK)), 0x6985);
    assert_int_equal(smsr_sw(sr->lab, hex_lit("80EC010103 350103 00")), 0x6A80);
    assert_int_equal(smsr_sw(sr->lab, hex_lit("80EC01010F 350103 3C03022328 3E05210A08288F 00")), 0x6A80); /* TCP */
    assert_int_equal(smsr_sw(sr->lab, hex_lit("80EC010303 350103 00")), 0x6A86);
    assert_int_equal(sr->lab->terminal.opens, 0);
    assert_int_equal(smsr_sw(sr->lab, hex_lit(PUSH_CHANNEL)), 0x9000);
    assert_int_equal(smsr_sw(sr->lab, hex_lit("80EC010204 3C020023 00")), 0x6A80);
    assert_int_equal(smsr_sw(sr->lab, hex_lit("80EC010205 3C03002328 00")), 0x9000);
    assert_int_equal(sr->ident_len, 10); /* EF.ICCID */
    end(sr);
}

static void a_switch_waits_for_the_end_of_the_link(void **state)
{
    (void)state;
    struct sr *sr = world();
    lab_install(sr->lab, 0x11, lab_profile("TS48V5-SAIP2-3-NOBERTLV-UNIQUE.der"));
    push(sr);
    send(sr, packet(100, script(hex_lit("80E28800153A03124F10A0000005591010FFFFFFFF890000110000"))));
    expect_por(sr, 100, SCP80_OK, "AF80230290000000");
    assert_true(sr->closed);
    assert_int_equal(sr->closed_reason, CAT_TP_NORMAL);
    assert_int_equal(sr->lab->terminal.refreshes, 1);
    assert_int_equal(lab_state(sr->lab, 0x11), ISDP_ENABLED);
    end(sr);
}

static void notifications_go_over_cat_tp_too(void **state)
{
    (void)state;
    struct sr *sr = world();
    lab_install(sr->lab, 0x11, lab_profile("TS48V5-SAIP2-3-NOBERTLV-UNIQUE.der"));
    struct span a4 = hex_lit("80E2880014 3A0711 A40F 350103 3C03012328 3E05210A08288F 00");
    assert_int_equal(smsr_sw(sr->lab, a4), 0x9000);
    push(sr);
    sr->lab->terminal.sms_result = 0x35; /* short messages do not leave */
    send(sr, packet(100, script(hex_lit("80E28800153A03124F10A0000005591010FFFFFFFF890000110000"))));
    expect_por(sr, 100, SCP80_OK, NULL);
    listen(sr);
    sr->sdus = 0;
    for (unsigned i = 0; i < 20000 && !sr->sdus; i++)
        wait(sr, 1);
    assert_span_equal(((struct span){ sr->ident, sr->ident_len }), hex_lit(EID));
    uint8_t memory[300];
    struct writer plain = wr_of(memory, sizeof memory);
    struct scp80_header h;
    struct span e1;
    struct es5_notification n;
    assert_int_equal(sr->sdus, 1);
    assert_ok(scp80_command_unwrap(SCP80_CAT_TP, (struct span){ sr->sdu, sr->sdu_len }, &keys, &plain, &h, &e1));
    assert_ok(scp80_policy_isdr(&h));
    assert_ok(es5_notification_parse(e1, &n));
    assert_int_equal(n.type, ES5_CHANGE_SUCCEEDED);
    WRITER_ON_STACK(confirm, 64);
    es5_notification_confirmation_write(&confirm, n.sequence);
    send(sr, packet(101, script(wr_span(&confirm))));
    expect_por(sr, 101, SCP80_OK, "AF80230290000000");
    end(sr);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(push_opens_a_link_that_carries_commands),
        cmocka_unit_test(a_lossy_line_costs_time_only),
        cmocka_unit_test(a_command_that_comes_twice_is_executed_once),
        cmocka_unit_test(bad_packets_are_met_with_silence),
        cmocka_unit_test(an_answer_that_was_not_heard_is_said_on_the_next_link),
        cmocka_unit_test(nobody_there_is_tried_as_often_as_the_policy_says),
        cmocka_unit_test(a_push_during_a_link_that_lives_changes_nothing),
        cmocka_unit_test(a_push_during_a_dead_link_makes_a_new_one),
        cmocka_unit_test(pushes_that_cannot_be),
        cmocka_unit_test(a_switch_waits_for_the_end_of_the_link),
        cmocka_unit_test(notifications_go_over_cat_tp_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
