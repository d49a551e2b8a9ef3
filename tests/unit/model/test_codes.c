#include "tests/support/test.h"
#include "lib/model/codes.h"
#include "lib/model/unconfirmed.h"

static enum err set(struct codes *c, const char *name, const char *pair)
{
    return codes_set(c, span_text(name), span_text(pair));
}

static void a_partner_gets_its_numbers_and_ours_come_back(void **state)
{
    (void)state;
    struct codes c = { .count = 0 };
    assert_ok(set(&c, "EUICC_BUSY", "8.1/4.4"));
    assert_ok(set(&c, "ICCID_UNKNOWN", "8.2.1/1.1"));
    struct status s = status_failed(REASON_EUICC_BUSY, "8900", "why");
    codes_give(&c, &s);
    assert_string_equal(s.subject, "8.1");
    assert_string_equal(s.code, "4.4");
    assert_string_equal(s.subject_id, "8900");
    s.reason = REASON_FOREIGN; /* as it is read from the wire */
    codes_take(&c, &s);
    assert_int_equal(s.reason, REASON_EUICC_BUSY);
    assert_string_equal(s.subject, "1.2");
    assert_string_equal(s.detail, "why");
    assert_int_equal(s.exec, EXECUTED_FAILED);
}

static void what_is_not_named_stays(void **state)
{
    (void)state;
    struct codes c = { .count = 0 };
    assert_ok(set(&c, "EUICC_BUSY", "8.1/4.4"));
    struct status other = status_failed(REASON_ICCID_UNKNOWN, "", "x"), good = status_success(), was = other;
    codes_give(&c, &other);
    codes_give(NULL, &other);
    codes_take(NULL, &other);
    codes_give(&c, &good);
    assert_memory_equal(&other, &was, sizeof other);
    assert_int_equal(good.exec, EXECUTED_SUCCESS);
    assert_string_equal(good.subject, "");
}

/* Two that change places: each must go once. */
static void numbers_may_be_exchanged(void **state)
{
    (void)state;
    struct codes c = { .count = 0 };
    assert_ok(set(&c, "EID_UNKNOWN", "8.1.1/3.9"));
    assert_ok(set(&c, "EID_UNKNOWN_3_9", "8.1.1/1.1"));
    struct status s = status_failed(REASON_EID_UNKNOWN, "", "x");
    codes_give(&c, &s);
    assert_string_equal(s.code, "3.9");
    codes_take(&c, &s);
    assert_int_equal(s.reason, REASON_EID_UNKNOWN);
    codes_give(&c, &s);
    assert_string_equal(s.code, "3.9");
}

/* A pair that came over the wire means each of its reasons. */
static void reasons_with_equal_numbers_are_twins(void **state)
{
    (void)state;
    struct status s = status_from_codes(EXECUTED_FAILED, SPAN_LIT("8.4"), SPAN_LIT("4.2"), SPAN_NONE, SPAN_NONE);
    assert_int_equal(s.reason, REASON_ISDR_FAILED);
    assert_int_equal(reason_twin(s.reason), REASON_ROLLED_BACK);
    assert_int_equal(reason_twin(REASON_ROLLED_BACK), REASON_NONE);
    assert_int_equal(reason_twin(reason_twin(REASON_ICCID_NOT_ALLOWED)), REASON_SEND_NOT_ALLOWED);
    assert_int_equal(reason_twin(REASON_NONE), REASON_NONE);
    assert_int_equal(reason_twin(REASON_FOREIGN), REASON_NONE);
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *pair;
        enum err err;
    } cases[] = {
        { "EUICC_BUS", "8.1/4.4", ERR_NOT_FOUND },  { "FOREIGN", "8.1/4.4", ERR_NOT_FOUND }, { "NONE", "1/1", ERR_NOT_FOUND },
        { "", "1/1", ERR_NOT_FOUND },               { "EUICC_BUSY", "8.1", ERR_BAD_VALUE },  { "EUICC_BUSY", "8.1/", ERR_BAD_VALUE },
        { "EUICC_BUSY", "/4.4", ERR_BAD_VALUE },    { "EUICC_BUSY", "", ERR_BAD_VALUE },     { "EUICC_BUSY", "8..1/4", ERR_BAD_VALUE },
        { "EUICC_BUSY", "8.1./4", ERR_BAD_VALUE },  { "EUICC_BUSY", ".8/4", ERR_BAD_VALUE }, { "EUICC_BUSY", "8.1/4/4", ERR_BAD_VALUE },
        { "EUICC_BUSY", "a/4", ERR_BAD_VALUE },     { "EUICC_BUSY", "1.2.3.4.5.6.7.8.9/4", ERR_BAD_VALUE },
    };
    struct codes c = { .count = 0 };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_fails(set(&c, cases[i].name, cases[i].pair), cases[i].err);
    assert_int_equal(c.count, 0);
    assert_ok(set(&c, "EUICC_BUSY", "8.1/4.4"));
    assert_fails(set(&c, "EUICC_BUSY", "8.1/4.5"), ERR_EXISTS);
    for (int r = REASON_NONE + 1; c.count < CODES_MAX; r++)
        if (r != REASON_EUICC_BUSY)
            assert_ok(set(&c, reason_name((enum reason)r), "1/1"));
    assert_fails(set(&c, reason_name(REASON_SMSR_WRONG), "1/1"), ERR_TOO_LONG);
}

/* Every row of the table is a status of its own, with words. */
static void the_table_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < unconfirmed_code_count; i++) {
        const struct unconfirmed_code *row = &unconfirmed_codes[i];
        assert_true(row->reason > REASON_NONE && row->reason < REASON_FOREIGN && *row->place && *row->meaning);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(row->reason, unconfirmed_codes[k].reason);
    }
    assert_true(unconfirmed_code_count > 20 && unconfirmed_choice_count > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partner_gets_its_numbers_and_ours_come_back),
        cmocka_unit_test(what_is_not_named_stays),
        cmocka_unit_test(numbers_may_be_exchanged),
        cmocka_unit_test(reasons_with_equal_numbers_are_twins),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
