#include "https.h"

/* A download over HTTPS: the trigger, one session for many scripts, MoreToDo, a session that breaks, a wrong key. */

static struct world w;
static struct https_client client;

static int setup(void **state)
{
    (void)state;
    world_make(&w);
    w.config.bearer = SMSR_BEARER_AUTO;
    world_restart(&w);
    client = (struct https_client){ 0 };
    https_install(&w, &client);
    world_register(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_free(&w);
    return 0;
}

static void create(const char *call_id, const char *iccid, uint64_t memory, bool more)
{
    struct es3_create_isdp r = { .base = world_call(call_id, 600),
                                 .eid = world_eid(),
                                 .iccid = world_iccid(iccid),
                                 .required_memory = memory,
                                 .more_to_do = more };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP2), &r.mno_id));
    assert_int_equal(world_ask(&w, OID_SMDP, ES3_CREATE_ISDP, &r), 202);
    world_settle(&w);
}

static void send_data(const char *call_id, struct span data, bool more)
{
    struct es3_send_data r = {
        .base = world_call(call_id, 600), .eid = world_eid(), .sd_aid = aid_isdp(0x11), .data = data, .more_to_do = more
    };
    assert_int_equal(world_ask(&w, OID_SMDP, ES3_SEND_DATA, &r), 202);
    world_settle(&w);
}

static void assert_status(enum es_function function, enum exec_status exec)
{
    const struct told *t = world_told(&w, function);
    assert_non_null(t);
    if (t->status.exec != exec)
        fail_msg("got %s %s/%s (%s)", exec_status_xml(t->status.exec), t->status.subject, t->status.code,
                 t->status.detail);
}

/* 22 LL INSTALL [for personalization], STORE DATA. */
static struct span keys_script(void)
{
    return hex_lit("22 1B 80E62000160000 10 A0000005591010FFFFFFFF8900001100 000000"
                   "22 0A 80E2090004 3A01 01 00 00");
}

static struct span profile_script(size_t count)
{
    static uint8_t room[200000];
    struct writer wr = wr_of(room, sizeof room);
    for (size_t i = 0; i < count; i++) {
        wr_u8(&wr, 0x86);
        wr_u8(&wr, 0x82);
        wr_u16(&wr, 1000);
        wr_fill(&wr, (uint8_t)i, 1000);
    }
    assert_ok(wr.err);
    return wr_span(&wr);
}

static void completed(enum exec_status want)
{
    struct es3_profile_download_completed r = { .base = world_call("completed", 0),
                                                .eid = world_eid(),
                                                .iccid = world_iccid(ICCID_B),
                                                .profile_type = SPAN_LIT("M2M"),
                                                .has_address = true,
                                                .address = { "", "882000099" } };
    assert_int_equal(world_ask(&w, OID_SMDP, ES3_PROFILE_DOWNLOAD_COMPLETED, &r), 200);
    assert_int_equal(world_answer(&w)->status.exec, want);
}

static void a_download_takes_one_session(void **state)
{
    (void)state;
    create("c1", ICCID_B, 30000, true);
    assert_status(ES3_CREATE_ISDP, EXECUTED_SUCCESS);
    assert_span_equal(aid_span(&world_told(&w, ES3_CREATE_ISDP)->isdp), hex_lit("A0000005591010FFFFFFFF8900001100"));
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_CREATED);
    assert_true(client.open);
    send_data("s1", keys_script(), true);
    assert_status(ES3_SEND_DATA, EXECUTED_SUCCESS);
    assert_string_equal(client.target, ""); /* for the ISD-R, which passes it on */
    send_data("s2", profile_script(40), false);
    assert_status(ES3_SEND_DATA, EXECUTED_SUCCESS);
    assert_string_equal(client.target, "//aid/A000000559/1010FFFFFFFF8900001100");
    assert_int_equal(world_told(&w, ES3_SEND_DATA)->data_len, 40 * 2); /* 86 00 for each */
    assert_int_equal(client.sessions, 1);
    assert_int_equal(client.scripts, 4); /* create, keys, and 40 kB in two */
    assert_int_equal(client.last_status, 204);
    assert_false(client.open);
    assert_int_equal(w.sms_out, 1);
    completed(EXECUTED_SUCCESS);
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_DISABLED);
    w.card.isdp[1].state = ISDP_DISABLED;
    world_check_agreement(&w);
}

static void a_session_that_waits_ends(void **state)
{
    (void)state;
    create("c1", ICCID_B, 30000, true);
    assert_true(client.open);
    world_pass(&w, 1000);
    assert_true(client.open);
    world_pass(&w, 3000);
    assert_false(client.open);
    assert_int_equal(client.last_status, 204);
    send_data("s1", keys_script(), false); /* so the card is asked to come again */
    assert_status(ES3_SEND_DATA, EXECUTED_SUCCESS);
    assert_int_equal(client.sessions, 2);
}

static void a_broken_session_is_taken_up_again(void **state)
{
    (void)state;
    client.drop_after_scripts = 1; /* the ISD-P is made, and nobody hears of it */
    create("c1", ICCID_B, 30000, true);
    assert_null(world_told(&w, ES3_CREATE_ISDP));
    world_pass(&w, 30000);
    assert_status(ES3_CREATE_ISDP, EXECUTED_SUCCESS); /* "exists already" to a repeat, and the card says it is there */
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_CREATED);
    world_pass(&w, 10000);
    world_check_agreement(&w);
}

static void a_wrong_key_gets_nothing(void **state)
{
    (void)state;
    client.wrong_key = true;
    create("c1", ICCID_B, 30000, true);
    world_pass(&w, 2000);
    assert_null(world_told(&w, ES3_CREATE_ISDP));
    assert_int_equal(w.card.executed, 0);
    client.wrong_key = false;
    world_pass(&w, 30000);
    assert_status(ES3_CREATE_ISDP, EXECUTED_SUCCESS);
}

static void an_unknown_identity_gets_nothing(void **state)
{
    (void)state;
    client.wrong_identity = true;
    create("c1", ICCID_B, 30000, true);
    assert_false(client.open);
    assert_int_equal(w.card.executed, 0);
}

static void no_session_means_sms(void **state)
{
    (void)state;
    w.on_trigger = NULL; /* the card never comes */
    create("c1", ICCID_B, 30000, true);
    world_pass(&w, 60000);
    assert_status(ES3_CREATE_ISDP, EXECUTED_SUCCESS);
    assert_int_equal(client.sessions, 0);
    world_check_agreement(&w);
}

static void notification_by_https(void **state)
{
    (void)state;
    uint8_t body[ES5_NOTIFICATION_MAX];
    char query[256] = "msg=";
    world_add_profile(&w, ICCID_B, OID_OP1, 0x11, "882000002", 0);
    w.card.sequence = 7;
    w.card.pending = true;
    w.card.pending_type = ES5_FIRST_ATTACH;
    size_t len = card_notification(&w, ES5_FIRST_ATTACH, body, sizeof body);
    hex_text((struct span){ body, len }, query + 4, sizeof query - 4);
    https_open(&w, query);
    world_settle(&w);
    assert_false(w.card.pending);
    assert_int_equal(client.last_status, 204);
    assert_int_equal(w.sms_out, 0);
    world_check_agreement(&w);
}

static void a_card_error_is_reported(void **state)
{
    (void)state;
    create("c1", ICCID_B, 30000, true);
    w.card.next_sw = SW_CONDITIONS;
    send_data("s1", keys_script(), false);
    assert_status(ES3_SEND_DATA, EXECUTED_FAILED);
    assert_string_equal(world_told(&w, ES3_SEND_DATA)->status.subject, "8.3");
    assert_span_equal(((struct span){ world_told(&w, ES3_SEND_DATA)->data, world_told(&w, ES3_SEND_DATA)->data_len }),
                      hex_lit("23026985"));
    w.card.next_sw = SW_NO_MEMORY;
    create("c2", ICCID_C, 30000, false);
    assert_string_equal(world_told(&w, ES3_CREATE_ISDP)->status.subject, "8.1");
    assert_string_equal(world_told(&w, ES3_CREATE_ISDP)->status.code, "4.8");
    assert_int_equal(world_state(&w, ICCID_C), PROFILE_NONE);
}

static void an_audit_does_not_end_a_download(void **state)
{
    (void)state;
    struct es_audit_request r = { .base = world_call("audit", 600), .eid = world_eid() };
    create("c1", ICCID_B, 30000, true);
    assert_true(client.open);
    assert_int_equal(world_ask(&w, OID_OP1, ES4_AUDIT_EIS, &r), 202);
    world_settle(&w);
    assert_status(ES4_AUDIT_EIS, EXECUTED_SUCCESS);
    assert_true(client.open);
    send_data("s1", keys_script(), false);
    assert_status(ES3_SEND_DATA, EXECUTED_SUCCESS);
    assert_int_equal(client.sessions, 1);
    world_pass(&w, 5000);
    assert_false(client.open);
}

#define HTTPS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTPS_TEST(a_download_takes_one_session),
        HTTPS_TEST(a_session_that_waits_ends),
        HTTPS_TEST(a_broken_session_is_taken_up_again),
        HTTPS_TEST(a_wrong_key_gets_nothing),
        HTTPS_TEST(an_unknown_identity_gets_nothing),
        HTTPS_TEST(no_session_means_sms),
        HTTPS_TEST(notification_by_https),
        HTTPS_TEST(a_card_error_is_reported),
        HTTPS_TEST(an_audit_does_not_end_a_download),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
