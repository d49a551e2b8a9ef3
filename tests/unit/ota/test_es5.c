#include "lib/ota/es6.h"
#include "tests/support/test.h"

static struct capdu parsed(const char *hex)
{
    struct capdu c;
    assert_ok(capdu_parse(hex_lit(hex), &c));
    return c;
}

static void create_isdp_refuses_what_is_not_one(void **state)
{
    (void)state;
#define LF   "10A0000005591010FFFFFFFF8900000D00"
#define EM   "10A0000005591010FFFFFFFF8900000E00"
#define ISDP "10A0000005591010FFFFFFFF8900001000"
    static const struct {
        const char *hex;
        enum err err;
    } rows[] = {
        { "80E60C003F" LF EM ISDP "0380C00006C904810203700000", ERR_NONE },
        { "80E60C003F" EM EM ISDP "0380C00006C904810203700000", ERR_NOT_FOUND },
        { "80E60C003F" LF LF ISDP "0380C00006C904810203700000", ERR_NOT_FOUND },
        { "80E60C003F" LF EM LF "0380C00006C904810203700000", ERR_BAD_VALUE },   /* AID not of an ISD-P */
        { "80E60C003F" LF EM ISDP "0300000006C904810203700000", ERR_BAD_VALUE }, /* privileges */
        { "80E60C0039" LF EM ISDP "0380C0000000", ERR_MISSING },                 /* C9 */
        { "80E60C0038" LF EM ISDP "0380C00000", ERR_TRUNCATED },                 /* token length */
        { "80E608003F" LF EM ISDP "0380C00006C904810203700000", ERR_UNSUPPORTED },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct es5_create_isdp out;
        struct capdu c = parsed(rows[i].hex);
        assert_fails(es5_create_isdp_parse(&c, &out), rows[i].err);
    }
    struct es5_create_isdp out;
    struct capdu memory = parsed("80E60C0045" LF EM ISDP "0380C0000CEF0483021000C9048102037000");
    assert_ok(es5_create_isdp_parse(&memory, &out));
    assert_int_equal(out.memory, 0x1000);
    assert_int_equal(es5_sw(ERR_MISSING), SW_WRONG_DATA);
    assert_int_equal(es5_sw(ERR_NOT_FOUND), SW_NOT_FOUND);
}

static void store_data_refuses_what_is_not_exact(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum err err;
    } rows[] = {
        { "3A0312 4F10A0000005591010FFFFFFFF8900001000", ERR_NONE },
        { "3A0312 4F10A0000005591010FFFFFFFF89000010", ERR_TRUNCATED },
        { "3A0300", ERR_MISSING },
        { "3A0312 4E10A0000005591010FFFFFFFF8900001000", ERR_BAD_TAG },
        { "3A0324 4F10A0000005591010FFFFFFFF8900001000 4F10A0000005591010FFFFFFFF8900001000", ERR_BAD_TAG },
        { "3A0306 4F04A0000005", ERR_BAD_LENGTH },
        { "3A0804 4E020001", ERR_NONE },
        { "3A0803 4E0101", ERR_BAD_LENGTH },
        { "3A0700", ERR_MISSING },
        { "3A0709 A307 8105 0685214365", ERR_NONE },
        { "3A0708 A306 8104 06852143", ERR_BAD_LENGTH }, /* six digits need three octets */
        { "3A0702 A300", ERR_MISSING },
        { "3A0702 A900", ERR_BAD_TAG },
        { "3A0A00", ERR_UNSUPPORTED },
        { "3A0804 4E020001 00", ERR_TOO_LONG },
        { "3A", ERR_TRUNCATED },
        { "", ERR_MISSING },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct es5_store_data d;
        assert_fails(es5_store_data_parse(hex_lit(rows[i].hex), &d), rows[i].err);
    }
}

static void addresses_are_numbers(void **state)
{
    (void)state;
    struct tp_address a;
    char text[24];
    assert_ok(tp_address_from_text("123456", &a));
    assert_span_equal(((struct span){ a.octets, a.len }), hex_lit("0681214365")); /* a real card took 0685… */
    assert_ok(tp_address_from_text("+33639909123", &a));
    assert_span_equal(((struct span){ a.octets, a.len }), hex_lit("0B913336999021F3"));
    assert_ok(tp_address_text(&a, text, sizeof text));
    assert_string_equal(text, "+33639909123");
    assert_fails(tp_address_from_text("", &a), ERR_BAD_LENGTH);
    assert_fails(tp_address_from_text("12A4", &a), ERR_BAD_VALUE);
    assert_fails(tp_address_from_text("123456789012345678901", &a), ERR_TOO_LONG);
}

static void deletes_are_told_apart(void **state)
{
    (void)state;
    struct es5_delete d;
    struct capdu c = parsed("80E40040124F10A0000005591010FFFFFFFF890000100000");
    assert_ok(es5_delete_parse(&c, &d));
    assert_int_equal(d.kind, ES5_DELETE_PROFILE);
    /* the token of a real card's master delete is over what we say it is */
    c = parsed(
        "80E40040444F10A0000005591010FFFFFFFF8900001300B61E420549534450014509495344505344494E015F200547534D410193"
        "0201019E106E38781B8D5C98CF8BB532BF5A5DE55200");
    assert_ok(es5_delete_parse(&c, &d));
    assert_int_equal(d.kind, ES5_DELETE_MASTER);
    assert_span_equal(d.master.token_id, hex_lit("0101"));
    WRITER_ON_STACK(w, 128);
    es5_token_input_write(&w, &d);
    assert_span_equal(wr_span(&w),
                      hex_lit("0040324F10A0000005591010FFFFFFFF8900001300B61E420549534450014509495344505344494E"
                              "015F200547534D4101930201 01"));
    c = parsed("80E400000AF203010103F20341010200");
    assert_ok(es5_delete_parse(&c, &d));
    assert_int_equal(d.kind, ES5_DELETE_KEYS);
    assert_int_equal(d.range_count, 2);
    assert_int_equal(d.ranges[1].kvn, 0x41);
    c = parsed("80E4000006D20102D00101");
    assert_ok(es5_delete_parse(&c, &d));
    assert_true(d.range_count == 1 && d.ranges[0].kvn == 2 && d.ranges[0].first_kid == 1 && d.ranges[0].last_kid == 1);
    c = parsed("80E40040144F10A0000005591010FFFFFFFF89000010009E00");
    assert_fails(es5_delete_parse(&c, &d), ERR_NONE); /* an empty token is none */
    c = parsed("80E40040244F10A0000005591010FFFFFFFF89000010009E10000102030405060708090A0B0C0D0E0F");
    assert_fails(es5_delete_parse(&c, &d), ERR_MISSING); /* a token without its data */
    c = parsed("80E40000");
    assert_fails(es5_delete_parse(&c, &d), ERR_MISSING);
    c = parsed("80E4000004F2020101");
    assert_fails(es5_delete_parse(&c, &d), ERR_BAD_LENGTH);
}

static void audits_are_read(void **state)
{
    (void)state;
    struct es5_memory m;
    assert_ok(es5_memory_parse(hex_lit("FF210D810101820400077E3083023A92"), &m));
    assert_int_equal(m.free_non_volatile, 491056);
    assert_int_equal(m.free_volatile, 14994);
    assert_int_equal(m.applications, 1);
    WRITER_ON_STACK(w, 256);
    es5_memory_write(&w, &m);
    assert_span_equal(wr_span(&w), hex_lit("FF210D810101820400077E3083023A92"));
    assert_fails(es5_memory_parse(hex_lit("FF2103810101"), &m), ERR_MISSING);

    struct es5_ecasd e;
    struct span real =
        hex_lit("BF3040663E733C06072A864886FC6B01600C060A2A864886FC6B02020101630906072A864886FC6B03640B06092A8648"
                "86FC6B048000640B06092A864886FC6B048104");
    assert_ok(es5_ecasd_parse(real, &e));
    assert_int_equal(e.recognition.len, 62);
    w.len = 0;
    es5_ecasd_write(&w, &e);
    assert_span_equal(wr_span(&w), real);

    struct es5_get_status asked = { .tags = { 0x4F, 0x9F70, 0x53 }, .tag_count = 3, .le = true };
    struct es5_isdp_status s = { .aid = aid_isdp(0x10),
                                 .state = ISDP_ENABLED,
                                 .has_attributes = true,
                                 .attributes = 1 },
                           back;
    w.len = 0;
    es5_isdp_status_write(&w, &s, &asked);
    assert_span_equal(wr_span(&w), hex_lit("E3194F10A0000005591010FFFFFFFF89000010009F70013F530101"));
    s.aid = aid_isdp(0x11);
    s.state = ISDP_DISABLED;
    es5_isdp_status_write(&w, &s, &asked);
    struct reader r = rd_of(wr_span(&w));
    assert_true(es5_isdp_status_next(&r, &back) && back.state == ISDP_ENABLED && back.attributes == 1);
    assert_true(es5_isdp_status_next(&r, &back) && aid_tar(&back.aid) == 0x11 && back.state == ISDP_DISABLED);
    assert_false(es5_isdp_status_next(&r, &back));
    assert_int_equal(r.err, ERR_NONE);
    r = rd_of(span_sub(wr_span(&w), 0, w.len - 1));
    while (es5_isdp_status_next(&r, &back))
        ;
    assert_int_equal(r.err, ERR_TRUNCATED);
}

static void notifications_of_older_cards_are_read(void **state)
{
    (void)state;
    struct es5_notification n;
    assert_ok(es5_notification_parse(
        hex_lit("E1354C10890010120123412340123456789012244D01024E0200004F10A0000005591010FFFFFFFF"
                "890000130014081122334455667788"),
        &n));
    assert_true(n.has_imei && n.sequence == 0 && aid_tar(&n.isdp) == 0x13);
    assert_fails(es5_notification_parse(hex_lit("E1194C10890010120123412340123456789012244D01024E020000"), &n),
                 ERR_MISSING);
    assert_fails(es5_notification_parse(hex_lit("E200"), &n), ERR_BAD_TAG);
    assert_fails(es5_notification_parse(hex_lit("E100"), &n), ERR_MISSING);
    assert_fails(es5_notification_parse(hex_lit("E1034D0201"), &n), ERR_TRUNCATED);
    assert_fails(es5_notification_parse(hex_lit("E1064D01024D0102"), &n), ERR_BAD_TAG);
    struct es5_deleted d = { .isdp = { aid_isdp(0x12) }, .count = 1 }, back;
    WRITER_ON_STACK(w, 64);
    es5_deleted_write(&w, &d);
    assert_ok(es5_deleted_parse(wr_span(&w), &back));
    assert_true(back.count == 1 && aid_eq(&back.isdp[0], &d.isdp[0]));
    assert_ok(es5_deleted_parse(SPAN_NONE, &back));
    assert_int_equal(back.count, 0);
}

static void policy_and_connectivity(void **state)
{
    (void)state;
    uint8_t pol1 = 0xAA;
    assert_ok(es6_pol1_parse(hex_lit("810104"), &pol1));
    assert_int_equal(pol1, POL1_DELETE_ON_DISABLE);
    assert_ok(es6_pol1_parse(hex_lit("03"), &pol1));
    assert_fails(es6_pol1_parse(hex_lit("810108"), &pol1), ERR_BAD_VALUE);
    assert_fails(es6_pol1_parse(hex_lit("8100"), &pol1), ERR_BAD_LENGTH);
    assert_fails(es6_pol1_parse(hex_lit("820104"), &pol1), ERR_BAD_TAG);
    struct es6_connectivity c;
    assert_ok(es6_connectivity_parse(hex_lit("A0090607913336990821F3"), &c));
    assert_span_equal(c.smsc, hex_lit("913336990821F3"));
    assert_fails(es6_connectivity_parse(hex_lit(""), &c), ERR_MISSING);
    assert_fails(es6_connectivity_parse(hex_lit("A300"), &c), ERR_BAD_TAG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_isdp_refuses_what_is_not_one),
        cmocka_unit_test(store_data_refuses_what_is_not_exact),
        cmocka_unit_test(addresses_are_numbers),
        cmocka_unit_test(deletes_are_told_apart),
        cmocka_unit_test(audits_are_read),
        cmocka_unit_test(notifications_of_older_cards_are_read),
        cmocka_unit_test(policy_and_connectivity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
