#include "lib/base/breaker.h"
#include "tests/support/test.h"

#define T0 1782900000000ull

static struct breaker opened(void)
{
    struct breaker b = { .limit = 3 };
    assert_false(breaker_bad(&b, T0));
    assert_false(breaker_bad(&b, T0));
    assert_true(breaker_allows(&b, T0));
    assert_true(breaker_bad(&b, T0)); /* told once */
    return b;
}

static void opens_after_failures_in_a_row(void **state)
{
    struct breaker b = { .limit = 3 };
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        assert_false(breaker_bad(&b, T0));
        assert_false(breaker_bad(&b, T0));
        assert_false(breaker_good(&b));
    }
    b = opened();
    assert_false(breaker_allows(&b, T0));
    assert_false(breaker_allows(&b, T0 + BREAKER_FIRST_MS - 1));
    assert_false(breaker_bad(&b, T0 + 1)); /* what was on its way already changes nothing */
    assert_true(breaker_allows(&b, T0 + BREAKER_FIRST_MS));
}

static void one_probe_at_a_time(void **state)
{
    struct breaker b = opened();
    (void)state;
    assert_true(breaker_allows(&b, T0 + 1000));
    assert_false(breaker_allows(&b, T0 + 1000));
    assert_false(breaker_bad(&b, T0 + 1100));
    assert_false(breaker_allows(&b, T0 + 1100 + 1999)); /* twice as long */
    assert_true(breaker_allows(&b, T0 + 1100 + 2000));
    breaker_forget(&b);
    assert_true(breaker_allows(&b, T0 + 1100 + 2000));
    assert_true(breaker_good(&b));
    assert_true(breaker_allows(&b, T0 + 3200) && breaker_allows(&b, T0 + 3200));
    assert_false(breaker_bad(&b, T0 + 3200)); /* it counts from the beginning */
}

static void the_pause_has_an_end(void **state)
{
    struct breaker b = opened();
    uint64_t now = T0;
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        now += BREAKER_LAST_MS;
        assert_true(breaker_allows(&b, now));
        breaker_bad(&b, now);
    }
    assert_true(b.pause_ms <= BREAKER_LAST_MS);
    assert_true(breaker_allows(&b, T0 - 86400000)); /* a clock set back does not lock it */
}

static void without_limit_it_never_opens(void **state)
{
    struct breaker b = { 0 };
    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        assert_false(breaker_bad(&b, T0));
    assert_true(breaker_allows(&b, T0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_after_failures_in_a_row),
        cmocka_unit_test(one_probe_at_a_time),
        cmocka_unit_test(the_pause_has_an_end),
        cmocka_unit_test(without_limit_it_never_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
