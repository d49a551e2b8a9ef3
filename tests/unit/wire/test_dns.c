/* DNS: questions and answers as dnsmasq 2.90 has them, and answers that must not be taken. */
#include "tests/support/test.h"

#include "lib/wire/dns.h"

#define QUESTION "1234 0100 0001 0000 0000 0000 0561646D696E066F7370726579047465737400 0001 0001"
/* admin.osprey.test is an alias of sr1.osprey.test: 192.0.2.7, 192.0.2.8 */
#define ANSWER                                                                                                         \
    "1234 8580 0001 0003 0000 0000 0561646D696E066F7370726579047465737400 0001 0001"                                   \
    "C00C 0005 0001 0000003C 0011 03737231066F73707265790474657374 00"                                                 \
    "C02F 0001 0001 0000001E 0004 C0000207 C02F 0001 0001 0000003C 0004 C0000208"
#define HEADER(flags, records) "1234" flags "0001" records "00000000 0561646D696E066F7370726579047465737400 00010001"

static const char name[] = "admin.osprey.test";

static void a_question_is_as_others_write_it(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, DNS_MESSAGE_MAX);
    assert_ok(dns_query_write(&w, 0x1234, span_text(name)));
    assert_span_equal(wr_span(&w), hex_lit(QUESTION));
    w.len = 0;
    assert_ok(dns_query_write(&w, 0x1234, span_text("admin.osprey.test.")));
    assert_span_equal(wr_span(&w), hex_lit(QUESTION));
}

static void names_are_names_of_hosts(void **state)
{
    static const char *const good[] = { "a", "a.b.", "sr-1.example", "1.2.3", "xn--a" };
    static const char *const bad[] = { "", ".", "a..b", ".a", "-a", "a-.b", "a b", "a_b", "\xC3\xA4", "a.." };
    char label[70], whole[260];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(dns_name_is_good(span_text(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(dns_name_is_good(span_text(bad[i])));
    memset(label, 'x', sizeof label);
    assert_true(dns_name_is_good((struct span){ (uint8_t *)label, 63 }));
    assert_false(dns_name_is_good((struct span){ (uint8_t *)label, 64 }));
    for (size_t i = 0; i < sizeof whole; i++)
        whole[i] = i % 2 ? '.' : 'x';
    assert_true(dns_name_is_good((struct span){ (uint8_t *)whole, 253 }));
    assert_false(dns_name_is_good((struct span){ (uint8_t *)whole, 255 }));
}

static void aliases_are_followed(void **state)
{
    (void)state;
    struct dns_answer a;
    assert_ok(dns_answer_read(hex_lit(ANSWER), 0x1234, span_text("ADMIN.Osprey.test."), &a));
    assert_int_equal(a.count, 2);
    assert_memory_equal(a.ipv4[0], "\xC0\x00\x02\x07", 4);
    assert_memory_equal(a.ipv4[1], "\xC0\x00\x02\x08", 4);
    assert_int_equal(a.ttl_s, 30);
}

static void a_cut_answer_is_refused(void **state)
{
    (void)state;
    struct span whole = hex_lit(ANSWER);
    struct dns_answer a = { .count = 77 };
    for (size_t len = 0; len < whole.len; len++)
        assert_int_not_equal(dns_answer_read(span_sub(whole, 0, len), 0x1234, span_text(name), &a), ERR_NONE);
    assert_int_equal(a.count, 77);
}

static void what_answers_something_else_is_told_apart(void **state)
{
    (void)state;
    struct dns_answer a;
    struct span answer = hex_lit(ANSWER);
    assert_fails(dns_answer_read(answer, 0x1235, span_text(name), &a), ERR_VERIFY);
    assert_fails(dns_answer_read(answer, 0x1234, span_text("other.osprey.test"), &a), ERR_VERIFY);
    assert_fails(dns_answer_read(hex_lit(QUESTION), 0x1234, span_text(name), &a), ERR_VERIFY); /* our own question */
    assert_fails(dns_answer_read(hex_lit(HEADER("8183", "0000")), 0x1234, span_text(name), &a), ERR_NOT_FOUND);
    assert_fails(dns_answer_read(hex_lit(HEADER("8182", "0000")), 0x1234, span_text(name), &a), ERR_DENIED);
    assert_fails(dns_answer_read(hex_lit(HEADER("8180", "0000")), 0x1234, span_text(name), &a), ERR_NOT_FOUND);
    assert_fails(dns_answer_read(hex_lit(HEADER("8380", "0000")), 0x1234, span_text(name), &a), ERR_TRUNCATED);
}

/* Records of another name, pointers that lead forward or to themselves, aliases in a ring, addresses of five octets. */
static void broken_answers_are_refused(void **state)
{
    static const struct {
        const char *records;
        enum err err;
    } cases[] = {
        { HEADER("8180", "0001") "C012 0001 0001 0000003C 0004 C0000207", ERR_NOT_FOUND },
        { HEADER("8180", "0001") "C023 0001 0001 0000003C 0004 C0000207", ERR_BAD_VALUE },
        { HEADER("8180", "0001") "C0FF 0001 0001 0000003C 0004 C0000207", ERR_BAD_VALUE },
        { HEADER("8180", "0001") "C00C 0005 0001 0000003C 0002 C00C", ERR_NOT_FOUND },
        { HEADER("8180", "0001") "C00C 0005 0001 0000003C 0003 C00C00", ERR_BAD_LENGTH },
        { HEADER("8180", "0001") "C00C 0001 0001 0000003C 0005 C000020700", ERR_BAD_LENGTH },
        { HEADER("8180", "0001") "C00C 0001 0003 0000003C 0004 C0000207", ERR_NOT_FOUND },
        { HEADER("8180", "0001") "8061 00 0001 0001 0000003C 0004 C0000207", ERR_TRUNCATED },
        { HEADER("8180", "0041") "C00C 0001 0001 0000003C 0004 C0000207", ERR_BAD_VALUE },
        { HEADER("8180", "0002") "C00C 0001 0001 0000003C 0004 C0000207", ERR_TRUNCATED },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dns_answer a;
        enum err err = dns_answer_read(hex_lit(cases[i].records), 0x1234, span_text(name), &a);
        if (err != cases[i].err)
            fail_msg("case %zu: %s", i, err_text(err));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_as_others_write_it),
        cmocka_unit_test(names_are_names_of_hosts),
        cmocka_unit_test(aliases_are_followed),
        cmocka_unit_test(a_cut_answer_is_refused),
        cmocka_unit_test(what_answers_something_else_is_told_apart),
        cmocka_unit_test(broken_answers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
