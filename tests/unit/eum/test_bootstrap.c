/* The profile an eUICC leaves with: counted numbers, keys of its own, and a finished package that stays as it is. */
#include "eum/bootstrap.h"
#include "lib/base/world.h"
#include "lib/profile/build.h"
#include "lib/profile/facts.h"
#include "tests/support/test.h"

static void digits_count_up(void **state)
{
    (void)state;
    char digits[8] = "0998";
    assert_true(digits_add(digits, 1));
    assert_string_equal(digits, "0999");
    assert_true(digits_add(digits, 1));
    assert_string_equal(digits, "1000");
    assert_true(digits_add(digits, 8999));
    assert_string_equal(digits, "9999");
    assert_false(digits_add(digits, 1));
    digits[0] = 0;
    assert_true(digits_add(digits, 0));
    assert_false(digits_add(digits, 1));
}

static void luhn_digits_are_right(void **state)
{
    (void)state;
    assert_int_equal(luhn_digit("7992739871"), '3');         /* the usual example */
    assert_int_equal(luhn_digit("894944999999999002"), '3'); /* ICCID of a TS.48 profile */
    assert_int_equal(luhn_digit("894944999999999017"), '1');
    assert_int_equal(luhn_digit("0"), '0');
}

static struct span source(void) { return file_bytes(source_path("profiles/bootstrap.profile")); }

static bool contains(struct span package, const char *hex)
{
    struct span part = hex_lit(hex);
    return memmem(package.ptr, package.len, part.ptr, part.len) != NULL;
}

static struct subscription subscription_of(struct span package, struct arena *arena)
{
    struct profile_facts facts;
    struct subscription s;
    char detail[PROFILE_FACTS_DETAIL_MAX];
    assert_ok(profile_facts_read(package, arena, &facts, detail));
    assert_true(profile_subscription(&facts, &s));
    return s;
}

static void each_has_numbers_and_keys_of_its_own(void **state)
{
    (void)state;
    struct bootstrap b = { .content = source(),
                           .iccid = "894944999999999002",
                           .imsi = "999710000001009",
                           .random_keys = true,
                           .set = "spn=Just Me" };
    struct subscription first, second;
    struct span one, two;
    char detail[BOOTSTRAP_DETAIL_MAX] = "";
    struct arena arena;
    arena_init(&arena, 2 * BUILD_ARENA_MIN);
    assert_ok(bootstrap_package(&b, 0, world_rng(), &arena, &one, detail));
    first = subscription_of(one, &arena);
    assert_ok(bootstrap_package(&b, 15, world_rng(), &arena, &two, detail));
    second = subscription_of(two, &arena);
    assert_string_equal(first.address.imsi, "999710000001009");
    assert_string_equal(second.address.imsi, "999710000001024");
    assert_string_equal(first.algorithm, "milenage");
    assert_false(span_eq(first.key, second.key));
    assert_false(span_eq(first.opc, first.key));
    assert_null(memmem(two.ptr, two.len, first.key.ptr, first.key.len));
    assert_true(contains(one, "8949449999999990023F")); /* in the header, with the check digit */
    assert_true(contains(two, "8949449999999990171F"));
    assert_non_null(memmem(one.ptr, one.len, "Just Me", 7));
    arena_release(&arena);
}

static void wrong_settings_are_explained(void **state)
{
    (void)state;
    static const struct {
        struct bootstrap b;
        const char *word;
    } rows[] = {
        { { .set = "spn" }, "settings" },
        { { .iccid = "89x" }, "settings" },
        { { .iccid = "" }, "settings" },
        { { .iccid = "12345678901234567890" }, "settings" }, /* no room for the check digit */
        { { .imsi = "999999999999999" }, "settings" },       /* and index 1 runs over */
        { { .set = "algorithm=rot13" }, "line" },
        { { .set = "imis=1" }, "no variable imis" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bootstrap b = rows[i].b;
        struct span package;
        char detail[BOOTSTRAP_DETAIL_MAX] = "";
        struct arena arena;
        b.content = source();
        arena_init(&arena, BUILD_ARENA_MIN);
        assert_int_not_equal(bootstrap_package(&b, 1, world_rng(), &arena, &package, detail), ERR_NONE);
        if (!strstr(detail, rows[i].word))
            fail_msg("%zu: %s", i, detail);
        arena_release(&arena);
    }
}

static void finished_packages_stay_as_they_are(void **state)
{
    (void)state;
    struct bootstrap b = { .content = hex_lit("A0030102 03") };
    struct span package;
    char detail[BOOTSTRAP_DETAIL_MAX];
    struct arena arena;
    arena_init(&arena, BUILD_ARENA_MIN);
    assert_ok(bootstrap_package(&b, 7, world_rng(), &arena, &package, detail));
    assert_span_equal(package, b.content);
    b.random_keys = true;
    assert_fails(bootstrap_package(&b, 7, world_rng(), &arena, &package, detail), ERR_UNSUPPORTED);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_count_up),
        cmocka_unit_test(luhn_digits_are_right),
        cmocka_unit_test(each_has_numbers_and_keys_of_its_own),
        cmocka_unit_test(wrong_settings_are_explained),
        cmocka_unit_test(finished_packages_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
