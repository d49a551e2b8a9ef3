#include "world.h"

/* The SM-SR change between two SM-SRs with one card. In the end one of them manages the eUICC, whatever was lost on the
 * way and whoever died: at once, or after the operator has asked once more. */

static struct world a, b;

static void pair_make(void)
{
    world_make(&a);
    world_register(&a);
    world_add_profile(&a, ICCID_B, OID_OP2, 0x11, "882000002", 0);
    world_make_other(&b, &a);
}

static void pair_free(void)
{
    world_free(&b);
    world_free(&a);
}

static void ask(struct world *w, const char *caller, enum es_function function, const char *call, const char *smsr)
{
    struct es_eid_request r = { .base = world_call(call, 600), .eid = world_eid() };
    assert_ok(oid_from_text(span_text(smsr), &r.smsr_id));
    world_ask(w, caller, function, &r);
}

static void prepare(const char *call) { ask(&b, OID_OP1, ES4_PREPARE_SMSR_CHANGE, call, OID_SMSR); }
static void change(const char *call) { ask(&a, OID_OP1, ES4_SMSR_CHANGE, call, OID_SMSR2); }

static const struct status *outcome(struct world *w, enum es_function function)
{
    const struct told *t = world_told(w, function);
    if (!t)
        fail_msg("no answer");
    return &t->status;
}

static void assert_refused(const struct status *s, const char *subject, const char *code)
{
    assert_int_equal(s->exec, EXECUTED_FAILED);
    if (strcmp(s->subject, subject) || strcmp(s->code, code))
        fail_msg("%s/%s %s, not %s/%s", s->subject, s->code, s->detail, subject, code);
}

static int64_t managed(struct world *w) { return world_count(w, "euicc WHERE coming=0"); }

/* Whoever manages it can speak to the card. */
static void assert_manages(struct world *w, const char *oid)
{
    struct es_audit_request r = { .base = world_call("audit-after", 300), .eid = world_eid() };
    assert_int_equal(managed(&a), w == &a);
    assert_int_equal(managed(&b), w == &b);
    world_ask(w, oid, ES4_AUDIT_EIS, &r);
    world_pass(&a, 120000);
    const struct told *t = world_told(w, ES4_AUDIT_EIS);
    assert_non_null(t);
    if (t->status.exec != EXECUTED_SUCCESS)
        fail_msg("%s/%s %s", t->status.subject, t->status.code, t->status.detail);
}

static const struct eis *told_eis(const struct told *t)
{
    struct es_message *m = ARENA_NEW(&b.arena, struct es_message);
    struct es_fault fault;
    assert_ok(es_decode(t->soap, &b.arena, m, &fault));
    return ((const struct es_smsr_notification *)m->body)->eis;
}

static void test_whole(void **state)
{
    (void)state;
    pair_make();
    b.partners[2].reduced_eis = true; /* operator 1 */
    prepare("prepare");
    world_settle(&a);
    assert_int_equal(outcome(&b, ES4_PREPARE_SMSR_CHANGE)->exec, EXECUTED_SUCCESS);
    change("change");
    world_pass(&a, 5000);
    if (outcome(&a, ES4_SMSR_CHANGE)->exec != EXECUTED_SUCCESS)
        fail_msg("%s/%s %s", outcome(&a, ES4_SMSR_CHANGE)->subject, outcome(&a, ES4_SMSR_CHANGE)->code,
                 outcome(&a, ES4_SMSR_CHANGE)->detail);
    assert_true(a.card.has_second && a.card.first_gone);
    assert_int_equal(a.card.keysets_made, 1);
    assert_int_equal(world_count(&a, "euicc"), 0);
    assert_int_equal(world_count(&a, "profile"), 0);
    assert_int_equal(world_count(&a, "keyset"), 0);
    assert_int_equal(world_count(&a, "operation"), 0);
    assert_int_equal(world_count(&a, "departed"), 1);
    assert_int_equal(world_count(&b, "prepared"), 0);
    /* every owner is told once, of its own profiles only */
    assert_int_equal(world_told_count(&b, ES4_SMSR_CHANGE_NOTIFICATION), 1);
    assert_string_equal(world_told(&b, ES4_SMSR_CHANGE_NOTIFICATION)->iccid, ICCID_A);
    assert_int_equal(world_told_count(&b, ES3_SMSR_CHANGE_NOTIFICATION), 2); /* the operator behind the SM-DP, and the SM-DP itself */
    assert_int_equal(world_told_whom(&b, ES3_SMSR_CHANGE_NOTIFICATION, OID_SMDP), 1);
    assert_int_equal(world_told_whom(&b, ES3_SMSR_CHANGE_NOTIFICATION, OID_OP2), 1);
    assert_string_equal(world_told(&b, ES3_SMSR_CHANGE_NOTIFICATION)->iccid, ICCID_B);
    assert_string_equal(world_told(&b, ES3_SMSR_CHANGE_NOTIFICATION)->mno, OID_OP2);
    /* and gets what its configuration says: names only, or all that the schema wants */
    const struct eis *reduced = told_eis(world_told(&b, ES4_SMSR_CHANGE_NOTIFICATION));
    const struct eis *complete = told_eis(world_told(&b, ES3_SMSR_CHANGE_NOTIFICATION));
    assert_string_equal(reduced->smsr_id.text, OID_SMSR2);
    assert_true(!reduced->signature.len && !*reduced->eum_id.text && !reduced->available_memory && !reduced->property_count &&
                !reduced->isdr.keyset_count && !*reduced->profiles[0].address.msisdn && !reduced->profiles[0].allocated_memory);
    assert_true(complete->signature.len && complete->available_memory && complete->isdr.keyset_count);
    assert_manages(&b, OID_OP1);
    /* asked again, the first answer comes again; a new call finds nothing here */
    change("change");
    world_settle(&a);
    assert_int_equal(outcome(&a, ES4_SMSR_CHANGE)->exec, EXECUTED_SUCCESS);
    change("another");
    world_settle(&a);
    assert_refused(outcome(&a, ES4_SMSR_CHANGE), "8.1.1", "1.1");
    prepare("prepare again");
    assert_refused(outcome(&b, ES4_PREPARE_SMSR_CHANGE), "8.1.1", "3.3");
    pair_free();
}

static void test_refusals(void **state)
{
    (void)state;
    pair_make();
    ask(&b, OID_OP1, ES4_PREPARE_SMSR_CHANGE, "p1", "1.2.3.4");
    assert_refused(outcome(&b, ES4_PREPARE_SMSR_CHANGE), "8.7", "3.9");
    ask(&a, OID_OP1, ES4_PREPARE_SMSR_CHANGE, "p2", OID_SMSR2);
    assert_refused(outcome(&a, ES4_PREPARE_SMSR_CHANGE), "8.1.1", "3.3");
    ask(&a, OID_OP1, ES4_SMSR_CHANGE, "c1", "1.2.3.4");
    assert_refused(outcome(&a, ES4_SMSR_CHANGE), "8.7", "3.9");
    ask(&a, OID_OP2, ES4_SMSR_CHANGE, "c2", OID_SMSR2); /* neither the enabled profile nor the fall-back is its */
    assert_refused(outcome(&a, ES4_SMSR_CHANGE), "8.1", "1.2");
    ask(&b, OID_OP1, ES4_SMSR_CHANGE, "c3", OID_SMSR);
    assert_refused(outcome(&b, ES4_SMSR_CHANGE), "8.1.1", "1.1");
    change("not prepared");
    world_pass(&a, 2000);
    assert_refused(outcome(&a, ES4_SMSR_CHANGE), "8.1.1", "1.1");
    assert_int_equal(world_count(&b, "euicc"), 0);
    assert_manages(&a, OID_OP1); /* unlocked */
    /* ES7 out of turn */
    struct es7_authenticate_smsr r = {
        .base = world_call("auth", 60), .has_eid = true, .eid = world_eid(), .smsr_certificate = SPAN_LIT("x")
    };
    world_ask(&a, OID_SMSR2, ES7_AUTHENTICATE_SMSR, &r);
    world_settle(&a);
    assert_manages(&a, OID_OP1);
    /* an operator may not call ES7 */
    assert_int_equal(world_ask(&a, OID_OP1, ES7_AUTHENTICATE_SMSR, &r), 200);
    assert_refused(&world_answer(&a)->status, "1.1", "1.2");
    pair_free();
}

static void test_incapable(void **state)
{
    (void)state;
    pair_make();
    b.config.certificates.count = 0;
    world_restart(&b);
    prepare("p");
    assert_refused(outcome(&b, ES4_PREPARE_SMSR_CHANGE), "1.2", "3");
    pair_free();
}

/* What goes over is the whole EIS: every profile, the key sets by version only, the audit trail, the signed part as it was
 * signed. */
static void test_eis(void **state)
{
    (void)state;
    pair_make();
    struct es_audit_request r = { .base = world_call("audit-before", 300), .eid = world_eid() };
    world_ask(&a, OID_OP1, ES4_AUDIT_EIS, &r);
    world_settle(&a);
    prepare("p");
    change("c");
    world_pass(&a, 5000);
    assert_int_equal(outcome(&a, ES4_SMSR_CHANGE)->exec, EXECUTED_SUCCESS);
    struct es_message m;
    struct es_fault fault;
    assert_ok(es_decode(a.handover, &a.arena, &m, &fault));
    const struct eis *eis = ((const struct es7_handover_euicc *)m.body)->eis;
    assert_int_equal(eis->profile_count, 2);
    assert_string_equal(eis->smsr_id.text, OID_SMSR);
    assert_int_equal(eis->isdr.keyset_count, 2);
    assert_int_equal(eis->isdr.keysets[0].key_count, 0);
    assert_true(eis->has_audit_trail && eis->audit_count == 1);
    assert_int_equal(eis->audit[0].operation, AUDIT_CAPABILITY_AUDIT);
    assert_string_equal(eis->audit[0].requester_id.text, OID_OP1);
    assert_true(eis->audit[0].has_status && eis->audit[0].status.exec == EXECUTED_SUCCESS);
    pair_free();
}

/* While it is under way, nothing else may change the eUICC: refused at once. Reading is fine. */
static void test_lock(void **state)
{
    (void)state;
    pair_make();
    prepare("p");
    a.card.off = true;
    change("c");
    world_pass(&a, 3000);
    struct es_profile_request r = { .base = world_call("enable", 60),
                                    .eid = world_eid(),
                                    .iccid = world_iccid(ICCID_A) };
    world_ask(&a, OID_OP1, ES4_DISABLE_PROFILE, &r);
    assert_refused(outcome(&a, ES4_DISABLE_PROFILE), "1.2", "4.4");
    struct es_pol2_request pol2 = {
        .base = world_call("pol2", 60), .eid = world_eid(), .iccid = world_iccid(ICCID_A), .has_pol2 = true
    };
    assert_int_equal(world_ask(&a, OID_OP1, ES4_UPDATE_POLICY_RULES, &pol2), 200);
    assert_refused(&world_answer(&a)->status, "1.2", "4.4");
    change("second");
    assert_refused(outcome(&a, ES4_SMSR_CHANGE), "1.2", "4.4");
    struct es_eid_request get = { .base = world_call("get", 60), .eid = world_eid() };
    assert_int_equal(world_ask(&a, OID_OP1, ES4_GET_EIS, &get), 200);
    assert_int_equal(world_answer(&a)->status.exec, EXECUTED_SUCCESS);
    /* at the other one it is not there yet */
    assert_int_equal(world_ask(&b, OID_OP1, ES4_GET_EIS, &get), 200);
    assert_refused(&world_answer(&b)->status, "8.1.1", "1.1");
    /* the card never answers: both give up, the first one goes on as before */
    world_pass(&a, 700000);
    assert_int_equal(world_told_count(&a, ES4_SMSR_CHANGE), 2);
    assert_int_not_equal(outcome(&a, ES4_SMSR_CHANGE)->exec, EXECUTED_SUCCESS);
    assert_int_equal(world_count(&b, "euicc"), 0);
    a.card.off = false;
    assert_manages(&a, OID_OP1);
    pair_free();
}

static void test_wrong_receipt(void **state)
{
    (void)state;
    pair_make();
    prepare("p");
    a.card.wrong_receipt = true;
    change("c");
    world_pass(&a, 5000);
    assert_refused(outcome(&a, ES4_SMSR_CHANGE), "8.4", "4.2");
    assert_int_equal(world_count(&b, "euicc"), 0);
    assert_int_equal(world_count(&b, "profile"), 0);
    assert_int_equal(world_count(&b, "document"), 0);
    world_pass(&a, 5000);
    assert_false(a.card.has_second); /* the old SM-SR has taken that key set away */
    assert_int_equal(a.card.keysets_made, 1);
    assert_manages(&a, OID_OP1);
    /* nothing of it is in the way of the next try */
    a.card.wrong_receipt = false;
    change("c2");
    world_pass(&a, 5000);
    assert_int_equal(outcome(&a, ES4_SMSR_CHANGE)->exec, EXECUTED_SUCCESS);
    assert_manages(&b, OID_OP1);
    pair_free();
}

/* The new SM-SR can HTTPS, and so can the card: it gets a PSK of its own and the address, or stays with short messages. */
static void test_https(void **state)
{
    (void)state;
    for (int refused = 0; refused < 2; refused++) {
        pair_make();
        b.config.bearer = SMSR_BEARER_AUTO;
        world_restart(&b);
        a.card.knows_no_psk = refused;
        prepare("p");
        change("c");
        world_pass(&a, 60000);
        const struct status *s = outcome(&a, ES4_SMSR_CHANGE);
        assert_int_equal(s->exec, refused ? EXECUTED_WITH_WARNING : EXECUTED_SUCCESS);
        assert_int_equal(world_count(&b, "keyset WHERE kvn=65 AND usage=3"), !refused);
        assert_int_equal(a.card.psk_kvn, refused ? 0 : 0x41); /* 40 was the former one's */
        assert_int_equal(a.card.https_addressed, !refused);
        b.config.bearer = SMSR_BEARER_SMS; /* that the key works over TLS, real processes show: e2e/smsr_change */
        world_restart(&b);
        assert_manages(&b, OID_OP1);
        pair_free();
    }
}

/* The card says no to the certificate. */
static void test_card_refuses(void **state)
{
    (void)state;
    pair_make();
    prepare("p");
    a.card.next_sw = 0x6982;
    change("c");
    world_pass(&a, 5000);
    assert_refused(outcome(&a, ES4_SMSR_CHANGE), "8.4", "4.2");
    assert_manages(&a, OID_OP1);
    /* and then all goes well */
    change("c2");
    world_pass(&a, 5000);
    assert_int_equal(outcome(&a, ES4_SMSR_CHANGE)->exec, EXECUTED_SUCCESS);
    assert_manages(&b, OID_OP1);
    pair_free();
}

static void test_certificate(void **state)
{
    (void)state;
    pair_make();
    prepare("p");
    b.config.certificates.list[0].octets[b.config.certificates.list[0].len - 1] ^= 1;
    world_restart(&b);
    change("c");
    world_pass(&a, 5000);
    assert_refused(outcome(&a, ES4_SMSR_CHANGE), "8.5.3", "6.1");
    assert_int_equal(world_count(&b, "euicc"), 0);
    assert_manages(&a, OID_OP1);
    pair_free();
}

/* The answer is lost once. */
static void test_retry(void **state)
{
    (void)state;
    pair_make();
    prepare("p");
    b.mail_lost_at = 3; /* HandoverEUICC's answer, the first time */
    change("c");
    world_pass(&a, 1000);
    assert_int_equal(managed(&a), 1);
    assert_int_equal(managed(&b), 1);
    assert_null(world_told(&a, ES4_SMSR_CHANGE));
    world_pass(&a, 60000); /* it is sent again */
    assert_int_equal(outcome(&a, ES4_SMSR_CHANGE)->exec, EXECUTED_SUCCESS);
    assert_manages(&b, OID_OP1);
    pair_free();
}

/* The line between them is cut after the commit point, for longer than the call is valid. */
static void test_late(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        pair_make();
        prepare("p");
        b.mail_lost_at = 3;
        change("c");
        world_pass(&a, 1000);
        assert_int_equal(managed(&b), 1);
        b.mail_down = true;
        world_pass(&a, 700000);
        assert_int_equal(outcome(&a, ES4_SMSR_CHANGE)->exec, EXECUTED_EXPIRED);
        assert_int_equal(managed(&a), 1); /* two think so */
        if (again) {                      /* the operator asks once more: the one named command */
            b.mail_down = false;
            change("once more");
            world_pass(&a, 10000);
            assert_int_equal(outcome(&a, ES4_SMSR_CHANGE)->exec, EXECUTED_WITH_WARNING);
            assert_string_equal(outcome(&a, ES4_SMSR_CHANGE)->code, "3.3");
        } else { /* or the late answer comes */
            b.mail_down = false;
            world_pass(&a, 3700000);
        }
        b.mail_down = false;
        assert_manages(&b, OID_OP1);
        pair_free();
    }
}

/* The card falls back when the new SM-SR has its keys, and tells the one that it knows still: what becomes of the change is not
 * that one's to say. */
static void test_fall_back_meanwhile(void **state)
{
    (void)state;
    pair_make();
    prepare("p");
    b.radio_lost_at = 1; /* the card does not know yet where it belongs */
    change("c");
    world_pass(&a, 1000);
    assert_int_equal(managed(&b), 1);
    card_fall_back(&a);
    world_pass(&a, 1000);
    assert_null(world_told(&a, ES4_SMSR_CHANGE));
    world_pass(&a, 60000);
    assert_int_equal(outcome(&a, ES4_SMSR_CHANGE)->exec, EXECUTED_SUCCESS);
    assert_manages(&b, OID_OP1);
    pair_free();
}

/* The card is away after the commit point, until time is over: the new SM-SR sets its number and deletes the former keys when
 * the card is back. */
static void test_unfinished(void **state)
{
    (void)state;
    pair_make();
    prepare("p");
    b.radio_lost_at = 1;
    change("c");
    world_pass(&a, 1000);
    assert_int_equal(managed(&b), 1);
    a.card.off = true;
    world_pass(&a, 700000);
    assert_int_equal(outcome(&a, ES4_SMSR_CHANGE)->exec, EXECUTED_WITH_WARNING);
    assert_false(a.card.first_gone);
    assert_int_equal(world_told_count(&b, ES4_SMSR_CHANGE_NOTIFICATION), 1);
    a.card.off = false;
    world_pass(&a, 3600000);
    assert_true(a.card.first_gone);
    assert_int_equal(world_count(&b, "operation"), 0);
    assert_int_equal(world_told_count(&b, ES4_SMSR_CHANGE_NOTIFICATION), 1);
    assert_manages(&b, OID_OP1);
    pair_free();
}

/* ---- the drill */

static void settle_all(void)
{
    for (int i = 0; i < 60; i++) {
        world_pass(&a, 10000);
        for (struct world *w = &a; w; w = w == &a ? &b : NULL)
            if (w->crashed) {
                world_restart(w);
                w->crash_at = 0;
            }
        if (world_told(&a, ES4_SMSR_CHANGE) && managed(&a) + managed(&b) == 1 && !world_count(&b, "operation") &&
            !world_count(&a, "operation"))
            return;
    }
}

/* One owner, or one more SMSRChange makes it one. */
static void assert_one_owner(const char *what, unsigned n)
{
    settle_all();
    if (managed(&a) + managed(&b) != 1) {
        prepare("drill-again");
        change("drill-again");
        settle_all();
    }
    if (managed(&a) + managed(&b) != 1)
        fail_msg("%s %u: %d and %d manage it", what, n, (int)managed(&a), (int)managed(&b));
    if (!world_told(&a, ES4_SMSR_CHANGE))
        fail_msg("%s %u: no answer", what, n);
    const struct status *s = outcome(&a, ES4_SMSR_CHANGE);
    bool moved = s->exec == EXECUTED_SUCCESS || s->exec == EXECUTED_WITH_WARNING;
    if (moved != (managed(&b) == 1))
        fail_msg("%s %u: the answer is %s %s, but the owner is another", what, n, exec_status_xml(s->exec), s->detail);
    a.told_count = b.told_count = 0;
    assert_manages(managed(&b) ? &b : &a, OID_OP1);
}

enum fault { LOSE_REQUEST_A, LOSE_REQUEST_B, LOSE_ACK_A, LOSE_ACK_B, LOSE_SMS_A, LOSE_SMS_B, CRASH_A, CRASH_B, FAULTS };
static const char *const fault_names[FAULTS] = { "message of SR1 lost", "message of SR2 lost", "ack to SR1 lost",
                                                 "ack to SR2 lost",     "SMS of SR1 lost",     "SMS of SR2 lost",
                                                 "SR1 killed",          "SR2 killed" };

static unsigned *fault_at(enum fault f)
{
    unsigned *const at[FAULTS] = { &a.mail_lost_at,  &b.mail_lost_at,  &a.ack_lost_at, &b.ack_lost_at,
                                   &a.radio_lost_at, &b.radio_lost_at, &a.crash_at,    &b.crash_at };
    return at[f];
}
static unsigned happened(enum fault f)
{
    const unsigned count[FAULTS] = { a.mail_carried,  b.mail_carried,  a.mail_carried, b.mail_carried,
                                     a.radio_carried, b.radio_carried, a.commits,      b.commits };
    return count[f];
}

static void test_drill(void **state)
{
    (void)state;
    unsigned runs = 0;
    for (enum fault f = 0; f < FAULTS; f++)
        for (unsigned n = 1; n < 60; n++, runs++) {
            pair_make();
            prepare("p");
            world_settle(&a);
            a.commits = b.commits = 0;
            *fault_at(f) = n;
            change("drill");
            world_pass(&a, 3000);
            bool reached = happened(f) >= n;
            if (a.crashed || b.crashed) {
                world_pass(&a, 1000);
                if (a.crashed) {
                    world_restart(&a);
                    change("drill"); /* the operator's own retry */
                }
                if (b.crashed)
                    world_restart(&b);
            }
            assert_one_owner(fault_names[f], n);
            pair_free();
            if (!reached)
                break;
        }
    assert_true(runs > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole), cmocka_unit_test(test_eis),       cmocka_unit_test(test_refusals),      cmocka_unit_test(test_incapable),
        cmocka_unit_test(test_lock),        cmocka_unit_test(test_wrong_receipt), cmocka_unit_test(test_card_refuses),
        cmocka_unit_test(test_certificate), cmocka_unit_test(test_retry),         cmocka_unit_test(test_late),
        cmocka_unit_test(test_fall_back_meanwhile), cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_https), cmocka_unit_test(test_drill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
