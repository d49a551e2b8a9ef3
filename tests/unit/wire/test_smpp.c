#include "lib/wire/smpp.h"
#include "tests/support/test.h"

#include <stdio.h>

/* Two sessions and the wire between them. */
struct end {
    struct smpp_session session;
    struct writer wire; /* what it has sent, waiting for the other end */
    uint8_t bytes[65536];
    uint32_t bind_status, answer_with, last_status, last_sequence;
    uint64_t last_tag;
    size_t messages, answers, alerts;
    bool hold, ended;
    struct smpp_sm sm;
    uint8_t message[SMPP_PDU_MAX];
    char message_id[SMPP_MESSAGE_ID_MAX], system_id[SMPP_SYSTEM_ID_MAX];
};

static void on_send(void *context, struct span bytes)
{
    wr_bytes(&((struct end *)context)->wire, bytes);
}

static uint32_t on_bind(void *context, const struct smpp_pdu *p)
{
    struct end *e = context;
    if (e->session.options.smsc)
        snprintf(e->system_id, sizeof e->system_id, "%s", p->bind.system_id);
    else
        e->bind_status = p->status;
    return e->bind_status;
}

static void on_message(void *context, uint32_t sequence, const struct smpp_sm *sm)
{
    struct end *e = context;
    e->messages++;
    e->sm = *sm;
    memcpy(e->message, sm->message.ptr, sm->message.len);
    e->sm.message.ptr = e->message;
    e->last_sequence = sequence;
    if (!e->hold)
        smpp_session_answer(&e->session, sequence, e->answer_with, "id-7");
}

static void on_answer(void *context, uint64_t tag, uint32_t status, const char *message_id)
{
    struct end *e = context;
    e->answers++;
    e->last_tag = tag, e->last_status = status;
    snprintf(e->message_id, sizeof e->message_id, "%s", message_id);
}

static void on_alert(void *context, const struct smpp_address *source)
{
    (void)source;
    ((struct end *)context)->alerts++;
}

static void on_end(void *context, const char *why)
{
    assert_non_null(why);
    ((struct end *)context)->ended = true;
}

static const struct smpp_events events = { on_send, on_bind, on_message, on_answer, on_alert, on_end };

static void pump(struct end *a, struct end *b, uint64_t now)
{
    while (a->wire.len != 0 || b->wire.len != 0) {
        struct end *from = a->wire.len ? a : b, *to = from == a ? b : a;
        uint8_t copy[65536];
        size_t len = from->wire.len;
        memcpy(copy, from->bytes, len);
        from->wire.len = 0;
        assert_int_equal(smpp_session_input(&to->session, now, (struct span){ copy, len }), len);
    }
}

static struct end esme, smsc;

static void start(uint32_t command)
{
    memset(&esme, 0, sizeof esme);
    memset(&smsc, 0, sizeof smsc);
    esme.wire = wr_of(esme.bytes, sizeof esme.bytes);
    smsc.wire = wr_of(smsc.bytes, sizeof smsc.bytes);
    struct smpp_options client = { .bind_command = command,
                                   .bind = { .system_id = "sr", .password = "pw" },
                                   .window = 2 };
    struct smpp_options server = { .smsc = true, .system_id = "lab", .window = 2 };
    smpp_session_start(&smsc.session, &server, &events, &smsc, 1000);
    smpp_session_start(&esme.session, &client, &events, &esme, 1000);
}

static struct smpp_sm sample(void)
{
    return (struct smpp_sm){ .from = { 3, 1, "1234" },
                             .to = { 1, 1, "491701234" },
                             .esm_class = SMPP_ESM_UDHI,
                             .pid = 0x7F,
                             .dcs = 0xF6,
                             .registered_delivery = 1,
                             .validity = "000000001500000R",
                             .message = hex_lit("027000 0010 00FF 0A0D 1B00") };
}

static void messages_go_both_ways(void **state)
{
    (void)state;
    struct smpp_sm sm = sample();
    start(SMPP_BIND_TRANSCEIVER);
    pump(&esme, &smsc, 1000);
    assert_int_equal(esme.session.state, SMPP_S_BOUND);
    assert_string_equal(smsc.system_id, "sr");
    assert_ok(smpp_session_send(&esme.session, 1000, &sm, 99));
    assert_ok(smpp_session_send(&smsc.session, 1000, &sm, 77));
    pump(&esme, &smsc, 1000);
    assert_int_equal(smsc.messages, 1);
    assert_int_equal(esme.messages, 1);
    assert_span_equal(smsc.sm.message, sm.message);
    assert_string_equal(smsc.sm.to.text, sm.to.text);
    assert_string_equal(smsc.sm.validity, sm.validity);
    assert_int_equal(smsc.sm.dcs, 0xF6);
    assert_int_equal(smsc.sm.pid, 0x7F);
    assert_int_equal(smsc.sm.esm_class, 0x40);
    assert_int_equal(esme.last_tag, 99);
    assert_string_equal(esme.message_id, "id-7");
    assert_int_equal(smsc.last_tag, 77);
    assert_int_equal(smsc.last_status, SMPP_OK);
}

static void the_window_is_a_ceiling(void **state)
{
    (void)state;
    struct smpp_sm sm = sample();
    start(SMPP_BIND_TRANSCEIVER);
    assert_fails(smpp_session_send(&esme.session, 1000, &sm, 1), ERR_STATE);
    pump(&esme, &smsc, 1000);
    smsc.hold = true;
    assert_ok(smpp_session_send(&esme.session, 1000, &sm, 1));
    assert_ok(smpp_session_send(&esme.session, 2000, &sm, 2));
    assert_fails(smpp_session_send(&esme.session, 2000, &sm, 3), ERR_BUSY);
    pump(&esme, &smsc, 2000);
    smpp_session_answer(&smsc.session, smsc.last_sequence, SMPP_QUEUE_FULL, "");
    pump(&esme, &smsc, 2000);
    assert_int_equal(esme.last_tag, 2);
    assert_int_equal(esme.last_status, SMPP_QUEUE_FULL);
    assert_ok(smpp_session_send(&esme.session, 2000, &sm, 3));
}

static void silence_is_noticed(void **state)
{
    (void)state;
    struct smpp_sm sm = sample();
    start(SMPP_BIND_TRANSCEIVER);
    pump(&esme, &smsc, 1000);
    assert_ok(smpp_session_send(&esme.session, 1000, &sm, 5));
    esme.wire.len = 0; /* lost */
    assert_int_equal(smpp_session_due(&esme.session), 31000);
    smpp_session_tick(&esme.session, 31000);
    assert_int_equal(esme.last_tag, 5);
    assert_int_equal(esme.last_status, SMPP_UNKNOWN_ERROR);
    assert_int_equal(esme.wire.len, 16); /* enquire_link */
    pump(&esme, &smsc, 31000);
    assert_int_equal(smpp_session_due(&esme.session), 61000);
    smpp_session_tick(&esme.session, 61000);
    esme.wire.len = 0;
    smpp_session_tick(&esme.session, 91000);
    assert_true(esme.ended);
}

static void a_refused_bind_ends(void **state)
{
    (void)state;
    start(SMPP_BIND_TRANSCEIVER);
    smsc.bind_status = SMPP_INVALID_PASSWORD;
    pump(&esme, &smsc, 1000);
    assert_int_equal(esme.bind_status, SMPP_INVALID_PASSWORD);
    assert_true(esme.ended);
    assert_true(smsc.ended);
}

static void a_transmitter_gets_nothing(void **state)
{
    (void)state;
    struct smpp_sm sm = sample();
    start(SMPP_BIND_TRANSMITTER);
    pump(&esme, &smsc, 1000);
    assert_fails(smpp_session_send(&smsc.session, 1000, &sm, 1), ERR_STATE);
    assert_ok(smpp_session_send(&esme.session, 1000, &sm, 1));
}

static void unbinding_ends_both(void **state)
{
    (void)state;
    struct smpp_address phone = { 1, 1, "4917" }, sr = { 0, 0, "" };
    start(SMPP_BIND_TRANSCEIVER);
    pump(&esme, &smsc, 1000);
    smpp_session_alert(&smsc.session, &phone, &sr);
    pump(&esme, &smsc, 1000);
    assert_int_equal(esme.alerts, 1);
    smpp_session_unbind(&esme.session, 1000);
    pump(&esme, &smsc, 1000);
    assert_true(esme.ended);
    assert_true(smsc.ended);
}

static void a_lost_connection_answers_what_is_open(void **state)
{
    (void)state;
    struct smpp_sm sm = sample();
    start(SMPP_BIND_TRANSCEIVER);
    pump(&esme, &smsc, 1000);
    assert_ok(smpp_session_send(&esme.session, 1000, &sm, 8));
    smpp_session_lost(&esme.session);
    assert_int_equal(esme.last_tag, 8);
    assert_int_equal(esme.answers, 1);
    assert_false(esme.ended);
}

static void foreign_bytes_are_refused(void **state)
{
    (void)state;
    size_t len;
    struct smpp_pdu p;
    assert_fails(smpp_frame(hex_lit("0000000F"), &len), ERR_BAD_LENGTH);
    assert_fails(smpp_frame(hex_lit("47455420"), &len), ERR_TOO_LONG);
    assert_ok(smpp_frame(hex_lit("000000"), &len));
    assert_int_equal(len, 0);
    assert_fails(smpp_read(hex_lit("00000010 00000103 00000000 00000001"), &p), ERR_UNSUPPORTED);
    assert_int_equal(p.sequence, 1);
    assert_ok(smpp_read(hex_lit("00000010 80000004 00000014 00000009"), &p)); /* a refusal without body */
    assert_int_equal(p.status, SMPP_QUEUE_FULL);
    WRITER_ON_STACK(w, 300);
    wr_smpp(&w, &(struct smpp_pdu){ .command = SMPP_SUBMIT_SM, .sequence = 4, .sm = sample() });
    for (size_t cut = 16; cut < w.len; cut++) {
        uint8_t copy[300];
        memcpy(copy, w.buf, cut);
        copy[3] = (uint8_t)cut;
        assert_true(smpp_read((struct span){ copy, cut }, &p) != ERR_NONE);
    }
    start(SMPP_BIND_TRANSCEIVER);
    pump(&esme, &smsc, 1000);
    smpp_session_input(&smsc.session, 1000, hex_lit("00000010 00000103 00000000 00000021"));
    assert_span_equal(wr_span(&smsc.wire), hex_lit("00000010 80000000 00000003 00000021"));
    assert_false(smsc.ended);
    smpp_session_input(&smsc.session, 1000, hex_lit("FFFFFFFF"));
    assert_true(smsc.ended);
}

static void times_are_understood(void **state)
{
    (void)state;
    char text[17];
    assert_int_equal(smpp_validity_s("", 0, 42), 42);
    assert_int_equal(smpp_validity_s("000000001500000R", 0, 42), 900);
    assert_int_equal(smpp_validity_s("000102030405000R", 0, 42), (((30 + 2) * 24 + 3) * 60 + 4) * 60 + 5);
    assert_int_equal(smpp_validity_s("700101000010000+", 0, 42), 3155760010ull); /* two digits: 2070 */
    assert_int_equal(smpp_validity_s("260102030405004+", 1767322984000ull, 42), 0);
    assert_int_equal(smpp_validity_s("260102030405004-", 1767322984000ull, 42), 3661);
    smpp_validity_text(900, text);
    assert_string_equal(text, "000000001500000R");
    smpp_validity_text(2 * 86400 + 61, text);
    assert_int_equal(smpp_validity_s(text, 0, 0), 2 * 86400 + 61);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_go_both_ways), cmocka_unit_test(the_window_is_a_ceiling),
        cmocka_unit_test(silence_is_noticed),    cmocka_unit_test(a_refused_bind_ends),
        cmocka_unit_test(a_transmitter_gets_nothing), cmocka_unit_test(unbinding_ends_both),
        cmocka_unit_test(a_lost_connection_answers_what_is_open), cmocka_unit_test(foreign_bytes_are_refused),
        cmocka_unit_test(times_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
