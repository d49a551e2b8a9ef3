/* Which number of a card is asked, and in which order, when it does not answer. */
#include "sm-sr/channel/address.h"
#include "tests/support/test.h"

#define PROFILES 12u

static struct profile profiles[PROFILES];
static struct operation operation;
static struct euicc e;
static struct exchange x;
static struct turn t;

static struct aid isdp(unsigned n)
{
    uint8_t octets[16] = { 0xA0, [15] = (uint8_t)(n + 1) };
    struct aid aid;
    assert_true(aid_set(&aid, SPAN_OF(octets)));
    return aid;
}

static const char *number(unsigned n) { return profiles[n].info.address.msisdn; }

/* Twelve profiles; the tenth is enabled, the twelfth has the fall-back attribute. */
static int make(void **state)
{
    (void)state;
    memset(profiles, 0, sizeof profiles);
    for (unsigned n = 0; n < PROFILES; n++) {
        profiles[n].info.isdp_aid = isdp(n);
        profiles[n].info.state = n == 9 ? PROFILE_ENABLED : PROFILE_DISABLED;
        profiles[n].info.fallback = n == 11;
        snprintf(profiles[n].info.iccid.digits, sizeof profiles[n].info.iccid.digits, "89%u", n);
        snprintf(profiles[n].info.address.msisdn, sizeof profiles[n].info.address.msisdn, "49170%02u", n);
    }
    operation = (struct operation){ .n = 1 };
    e = (struct euicc){ .known = true, .present = true, .profiles = profiles, .profile_count = PROFILES, .operations = &operation, .operation_count = 1 };
    x = (struct exchange){ .n = 1, .operation = 1 };
    t = (struct turn){ .e = &e };
    assert_ok(smsr_address_first(&t, &x, NULL));
    assert_string_equal(x.to, number(9));
    return 0;
}

/* The next number that is asked; each is tried twice. */
static const char *next(void)
{
    char before[sizeof x.to];
    memcpy(before, x.to, sizeof before);
    x.tries += 1;
    smsr_address_next(&t, &x);
    assert_true(x.tries % 2 == 0 || !strcmp(x.to, before));
    if (x.tries % 2) {
        x.tries += 1;
        smsr_address_next(&t, &x);
    }
    return x.to;
}

static void the_fall_back_profile_comes_second(void **state)
{
    (void)state;
    assert_string_equal(next(), number(11));
    assert_string_equal(next(), number(0));
}

static void what_is_in_doubt_comes_first(void **state)
{
    (void)state;
    snprintf(e.seen_from, sizeof e.seen_from, "%s", number(9));
    operation.other = isdp(6); /* an audit: the card may have enabled it */
    e.expired_isdp = isdp(3);
    assert_string_equal(next(), number(6));
    assert_string_equal(next(), number(3));
    assert_string_equal(next(), number(11));
}

static void all_get_their_turn(void **state)
{
    (void)state;
    unsigned asked[PROFILES] = { 0 };
    snprintf(e.seen_from, sizeof e.seen_from, "4917199"); /* none of the EIS's */
    for (unsigned i = 0; i < 2 * (PROFILES + 1); i++) {
        const char *to = next();
        for (unsigned n = 0; n < PROFILES; n++)
            asked[n] += !strcmp(to, number(n));
    }
    for (unsigned n = 0; n < PROFILES; n++)
        assert_int_equal(asked[n], 2);
}

static void who_has_no_number_is_passed_over(void **state)
{
    (void)state;
    e.profile_count = 10;
    for (unsigned n = 0; n < 9; n++)
        profiles[n].info.address.msisdn[0] = 0;
    profiles[8].change = ROW_GONE;
    assert_string_equal(next(), number(9));
    profiles[9].info.address.msisdn[0] = 0;
    assert_fails(smsr_address_first(&t, &x, NULL), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_fall_back_profile_comes_second, make),
        cmocka_unit_test_setup(what_is_in_doubt_comes_first, make),
        cmocka_unit_test_setup(all_get_their_turn, make),
        cmocka_unit_test_setup(who_has_no_number_is_passed_over, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
