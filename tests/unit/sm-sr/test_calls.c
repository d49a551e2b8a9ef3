#include "world.h"

/* Every refusal at the door: ES1 with each of its checks, who may call what, and messages that are none. */

static struct world w;

static int setup(void **state)
{
    (void)state;
    world_make(&w);
    return 0;
}

static int setup_registered(void **state)
{
    setup(state);
    world_register(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_free(&w);
    return 0;
}

static void assert_sync(const char *subject, const char *code)
{
    assert_int_equal(w.reply_status, 200);
    const struct es_response *r = world_answer(&w);
    if (strcmp(r->status.subject, subject) || strcmp(r->status.code, code))
        fail_msg("got %s %s/%s (%s)", exec_status_xml(r->status.exec), r->status.subject, r->status.code,
                 r->status.detail);
}

/* ---- ES1.RegisterEIS */

static void expect_register(const char *oid, struct eis *eis, const char *subject, const char *code)
{
    static unsigned n;
    char id[16];
    snprintf(id, sizeof id, "r%u", ++n);
    struct es1_register_eis r = { .base = world_call(id, 0), .eis = eis };
    int64_t before = world_count(&w, "euicc");
    world_ask(&w, oid, ES1_REGISTER_EIS, &r);
    assert_sync(subject, code);
    if (*subject)
        assert_int_equal(world_count(&w, "euicc") + world_count(&w, "profile") + world_count(&w, "keyset"), before * 4);
}

static void changed_after_signing(void **state)
{
    (void)state;
    struct eis eis = world_eis(&w);
    uint8_t *octets = arena_alloc(&w.arena, eis.signed_info.len);
    memcpy(octets, eis.signed_info.ptr, eis.signed_info.len);
    uint8_t *version = memmem(octets, eis.signed_info.len, "1.0.0", 5);
    assert_non_null(version);
    version[0] = '2';
    eis.signed_info.ptr = octets;
    expect_register(OID_EUM, &eis, "8.6", "6.1");
}

static void eum_not_of_the_ci(void **state)
{
    (void)state;
    struct eis eis = world_eis(&w);
    struct ec_key *key;
    struct x509 *ci;
    assert_ok(ec_generate(EC_P256, NULL, &key));
    struct x509_request r = { .kind = X509_CI,
                              .organisation = "Test",
                              .common_name = "other",
                              .oid = "1.3.6.1.4.1.99999.8",
                              .from_ms = w.now_ms - 1000000,
                              .to_ms = w.now_ms + 1000000000,
                              .subject = key,
                              .issuer_key = key };
    assert_ok(x509_issue(&r, &ci));
    trust_done(&w.trust);
    assert_ok(trust_add(&w.trust, ci));
    expect_register(OID_EUM, &eis, "8.5.1", "6.1");
    ec_key_free(key);
}

static void the_time_is_over(void **state)
{
    (void)state;
    struct eis eis = world_eis(&w);
    w.now_ms += 4000ull * 24 * 3600 * 1000;
    expect_register(OID_EUM, &eis, "8.5.1", "6.3");
}

static void not_the_eum_of_it(void **state)
{
    (void)state;
    struct eis eis = world_eis(&w);
    snprintf(w.partners[4].name, sizeof w.partners[4].name, "eum2");
    w.partners[4].kinds = SMSR_EUM;
    w.partners[4].eum_certificate = w.eum;
    expect_register(OID_OTHER_DP, &eis, "1.1", "1.2");
    expect_register(OID_OP1, &eis, "1.1", "1.2"); /* no EUM at all */
}

static void another_smsr(void **state)
{
    (void)state;
    struct eis eis = world_eis(&w);
    assert_ok(oid_from_text(SPAN_LIT("1.2.3"), &eis.smsr_id));
    expect_register(OID_EUM, &eis, "8.7", "3.4");
}

static void fallback_must_be_one(void **state)
{
    (void)state;
    struct eis eis = world_eis(&w);
    eis.profiles->fallback = false;
    expect_register(OID_EUM, &eis, "8.6", "2.1");
    struct profile_info two[2] = { *eis.profiles, *eis.profiles };
    two[0].fallback = two[1].fallback = true;
    two[1].iccid = world_iccid(ICCID_B);
    two[1].isdp_aid = aid_isdp(0x11);
    two[1].state = PROFILE_DISABLED;
    eis.profiles = two;
    eis.profile_count = 2;
    expect_register(OID_EUM, &eis, "8.6", "2.1");
    two[1].fallback = false;
    two[1].iccid = two[0].iccid;
    expect_register(OID_EUM, &eis, "8.6", "2.1");
}

static void none_enabled(void **state)
{
    (void)state;
    struct eis eis = world_eis(&w);
    eis.profiles->state = PROFILE_DISABLED;
    expect_register(OID_EUM, &eis, "8.6", "2.1");
}

static void a_key_with_a_wrong_check_value(void **state)
{
    (void)state;
    static const uint8_t other[16] = { 1 };
    struct eis eis = world_eis(&w);
    eis.isdr.keysets[0].keys[1].components->value = world_encrypted_key(&w, other);
    expect_register(OID_EUM, &eis, "8.6", "2.1");
    eis.isdr.keyset_count = 0;
    eis.isdr = (struct security_domain){ .aid = eis.isdr.aid,
                                         .role = SD_ROLE_ISDR,
                                         .sin = eis.isdr.sin,
                                         .sdin = eis.isdr.sdin,
                                         .keysets = eis.isdr.keysets + 1,
                                         .keyset_count = 1 };
    expect_register(OID_EUM, &eis, "8.6", "2.1"); /* no SCP80 */
}

static void registered_twice(void **state)
{
    (void)state;
    struct eis eis = world_eis(&w);
    expect_register(OID_EUM, &eis, "", "");
    expect_register(OID_EUM, &eis, "8.1.1", "3.3");
}

static void the_signed_part_is_kept_octet_for_octet(void **state)
{
    (void)state;
    struct eis eis = world_eis(&w);
    expect_register(OID_EUM, &eis, "", "");
    struct es_eid_request r = { .base = world_call("g", 0), .eid = world_eid() };
    world_ask(&w, OID_SMDP, ES3_GET_EIS, &r);
    assert_non_null(memmem(w.reply.ptr, w.reply.len, eis.signed_info.ptr, eis.signed_info.len));
    assert_non_null(memmem(w.reply.ptr, w.reply.len, eis.signature.ptr, eis.signature.len));
    for (int i = 0; i < 2; i++) { /* and no key of the ISD-R, in whatever form */
        char text[33];
        hex_text(i ? eis.isdr.keysets[0].keys[0].components->value : SPAN_OF(w.card.kic), text, sizeof text);
        assert_null(memmem(w.reply.ptr, w.reply.len, text, 32));
    }
}

/* ---- who may call what */

static void profile_call(const char *oid, enum es_function function, const char *id, const char *iccid)
{
    struct es_profile_request r = { .base = world_call(id, 600), .eid = world_eid(), .iccid = world_iccid(iccid) };
    world_ask(&w, oid, function, &r);
}

static void expect_callback(const char *oid, enum es_function function, const char *iccid, const char *subject,
                            const char *code)
{
    static unsigned n;
    char id[16];
    unsigned sms = w.sms_out;
    snprintf(id, sizeof id, "c%u", ++n);
    profile_call(oid, function, id, iccid);
    assert_int_equal(w.reply_status, 202);
    world_settle(&w);
    const struct told *t = world_told(&w, function);
    assert_non_null(t);
    if (t->status.exec != EXECUTED_FAILED || strcmp(t->status.subject, subject) || strcmp(t->status.code, code))
        fail_msg("got %s %s/%s (%s)", exec_status_xml(t->status.exec), t->status.subject, t->status.code,
                 t->status.detail);
    assert_int_equal(w.sms_out, sms); /* the card heard nothing of it */
    assert_int_equal(world_count(&w, "operation"), 0);
}

static void states_and_owners(void **state)
{
    (void)state;
    world_add_profile(&w, ICCID_B, OID_OP2, 0x11, "882000002", 0);
    world_add_profile(&w, ICCID_C, OID_OP1, 0x12, "882000003", POL2_RULE(POL2_DELETE, POL2_NOT_ALLOWED));
    expect_callback(OID_OP1, ES4_ENABLE_PROFILE, "8900000000000000042", "8.2.1", "3.9");
    expect_callback(OID_OP1, ES4_ENABLE_PROFILE, ICCID_B, "8.2.1", "1.2"); /* operator 2's */
    expect_callback(OID_OP1, ES4_ENABLE_PROFILE, ICCID_A, "8.2.1", "1.2"); /* enabled already */
    expect_callback(OID_OP1, ES4_DISABLE_PROFILE, ICCID_C, "8.2.1", "1.2");
    expect_callback(OID_OP1, ES4_DISABLE_PROFILE, ICCID_A, "8.1", "3.8"); /* fall-back */
    expect_callback(OID_OP1, ES4_DELETE_PROFILE, ICCID_A, "8.2.4", "3.8");
    expect_callback(OID_OP1, ES4_DELETE_PROFILE, ICCID_C, "8.2.3", "3.8");
    expect_callback(OID_OTHER_DP, ES3_ENABLE_PROFILE, ICCID_B, "8.2.1", "1.2");
    expect_callback(OID_OTHER_DP, ES3_DELETE_ISDP, ICCID_B, "8.2.1", "1.2");
}

static void on_another_euicc(void **state)
{
    (void)state;
    struct es_profile_request r = { .base = world_call("x", 600), .iccid = world_iccid(ICCID_A) };
    assert_ok(eid_from_text(SPAN_LIT("89044045113010000000000000000002"), &r.eid));
    world_ask(&w, OID_OP1, ES4_ENABLE_PROFILE, &r);
    assert_string_equal(world_told(&w, ES4_ENABLE_PROFILE)->status.subject, "8.1.1");
}

static void wrong_interface(void **state)
{
    (void)state;
    profile_call(OID_OP1, ES3_ENABLE_PROFILE, "1", ICCID_A);
    assert_sync("1.1", "1.2");
    profile_call(OID_SMDP, ES4_ENABLE_PROFILE, "2", ICCID_A);
    assert_sync("1.1", "1.2");
    profile_call("1.2.3.4", ES4_ENABLE_PROFILE, "3", ICCID_A);
    assert_sync("1.1", "1.1");
    struct es_eid_request es2 = { .base = world_call("4", 0), .eid = world_eid() };
    assert_ok(oid_from_text(SPAN_LIT(OID_SMSR), &es2.smsr_id));
    world_ask(&w, OID_OP1, ES2_GET_EIS, &es2); /* an SM-DP's function */
    assert_sync("1.6", "3.1");
}

static void validity_out_of_bounds(void **state)
{
    (void)state;
    struct es_profile_request r = { .base = world_call("1", 1), .eid = world_eid(), .iccid = world_iccid(ICCID_A) };
    world_ask(&w, OID_OP1, ES4_ENABLE_PROFILE, &r);
    assert_sync("1.6", "2.1");
    assert_int_equal(world_answer(&w)->acceptable_validity_s, 2);
}

static void reply_to_elsewhere(void **state)
{
    (void)state;
    w.partners[3].host_count = 0; /* operator 2's ReplyTo is on no list now */
    profile_call(OID_OP2, ES4_ENABLE_PROFILE, "1", ICCID_A);
    assert_sync("1.1", "1.2");
    assert_int_equal(w.told_count, 0);
}

static void create_refusals(void **state)
{
    (void)state;
    struct es3_create_isdp r = {
        .base = world_call("1", 600), .eid = world_eid(), .iccid = world_iccid(ICCID_A), .required_memory = 1000
    };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP1), &r.mno_id));
    world_ask(&w, OID_SMDP, ES3_CREATE_ISDP, &r);
    assert_string_equal(world_told(&w, ES3_CREATE_ISDP)->status.code, "3.3");
    r.base = world_call("2", 600);
    r.iccid = world_iccid(ICCID_B);
    r.required_memory = 400001;
    world_ask(&w, OID_SMDP, ES3_CREATE_ISDP, &r);
    assert_string_equal(world_told(&w, ES3_CREATE_ISDP)->status.code, "4.8");
    assert_int_equal(smsr_counts(w.smsr).alarms[SMSR_ALARM_MEMORY_CLAIM], 1);
    r.base = world_call("3", 600);
    r.required_memory = 1000;
    world_ask(&w, OID_OTHER_DP, ES3_CREATE_ISDP, &r); /* acts for nobody */
    assert_string_equal(world_told(&w, ES3_CREATE_ISDP)->status.subject, "8.6");
    assert_int_equal(w.sms_out, 0);
    assert_int_equal(world_count(&w, "profile"), 1);
}

static void send_refusals(void **state)
{
    (void)state;
    struct es3_send_data r = {
        .base = world_call("1", 600), .eid = world_eid(), .sd_aid = aid_isdp(0x77), .data = hex_lit("22058000000000")
    };
    world_ask(&w, OID_SMDP, ES3_SEND_DATA, &r);
    assert_string_equal(world_told(&w, ES3_SEND_DATA)->status.code, "3.9");
    r.base = world_call("2", 600);
    r.sd_aid = aid_isdp(0x10); /* the factory's profile of operator 1 */
    world_ask(&w, OID_OTHER_DP, ES3_SEND_DATA, &r);
    assert_string_equal(world_told(&w, ES3_SEND_DATA)->status.code, "1.2");
    r.base = world_call("3", 600);
    r.data = hex_lit("FF00");
    world_ask(&w, OID_SMDP, ES3_SEND_DATA, &r);
    assert_string_equal(world_told(&w, ES3_SEND_DATA)->status.subject, "1.3.1");
    assert_int_equal(w.sms_out, 0);
}

static void pol2_refusals(void **state)
{
    (void)state;
    struct es_pol2_request r = { .base = world_call("1", 0),
                                 .eid = world_eid(),
                                 .iccid = world_iccid(ICCID_A),
                                 .has_pol2 = true,
                                 .pol2 = { POL2_RULE(POL2_DELETE, POL2_AUTO_DELETE) } };
    world_ask(&w, OID_OP1, ES4_UPDATE_POLICY_RULES, &r);
    assert_sync("8.2.3", "2.1");
    r.base = world_call("2", 0);
    r.pol2.rules = 0;
    world_ask(&w, OID_OP2, ES4_UPDATE_POLICY_RULES, &r);
    assert_sync("8.2.1", "1.2");
    struct es_address_request a = {
        .base = world_call("3", 0), .eid = world_eid(), .iccid = world_iccid(ICCID_A), .address = { "", "12345" }
    };
    world_ask(&w, OID_OP2, ES4_UPDATE_SUBSCRIPTION_ADDRESS, &a);
    assert_sync("8.2.6", "1.2");
}

static void sync_answers_are_remembered(void **state)
{
    (void)state;
    struct es_pol2_request r = { .base = world_call("1", 0),
                                 .eid = world_eid(),
                                 .iccid = world_iccid(ICCID_A),
                                 .has_pol2 = true,
                                 .pol2 = { POL2_RULE(POL2_DELETE, POL2_NOT_ALLOWED) } };
    world_ask(&w, OID_OP1, ES4_UPDATE_POLICY_RULES, &r);
    assert_sync("", "");
    unsigned commits = w.commits;
    world_restart(&w);
    world_ask(&w, OID_OP1, ES4_UPDATE_POLICY_RULES, &r);
    assert_sync("", ""); /* under a header of its own */
    assert_int_equal(w.commits, commits + 2); /* start and what is looked after then, nothing for the call */
    r.pol2.rules = 0;
    world_ask(&w, OID_OP1, ES4_UPDATE_POLICY_RULES, &r);
    assert_sync("1.6", "3.3");
}

static void properties_are_merged(void **state)
{
    (void)state;
    struct eis_property one = { SPAN_LIT("k"), SPAN_LIT("v1") };
    struct es1_update_additional_properties r = {
        .base = world_call("1", 0), .eid = world_eid(), .properties = &one, .property_count = 1
    };
    world_ask(&w, OID_EUM, ES1_UPDATE_EIS_ADDITIONAL_PROPERTIES, &r);
    assert_sync("", "");
    one.value = SPAN_LIT("v2");
    r.base = world_call("2", 0);
    world_ask(&w, OID_EUM, ES1_UPDATE_EIS_ADDITIONAL_PROPERTIES, &r);
    struct es_eid_request g = { .base = world_call("g", 0), .eid = world_eid() };
    world_ask(&w, OID_OP1, ES4_GET_EIS, &g);
    const struct eis *eis = ((const struct es_eis_response *)world_answer(&w))->eis;
    assert_int_equal(eis->property_count, 1);
    assert_span_equal(eis->properties[0].value, SPAN_LIT("v2"));
}

static void what_is_no_message(void **state)
{
    static const char *const texts[] = {
        "",
        "<",
        "GET / HTTP/1.1",
        "<a/>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
        "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Body/></Envelope>"
    };
    (void)state;
    unsigned commits = w.commits;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        w.reply_status = 0;
        smsr_soap(w.smsr, &w.partners[2], span_text(texts[i]), (struct reply_ref){ SMSR_NODE_SOAP, 1, 1 });
        smsr_run(w.smsr);
        assert_int_equal(w.reply_status, 400);
    }
    assert_int_equal(w.commits, commits);
}

/* The header is good, the body is not: the function's own answer says so. */
static void a_body_that_is_wrong_is_answered(void **state)
{
    static const char soap[] =
        "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope' xmlns:a='http://www.w3.org/2005/08/addressing'><e:Header>"
        "<a:From><a:Address>https://partner.example/x?EntityId=%s</a:Address></a:From>"
        "<a:To>https://here.example/x?EntityId=%s</a:To><a:MessageID>//%s/1</a:MessageID>"
        "<a:Action>http://gsma.com/%s</a:Action></e:Header><e:Body>"
        "<r:%s-GetEISRequest xmlns:r='http://namespaces.gsma.org/esim-messaging/3'><r:FunctionCallIdentifier>1"
        "</r:FunctionCallIdentifier></r:%s-GetEISRequest></e:Body></e:Envelope>";
    char text[2000];
    (void)state;
    unsigned commits = w.commits;
    snprintf(text, sizeof text, soap, OID_OP1, OID_SMSR, OID_OP1, "ES4/ProfileManagement/ES4-GetEIS", "ES4", "ES4");
    smsr_soap(w.smsr, &w.partners[2], span_text(text), (struct reply_ref){ SMSR_NODE_SOAP, 1, 1 });
    smsr_run(w.smsr);
    assert_int_equal(w.reply_status, 200);
    const struct es_response *answer = world_answer(&w);
    assert_int_equal(answer->status.exec, EXECUTED_FAILED);
    assert_string_equal(answer->status.subject, "1.3.1");
    assert_string_equal(answer->status.code, "2.2");
    assert_int_equal(w.commits, commits);
}

#define AT_DOOR(name)    cmocka_unit_test_setup_teardown(name, setup, teardown)
#define REGISTERED(name) cmocka_unit_test_setup_teardown(name, setup_registered, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_DOOR(changed_after_signing),
        AT_DOOR(eum_not_of_the_ci),
        AT_DOOR(the_time_is_over),
        AT_DOOR(not_the_eum_of_it),
        AT_DOOR(another_smsr),
        AT_DOOR(fallback_must_be_one),
        AT_DOOR(none_enabled),
        AT_DOOR(a_key_with_a_wrong_check_value),
        AT_DOOR(registered_twice),
        AT_DOOR(the_signed_part_is_kept_octet_for_octet),
        REGISTERED(states_and_owners),
        REGISTERED(on_another_euicc),
        REGISTERED(wrong_interface),
        REGISTERED(validity_out_of_bounds),
        REGISTERED(reply_to_elsewhere),
        REGISTERED(create_refusals),
        REGISTERED(send_refusals),
        REGISTERED(pol2_refusals),
        REGISTERED(sync_answers_are_remembered),
        REGISTERED(properties_are_merged),
        REGISTERED(what_is_no_message),
        REGISTERED(a_body_that_is_wrong_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
