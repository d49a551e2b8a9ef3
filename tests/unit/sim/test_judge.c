/* The judge sees what is wrong: a small world that is right, and in it one thing after the other made wrong. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/journey.h"

#define HOUR_MS (3600ull * 1000)

static struct ecosystem *world_with(struct ecosystem_options *options)
{
    static char profiles[512];
    const char *source = getenv("OSPREY_SOURCE");
    snprintf(profiles, sizeof profiles, "%s/profiles", source ? source : ".");
    options->profiles = profiles;
    struct world *w = world_new(1);
    assert_non_null(w);
    struct ecosystem *e = ecosystem_new(w, options);
    world_run(w, HOUR_MS / 6, NULL, NULL);
    ecosystem_secrets(e);
    e->judge.quiet = true;
    return e;
}

static struct ecosystem *world_of_two(void)
{
    struct ecosystem_options options = { .card_count = 2, .profile_count = 1 };
    struct programme programme = { .functions = 1, .download_only = true, .validity_min_s = 7200, .validity_max_s = 7200 };
    struct ecosystem *e = world_with(&options);
    operator_begin(e, &programme);
    world_run(e->world, 2 * HOUR_MS, NULL, NULL);
    return e;
}

static void done(struct ecosystem *e)
{
    struct world *w = e->world;
    ecosystem_free(e);
    world_free(w);
}

static void note(void *context, enum err err) { *(enum err *)context = err; }

static void write_smsr(struct ecosystem *e, const struct statement *statement)
{
    struct store *store = sqlite_store_seam(e->smsr->role.store);
    struct write write = { .statement = statement, .expect_rows = -1 };
    enum err err = ERR_BUSY;
    store->commit(store, &write, 1, note, &err);
    assert_ok(err);
}

static void a_world_that_is_right(void **state)
{
    (void)state;
    struct ecosystem *e = world_of_two();
    assert_int_equal(judge_all(e), 0);
    assert_int_equal(e->mno.call_count, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_true(status_ok(&e->mno.calls[i]->status));
    done(e);
}

static void wrong_stores(void **state)
{
    static const struct {
        struct statement statement;
        const char *invariant;
    } table[] = {
        { { "a", "UPDATE profile SET state=3 WHERE state=4", NULL }, "eis-is-card" },
        { { "b", "UPDATE profile SET fallback=0", NULL }, "eis-is-card" },
        { { "c", "UPDATE profile SET iccid='8900'||substr(iccid,5)", NULL }, "eis-is-card" },
        { { "d", "DELETE FROM profile WHERE state=4", NULL }, "no-orphan" },
        { { "e", "UPDATE euicc SET coming=1", NULL }, "one-owner" },
        { { "f", "INSERT INTO timer VALUES ('x','y',1)", NULL }, "" }, /* a timer is nothing wrong */
        { { "g", "UPDATE call SET state=1", NULL }, "nothing-left" },
        { { "h", "UPDATE euicc SET last_audit_ms=last_audit_ms+1", NULL }, "kept-is-stored" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct ecosystem *e = world_of_two();
        write_smsr(e, &table[i].statement);
        unsigned wrong = judge_all(e);
        assert_int_equal(wrong > 0, *table[i].invariant != 0);
        assert_string_equal(e->judge.first, table[i].invariant);
        done(e);
    }
}

static void wrong_answers(void **state)
{
    (void)state;
    struct ecosystem *e = world_of_two();
    struct sim_call *c = e->mno.calls[0];
    c->answers = 0;
    assert_int_equal(judge_all(e), 1);
    assert_string_equal(e->judge.first, "answered-once");
    c->answers = 2;
    c->different = 1;
    assert_int_equal(judge_all(e), 2);
    c->different = 0;
    c->answers = 1;
    c->repeated = true;
    assert_int_equal(judge_all(e), 3);
    done(e);
}

static void a_word_not_kept(void **state)
{
    (void)state;
    struct ecosystem *e = world_of_two();
    e->mno.calls[1]->function = ES4_DISABLE_PROFILE; /* as if it had been disabled */
    assert_int_equal(judge_all(e), 1);
    assert_string_equal(e->judge.first, "word-kept");
    done(e);
}

static void counters(void **state)
{
    static const struct statement count = { "keyset-count", "", NULL }, save = { "exchange-save", "", NULL };
    struct ecosystem *e = world_of_two();
    struct value grow[] = { value_text("8900"), value_int(1), value_int(7) };
    struct value packet[14] = { [0] = value_text("8900"), [4] = value_int(5), [8] = value_int(1), [9] = value_blob(SPAN_LIT("one")),
                                [10] = value_int(1) };
    struct write w[] = { { &count, grow, 3, -1 }, { &save, packet, 14, -1 } };
    (void)state;
    e->smsr->role.watch(e->smsr->role.watch_context, w, 2);
    e->smsr->role.watch(e->smsr->role.watch_context, w, 2); /* the same again is no fault */
    assert_int_equal(e->judge.wrong, 0);
    grow[2] = value_int(6);
    e->smsr->role.watch(e->smsr->role.watch_context, w, 2);
    assert_int_equal(e->judge.wrong, 1);
    assert_string_equal(e->judge.first, "counters-grow");
    grow[2] = value_int(8);
    packet[9] = value_blob(SPAN_LIT("two"));
    e->smsr->role.watch(e->smsr->role.watch_context, w, 2);
    assert_int_equal(e->judge.wrong, 2);
    done(e);
}

static void a_key_in_the_log(void **state)
{
    (void)state;
    struct ecosystem *e = world_of_two();
    world_say(e->world, "kek %02X:%02x %02x-%02x%02x%02x%02x%02x", e->kek[0], e->kek[1], e->kek[2], e->kek[3], e->kek[4], e->kek[5],
              e->kek[6], e->kek[7]);
    assert_int_equal(judge_all(e), 1);
    assert_string_equal(e->judge.first, "no-secret-in-log");
    done(e);
}

/* One leg is as it should be; the next expects another IMSI; in the last, a server had to do with it. */
static void a_journey(void **state)
{
    static const struct journey_leg right = { 1, 1 }, wrong = { 0, 1 }, asked = { 2, 2 };
    struct ecosystem_options options = { .card_count = 1, .profile_count = 1, .countries = true, .multi_imsi = true };
    struct programme programme = { .functions = 1, .download_only = true, .validity_min_s = 7200, .validity_max_s = 7200 };
    struct ecosystem *e = world_with(&options);
    (void)state;
    journey_run(e, &(struct journey){ .legs = &right, .leg_count = 1, .stay_ms = HOUR_MS });
    assert_int_equal(e->judge.wrong, 0);
    journey_run(e, &(struct journey){ .legs = &wrong, .leg_count = 1, .stay_ms = HOUR_MS });
    assert_int_equal(e->judge.wrong, 1);
    assert_string_equal(e->judge.first, "right-imsi");
    e->judge.wrong = 0;
    operator_begin(e, &programme);
    journey_run(e, &(struct journey){ .legs = &asked, .leg_count = 1, .stay_ms = HOUR_MS });
    assert_true(e->judge.wrong > 0);
    done(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_world_that_is_right), cmocka_unit_test(wrong_stores),
                                        cmocka_unit_test(wrong_answers),         cmocka_unit_test(a_word_not_kept),
                                        cmocka_unit_test(counters),              cmocka_unit_test(a_key_in_the_log),
                                        cmocka_unit_test(a_journey) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
