/* What is kept of eUICCs between events: copies, promises, what makes it forget. The simulator compares it with the store at every
 * event (kept-is-stored). */
#include "tests/support/test.h"

#include "sm-sr/store/kept.h"

#define EID_A "89001012012341234012345678901224"

static struct arena arena;
static struct kept *kept;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1u << 24);
    kept = kept_new();
    return kept ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    kept_free(kept);
    arena_release(&arena);
    return 0;
}

static struct euicc *euicc(const char *eid)
{
    static const uint8_t wrapped[] = { 1, 2, 3 };
    struct euicc *e = ARENA_NEW(&arena, struct euicc);
    snprintf(e->eid_text, sizeof e->eid_text, "%s", eid);
    e->present = e->known = e->saved = true;
    e->version = 7;
    e->next_n = 1;
    e->keysets[0] = (struct keyset){ .kvn = 3, .wrapped = SPAN_OF(wrapped), .change = ROW_CHANGED };
    e->keysets[1] = (struct keyset){ .kvn = 2, .wrapped = SPAN_OF(wrapped), .change = ROW_NEW };
    e->keysets[2] = (struct keyset){ .kvn = 1, .wrapped = SPAN_OF(wrapped), .change = ROW_GONE };
    e->keyset_count = 3;
    smsr_euicc_room(e, true);
    e->operations = ARENA_ARRAY(&arena, struct operation, e->operation_room);
    e->exchanges = ARENA_ARRAY(&arena, struct exchange, e->exchange_room);
    e->profiles = ARENA_ARRAY(&arena, struct profile, e->profile_room);
    return e;
}

static struct euicc *take(const char *eid) { return kept_copy(kept, eid, &arena); }

static void keep(struct euicc *e)
{
    kept_promise(kept, e);
    kept_settle(kept, true);
}

static void as_a_load_gives_it(void **state)
{
    (void)state;
    struct euicc *e = euicc(EID_A);
    struct operation *op = smsr_operation_add(e), *none = smsr_operation_add(e);
    struct exchange *x = smsr_exchange_add(e);
    op->data = SPAN_LIT("data");
    op->data_changed = true;
    smsr_operation_remove(none);
    x->script = SPAN_LIT("script");
    x->script_new = true;
    smsr_exchange_remove(x);
    keep(e);
    struct euicc *copy = take(EID_A);
    assert_non_null(copy);
    assert_int_equal(copy->version, 8);
    assert_false(copy->saved || copy->changed || copy->moved);
    assert_int_equal(copy->keyset_count, 2);
    assert_int_equal(copy->keysets[0].kvn, 2);
    assert_int_equal(copy->keysets[1].kvn, 3);
    assert_int_equal(copy->keysets[1].change, ROW_KEPT);
    assert_int_equal(copy->operation_count, 1);
    assert_int_equal(copy->exchange_count, 0);
    assert_true(span_eq(copy->operations[0].data, SPAN_LIT("data")) && !copy->operations[0].data_changed);
    assert_true(copy->operation_room >= copy->operation_count + SMSR_ADDED_MAX);
}

static void an_event_works_on_a_copy(void **state)
{
    (void)state;
    keep(euicc(EID_A));
    struct euicc *copy = take(EID_A);
    copy->keysets[0].counter = 99;
    copy->next_n = 5;
    assert_int_equal(take(EID_A)->keysets[0].counter, 0);
    kept_promise(kept, copy); /* nothing of it was written */
    kept_settle(kept, true);
    assert_int_equal(take(EID_A)->next_n, 1);
}

static void a_promise_holds_when_it_is_committed(void **state)
{
    (void)state;
    keep(euicc(EID_A));
    struct euicc *copy = take(EID_A);
    copy->saved = true;
    copy->next_n = 5;
    kept_promise(kept, copy);
    assert_null(take(EID_A)); /* neither before … */
    kept_settle(kept, false);
    assert_null(take(EID_A)); /* … nor when the commit failed */
    kept_promise(kept, copy);
    kept_settle(kept, true);
    assert_int_equal(take(EID_A)->next_n, 5);
}

static void what_is_forgotten(void **state)
{
    (void)state;
    struct euicc *e = euicc(EID_A);
    keep(e);
    kept_bar(kept);
    assert_null(take(EID_A));
    kept_settle(kept, true);
    assert_null(take(EID_A));
    keep(e);
    e->gone = true;
    keep(e);
    assert_null(take(EID_A));
    e->gone = false;
    keep(e);
    struct operation *op = smsr_operation_add(e);
    op->data = (struct span){ arena_alloc(&arena, SMSR_KEPT_OCTETS_MAX), SMSR_KEPT_OCTETS_MAX };
    keep(e);
    assert_null(take(EID_A));
}

/* More than there is room for: the latest are there, and none under another one's name. */
static void only_so_many(void **state)
{
    (void)state;
    unsigned found = 0, count = 3 * SMSR_KEPT_SETS * SMSR_KEPT_WAYS;
    char eid[EID_TEXT_SIZE];
    struct euicc *e = euicc(EID_A);
    for (unsigned i = 0; i < count; i++) {
        snprintf(e->eid_text, sizeof e->eid_text, "%032u", i);
        e->next_n = i;
        keep(e);
    }
    assert_int_equal(take(e->eid_text)->next_n, count - 1);
    for (unsigned i = 0; i < count; i++) {
        struct arena one;
        arena_init(&one, 1u << 20);
        snprintf(eid, sizeof eid, "%032u", i);
        const struct euicc *copy = kept_copy(kept, eid, &one);
        assert_true(!copy || (copy->next_n == i && !strcmp(copy->eid_text, eid)));
        found += copy != NULL;
        arena_release(&one);
    }
    assert_true(found > SMSR_KEPT_SETS * SMSR_KEPT_WAYS / 2 && found <= SMSR_KEPT_SETS * SMSR_KEPT_WAYS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = { TEST(as_a_load_gives_it), TEST(an_event_works_on_a_copy),
                                        TEST(a_promise_holds_when_it_is_committed), TEST(what_is_forgotten), TEST(only_so_many) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
