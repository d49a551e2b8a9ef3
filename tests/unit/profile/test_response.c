/* EUICCResponse: the octets of the specification's examples, both ways. */
#include "lib/profile/response.h"
#include "tests/support/test.h"

static const struct {
    const char *octets;
    uint32_t status, identification;
    bool aborted;
} examples[] = {
    { "3007A0053003800100", PE_STATUS_OK, DER_ABSENT, false },
    { "3009A005300380010A8100", PE_STATUS_FEATURE_NOT_SUPPORTED, DER_ABSENT, true },
    { "300CA008300680010381010C8100", PE_STATUS_BAD_VALUES, 12, true },
    { "300DA009300780026A8481010C8100", 0x6A84, 12, true },
};

static void examples_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        struct euicc_response response;
        ARENA_ON_STACK(a, 2048);
        WRITER_ON_STACK(w, 64);
        struct span want = hex_lit(examples[i].octets);
        assert_ok(euicc_response_decode(&a, want, &response));
        assert_int_equal(response.statuses.count, 1);
        assert_int_equal(response.statuses.items[0].status, examples[i].status);
        assert_int_equal(response.statuses.items[0].identification, examples[i].identification);
        assert_int_equal(response.aborted, examples[i].aborted);
        euicc_response_encode(&w, &response);
        assert_span_equal(wr_span(&w), want);
    }
}

static void numbers_keep_their_sign_octet(void **state)
{
    (void)state;
    struct pe_status status = { 0x9484, 0x80, DER_ABSENT, 0x8000 };
    struct euicc_response response = { .aborted = true }, again;
    ARENA_ON_STACK(a, 2048);
    WRITER_ON_STACK(w, 64);
    response.statuses.items = &status;
    response.statuses.count = 1;
    euicc_response_encode(&w, &response);
    assert_span_equal(wr_span(&w), hex_lit("3014A0103 00E8003009484 81020080 8303008000 8100"));
    assert_ok(euicc_response_decode(&a, wr_span(&w), &again));
    assert_int_equal(again.statuses.items[0].status, 0x9484);
    assert_int_equal(again.statuses.items[0].offset, 0x8000);
}

static void bad_octets_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *octets;
        enum err err;
    } bad[] = {
        { "", ERR_TRUNCATED },
        { "3007A00530038001", ERR_TRUNCATED },
        { "3107A0053003800100", ERR_BAD_TAG },
        { "3007A005300380010000", ERR_TOO_LONG },
        { "3002A000", ERR_NONE },
        { "3000", ERR_MISSING },
        { "3007A0053103800100", ERR_BAD_TAG },
        { "3004A0023000", ERR_MISSING },
        { "300AA0083006800100800100", ERR_BAD_TAG },
        { "3009A00730058003010000", ERR_BAD_VALUE }, /* over 65535 */
        { "3008A00530038001008101", ERR_TOO_LONG },
        { "300AA0053003800100820141", ERR_BAD_LENGTH },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct euicc_response response;
        ARENA_ON_STACK(a, 2048);
        assert_fails(euicc_response_decode(&a, hex_lit(bad[i].octets), &response), bad[i].err);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_go_both_ways),
        cmocka_unit_test(numbers_keep_their_sign_octet),
        cmocka_unit_test(bad_octets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
