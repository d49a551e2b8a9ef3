/* The card application toolkit: commands to the octet, the queue, answers, events; what an FCP vector says. */
#include "rig.h"

#include "euicc/uicc/uicc.h"
#include "lib/codec/ber_tlv.h"

static struct rig rig;

static int with_card(void **state)
{
    (void)state;
    rig_make_own(&rig);
    return 0;
}
static int without_card(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}
static void apdu(const char *command, const char *want) { rig_apdu(&rig, command, want); }

/* Answered with 91 and some length: the modules of the card have commands of their own. */
static void announces(const char *command)
{
    uint8_t out[EUICC_RAPDU_MAX];
    struct writer w = wr_of(out, sizeof out);
    euicc_transmit(rig.card, hex_lit(command), &w);
    assert_int_equal(w.len, 2);
    assert_int_equal(out[0], 0x91);
}

#define ALL_CAPABLE "8010000014 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"

struct seen {
    unsigned calls;
    enum proactive_end end;
    uint8_t result, additional, channel;
};
static void note(struct card *card, void *context, const struct terminal_response *r)
{
    struct seen *seen = context;
    (void)card;
    seen->calls++;
    seen->end = r->end;
    seen->result = r->result;
    seen->additional = r->additional.len ? r->additional.ptr[0] : 0;
    seen->channel = proactive_channel_of(r);
}

/* Queues are checked before the TERMINAL PROFILE, so that the command of the test is the first. */
static struct span fetch(void)
{
    static uint8_t out[EUICC_RAPDU_MAX];
    struct writer w = wr_of(out, sizeof out);
    uint8_t command[] = { 0x80, 0x12, 0, 0, 0 };
    euicc_transmit(rig.card, hex_lit(ALL_CAPABLE), &w);
    assert_int_equal(out[0], 0x91);
    command[4] = out[1];
    w.len = 0;
    euicc_transmit(rig.card, SPAN_OF(command), &w);
    assert_int_equal(w.len, command[4] + 2u);
    return (struct span){ out, w.len - 2 };
}

static void commands_to_the_octet(void **state)
{
    (void)state;
    struct card *card = rig_card(&rig);
    assert_ok(proactive_refresh(card, REFRESH_UICC_RESET, NULL, NULL));
    assert_span_equal(fetch(), hex_lit("D009 8103010104 82028182"));
    euicc_reset(rig.card, NULL);
    struct bip_open tcp = { .immediate = true, .transport = 2, .port = 443, .address = hex_lit("21C0000201") };
    assert_ok(proactive_open_channel(card, &tcp, NULL, NULL));
    struct span got = fetch();
    assert_span_equal(span_from(got, 5), hex_lit("4001 82028182 350103 39020578 3C030201BB 3E0521C0000201"));
    euicc_reset(rig.card, NULL);
    assert_ok(proactive_timer(card, TIMER_START, 1, 30, NULL, NULL));
    assert_span_equal(span_from(fetch(), 5), hex_lit("2700 82028182 A40101 A503000003"));
    euicc_reset(rig.card, NULL);
    assert_ok(proactive_send_sms(card, hex_lit("919433"), hex_lit("4100"), NULL, NULL));
    assert_span_equal(span_from(fetch(), 5), hex_lit("1300 82028183 8603919433 8B024100"));
    euicc_reset(rig.card, NULL);
    assert_ok(proactive_send_data(card, 2, true, hex_lit("AABB"), NULL, NULL));
    assert_span_equal(span_from(fetch(), 5), hex_lit("4301 82028122 B602AABB"));
    euicc_reset(rig.card, NULL);
    assert_ok(proactive_receive_data(card, 1, 0xC8, NULL, NULL));
    assert_span_equal(span_from(fetch(), 5), hex_lit("4200 82028121 B701C8"));
    euicc_reset(rig.card, NULL);
    assert_ok(proactive_poll_interval(card, 30, NULL, NULL));
    assert_span_equal(span_from(fetch(), 5), hex_lit("0300 82028182 8402011E"));
    euicc_reset(rig.card, NULL);
    assert_ok(proactive_local_info(card, 1, NULL, NULL));
    assert_span_equal(span_from(fetch(), 5), hex_lit("2601 82028182"));
}

static void one_command_is_out_at_a_time(void **state)
{
    (void)state;
    struct card *card = rig_card(&rig);
    struct seen first = { 0 }, second = { 0 };
    apdu("8012000000", "6985");
    assert_ok(proactive_refresh(card, REFRESH_FILE_CHANGE, note, &first));
    assert_ok(proactive_local_info(card, 0, note, &second));
    apdu("80F2000C", "9000"); /* the terminal has said nothing about itself yet */
    assert_false(euicc_has_proactive(rig.card));
    apdu(ALL_CAPABLE, "910B");
    assert_true(euicc_has_proactive(rig.card));
    apdu("80F2000C", "910B");
    apdu("00A4000C022FE2", "910B");
    apdu("00A40004022FE2", "6119");
    apdu("00C0000019", "*910B"); /* the final word announces */
    apdu("00B2010400", "6981");  /* a refusal does not */
    apdu("801200000A", "6C0B");
    apdu("8014000003 830100", "6985"); /* nothing is out */
    apdu("801200000B", "*9000");
    apdu("801200000B", "6985");
    apdu("80F2000C", "9000"); /* the next waits */
    apdu("8014000003 830100", "6A80");
    apdu("801400000C 8103630101 82028281 830100", "6A80"); /* not its number */
    assert_int_equal(first.calls, 0);
    apdu("801400000C 8103010101 82028281 830100", "910B");
    assert_int_equal(first.calls, 1);
    assert_int_equal(first.result, 0);
    apdu("801200000B", "*9000");
    announces("801400000D 8103022600 82028281 83022004"); /* the modules' own follow */
    assert_int_equal(second.result, 0x20);
    assert_int_equal(second.additional, 4);
    assert_int_equal(second.end, PROACTIVE_ANSWERED);
}

static void a_reset_drops_what_waits(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    assert_ok(proactive_refresh(rig_card(&rig), REFRESH_UICC_RESET, note, &seen));
    fetch();
    euicc_reset(rig.card, NULL);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.end, PROACTIVE_RESET);
    apdu("8012000000", "6985");
}

static void what_the_terminal_cannot_is_not_asked(void **state)
{
    (void)state;
    struct card *card = rig_card(&rig);
    apdu("8010000003 000000", "9000");
    assert_fails(proactive_refresh(card, REFRESH_UICC_RESET, NULL, NULL), ERR_UNSUPPORTED);
    assert_false(terminal_has(card, 3, 8));
    apdu("8010000003 000080", "9000");
    assert_true(terminal_has(card, 3, 8));
    assert_ok(proactive_refresh(card, REFRESH_UICC_RESET, NULL, NULL));
    assert_fails(proactive_send_sms(card, SPAN_NONE, hex_lit("00"), NULL, NULL), ERR_UNSUPPORTED);
    apdu("80F2000C", "910B");
}

static void the_queue_has_an_end(void **state)
{
    (void)state;
    struct card *card = rig_card(&rig);
    static uint8_t long_one[PROACTIVE_LEN_MAX];
    for (unsigned i = 0; i < PROACTIVE_QUEUE_MAX; i++)
        assert_ok(proactive_refresh(card, REFRESH_UICC_RESET, NULL, NULL));
    assert_fails(proactive_refresh(card, REFRESH_UICC_RESET, NULL, NULL), ERR_BUSY);
    euicc_reset(rig.card, NULL);
    assert_fails(proactive_send_sms(card, SPAN_NONE, SPAN_OF(long_one), NULL, NULL), ERR_TOO_LONG);
    assert_fails(proactive_send_data(card, 1, true, SPAN_OF(long_one), NULL, NULL), ERR_TOO_LONG);
    struct span most = { long_one, PROACTIVE_SEND_MAX };
    assert_ok(proactive_send_data(card, 1, true, most, NULL, NULL));
}

static void channels_of_the_terminal(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    struct bip_open tcp = { .transport = 2, .port = 443, .address = hex_lit("21C0000201") };
    assert_ok(proactive_open_channel(rig_card(&rig), &tcp, note, &seen));
    fetch();
    announces("8014000017 8103014000 82028281 830100 38028100 350103 39020578");
    assert_int_equal(seen.channel, 1);
}

static void envelopes_that_are_not_right(void **state)
{
    (void)state;
    apdu("80C2000002 D600", "6A80");
    apdu("80C2000003 D60100", "6A80");
    apdu("80C2000003 D60599", "6A80");
    apdu("80C2000002 D100", "6A80");
    apdu("80C2010002 D600", "6A86");
    apdu("81C2000002 D600", "6881");
    apdu("80C2000002 D300", "9000"); /* a menu nobody set up */
    apdu("80C2000009 D607 990104 82028281", "9000");
    apdu("80C2000009 D707 82028281 A40103", "9000");
}

/* ---- FCP vectors ---- */

static void recorded_fcps_are_read_and_written(void **state)
{
    const json_t *v = vector_of(state), *decoded = json_object_get(v, "decoded");
    if (!vec_has(v, "fcp"))
        return; /* single objects, for others */
    struct fs_file f;
    struct span fcp = vec_hex(v, "fcp"), body;
    assert_true(tlv_find(fcp, 0x62, &body));
    assert_ok(fs_fcp_decode(body, FID_ARR_MF, &f));
    assert_int_equal(f.fid, strtoul(vec_text(decoded, "fid"), NULL, 16));
    assert_int_equal(f.fdb, strtoul(vec_has(decoded, "fdb") ? vec_text(decoded, "fdb") : "42", NULL, 16));
    assert_int_equal(f.lcsi, vec_has(decoded, "lcsi") ? strtol(vec_text(decoded, "lcsi"), NULL, 16) : FS_ACTIVATED);
    assert_int_equal(f.arr_fid, strtoul(vec_text(decoded, "arr_file"), NULL, 16));
    assert_int_equal(f.arr_record, json_integer_value(json_object_get(decoded, "arr_record")));
    if (vec_has(decoded, "df_name"))
        assert_span_equal(aid_span(&f.aid), vec_hex(decoded, "df_name"));
    for (size_t i = 0; i < json_array_size(json_object_get(decoded, "key_refs")); i++)
        assert_int_equal(f.pins[i],
                         strtoul(json_string_value(json_array_get(json_object_get(decoded, "key_refs"), i)), NULL, 16));
    if (fs_is_df(&f))
        return;
    assert_int_equal(f.size, json_integer_value(json_object_get(decoded, "size")));
    assert_int_equal(f.sfi, json_integer_value(json_object_get(decoded, "sfi")));
    with_card(state);
    WRITER_ON_STACK(w, 64);
    fcp_write(rig_card(&rig), &f, &w);
    assert_span_equal(wr_span(&w), fcp);
    without_card(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, with_card, without_card)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commands_to_the_octet),
        TEST(one_command_is_out_at_a_time),
        TEST(a_reset_drops_what_waits),
        TEST(what_the_terminal_cannot_is_not_asked),
        TEST(the_queue_has_an_end),
        TEST(channels_of_the_terminal),
        TEST(envelopes_that_are_not_right),
    };
    const char *fcps = shared_path("data/vectors/fcp.json");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return fcps ? failed + run_vectors(fcps, NULL, recorded_fcps_are_read_and_written) : failed;
}
