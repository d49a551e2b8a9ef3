#include "tests/support/test.h"
#include "lib/model/aid.h"
#include "lib/model/eid.h"
#include "lib/model/iccid.h"
#include "lib/model/status.h"

static void eid_checks_its_digits(void **state)
{
    (void)state;
    struct eid eid, made;
    char text[EID_TEXT_SIZE];
    assert_ok(eid_from_text(SPAN_LIT("89001012012341234012345678901224"), &eid));
    assert_string_equal(eid_text(&eid, text), "89001012012341234012345678901224");
    assert_ok(eid_with_check_digits(SPAN_LIT("890010120123412340123456789012"), &made));
    assert_true(eid_eq(&eid, &made));
    assert_fails(eid_from_text(SPAN_LIT("89001012012341234012345678901225"), &eid), ERR_VERIFY);
    assert_fails(eid_from_text(SPAN_LIT("8900101201234123401234567890122"), &eid), ERR_BAD_LENGTH);
    assert_fails(eid_from_text(SPAN_LIT("8900101201234123401234567890122A"), &eid), ERR_BAD_VALUE);
}

static void iccid_has_three_forms(void **state)
{
    (void)state;
    struct iccid a, b;
    uint8_t ef[ICCID_LEN];
    assert_ok(iccid_from_text(SPAN_LIT("8949449999999990023f"), &a));
    assert_string_equal(a.digits, "8949449999999990023");
    iccid_to_ef(&a, ef);
    assert_span_equal(SPAN_OF(ef), hex_lit("989444999999990920F3"));
    assert_ok(iccid_from_ef(SPAN_OF(ef), &b));
    assert_true(iccid_eq(&a, &b));
    assert_fails(iccid_from_text(SPAN_LIT("894944999999999"), &a), ERR_BAD_LENGTH);
    assert_fails(iccid_from_text(SPAN_LIT("7949449999999990023"), &a), ERR_BAD_VALUE);
}

static void isdp_aids_carry_their_tar(void **state)
{
    (void)state;
    struct aid aid = aid_isdp(0x13);
    assert_span_equal(aid_span(&aid), hex_lit("A0000005591010FFFFFFFF8900001300"));
    assert_int_equal(aid_tar(&aid), 0x13);
    assert_true(aid_is_isdp(&aid));
    assert_false(aid_is_isdp(&AID_ISDR));
    assert_false(aid_is_isdp(&AID_ISDP_OWN));
}

static void statuses_know_their_words(void **state)
{
    (void)state;
    struct status s = status_failed(REASON_ICCID_UNKNOWN, "8901", "no profile %d", 7);
    assert_string_equal(s.subject, "8.2.1");
    assert_string_equal(s.code, "3.9");
    assert_string_equal(s.detail, "no profile 7");
    struct status f = status_from_codes(EXECUTED_FAILED, SPAN_LIT("8.2.1"), SPAN_LIT("3.9"), SPAN_NONE, SPAN_NONE);
    assert_int_equal(f.reason, REASON_ICCID_UNKNOWN);
    f = status_from_codes(EXECUTED_FAILED, SPAN_LIT("9.9"), SPAN_LIT("7"), SPAN_NONE, SPAN_NONE);
    assert_int_equal(f.reason, REASON_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eid_checks_its_digits),
        cmocka_unit_test(iccid_has_three_forms),
        cmocka_unit_test(isdp_aids_carry_their_tar),
        cmocka_unit_test(statuses_know_their_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
