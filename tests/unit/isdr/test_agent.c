/* Administration sessions: trigger by SMS, PSK-TLS over the terminal's channel, scripts, a whole download, broken
 * lines. */
#include "lab.h"

#include "euicc/agent/agent.h"
#include "lib/scp/scp03t.h"

#define TO_ISDR   "//aid/A000000559/1010FFFFFFFF8900000100"
#define TO_ISDP11 "//aid/A000000559/1010FFFFFFFF8900001100"
#define CREATE_11                                                                                                      \
    "80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010A0000005591010FFFFFFFF8900001100" \
    "0380C000"                                                                                                         \
    "06C904810203700000"

static struct lab *world(void)
{
    struct lab *lab = lab_new(true);
    lab->terminal.serviced = true;
    terminal_boot(lab);
    smsr_settles(lab, ES5_FIRST_ATTACH, 0x10);
    memcpy(lab->server.psk, LAB_PSK, 16);
    return lab;
}

static void step(struct lab *lab, const char *target, struct span script)
{
    lab->server.steps[lab->server.step_count++] = (struct lab_server_step){ target, script };
}

static struct span script_of(struct span capdu)
{
    uint8_t *memory = test_keep(malloc(1000));
    struct writer w = wr_of(memory, 1000);
    struct ram_script s;
    ram_script_open(&s, &w, RAM_INDEFINITE);
    ram_script_capdu(&s, capdu);
    ram_script_close(&s);
    return wr_span(&w);
}

/* Connection parameters as of a real trigger, host and URI of our own. */
static void trigger(struct lab *lab)
{
    WRITER_ON_STACK(w, SCP81_TRIGGER_MAX);
    struct scp81_trigger t = { .connection = hex_lit("3501033902057 83C03021F9A2401FF3E05210A08288F"),
                               .host = span_text("sm-sr.example"),
                               .uri = span_text("/gsma/adminagent") };
    scp81_trigger_write(&w, &t);
    assert_span_equal(smsr_script(lab, TAR_ISDR, wr_span(&w)), SPAN_NONE);
}

static void expect_body(const struct lab *lab, size_t request, const char *hex)
{
    const struct lab_request *r = &lab->server.requests[request];
    assert_span_equal(((struct span){ r->body, r->len }), hex_lit(hex));
}

static void a_trigger_opens_a_session_and_scripts_run(void **state)
{
    (void)state;
    struct lab *lab = world();
    step(lab, TO_ISDR, script_of(hex_lit(CREATE_11)));
    step(lab, NULL, script_of(hex_lit("80CABF30035C015A00")));
    trigger(lab);
    assert_int_equal(lab->terminal.opens, 1);
    assert_int_equal(lab->server.request_count, 3);
    assert_string_equal(lab->server.requests[0].uri, "/gsma/adminagent");
    assert_false(lab->server.requests[0].has_body);
    assert_string_equal(lab->server.requests[1].uri, "/gsma/adminagent?cmd=1");
    assert_string_equal(lab->server.requests[1].status, "ok");
    expect_body(lab, 1, "AF8023030090000000");
    expect_body(lab, 2, "AF802317BF30125A108904404511301000000000000000000290000000");
    assert_int_equal(lab->terminal.closes, 1);
    assert_false(agent_is_open(lab_card(lab)));
    assert_int_equal(lab_state(lab, 0x11), ISDP_SELECTABLE);
    lab_free(lab);
}

static void open_channel_has_the_objects_of_the_trigger_in_order(void **state)
{
    (void)state;
    struct lab *lab = world();
    trigger(lab);
    struct span c = { lab->terminal.open_command, lab->terminal.open_len };
    assert_span_equal(span_from(c, 9), hex_lit("350103 39020578 3C03021F9A 3E05210A08288F"));
    lab_free(lab);
}

/* A trigger that says as little as it may. */
static void send_trigger(struct lab *lab, const struct scp81_trigger *t)
{
    WRITER_ON_STACK(w, SCP81_TRIGGER_MAX);
    scp81_trigger_write(&w, t);
    assert_span_equal(smsr_script(lab, TAR_ISDR, wr_span(&w)), SPAN_NONE);
}

static struct lab *world_with_address(void)
{
    struct lab *lab = malloc(sizeof *lab);
    lab_init(lab);
    lab->p.bootstrap_package = lab_profile("TS48v3_SAIP2.3_NoBERTLV.der");
    lab->p.smsr.https_port = 8443;
    lab->p.smsr.https_uri = span_text("/gsma/adminagent");
    lab->p.smsr.https_host = span_text("sm-sr.example");
    memcpy(lab->p.smsr.https_ipv4, "\x7F\x00\x00\x01", 4);
    lab_make(lab);
    memcpy(lab->server.psk, LAB_PSK, 16);
    lab->terminal.serviced = true;
    terminal_boot(lab);
    assert_true(smsr_notification(lab).len > 0);
    assert_int_equal(smsr_confirm(lab, 1), 0x9000);
    return lab;
}

static void stored_parameters_fill_in_what_a_trigger_leaves_out(void **state)
{
    (void)state;
    struct lab *lab = world_with_address();
    struct scp81_trigger t = { .uri = span_text("/elsewhere") };
    /* the profile's connectivity parameters name the network */
    struct isdp *isdp = lab_isdp(lab, 0x10);
    struct span a2 = hex_lit("A21A3501034709 08696E7465726E6574 0D0504 75736572 0D0304 7077");
    memcpy(isdp->connectivity, a2.ptr, isdp->connectivity_len = (uint8_t)a2.len);
    send_trigger(lab, &t);
    assert_string_equal(lab->server.requests[0].uri, "/elsewhere");
    struct span c = { lab->terminal.open_command, lab->terminal.open_len };
    assert_span_equal(
        span_from(c, 9),
        hex_lit("350103 39020578 4709 08696E7465726E6574 0D0504 75736572 0D0304 7077 3C030220FB 3E05217F000001"));
    lab_free(lab);
}

static void a_retry_counter_of_zero_means_one_attempt(void **state)
{
    (void)state;
    struct lab *lab = world_with_address();
    struct scp81_trigger t = { .has_retry = true, .retry_count = 0, .retry_timer = { 0, 0, 0x01 } };
    lab->terminal.open_result = 0x3A;
    send_trigger(lab, &t);
    lab_wait(lab, 60);
    assert_int_equal(lab->terminal.opens, 1);
    t.retry_count = 2; /* ten seconds apart */
    send_trigger(lab, &t);
    lab_wait(lab, 9);
    assert_int_equal(lab->terminal.opens, 2);
    lab_wait(lab, 2);
    assert_int_equal(lab->terminal.opens, 3);
    lab_wait(lab, 60);
    assert_int_equal(lab->terminal.opens, 4);
    assert_false(agent_is_open(lab_card(lab)));
    lab_free(lab);
}

static void a_trigger_in_a_session_opens_the_next_one(void **state)
{
    (void)state;
    struct lab *lab = world_with_address();
    struct scp81_trigger t = { .uri = span_text("/second") };
    lab->terminal.open_result = 0x3A;
    trigger(lab); /* its session waits for the next try */
    send_trigger(lab, &t);
    lab->terminal.open_result = 0;
    lab_wait(lab, 10);
    assert_int_equal(lab->server.request_count, 2);
    assert_string_equal(lab->server.requests[0].uri, "/gsma/adminagent");
    assert_string_equal(lab->server.requests[1].uri, "/second");
    lab_free(lab);
}

static void without_any_address_a_trigger_opens_nothing(void **state)
{
    (void)state;
    struct lab *lab = world();
    struct scp81_trigger t = { .uri = span_text("/somewhere") };
    send_trigger(lab, &t);
    assert_int_equal(lab->terminal.opens, 0);
    assert_false(agent_is_open(lab_card(lab)));
    lab_free(lab);
}

static void a_silent_server_is_given_up(void **state)
{
    (void)state;
    struct lab *lab = world();
    lab->server.mute = true;
    trigger(lab);
    assert_true(agent_is_open(lab_card(lab)));
    lab_wait(lab, 3 * 30 + 2 * 5 + 5);
    assert_int_equal(lab->server.connections, 3);
    assert_false(agent_is_open(lab_card(lab)));
    lab_free(lab);
}

static void an_unknown_application_is_told(void **state)
{
    (void)state;
    struct lab *lab = world();
    step(lab, TO_ISDP11, hex_lit("AE80840A300001020304050607080000"));
    step(lab, TO_ISDR, script_of(hex_lit("80CABF30035C015A00")));
    trigger(lab);
    assert_string_equal(lab->server.requests[1].status, "unknown-application");
    assert_true(lab->server.requests[1].has_body && lab->server.requests[1].len == 0);
    assert_string_equal(lab->server.requests[2].status, "ok");
    lab_free(lab);
}

static void a_wrong_psk_fails_and_is_tried_again(void **state)
{
    (void)state;
    struct lab *lab = world();
    lab->server.psk[0] ^= 1;
    trigger(lab);
    assert_true(lab->server.failed);
    assert_int_equal(lab->server.request_count, 0);
    lab_wait(lab, 120);
    assert_int_equal(lab->server.connections, 1 + 2);
    assert_false(agent_is_open(lab_card(lab)));
    lab_free(lab);
}

static void a_broken_line_is_resumed(void **state)
{
    (void)state;
    struct lab *lab = world();
    step(lab, TO_ISDR, script_of(hex_lit(CREATE_11)));
    step(lab, TO_ISDR, script_of(hex_lit("80CABF30035C015A00")));
    lab->server.drop_after_requests = 2; /* the answer of the first script arrives, then the line breaks */
    trigger(lab);
    lab_wait(lab, 20);
    assert_int_equal(lab->server.connections, 2);
    assert_int_equal(lab->server.request_count, 4);
    assert_string_equal(lab->server.requests[1].resume, "");
    assert_string_equal(lab->server.requests[2].uri, "/gsma/adminagent?cmd=1");
    assert_string_equal(lab->server.requests[2].resume, "true");
    expect_body(lab, 1, "AF8023030090000000");
    expect_body(lab, 2, "AF8023030090000000"); /* the same answer: the script ran once */
    assert_string_equal(lab->server.requests[3].resume, "");
    assert_int_equal(lab_state(lab, 0x11), ISDP_SELECTABLE);
    lab_free(lab);
}

static void a_server_out_of_reach_is_tried_again(void **state)
{
    (void)state;
    struct lab *lab = world();
    lab->terminal.open_result = 0x3A;
    trigger(lab);
    lab_wait(lab, 6);
    assert_int_equal(lab->terminal.opens, 2);
    lab->terminal.open_result = 0;
    lab_wait(lab, 6);
    assert_int_equal(lab->server.request_count, 1);
    lab_free(lab);
}

static void enabling_over_https_answers_before_the_refresh(void **state)
{
    (void)state;
    struct lab *lab = world();
    lab_install(lab, 0x11, lab_profile("TS48V5-SAIP2-3-NOBERTLV-UNIQUE.der"));
    step(lab, TO_ISDR, script_of(hex_lit("80E28800153A03124F10A0000005591010FFFFFFFF8900001100")));
    trigger(lab);
    assert_int_equal(lab->server.request_count, 2);
    expect_body(lab, 1, "AF80230290000000");
    assert_int_equal(lab->terminal.closes, 1);
    assert_int_equal(lab->terminal.refreshes, 1);
    assert_int_equal(lab_state(lab, 0x11), ISDP_ENABLED);
    lab_free(lab);
}

static void a_notification_goes_by_https(void **state)
{
    (void)state;
    struct lab *lab = malloc(sizeof *lab);
    lab_init(lab);
    lab->p.bootstrap_package = lab_profile("TS48v3_SAIP2.3_NoBERTLV.der");
    lab->p.notify_https_first = true;
    lab->p.smsr.https_port = 8443;
    memcpy(lab->p.smsr.https_ipv4, "\x7F\x00\x00\x01", 4);
    lab->p.smsr.https_uri = span_text("/gsma/adminagent");
    lab_make(lab);
    memcpy(lab->server.psk, LAB_PSK, 16);
    step(lab, TO_ISDR, script_of(hex_lit("80E28900073A08044E02000100")));
    lab->terminal.serviced = true;
    terminal_boot(lab);
    assert_int_equal(lab->terminal.sms_count, 0);
    assert_string_equal(
        lab->server.requests[0].uri,
        "/gsma/adminagent?msg=E1354C10890440451130100000000000000000024D01014E0200012F10A0000005591010FFFFFFFF890000"
        "100014083A45990057918503");
    expect_body(lab, 1, "AF80230290000000");
    assert_int_equal(lab_card(lab)->isdr->sw.state.phase, SWITCH_IDLE);
    lab_free(lab);
}

/* Establishes nothing (keys are put in), but downloads a whole GSMA test profile over SCP03t in the session, many
 * segments in one script, and reads the result. */
static void a_profile_is_downloaded_in_one_session(void **state)
{
    (void)state;
    struct lab *lab = world();
    struct card *card = lab_card(lab);
    struct span package = lab_profile("TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.der");
    struct scp03_keys keys = { .kvn = 0x30, .key_len = 16 };
    struct scp03_session host;
    struct aid aid = aid_isdp(0x11);
    struct isdp *isdp;
    static const uint8_t challenge[8] = { 9, 8, 7, 6, 5, 4, 3, 2 };
    memset(keys.enc, 0x31, 16);
    memset(keys.mac, 0x32, 16);
    memset(keys.dek, 0x33, 16);
    card_begin(card);
    assert_ok(registry_create(card, aid_span(&aid), 0, &isdp));
    assert_ok(isdp_keyset_set(isdp, 0x30, keys.enc, keys.mac, keys.dek));
    assert_ok(registry_store(card, isdp));
    assert_ok(card_commit(card));
    /* the pseudo-random card challenge lets the server compute everything beforehand */
    uint8_t card_challenge[8];
    assert_ok(scp03_card_challenge(&keys, 1, aid_span(&aid), card_challenge));
    assert_ok(scp03_session_derive(&keys, challenge, card_challenge, &host));
    uint8_t *memory = malloc(64 * 1024);
    struct writer w = wr_of(memory, 64 * 1024);
    struct ram_script s;
    WRITER_ON_STACK(tlv, 1100);
    ram_script_open(&s, &w, RAM_INDEFINITE);
    scp03t_initialize_update_write(&tlv, 0x30, challenge);
    ram_script_raw(&s, wr_span(&tlv));
    tlv.len = 0;
    assert_ok(scp03t_external_authenticate_write(&host, &tlv));
    ram_script_raw(&s, wr_span(&tlv));
    size_t segments = 0;
    for (size_t at = 0; at < package.len; at += SCP03T_PLAIN_MAX, segments++) {
        tlv.len = 0;
        assert_ok(scp03t_wrap(&host, span_sub(package, at, SCP03T_PLAIN_MAX), &tlv));
        ram_script_raw(&s, wr_span(&tlv));
    }
    ram_script_close(&s);
    assert_ok(w.err);
    step(lab, TO_ISDP11, wr_span(&w));
    trigger(lab);
    assert_int_equal(lab->server.request_count, 2);
    struct lab_request *r = &lab->server.requests[1];
    struct ram_reader results;
    struct ram_item item;
    assert_ok(ram_results_open(&results, (struct span){ r->body, r->len }));
    size_t count = 0;
    while (ram_results_next(&results, &item))
        count++;
    assert_int_equal(count, segments + 2);
    WRITER_ON_STACK(plain, 1100);
    struct span response;
    assert_ok(scp03t_response_unwrap(&host, item.value, &plain, &response));
    assert_span_equal(response, hex_lit("3007A0053003800100"));
    assert_int_equal(lab_state(lab, 0x11), ISDP_DISABLED);
    free(memory);
    lab_free(lab);
}

int main(void)
{
    if (!shared_path("data/profiles/README.md"))
        return TEST_SKIPPED;
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trigger_opens_a_session_and_scripts_run),
        cmocka_unit_test(open_channel_has_the_objects_of_the_trigger_in_order),
        cmocka_unit_test(stored_parameters_fill_in_what_a_trigger_leaves_out),
        cmocka_unit_test(a_retry_counter_of_zero_means_one_attempt),
        cmocka_unit_test(a_trigger_in_a_session_opens_the_next_one),
        cmocka_unit_test(without_any_address_a_trigger_opens_nothing),
        cmocka_unit_test(a_silent_server_is_given_up),
        cmocka_unit_test(an_unknown_application_is_told),
        cmocka_unit_test(a_wrong_psk_fails_and_is_tried_again),
        cmocka_unit_test(a_broken_line_is_resumed),
        cmocka_unit_test(a_server_out_of_reach_is_tried_again),
        cmocka_unit_test(enabling_over_https_answers_before_the_refresh),
        cmocka_unit_test(a_notification_goes_by_https),
        cmocka_unit_test(a_profile_is_downloaded_in_one_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
