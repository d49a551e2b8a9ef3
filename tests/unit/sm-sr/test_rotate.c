/* A new SCP80 key set, and then a new SCP81 one, for a card that is managed here already: past a crash after any commit and over
 * radio that loses, in the end card and SM-SR have the same one key set of each, and the card still does what it is told. */
#include "sm-sr/procedures/rotate_keys.h"
#include "sm-sr/turn.h"
#include "world.h"

static struct world w;

static void open_world(void)
{
    struct ec_key *key;
    world_make(&w);
    assert_ok(ec_generate(EC_P256, NULL, &key));
    assert_ok(card_certificates_add(&w.config.certificates, world_sr_certificate(&w, key), GP_ROLE_SM_SR, "card"));
    assert_ok(keystore_soft_add(w.keys, "card", key));
    w.config.bearer = SMSR_BEARER_SMS;
    world_restart(&w);
    world_register(&w);
    world_add_profile(&w, ICCID_B, OID_OP1, 0x11, "882000002", 0);
}

static void ask(void)
{
    struct event *event = engine_event(smsr_engine(w.smsr), SMSR_EVENT_ROTATE_KEYS, EID_TEST);
    struct rotate_keys_event *r = ARENA_NEW(event->arena, struct rotate_keys_event);
    *r = (struct rotate_keys_event){ .call = { .all = true, .call_id = "rotate", .validity_s = 3600 } };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP1), &r->call.requester));
    event->data = r;
    assert_ok(engine_post(smsr_engine(w.smsr), event));
    world_settle(&w);
}

static bool running(void) { return world_count(&w, "operation") > 0; }

static void card_obeys(void)
{
    struct es_profile_request r = { .base = world_call("after", 3600),
                                    .eid = world_eid(),
                                    .iccid = world_iccid(ICCID_B) };
    world_ask(&w, OID_OP1, ES4_ENABLE_PROFILE, &r);
    for (unsigned i = 0; i < 20 && world_state(&w, ICCID_B) != PROFILE_ENABLED; i++)
        world_pass(&w, 60000);
    assert_int_equal(world_state(&w, ICCID_B), PROFILE_ENABLED);
}

static void assert_rotated(void)
{
    assert_false(running());
    assert_true(w.card.first_gone && w.card.has_second);
    assert_int_equal(world_count(&w, "keyset WHERE usage=2"), 1);
    assert_int_equal(world_count(&w, "keyset WHERE usage=2 AND kvn=2 AND retired=0"), 1);
    assert_int_equal(w.card.second_kvn, 2);
    card_obeys();
}

static void assert_psk_rotated(void)
{
    assert_true(w.card.first_psk_gone);
    assert_int_equal(w.card.psk_kvn, 0x41);
    assert_int_equal(world_count(&w, "keyset WHERE usage=3"), 1);
    assert_int_equal(world_count(&w, "keyset WHERE usage=3 AND kvn=65 AND retired=0"), 1);
}

static void wait_for_end(void)
{
    for (unsigned i = 0; i < 20 && !w.crashed && running(); i++)
        world_pass(&w, 60000);
}

static bool past(unsigned after)
{
    open_world();
    w.crash_at = after ? w.commits + after : 0;
    ask();
    wait_for_end();
    bool crashed = w.crashed;
    w.crash_at = 0;
    if (crashed) {
        w.now_ms += 1000;
        world_restart(&w);
        ask(); /* whoever has no answer asks again, under the same identifier */
        wait_for_end();
    }
    assert_rotated();
    assert_psk_rotated();
    world_free(&w);
    return crashed;
}

static void keys_change(void **state)
{
    (void)state;
    past(0);
}

static void a_crash_anywhere_is_survived(void **state)
{
    (void)state;
    unsigned after = 1;
    while (past(after))
        after++;
    print_message("%u places to crash in\n", after - 1);
    assert_true(after > 3);
}

static void lossy_radio(void **state)
{
    (void)state;
    size_t psk_rotated = 0;
    for (unsigned seed = 1; seed <= 12; seed++) {
        open_world();
        w.loss_seed = seed * 7919;
        w.loss_permille = 200;
        w.card.keeps_por = seed & 1;
        ask();
        for (unsigned i = 0; i < 60 && running(); i++)
            world_pass(&w, 60000);
        w.loss_permille = 0;
        assert_false(running());
        /* done; or given up after three challenges, and then the old set is as good as ever */
        if (w.card.first_gone)
            assert_rotated();
        else
            card_obeys();
        assert_int_equal(world_count(&w, "keyset WHERE usage=3 AND retired=0"), 1);
        psk_rotated += world_count(&w, "keyset WHERE usage=3 AND kvn=65 AND retired=0");
        world_free(&w);
    }
    assert_true(psk_rotated > 6); /* of 12 */
}

/* The keys are not the same on both sides: the old set stays, and what the card has made goes. */
static void a_wrong_receipt_changes_nothing(void **state)
{
    (void)state;
    open_world();
    w.card.wrong_receipt = true;
    ask();
    wait_for_end();
    assert_true(!w.card.first_gone && !w.card.has_second && w.card.keysets_made == 1);
    assert_int_equal(world_count(&w, "keyset WHERE usage=2 AND kvn=1 AND retired=0"), 1);
    assert_int_equal(world_count(&w, "keyset WHERE usage=2"), 1);
    card_obeys();
    world_free(&w);
}

/* A card that makes no PSK keeps the one it has; nothing is left in doubt. */
static void a_card_may_keep_its_psk(void **state)
{
    (void)state;
    open_world();
    w.card.knows_no_psk = true;
    ask();
    wait_for_end();
    assert_rotated();
    assert_true(!w.card.first_psk_gone && !w.card.psk_kvn);
    assert_int_equal(world_count(&w, "keyset WHERE usage=3 AND kvn=64 AND retired=0"), 1);
    assert_int_equal(world_count(&w, "keyset WHERE usage=3"), 1);
    world_free(&w);
}

static void without_certificate_nothing_begins(void **state)
{
    (void)state;
    open_world();
    w.config.certificates.count = 0;
    world_restart(&w);
    unsigned executed = w.card.executed;
    ask();
    assert_false(running());
    assert_int_equal(w.card.executed, executed);
    assert_int_equal(world_count(&w, "call WHERE call_id='rotate' AND state=2"), 1);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_change),
        cmocka_unit_test(a_crash_anywhere_is_survived),
        cmocka_unit_test(lossy_radio),
        cmocka_unit_test(a_wrong_receipt_changes_nothing),
        cmocka_unit_test(a_card_may_keep_its_psk),
        cmocka_unit_test(without_certificate_nothing_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
