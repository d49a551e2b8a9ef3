#include "https.h"
#include "link.h"

/* The power goes after the n-th commit, for every n; the program starts again from what it stored, the partner repeats
 * a call that got no answer. In the end card and EIS agree, the card did everything once, and there is one answer. */

struct scenario {
    const char *name;
    enum smsr_bearer_choice bearer;
    void (*prepare)(struct world *w);
    void (*ask)(struct world *w); /* the same call again and again */
    enum es_function answer;
    void (*check)(struct world *w);
};

static struct world w;
static struct https_client client;
static struct link_client links;

static void ask_profile(enum es_function function, const char *iccid)
{
    struct es_profile_request r = { .base = world_call("the-call", 3600),
                                    .eid = world_eid(),
                                    .iccid = world_iccid(iccid) };
    world_ask(&w, OID_OP1, function, &r);
}

static void with_b(struct world *world) { world_add_profile(world, ICCID_B, OID_OP1, 0x11, "882000002", 0); }

static void with_b_enabled(struct world *world)
{
    struct es_profile_request r = { .base = world_call("before", 3600),
                                    .eid = world_eid(),
                                    .iccid = world_iccid(ICCID_B) };
    with_b(world);
    world_ask(world, OID_OP1, ES4_ENABLE_PROFILE, &r);
    world_settle(world);
    assert_int_equal(world_state(world, ICCID_B), PROFILE_ENABLED);
    world->told_count = 0;
}

static void enable_b(struct world *world)
{
    (void)world;
    ask_profile(ES4_ENABLE_PROFILE, ICCID_B);
}

static void disable_b(struct world *world)
{
    (void)world;
    ask_profile(ES4_DISABLE_PROFILE, ICCID_B);
}

static void delete_b(struct world *world)
{
    (void)world;
    ask_profile(ES4_DELETE_PROFILE, ICCID_B);
}

static void create_b(struct world *world)
{
    struct es3_create_isdp r = { .base = world_call("the-call", 3600),
                                 .eid = world_eid(),
                                 .iccid = world_iccid(ICCID_B),
                                 .required_memory = 30000 };
    assert_ok(oid_from_text(SPAN_LIT(OID_OP1), &r.mno_id));
    world_ask(world, OID_SMDP, ES3_CREATE_ISDP, &r);
}

static void nothing_before(struct world *world) { (void)world; }

static void b_enabled(struct world *world)
{
    assert_int_equal(world_state(world, ICCID_B), PROFILE_ENABLED);
    assert_int_equal(world->card.enables, 1);
}
static void b_disabled(struct world *world) { assert_int_equal(world_state(world, ICCID_B), PROFILE_DISABLED); }
static void b_gone(struct world *world) { assert_int_equal(world_state(world, ICCID_B), PROFILE_NONE); }
static void b_created(struct world *world) { assert_int_equal(world_state(world, ICCID_B), PROFILE_CREATED); }

static const struct scenario scenarios[] = {
    { "enable by SMS", SMSR_BEARER_SMS, with_b, enable_b, ES4_ENABLE_PROFILE, b_enabled },
    { "enable by HTTPS", SMSR_BEARER_HTTPS, with_b, enable_b, ES4_ENABLE_PROFILE, b_enabled },
    { "enable by CAT_TP", SMSR_BEARER_CAT_TP, with_b, enable_b, ES4_ENABLE_PROFILE, b_enabled },
    { "disable by SMS", SMSR_BEARER_SMS, with_b_enabled, disable_b, ES4_DISABLE_PROFILE, b_disabled },
    { "delete an enabled one", SMSR_BEARER_SMS, with_b_enabled, delete_b, ES4_DELETE_PROFILE, b_gone },
    { "delete by HTTPS", SMSR_BEARER_HTTPS, with_b, delete_b, ES4_DELETE_PROFILE, b_gone },
    { "create by SMS", SMSR_BEARER_SMS, nothing_before, create_b, ES3_CREATE_ISDP, b_created },
    { "create by HTTPS", SMSR_BEARER_HTTPS, nothing_before, create_b, ES3_CREATE_ISDP, b_created },
    { "delete by CAT_TP", SMSR_BEARER_CAT_TP, with_b, delete_b, ES4_DELETE_PROFILE, b_gone },
    { "create by CAT_TP", SMSR_BEARER_CAT_TP, nothing_before, create_b, ES3_CREATE_ISDP, b_created },
};

static void world_for(const struct scenario *s)
{
    world_make(&w);
    w.config.bearer = s->bearer;
    w.cat_tp = s->bearer == SMSR_BEARER_CAT_TP;
    w.config.cat_tp_port = w.cat_tp ? 9000 : 0;
    world_restart(&w);
    client = (struct https_client){ 0 };
    links = (struct link_client){ 0 };
    if (w.cat_tp)
        link_install(&w, &links);
    else
        https_install(&w, &client);
    world_register(&w);
    s->prepare(&w);
}

/* Callbacks may come more than once, but always the same octets for the same question. */
static void assert_one_answer(const struct scenario *s)
{
    const struct told *first = NULL;
    for (size_t i = 0; i < w.told_count; i++) {
        const struct told *t = &w.told[i];
        if (t->function != s->answer)
            continue;
        first = first ? first : t;
        assert_int_equal(t->status.exec, first->status.exec);
        if (!strcmp(t->relates_to, first->relates_to))
            assert_memory_equal(first->digest, t->digest, 32);
    }
    assert_non_null(first);
    if (first->status.exec != EXECUTED_SUCCESS)
        fail_msg("%s: %s %s/%s %s", s->name, exec_status_xml(first->status.exec), first->status.subject,
                 first->status.code, first->status.detail);
}

/* true: the crash happened. */
static bool run(const struct scenario *s, unsigned after)
{
    world_for(s);
    w.crash_at = w.commits + after;
    s->ask(&w);
    world_settle(&w);
    bool crashed = w.crashed;
    if (crashed) {
        w.now_ms += 1000;
        world_restart(&w);
        if (!world_told(&w, s->answer))
            s->ask(&w);
    }
    world_pass(&w, 180000);
    assert_one_answer(s);
    s->check(&w);
    world_check_agreement(&w);
    assert_int_equal(world_count(&w, "outbox"), 0);
    world_free(&w);
    return crashed;
}

static void crash_anywhere(void **state)
{
    const struct scenario *s = *state;
    unsigned after = 1;
    while (run(s, after))
        after++;
    print_message("%s: %u places to crash in\n", s->name, after - 1);
    assert_true(after > 2);
}

/* Radio that loses a fifth, in both directions. */
static void lossy_radio(void **state)
{
    const struct scenario *s = *state;
    for (unsigned seed = 1; seed <= 12; seed++) {
        world_for(s);
        w.loss_seed = seed * 7919;
        w.loss_permille = 200;
        w.card.keeps_por = seed & 1;
        s->ask(&w);
        for (unsigned i = 0; i < 60 && !world_told(&w, s->answer); i++) {
            world_pass(&w, 60000);
            if (w.card.pending) /* the card says it again, as a card does */
                card_repeat(&w);
        }
        w.loss_permille = 0;
        for (unsigned i = 0; i < 3; i++) {
            if (w.card.pending)
                card_repeat(&w);
            world_pass(&w, 120000);
        }
        assert_one_answer(s);
        s->check(&w);
        world_check_agreement(&w);
        world_free(&w);
    }
}

int main(void)
{
    struct CMUnitTest tests[2 * ARRAY_LEN(scenarios)];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
        tests[count++] = (struct CMUnitTest){ scenarios[i].name, crash_anywhere, NULL, NULL, (void *)&scenarios[i] };
        if (scenarios[i].bearer == SMSR_BEARER_SMS)
            tests[count++] = (struct CMUnitTest){ "… on lossy radio", lossy_radio, NULL, NULL, (void *)&scenarios[i] };
    }
    return _cmocka_run_group_tests("crash", tests, count, NULL, NULL);
}
