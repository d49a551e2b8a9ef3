#include "lib/base/bucket.h"
#include "tests/support/test.h"

#define T0 1782900000000ull

static const struct bucket_rate sixty = { 60, 3 }; /* one a second, three at once */

static unsigned taken(struct bucket *b, const struct bucket_rate *rate, uint64_t now_ms)
{
    unsigned count = 0;
    while (count < 1000 && bucket_take(b, rate, now_ms))
        count++;
    return count;
}

static void begins_full_and_fills_with_time(void **state)
{
    struct bucket b = { 0 };
    (void)state;
    assert_int_equal(taken(&b, &sixty, T0), 3);
    assert_int_equal(taken(&b, &sixty, T0 + 999), 0);
    assert_int_equal(taken(&b, &sixty, T0 + 1000), 1);
    assert_int_equal(taken(&b, &sixty, T0 + 3500), 2); /* the half second is not lost */
    assert_int_equal(taken(&b, &sixty, T0 + 4000), 1);
    assert_int_equal(taken(&b, &sixty, T0 + 86400000ull * 365), 3);
}

static void no_rate_is_no_limit(void **state)
{
    static const struct bucket_rate none;
    struct bucket b = { 0 };
    (void)state;
    assert_int_equal(taken(&b, &none, T0), 1000);
}

static void a_clock_that_goes_back_gives_nothing(void **state)
{
    struct bucket b = { 0 };
    (void)state;
    assert_int_equal(taken(&b, &sixty, T0), 3);
    assert_int_equal(taken(&b, &sixty, T0 - 5000), 0);
    assert_int_equal(taken(&b, &sixty, T0 - 4000), 1);
}

/* Who must wait gets times one behind the other, as far ahead as is allowed. */
static void places_are_taken_ahead(void **state)
{
    struct bucket b = { 0 };
    (void)state;
    assert_int_equal(taken(&b, &sixty, T0), 3);
    assert_int_equal(bucket_reserve(&b, &sixty, T0, 10000), 1000);
    assert_int_equal(bucket_reserve(&b, &sixty, T0, 10000), 2000);
    assert_int_equal(bucket_reserve(&b, &sixty, T0 + 500, 10000), 2500);
    assert_true(bucket_reserve(&b, &sixty, T0 + 500, 3000) == UINT64_MAX);
    assert_int_equal(bucket_reserve(&b, &sixty, T0 + 500, 3500), 3500); /* the refused one took nothing */
    assert_int_equal(taken(&b, &sixty, T0 + 5000), 1);
}

static void tells_once_how_many_waited(void **state)
{
    struct bucket b = { 0 };
    (void)state;
    assert_int_equal(taken(&b, &sixty, T0), 3);
    assert_false(bucket_take(&b, &sixty, T0 + 1));
    assert_int_equal(b.turned_away, 2);
    assert_int_equal(bucket_recovered(&b, &sixty), 0);
    assert_true(bucket_take(&b, &sixty, T0 + 3000));
    assert_int_equal(bucket_recovered(&b, &sixty), 2);
    assert_int_equal(bucket_recovered(&b, &sixty), 0);
}

static void the_largest_rate_does_not_overflow(void **state)
{
    const struct bucket_rate most = { BUCKET_RATE_MAX, BUCKET_RATE_MAX / 60 };
    struct bucket b = { 0 };
    (void)state;
    for (unsigned i = 0; i < BUCKET_RATE_MAX / 60; i++)
        assert_true(bucket_take(&b, &most, T0));
    assert_false(bucket_take(&b, &most, T0));
    assert_true(bucket_take(&b, &most, UINT64_MAX / 2));
    assert_true(bucket_take(&b, &most, UINT64_MAX / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_full_and_fills_with_time),
        cmocka_unit_test(no_rate_is_no_limit),
        cmocka_unit_test(a_clock_that_goes_back_gives_nothing),
        cmocka_unit_test(places_are_taken_ahead),
        cmocka_unit_test(tells_once_how_many_waited),
        cmocka_unit_test(the_largest_rate_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
