/* Calls of operators that are passed on, repeats, strangers, notifications. */
#include "world.h"

#include <stdlib.h>

static struct oid smsr(void)
{
    struct oid oid;
    assert_ok(oid_from_text(SPAN_LIT(OID_SMSR), &oid));
    return oid;
}

static struct world *with_profile(void)
{
    struct world *w = world_new();
    world_download(w, false, 0, "the download");
    world_run(w, 5);
    assert_int_equal(w->smsr.state, PROFILE_DISABLED);
    return w;
}

static int profile_call(struct world *w, const char *oid, enum es_function f, const char *call_id)
{
    struct es_profile_request r = { .eid = world_eid(), .smsr_id = smsr(), .iccid = w->iccid };
    int status = world_call(w, oid, f, &r, 0, call_id);
    world_run(w, 5);
    return status;
}

static void enable_disable_delete_are_passed_on(void **state)
{
    (void)state;
    struct world *w = with_profile();
    assert_int_equal(profile_call(w, OID_OP1, ES2_ENABLE_PROFILE, NULL), 202);
    assert_int_equal(world_answer(w, ES2_ENABLE_PROFILE)->status.exec, EXECUTED_SUCCESS);
    assert_int_equal(w->smsr.state, PROFILE_ENABLED);
    assert_int_equal(profile_call(w, OID_OP1, ES2_DISABLE_PROFILE, NULL), 202);
    assert_int_equal(w->smsr.state, PROFILE_DISABLED);
    assert_int_equal(profile_call(w, OID_OP1, ES2_DELETE_PROFILE, NULL), 202);
    assert_int_equal(world_answer(w, ES2_DELETE_PROFILE)->status.exec, EXECUTED_SUCCESS);
    assert_int_equal(w->smsr.calls[ES3_DELETE_ISDP], 1);
    assert_int_equal(world_count(w, "SELECT state FROM profile"), 0); /* it may be brought again */
    world_free(w);
}

static void a_failure_keeps_the_smsrs_words(void **state)
{
    (void)state;
    struct world *w = with_profile();
    w->smsr.fail = ES3_ENABLE_PROFILE;
    w->smsr.fail_times = 1;
    w->smsr.fail_status = status_failed(REASON_POL1_REFUSED, EID_TEST, "forbidden");
    profile_call(w, OID_OP1, ES2_ENABLE_PROFILE, NULL);
    const struct told *t = world_answer(w, ES2_ENABLE_PROFILE);
    assert_int_equal(t->status.exec, EXECUTED_FAILED);
    assert_int_equal(t->status.reason, REASON_POL1_REFUSED);
    world_free(w);
}

static void only_the_owner_may(void **state)
{
    (void)state;
    struct world *w = with_profile();
    profile_call(w, OID_OP2, ES2_ENABLE_PROFILE, NULL);
    assert_int_equal(world_answer(w, ES2_ENABLE_PROFILE)->status.reason, REASON_ICCID_NOT_ALLOWED);
    assert_int_equal(w->smsr.calls[ES3_ENABLE_PROFILE], 0);
    struct es_profile_request r = { .eid = world_eid(), .smsr_id = smsr() };
    assert_ok(iccid_from_text(SPAN_LIT("8900000000000000555"), &r.iccid));
    world_call(w, OID_OP1, ES2_DELETE_PROFILE, &r, 0, NULL);
    world_run(w, 5);
    assert_int_equal(world_answer(w, ES2_DELETE_PROFILE)->status.reason, REASON_ICCID_UNKNOWN);
    r.iccid = w->iccid;
    assert_ok(oid_from_text(SPAN_LIT("1.2.3"), &r.smsr_id));
    world_call(w, OID_OP1, ES2_DISABLE_PROFILE, &r, 0, NULL);
    world_run(w, 5);
    assert_int_equal(world_answer(w, ES2_DISABLE_PROFILE)->status.reason, REASON_SMSR_UNKNOWN);
    world_free(w);
}

static struct status reply_status(struct world *w, const struct eis **ret_eis)
{
    struct arena *a = test_keep(malloc(sizeof *a));
    struct es_message m;
    struct es_fault fault;
    arena_init(a, 4u << 20);
    assert_ok(es_decode(w->reply_body, a, &m, &fault));
    assert_int_equal(m.kind, ES_RESPONSE);
    if (ret_eis)
        *ret_eis = ((const struct es_eis_response *)m.body)->eis;
    return es_response_of(&m)->status;
}

static void get_eis_shows_ones_own_profiles(void **state)
{
    (void)state;
    struct world *w = with_profile();
    const struct eis *eis;
    struct es_eid_request r = { .eid = world_eid(), .smsr_id = smsr() };
    world_call(w, OID_OP1, ES2_GET_EIS, &r, 0, NULL);
    world_run(w, 5);
    assert_int_equal(w->reply_status, 200);
    assert_int_equal(reply_status(w, &eis).exec, EXECUTED_SUCCESS);
    assert_int_equal(eis->profile_count, 1);
    assert_true(iccid_eq(&eis->profiles[0].iccid, &w->iccid));
    assert_true(eis->signature.len && sd_certificate(&eis->ecasd).len);
    /* as annex E has it, when the operator's section says so: what it may not see, and what could not be verified then */
    w->partners[0].reduced_eis = true;
    world_call(w, OID_OP1, ES2_GET_EIS, &r, 0, NULL);
    world_run(w, 5);
    assert_int_equal(reply_status(w, &eis).exec, EXECUTED_SUCCESS);
    assert_int_equal(eis->profile_count, 1);
    assert_true(eis->production_ms && eis->available_memory && *eis->eum_id.text);
    assert_true(!eis->signature.len && !sd_certificate(&eis->ecasd).len && !eis->isdr.keyset_count && !eis->isdp_loadfile_aid.len);
    world_free(w);
}

static void policy_rules_are_kept_too(void **state)
{
    (void)state;
    struct world *w = with_profile();
    struct es_pol2_request r = { .eid = world_eid(), .smsr_id = smsr(), .iccid = w->iccid, .has_pol2 = true };
    assert_ok(pol2_from_text(SPAN_LIT("delete:not-allowed"), &r.pol2));
    world_call(w, OID_OP1, ES2_UPDATE_POLICY_RULES, &r, 0, NULL);
    world_run(w, 5);
    assert_int_equal(w->reply_status, 200);
    assert_int_equal(reply_status(w, NULL).exec, EXECUTED_SUCCESS);
    assert_int_equal(w->smsr.calls[ES3_UPDATE_POLICY_RULES], 1);
    assert_int_equal(world_count(w, "SELECT pol2<>0 FROM profile"), 1);
    world_free(w);
}

static void an_audit_is_passed_on(void **state)
{
    (void)state;
    struct world *w = with_profile();
    struct es_audit_request r = { .eid = world_eid(), .smsr_id = smsr(), .iccids = &w->iccid, .iccid_count = 1 };
    assert_int_equal(world_call(w, OID_OP1, ES2_AUDIT_EIS, &r, 0, NULL), 202);
    world_run(w, 5);
    assert_int_equal(world_answer(w, ES2_AUDIT_EIS)->status.exec, EXECUTED_SUCCESS);
    world_call(w, OID_OP2, ES2_AUDIT_EIS, &r, 0, NULL);
    world_run(w, 5);
    assert_int_equal(world_answers(w, ES2_AUDIT_EIS), 2);
    assert_int_equal(w->told[w->told_count - 1].status.reason, REASON_PROFILE_NOT_ALLOWED);
    world_free(w);
}

static struct es_plma plma_of(const char *owner)
{
    static struct span operations[] = { { (const uint8_t *)"EnableProfile", 13 } };
    struct es_plma p = { .profile_type = SPAN_LIT(TYPE_TEST), .operations = operations, .operation_count = 1 };
    assert_ok(oid_from_text(span_text(owner), &p.mno_id));
    assert_ok(oid_from_text(SPAN_LIT("1.3.6.1.4.1.99999.21"), &p.m2m_sp_id));
    return p;
}

static void authorisations_are_passed_on(void **state)
{
    (void)state;
    struct world *w = with_profile();
    struct es_set_plma_request r = { .smsr_id = smsr(), .plma = plma_of(OID_OP1) };
    world_call(w, OID_OP1, ES2_SET_PLMA, &r, 0, "plma");
    world_run(w, 5);
    assert_int_equal(w->reply_status, 200);
    assert_int_equal(reply_status(w, NULL).exec, EXECUTED_SUCCESS);
    assert_int_equal(w->smsr.calls[ES3_SET_PLMA], 1);
    world_call(w, OID_OP1, ES2_SET_PLMA, &r, 0, "plma"); /* once more: the stored answer */
    assert_int_equal(w->reply_status, 200);
    assert_int_equal(w->smsr.calls[ES3_SET_PLMA], 1);
    r.plma = plma_of(OID_OP2);
    world_call(w, OID_OP1, ES2_SET_PLMA, &r, 0, NULL);
    world_run(w, 5);
    assert_int_equal(reply_status(w, NULL).reason, REASON_REQUESTER_NOT_ALLOWED);
    assert_int_equal(w->smsr.calls[ES3_SET_PLMA], 1);
    world_free(w);
}

static void ones_own_authorisations_are_shown(void **state)
{
    (void)state;
    struct world *w = with_profile();
    struct es_get_plma_request r = { .smsr_id = smsr() };
    struct arena *a = test_keep(malloc(sizeof *a));
    struct es_message m;
    struct es_fault fault;
    arena_init(a, 1u << 20);
    world_call(w, OID_OP1, ES2_GET_PLMA, &r, 0, NULL);
    world_run(w, 5);
    assert_ok(es_decode(w->reply_body, a, &m, &fault));
    const struct es_plma_response *answer = m.body;
    assert_int_equal(answer->base.status.exec, EXECUTED_SUCCESS);
    assert_int_equal(answer->plma_count, 1);
    assert_true(oid_is(&answer->plma[0].mno_id, OID_OP1));
    world_free(w);
}

static void a_notification_configuration_is_passed_on(void **state)
{
    (void)state;
    struct world *w = with_profile();
    struct es_set_onc_request r = { .smsr_id = smsr(), .onc = { .profile_type = SPAN_LIT(TYPE_TEST) } };
    struct es_get_onc_request g = { .smsr_id = smsr() };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP2), &r.onc.mno_id));
    world_call(w, OID_OP1, ES2_SET_ONC, &r, 0, NULL);
    world_run(w, 5);
    assert_int_equal(reply_status(w, NULL).reason, REASON_REQUESTER_NOT_ALLOWED);
    w->smsr.fail = ES3_SET_ONC;
    w->smsr.fail_times = 1;
    w->smsr.fail_status = status_failed(REASON_FUNCTION_UNSUPPORTED, "", "no ONC here");
    world_call(w, OID_OP2, ES2_SET_ONC, &r, 0, NULL);
    world_run(w, 5);
    assert_int_equal(reply_status(w, NULL).reason, REASON_FUNCTION_UNSUPPORTED);
    world_call(w, OID_OP2, ES2_SET_ONC, &r, 0, NULL);
    world_run(w, 5);
    assert_int_equal(reply_status(w, NULL).exec, EXECUTED_SUCCESS);
    world_call(w, OID_OP2, ES2_GET_ONC, &g, 0, NULL);
    world_run(w, 5);
    assert_int_equal(reply_status(w, NULL).exec, EXECUTED_SUCCESS);
    assert_int_equal(w->smsr.calls[ES3_GET_ONC], 1);
    world_free(w);
}

static void attributes_are_passed_on(void **state)
{
    (void)state;
    struct world *w = with_profile();
    assert_int_equal(profile_call(w, OID_OP1, ES2_SET_FALLBACK_ATTRIBUTE, NULL), 202);
    assert_int_equal(world_answer(w, ES2_SET_FALLBACK_ATTRIBUTE)->status.exec, EXECUTED_SUCCESS);
    assert_int_equal(profile_call(w, OID_OP1, ES2_SET_EMERGENCY_PROFILE_ATTRIBUTE, NULL), 202);
    assert_int_equal(world_answer(w, ES2_SET_EMERGENCY_PROFILE_ATTRIBUTE)->status.exec, EXECUTED_SUCCESS);
    assert_int_equal(w->smsr.calls[ES3_SET_FALLBACK_ATTRIBUTE], 1);
    assert_int_equal(w->smsr.calls[ES3_SET_EMERGENCY_PROFILE_ATTRIBUTE], 1);
    world_free(w);
}

static void a_new_authorisation_is_told_to_its_operator(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct es_plma_notification n = { .plma = plma_of(OID_OP2), .completed_ms = WORLD_START_MS };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP1), &n.mno_id));
    assert_int_equal(world_notify(w, ES3_SET_PLMA_NOTIFICATION, &n, "//1/plma"), 202);
    world_run(w, 5);
    assert_int_equal(world_notify(w, ES3_SET_PLMA_NOTIFICATION, &n, "//1/plma"), 202);
    world_run(w, 5);
    assert_int_equal(w->told_count, 1);
    assert_int_equal(w->told[0].function, ES2_SET_PLMA_NOTIFICATION);
    assert_string_equal(w->told[0].url, w->partners[0].url);
    world_free(w);
}

/* ---- the same call again */

static void a_repeat_is_not_a_second_call(void **state)
{
    (void)state;
    struct world *w = with_profile();
    profile_call(w, OID_OP1, ES2_ENABLE_PROFILE, "same");
    assert_int_equal(profile_call(w, OID_OP1, ES2_ENABLE_PROFILE, "same"), 202);
    assert_int_equal(w->smsr.calls[ES3_ENABLE_PROFILE], 1);
    assert_int_equal(world_answers(w, ES2_ENABLE_PROFILE), 2); /* each message has its own */
    size_t told = 0;
    for (size_t i = 0; i < w->told_count; i++)
        told += w->told[i].function == ES2_ENABLE_PROFILE;
    assert_int_equal(told, 2);
    profile_call(w, OID_OP1, ES2_DELETE_PROFILE, "same"); /* another function under the same name */
    assert_int_equal(reply_status(w, NULL).reason, REASON_CALL_ID_REUSED);
    profile_call(w, OID_OP1, ES2_DISABLE_PROFILE, "other");
    assert_int_equal(w->smsr.calls[ES3_DISABLE_PROFILE], 1);
    world_free(w);
}

static void a_repeat_while_it_runs_is_answered_too(void **state)
{
    (void)state;
    struct world *w = with_profile();
    struct es_eid_request r = { .eid = world_eid(), .smsr_id = smsr() };
    w->smsr.deaf = true;
    world_call(w, OID_OP1, ES2_GET_EIS, &r, 0, "eis");
    assert_int_equal(w->reply_status, 0);
    world_call(w, OID_OP1, ES2_GET_EIS, &r, 0, "eis"); /* on a new connection */
    assert_int_equal(w->reply_status, 0);
    w->smsr.deaf = false;
    unsigned before = w->replies;
    world_run(w, 20);
    assert_int_equal(w->replies, before + 1); /* the first exchange is gone in this world */
    assert_int_equal(w->smsr.calls[ES3_GET_EIS], 2); /* one was the download's */
    assert_int_equal(world_count(w, "SELECT count(*) FROM job"), 0);
    assert_int_equal(reply_status(w, NULL).exec, EXECUTED_SUCCESS);
    world_free(w);
}

/* ---- who may */

static void strangers_are_told_so(void **state)
{
    (void)state;
    struct world *w = with_profile();
    struct es_profile_request r = { .eid = world_eid(), .smsr_id = smsr(), .iccid = w->iccid };
    world_call(w, "1.2.3.4", ES2_ENABLE_PROFILE, &r, 0, NULL);
    assert_int_equal(reply_status(w, NULL).reason, REASON_REQUESTER_UNKNOWN);
    world_call(w, OID_SMSR, ES2_ENABLE_PROFILE, &r, 0, NULL);
    assert_int_equal(reply_status(w, NULL).reason, REASON_REQUESTER_NOT_ALLOWED);
    world_call(w, OID_OP1, ES2_ENABLE_PROFILE, &r, 1, NULL);
    assert_int_equal(reply_status(w, NULL).reason, REASON_VALIDITY_REFUSED);
    assert_int_equal(w->smsr.calls[ES3_ENABLE_PROFILE], 0);
    world_free(w);
}

static void noise_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new();
    static const char *const noise[] = { "", "<", "not xml",
                                         "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><a/>",
                                         "<a xmlns=\"http://www.w3.org/2003/05/soap-envelope\"/>" };
    for (size_t i = 0; i < ARRAY_LEN(noise); i++) {
        w->reply_status = 0;
        smdp_soap(w->smdp, smdp_partner_by_oid(w->smdp, OID_OP1), span_text(noise[i]),
                  (struct reply_ref){ SMDP_NODE_SOAP, 0, 1 });
        smdp_run(w->smdp);
        assert_int_equal(w->reply_status, 400);
    }
    world_free(w);
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
    struct world *w = world_new();
    snprintf(text, sizeof text, soap, OID_OP1, OID_SMDP, OID_OP1, "ES2/DataPreparation/ES2-GetEIS", "ES2", "ES2");
    smdp_soap(w->smdp, smdp_partner_by_oid(w->smdp, OID_OP1), span_text(text), (struct reply_ref){ SMDP_NODE_SOAP, 0, 1 });
    smdp_run(w->smdp);
    assert_int_equal(w->reply_status, 200);
    assert_non_null(memmem(w->reply_body.ptr, w->reply_body.len, ">FAILED<", 8));
    assert_non_null(memmem(w->reply_body.ptr, w->reply_body.len, ">1.3.1<", 7));
    world_free(w);
}

/* ---- notifications */

static void a_notification_goes_to_its_operator_once(void **state)
{
    (void)state;
    struct world *w = with_profile();
    struct es_profile_notification n = { .eid = world_eid(), .iccid = w->iccid, .completed_ms = w->now_ms };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP2), &n.mno_id));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            world_notify(w, ES3_PROFILE_DISABLED_NOTIFICATION, &n, "//smsr/1?MessageDate=2026-07-01T00:00:00Z"), 202);
        world_run(w, 5);
    }
    assert_string_equal(world_answer(w, ES2_PROFILE_DISABLED_NOTIFICATION)->url,
                        "https://op2.example/esim-messaging/3/ES2/ES2MnoService");
    assert_ok(oid_from_text(SPAN_LIT("1.2.3"), &n.mno_id)); /* nobody here: acknowledged, logged */
    assert_int_equal(world_notify(w, ES3_PROFILE_ENABLED_NOTIFICATION, &n, "//smsr/2?MessageDate=2026-07-01T00:00:00Z"),
                     202);
    world_run(w, 5);
    assert_int_equal(world_answers(w, ES2_PROFILE_ENABLED_NOTIFICATION), 0);
    assert_ok(oid_from_text(SPAN_LIT(OID_OP1), &n.mno_id));
    assert_int_equal(world_notify(w, ES3_PROFILE_DELETED_NOTIFICATION, &n, "//smsr/3?MessageDate=2026-07-01T00:00:00Z"),
                     202);
    world_run(w, 5);
    assert_int_equal(world_answers(w, ES2_PROFILE_DELETED_NOTIFICATION), 1);
    assert_int_equal(world_count(w, "SELECT state FROM profile"), 0);
    world_free(w);
}

/* Whoever it was that deleted it. */
static void a_deletion_is_told_to_the_smdp_itself(void **state)
{
    (void)state;
    struct world *w = with_profile();
    struct es_profile_notification n = { .eid = world_eid(), .iccid = w->iccid, .completed_ms = w->now_ms };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP2), &n.mno_id)); /* what a third party hears is nothing to us */
    assert_int_equal(world_notify(w, ES3_PROFILE_DELETED_NOTIFICATION, &n, "//smsr/1?MessageDate=2026-07-01T00:00:00Z"), 202);
    world_run(w, 5);
    assert_int_equal(world_count(w, "SELECT state FROM profile"), 2);
    assert_int_equal(world_answers(w, ES2_PROFILE_DELETED_NOTIFICATION), 1);
    assert_ok(oid_from_text(SPAN_LIT(OID_SMDP), &n.mno_id));
    assert_int_equal(world_notify(w, ES3_PROFILE_DELETED_NOTIFICATION, &n, "//smsr/2?MessageDate=2026-07-01T00:00:00Z"), 202);
    world_run(w, 5);
    assert_int_equal(world_count(w, "SELECT state FROM profile"), 0);
    assert_int_equal(world_answers(w, ES2_PROFILE_DELETED_NOTIFICATION), 1); /* nobody else is told */
    world_free(w);
}

int main(void)
{
    if (!shared_path("data/profiles/TS48v1_A.der"))
        return TEST_SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enable_disable_delete_are_passed_on),
        cmocka_unit_test(a_deletion_is_told_to_the_smdp_itself),
        cmocka_unit_test(a_failure_keeps_the_smsrs_words),
        cmocka_unit_test(only_the_owner_may),
        cmocka_unit_test(get_eis_shows_ones_own_profiles),
        cmocka_unit_test(policy_rules_are_kept_too),
        cmocka_unit_test(an_audit_is_passed_on),
        cmocka_unit_test(authorisations_are_passed_on),
        cmocka_unit_test(ones_own_authorisations_are_shown),
        cmocka_unit_test(a_notification_configuration_is_passed_on),
        cmocka_unit_test(attributes_are_passed_on),
        cmocka_unit_test(a_new_authorisation_is_told_to_its_operator),
        cmocka_unit_test(a_repeat_is_not_a_second_call),
        cmocka_unit_test(a_repeat_while_it_runs_is_answered_too),
        cmocka_unit_test(strangers_are_told_so),
        cmocka_unit_test(noise_is_refused),
        cmocka_unit_test(a_body_that_is_wrong_is_answered),
        cmocka_unit_test(a_notification_goes_to_its_operator_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
