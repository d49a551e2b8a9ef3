#include "world.h"

#include "lib/es/eum_signature.h"

/* PLMA, ONC, the attributes, and who is told what. Profile B is operator 1's; operator 2 is the M2M SP, and is told
 * through the SM-DP. */

static struct world w;

static int setup(void **state)
{
    (void)state;
    world_make(&w);
    world_register(&w);
    world_add_profile(&w, ICCID_B, OID_OP1, 0x11, "882000002", 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_free(&w);
    return 0;
}

static struct oid oid(const char *text)
{
    struct oid ret;
    assert_ok(oid_from_text(span_text(text), &ret));
    return ret;
}

static void assert_answer(const char *subject, const char *code)
{
    const struct es_response *r = world_answer(&w);
    if (strcmp(r->status.subject, subject) || strcmp(r->status.code, code))
        fail_msg("got %s/%s %s, not %s/%s", r->status.subject, r->status.code, r->status.detail, subject, code);
}

static void assert_outcome(enum es_function function, const char *subject, const char *code)
{
    const struct told *t = world_told(&w, function);
    assert_non_null(t);
    if (strcmp(t->status.subject, subject) || strcmp(t->status.code, code))
        fail_msg("got %s/%s %s, not %s/%s", t->status.subject, t->status.code, t->status.detail, subject, code);
}

static const char *call_id(void)
{
    static unsigned n;
    static char text[16];
    snprintf(text, sizeof text, "call-%u", ++n);
    return text;
}

static void set_plma(enum es_function function, const char *caller, const char *mno, const char *sp, size_t count,
                     const char *const *names)
{
    struct span list[8];
    for (size_t i = 0; i < count; i++)
        list[i] = span_text(names[i]);
    struct es_set_plma_request r = { .base = world_call(call_id(), 0),
                                     .plma = { .mno_id = oid(mno),
                                               .profile_type = SPAN_LIT("M2M"),
                                               .m2m_sp_id = oid(sp),
                                               .operations = list,
                                               .operation_count = count } };
    assert_int_equal(world_ask(&w, caller, function, &r), 200);
}
#define SET_PLMA(...)                                                                                                  \
    set_plma(ES4A_SET_PLMA, OID_OP1, OID_OP1, OID_OP2, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *),       \
             (const char *[]){ __VA_ARGS__ })

static void profile(enum es_function function, const char *caller, const char *iccid)
{
    struct es_profile_request r = { .base = world_call(call_id(), 600),
                                    .eid = world_eid(),
                                    .iccid = world_iccid(iccid) };
    world_ask(&w, caller, function, &r);
    world_settle(&w);
}

static void plma_lets_another_enable(void **state)
{
    (void)state;
    profile(ES4_ENABLE_PROFILE, OID_OP2, ICCID_B);
    assert_outcome(ES4_ENABLE_PROFILE, "8.2.1", "1.2");
    SET_PLMA("EnableProfile", "GetEIS");
    assert_answer("", "");
    assert_int_equal(world_told_count(&w, ES3_SET_PLMA_NOTIFICATION), 1); /* the one concerned is told */
    profile(ES4_ENABLE_PROFILE, OID_OP2, ICCID_B);
    assert_outcome(ES4_ENABLE_PROFILE, "", "");
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_ENABLED);
    /* the owner did not ask: it is told, of both profiles */
    assert_int_equal(world_told_count(&w, ES4_PROFILE_ENABLED_NOTIFICATION), 1);
    assert_string_equal(world_told(&w, ES4_PROFILE_ENABLED_NOTIFICATION)->iccid, ICCID_B);
    assert_string_equal(world_told(&w, ES4_PROFILE_DISABLED_NOTIFICATION)->iccid, ICCID_A);
    /* not what is not on the list; POL2 never */
    profile(ES4_DISABLE_PROFILE, OID_OP2, ICCID_B);
    assert_outcome(ES4_DISABLE_PROFILE, "8.2.1", "1.2");
    struct es_pol2_request pol2 = {
        .base = world_call(call_id(), 0), .eid = world_eid(), .iccid = world_iccid(ICCID_B), .has_pol2 = true
    };
    world_ask(&w, OID_OP2, ES4_UPDATE_POLICY_RULES, &pol2);
    assert_answer("8.2.1", "1.2");
    /* it sees only what it may */
    struct es_eid_request get = { .base = world_call(call_id(), 0), .eid = world_eid() };
    world_ask(&w, OID_OP2, ES4_GET_EIS, &get);
    const struct eis *eis = ((const struct es_eis_response *)world_answer(&w))->eis;
    assert_int_equal(eis->profile_count, 1);
    assert_string_equal(eis->profiles[0].iccid.digits, ICCID_B);
}

/* ---- who sees what of the EIS (annex E; fact book 4.8) */

enum { SIGNED = 1, ECASD = 2, LOADFILE = 4, ISDR = 8, AUDITED = 16, MEMORY = 32, CAPABILITIES = 64, TRAIL = 128, COUNTERS = 256,
       STATES = 512 };

static unsigned parts_of(const struct eis *e)
{
    bool counters = false;
    for (size_t i = 0; i < e->isdr.keyset_count; i++) {
        counters |= e->isdr.keysets[i].counter != 0;
        assert_int_equal(e->isdr.keysets[i].key_count, 0); /* values: nobody */
    }
    return (e->signature.len ? SIGNED : 0) | (sd_certificate(&e->ecasd).len ? ECASD : 0) |
           (e->isdp_loadfile_aid.len ? LOADFILE : 0) | (e->isdr.keyset_count ? ISDR : 0) |
           (e->last_audit_ms ? AUDITED : 0) | (e->available_memory ? MEMORY : 0) | (e->capabilities.http ? CAPABILITIES : 0) |
           (e->has_audit_trail ? TRAIL : 0) | (counters ? COUNTERS : 0) |
           (e->profile_count && *e->profiles[0].address.msisdn ? STATES : 0);
}

static const struct eis *eis_of(const char *who, enum es_function function)
{
    struct es_audit_request audit = { .base = world_call(call_id(), 600), .eid = world_eid() };
    struct es_eid_request get = { .base = world_call(call_id(), 0), .eid = world_eid() };
    if (function == ES4_GET_EIS || function == ES3_GET_EIS) {
        world_ask(&w, who, function, &get);
        return ((const struct es_eis_response *)world_answer(&w))->eis;
    }
    world_ask(&w, who, function, &audit);
    world_pass(&w, 5000);
    struct es_message *m = ARENA_NEW(&w.arena, struct es_message);
    struct es_fault fault;
    assert_non_null(world_told(&w, function));
    assert_ok(es_decode(world_told(&w, function)->soap, &w.arena, m, &fault));
    return ((const struct es_eis_response *)m->body)->eis;
}

static void reduce(const char *who, bool reduced)
{
    for (size_t i = 0; i < w.config.partner_count; i++)
        if (oid_is(&w.partners[i].oid, who))
            w.partners[i].reduced_eis = reduced;
}

static void everybody_sees_its_part(void **state)
{
    const unsigned operator = AUDITED | MEMORY | CAPABILITIES | STATES, all = SIGNED | ECASD | LOADFILE | ISDR;
    const struct {
        const char *what, *who;
        enum es_function function;
        bool reduced;
        unsigned parts;
        const char *iccids;
    } views[] = {
        { "SM-DP", OID_SMDP, ES3_GET_EIS, false, (operator & ~(unsigned)AUDITED) | all, ICCID_A ICCID_B ICCID_C },
        { "SM-DP that asked the card", OID_SMDP, ES3_AUDIT_EIS, false, operator | all, ICCID_A ICCID_B ICCID_C },
        { "SM-DP of nobody here", OID_OTHER_DP, ES3_GET_EIS, false, ((operator & ~(unsigned)AUDITED) | all) & ~(unsigned)STATES, "" },
        { "operator", OID_OP1, ES4_GET_EIS, true, operator, ICCID_A ICCID_B },
        { "operator that asked the card", OID_OP1, ES4_AUDIT_EIS, true, operator, ICCID_A ICCID_B },
        { "operator, complete form", OID_OP1, ES4_GET_EIS, false, operator | all, ICCID_A ICCID_B },
        { "M2M SP by PLMA", OID_OP2, ES4_GET_EIS, true, operator, ICCID_B ICCID_C },
        { "M2M SP by PLMA, complete form", OID_OP2, ES4_AUDIT_EIS, false, operator | all, ICCID_B ICCID_C },
    };
    (void)state;
    world_add_profile(&w, ICCID_C, OID_OP2, 0x12, "882000003", 0);
    SET_PLMA("GetEIS", "AuditEIS");
    eis_of(OID_OP1, ES4_AUDIT_EIS); /* so that there is a date of it */
    WRITER_ON_STACK(der, X509_DER_MAX);
    x509_der(w.eum, &der);
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        char iccids[128] = "";
        reduce(views[i].who, views[i].reduced);
        const struct eis *e = eis_of(views[i].who, views[i].function);
        for (size_t k = 0; k < e->profile_count; k++)
            strcat(iccids, e->profiles[k].iccid.digits);
        if (strcmp(iccids, views[i].iccids))
            fail_msg("%s: profiles %s, not %s", views[i].what, iccids, views[i].iccids);
        if (parts_of(e) != views[i].parts)
            fail_msg("%s: parts %03X, not %03X", views[i].what, parts_of(e), views[i].parts);
        assert_true(eid_eq(&e->eid, &(struct eid){ 0 }) == false && e->production_ms && oid_is(&e->smsr_id, OID_SMSR));
        if (views[i].parts & SIGNED) /* whoever gets it can verify it */
            assert_ok(eum_verify(e, wr_span(&der)));
    }
}

static void plma_is_withdrawn(void **state)
{
    (void)state;
    SET_PLMA("EnableProfile");
    set_plma(ES4A_SET_PLMA, OID_OP1, OID_OP1, OID_OP2, 0, NULL);
    assert_answer("", "");
    assert_int_equal(world_count(&w, "plma"), 0);
    profile(ES4_ENABLE_PROFILE, OID_OP2, ICCID_B);
    assert_outcome(ES4_ENABLE_PROFILE, "8.2.1", "1.2");
}

static void plma_is_refused(void **state)
{
    (void)state;
    SET_PLMA("EnableProfile", "UpdatePolicyRules");
    assert_answer("8.2.7", "2.1");
    set_plma(ES4A_SET_PLMA, OID_OP2, OID_OP1, OID_OP2, 0, NULL);
    assert_answer("1.1", "1.2");
    set_plma(ES4A_SET_PLMA, OID_OP1, OID_OP1, "1.2.3.4", 0, NULL);
    assert_answer("8.2.7", "3.9");
    set_plma(ES3_SET_PLMA, OID_OTHER_DP, OID_OP1, OID_OP2, 0, NULL); /* acts for nobody */
    assert_answer("1.1", "1.2");
    set_plma(ES4A_SET_PLMA, OID_SMDP, OID_OP1, OID_OP2, 0, NULL);
    assert_answer("1.1", "1.2");
    assert_int_equal(world_count(&w, "plma"), 0);
}

static size_t get_plma(enum es_function function, const char *caller, const char *type, const char *sp,
                       const char *iccid)
{
    struct es_get_plma_request r = { .base = world_call(call_id(), 0), .profile_type = span_text(type) };
    if (*sp)
        r.m2m_sp_id = oid(sp);
    if (*iccid)
        r.iccid = world_iccid(iccid);
    assert_int_equal(world_ask(&w, caller, function, &r), 200);
    assert_answer("", "");
    return ((const struct es_plma_response *)world_answer(&w))->plma_count;
}

static void plma_is_looked_up(void **state)
{
    (void)state;
    static const char *const names[] = { "DisableProfile", "HandleProfileEnabledNotification" };
    set_plma(ES3_SET_PLMA, OID_SMDP, OID_OP1, OID_OP2, 2, names); /* through the SM-DP */
    assert_answer("", "");
    assert_int_equal(get_plma(ES4A_GET_PLMA, OID_OP1, "", "", ""), 1);
    const struct es_plma *p = ((const struct es_plma_response *)world_answer(&w))->plma;
    assert_int_equal(p->operation_count, 2);
    assert_span_equal(p->operations[1], span_text(names[1]));
    assert_int_equal(get_plma(ES4_GET_PLMA, OID_OP2, "M2M", "", ""), 1); /* it is about me */
    assert_int_equal(get_plma(ES3_GET_PLMA, OID_SMDP, "", OID_OP2, ""), 1);
    assert_int_equal(get_plma(ES3_GET_PLMA, OID_OTHER_DP, "", "", ""), 0);
    assert_int_equal(get_plma(ES4A_GET_PLMA, OID_OP1, "other", "", ""), 0);
    assert_int_equal(get_plma(ES4A_GET_PLMA, OID_OP1, "", OID_OP1, ""), 0);
    assert_int_equal(get_plma(ES4A_GET_PLMA, OID_OP1, "", "", ICCID_B), 1);
    assert_int_equal(get_plma(ES4A_GET_PLMA, OID_OP1, "", "", ICCID_A), 0); /* of another type */
    assert_int_equal(get_plma(ES4A_GET_PLMA, OID_OP1, "", "", ICCID_C), 0);
}

static void listeners_are_told(void **state)
{
    (void)state;
    SET_PLMA("HandleProfileEnabledNotification", "HandleProfilePOL2UpdatedNotification",
             "HandleProfileDownloadedNotification", "HandleProfileDeletedNotification");
    profile(ES4_ENABLE_PROFILE, OID_OP1, ICCID_B);
    assert_outcome(ES4_ENABLE_PROFILE, "", "");
    assert_int_equal(world_told_count(&w, ES3_PROFILE_ENABLED_NOTIFICATION), 1);
    assert_string_equal(world_told(&w, ES3_PROFILE_ENABLED_NOTIFICATION)->mno, OID_OP2);
    assert_int_equal(world_told_count(&w, ES4_PROFILE_ENABLED_NOTIFICATION), 0); /* the owner asked for it */
    struct es_pol2_request pol2 = {
        .base = world_call(call_id(), 0), .eid = world_eid(), .iccid = world_iccid(ICCID_B), .has_pol2 = true
    };
    world_ask(&w, OID_OP1, ES4_UPDATE_POLICY_RULES, &pol2);
    assert_answer("", "");
    assert_int_equal(world_told_count(&w, ES3_PROFILE_POL2_UPDATED_NOTIFICATION), 1);
    assert_int_equal(world_told_count(&w, ES4_PROFILE_POL2_UPDATED_NOTIFICATION), 0);
    profile(ES4_DELETE_PROFILE, OID_OP1, ICCID_B);
    assert_outcome(ES4_DELETE_PROFILE, "", "");
    assert_int_equal(world_told_whom(&w, ES3_PROFILE_DELETED_NOTIFICATION, OID_OP2), 1);
    assert_int_equal(world_told_whom(&w, ES3_PROFILE_DELETED_NOTIFICATION, OID_SMDP), 1); /* it may load the profile again */
    assert_int_equal(world_told_count(&w, ES3_PROFILE_DELETED_NOTIFICATION), 2);
}

static void download_is_told(void **state)
{
    (void)state;
    SET_PLMA("HandleProfileDownloadedNotification");
    struct es3_create_isdp create = { .base = world_call(call_id(), 600),
                                      .eid = world_eid(),
                                      .iccid = world_iccid(ICCID_C),
                                      .mno_id = oid(OID_OP1),
                                      .required_memory = 1000 };
    world_ask(&w, OID_SMDP, ES3_CREATE_ISDP, &create);
    world_settle(&w);
    struct es3_profile_download_completed done = { .base = world_call(call_id(), 0),
                                                   .eid = world_eid(),
                                                   .iccid = world_iccid(ICCID_C),
                                                   .profile_type = SPAN_LIT("M2M") };
    world_ask(&w, OID_SMDP, ES3_PROFILE_DOWNLOAD_COMPLETED, &done);
    assert_answer("", "");
    assert_int_equal(world_told_count(&w, ES3_PROFILE_DOWNLOADED_NOTIFICATION), 1);
    assert_string_equal(world_told(&w, ES3_PROFILE_DOWNLOADED_NOTIFICATION)->iccid, ICCID_C);
}

static void set_onc(const char *caller, const char *mno, const char *name)
{
    struct span list[] = { span_text(name) };
    struct es_set_onc_request r = { .base = world_call(call_id(), 0),
                                    .onc = { .mno_id = oid(mno),
                                             .profile_type = SPAN_LIT("M2M"),
                                             .discarded = list,
                                             .discarded_count = *name ? 1 : 0 } };
    assert_int_equal(world_ask(&w, caller, ES4A_SET_ONC, &r), 200);
}

static void onc_discards(void **state)
{
    (void)state;
    set_onc(OID_OP2, OID_OP1, "HandleProfileEnabledNotification");
    assert_answer("1.1", "1.2");
    set_onc(OID_OP1, OID_OP1, "EnableProfile");
    assert_answer("8.2.8", "2.1");
    set_onc(OID_OP1, OID_OP1, "HandleProfileEnabledNotification");
    assert_answer("", "");
    SET_PLMA("EnableProfile", "DisableProfile");
    profile(ES4_ENABLE_PROFILE, OID_OP2, ICCID_B);
    assert_int_equal(world_told_count(&w, ES4_PROFILE_ENABLED_NOTIFICATION), 0);
    assert_int_equal(world_told_count(&w, ES4_PROFILE_DISABLED_NOTIFICATION), 1); /* of A, which is of another type */
    profile(ES4_DISABLE_PROFILE, OID_OP2, ICCID_B);
    assert_string_equal(world_told(&w, ES4_PROFILE_DISABLED_NOTIFICATION)->iccid, ICCID_B);
    struct es_get_onc_request get = { .base = world_call(call_id(), 0) };
    world_ask(&w, OID_OP1, ES4A_GET_ONC, &get);
    assert_int_equal(((const struct es_onc_response *)world_answer(&w))->onc_count, 1);
    world_ask(&w, OID_OP2, ES4A_GET_ONC, &get);
    assert_int_equal(((const struct es_onc_response *)world_answer(&w))->onc_count, 0);
    set_onc(OID_OP1, OID_OP1, "");
    profile(ES4_ENABLE_PROFILE, OID_OP2, ICCID_B);
    assert_int_equal(world_told_count(&w, ES4_PROFILE_ENABLED_NOTIFICATION), 2); /* A when B was disabled, now B */
    assert_string_equal(world_told(&w, ES4_PROFILE_ENABLED_NOTIFICATION)->iccid, ICCID_B);
}

static void emergency(void **state)
{
    (void)state;
    profile(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, OID_OP1, ICCID_A); /* has the fall-back attribute */
    assert_outcome(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, "8.2.9", "3.8");
    profile(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, OID_OP2, ICCID_B);
    assert_outcome(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, "8.2.1", "1.2");
    SET_PLMA("SetEmergencyProfileAttribute");
    profile(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, OID_OP2, ICCID_B);
    assert_outcome(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, "", "");
    assert_int_equal(world_told_count(&w, ES4_EMERGENCY_PROFILE_ATTRIBUTE_SET_NOTIFICATION), 1);
    assert_int_equal(world_count(&w, "profile WHERE emergency=1"), 1);
    unsigned executed = w.card.executed;
    profile(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, OID_OP1, ICCID_B); /* once more: no card */
    assert_outcome(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, "", "");
    profile(ES4_ENABLE_PROFILE, OID_OP1, ICCID_B);
    assert_outcome(ES4_ENABLE_PROFILE, "8.2.9", "3.8");
    profile(ES4_SET_FALLBACK_ATTRIBUTE, OID_OP1, ICCID_B);
    assert_outcome(ES4_SET_FALLBACK_ATTRIBUTE, "8.2.4", "3.8");
    assert_int_equal(w.card.executed, executed);
    /* another operator's profile takes it: only with leave */
    world_add_profile(&w, ICCID_C, OID_OP2, 0x12, "882000003", 0);
    profile(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, OID_OP2, ICCID_C);
    assert_outcome(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, "8.2.9", "1.2");
    SET_PLMA("UnsetEmergencyProfileAttribute");
    profile(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, OID_OP2, ICCID_C);
    assert_outcome(ES4_SET_EMERGENCY_PROFILE_ATTRIBUTE, "", "");
    assert_string_equal(world_told(&w, ES4_EMERGENCY_PROFILE_ATTRIBUTE_UNSET_NOTIFICATION)->iccid, ICCID_B);
    assert_int_equal(world_count(&w, "profile WHERE emergency=1"), 1);
}

static void fallback_moves(void **state)
{
    (void)state;
    world_add_profile(&w, ICCID_C, OID_OP2, 0x12, "882000003", 0);
    profile(ES4_SET_FALLBACK_ATTRIBUTE, OID_OP2, ICCID_C); /* operator 1 has it, on A */
    assert_outcome(ES4_SET_FALLBACK_ATTRIBUTE, "8.2.4", "1.2");
    SET_PLMA("SetFallBackAttribute", "UnsetFallBackAttribute");
    profile(ES4_SET_FALLBACK_ATTRIBUTE, OID_OP2, ICCID_B); /* A is of another type */
    assert_outcome(ES4_SET_FALLBACK_ATTRIBUTE, "8.2.4", "1.2");
    profile(ES4_SET_FALLBACK_ATTRIBUTE, OID_OP1, ICCID_B);
    assert_outcome(ES4_SET_FALLBACK_ATTRIBUTE, "", "");
    assert_int_equal(world_told_count(&w, ES4_PROFILE_FALLBACK_ATTRIBUTE_SET_NOTIFICATION), 0);
    profile(ES4_SET_FALLBACK_ATTRIBUTE, OID_OP2, ICCID_C);
    assert_outcome(ES4_SET_FALLBACK_ATTRIBUTE, "", "");
    assert_string_equal(world_told(&w, ES4_PROFILE_FALLBACK_ATTRIBUTE_UNSET_NOTIFICATION)->iccid, ICCID_B);
    world_check_agreement(&w);
}

/* ---- what is wrong on our side */

static void note(void *context, enum err err) { *(enum err *)context = err; }

static void change(const char *sql)
{
    struct statement statement = { sql, sql, NULL };
    struct write write = { .statement = &statement, .expect_rows = -1 };
    struct store *store = sqlite_store_seam(w.sqlite);
    enum err err = ERR_BUSY;
    store->commit(store, &write, 1, note, &err);
    assert_ok(err);
    world_forget(&w);
}

static void nobody_knows_its_number(void **state)
{
    (void)state;
    change("UPDATE profile SET msisdn=NULL");
    change("UPDATE euicc SET seen_from=NULL");
    profile(ES4_ENABLE_PROFILE, OID_OP1, ICCID_B);
    assert_outcome(ES4_ENABLE_PROFILE, "1.6", "5.1"); /* EUICC_UNREACHABLE */
    assert_int_equal(w.card.executed, 0);
}

static void its_keys_cannot_be_opened(void **state)
{
    (void)state;
    change("UPDATE keyset SET wrapped=zeroblob(length(wrapped))");
    profile(ES4_ENABLE_PROFILE, OID_OP1, ICCID_B);
    assert_outcome(ES4_ENABLE_PROFILE, "1.2", "4.2"); /* PROVIDER_ERROR */
    assert_int_equal(w.card.executed, 0);
    assert_int_equal(world_count(&w, "operation"), 0);
}

/* A card may delete by POL1 the profile whose attribute is being set, before its answer to that arrives. */
static void its_profile_is_gone_meanwhile(void **state)
{
    (void)state;
    w.sms_lost_to_card = 1;
    profile(ES4_SET_FALLBACK_ATTRIBUTE, OID_OP1, ICCID_B);
    assert_int_equal(world_count(&w, "operation"), 1);
    change("DELETE FROM profile WHERE iccid='" ICCID_B "'");
    world_pass(&w, 60000);
    assert_outcome(ES4_SET_FALLBACK_ATTRIBUTE, "8.2.1", "3.9");
    assert_int_equal(world_count(&w, "operation"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(plma_lets_another_enable), TEST(plma_is_withdrawn), TEST(plma_is_refused), TEST(plma_is_looked_up),
        TEST(listeners_are_told),       TEST(download_is_told),  TEST(onc_discards),    TEST(emergency),
        TEST(fallback_moves),           TEST(everybody_sees_its_part),
        TEST(nobody_knows_its_number),  TEST(its_keys_cannot_be_opened), TEST(its_profile_is_gone_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
