#include "lib/scp/scp81.h"
#include "tests/support/test.h"

static void identity_is_as_in_the_book(void **state)
{
    (void)state;
    const char *text = "8001028110890440451130100000000000000000024F10A0000005591010FFFFFFFF8900000100820101830140";
    struct scp81_identity id;
    WRITER_ON_STACK(w, SCP81_IDENTITY_MAX);
    assert_ok(scp81_identity_parse(span_text(text), &id));
    assert_int_equal(id.kid, 1);
    assert_int_equal(id.kvn, 0x40);
    assert_span_equal(SPAN_OF(id.eid), hex_lit("89044045113010000000000000000002"));
    scp81_identity_write(&w, &id);
    assert_span_equal(wr_span(&w), span_text(text));
}

static void broken_identities_are_refused(void **state)
{
    (void)state;
    struct scp81_identity id;
    static const struct {
        const char *text;
        enum err err;
    } rows[] = {
        { "", ERR_MISSING },
        { "80010", ERR_BAD_LENGTH },
        { "8001028110890440451130100000000000000000024F10A0000005591010FFFFFFFF8900000100820101", ERR_MISSING },
        { "80010281108904404511301000000000000000000282010182010183014000", ERR_BAD_TAG },
        { "800102810F8904404511301000000000000000000282010183014000", ERR_BAD_LENGTH },
        { "some other client", ERR_BAD_LENGTH },
        { "zz", ERR_BAD_VALUE },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_fails(scp81_identity_parse(span_text(rows[i].text), &id), rows[i].err);
}

static void triggers_of_real_platforms_are_read(void **state)
{
    (void)state;
    struct scp81_trigger t;
    WRITER_ON_STACK(w, SCP81_TRIGGER_MAX);
    struct span full =
        hex_lit("813F833D86070000A50300001E89328A0A3137322E39362E302E318B0A303132333435363738398C182F7365"
                "727665722F61646D696E6167656E743F636D643D31");
    /* the address in the book has one octet less than its length says: take the lengths as they are */
    assert_ok(scp81_trigger_parse(full, &t));
    assert_true(t.has_retry);
    assert_int_equal(t.retry_count, 0);
    assert_span_equal(SPAN_OF(t.retry_timer), hex_lit("00001E"));
    assert_span_equal(t.host, SPAN_LIT("172.96.0.1"));
    assert_span_equal(t.agent, SPAN_LIT("0123456789"));
    assert_span_equal(t.uri, SPAN_LIT("/server/adminagent?cmd=1"));
    scp81_trigger_write(&w, &t);
    assert_span_equal(wr_span(&w), full);
}

static void a_trigger_is_written_and_read(void **state)
{
    (void)state;
    uint8_t bearer[] = { 0x35, 0x01, 0x03, 0x39, 0x02, 0x05, 0x8E };
    struct scp81_trigger t = { .connection = SPAN_OF(bearer),
                               .has_key = true,
                               .psk_identity = SPAN_LIT("8001"),
                               .kvn = 0x40,
                               .kid = 1,
                               .host = SPAN_LIT("10.8.40.143") },
                         back;
    WRITER_ON_STACK(w, SCP81_TRIGGER_MAX);
    scp81_trigger_write(&w, &t);
    assert_ok(scp81_trigger_parse(wr_span(&w), &back));
    assert_span_equal(back.connection, t.connection);
    assert_span_equal(back.host, t.host);
    assert_span_equal(back.psk_identity, t.psk_identity);
    assert_true(back.has_key && back.kvn == 0x40 && back.kid == 1 && !back.has_retry);
    for (size_t len = 0; len < w.len; len++)
        assert_int_not_equal(scp81_trigger_parse((struct span){ w.buf, len }, &back), ERR_NONE);
    assert_fails(scp81_trigger_parse(hex_lit("E100"), &back), ERR_BAD_TAG);
    assert_fails(scp81_trigger_parse(hex_lit("81028200"), &back), ERR_BAD_TAG);
}

static void targets_and_senders(void **state)
{
    (void)state;
    uint8_t aid[16];
    size_t len;
    struct scp81_from f;
    WRITER_ON_STACK(w, SCP81_FROM_MAX);
    struct span isdr = hex_lit("A0000005591010FFFFFFFF8900000100"), eid = hex_lit("89001012012341234012345678901224");
    scp81_target_write(&w, isdr);
    assert_span_equal(wr_span(&w), SPAN_LIT("//aid/A000000559/1010FFFFFFFF8900000100"));
    assert_ok(scp81_target_parse(SPAN_LIT(" //aid/a000000559/1010ffffffff8900000100"), aid, &len));
    assert_span_equal(((struct span){ aid, len }), isdr);
    assert_fails(scp81_target_parse(SPAN_LIT("//aid/A000000559"), aid, &len), ERR_BAD_VALUE);
    assert_fails(scp81_target_parse(SPAN_LIT("//aid/A000000559/00112233445566778899AABB"), aid, &len), ERR_TOO_LONG);

    w.len = 0;
    scp81_from_write(&w, eid.ptr, isdr);
    assert_span_equal(
        wr_span(&w),
        SPAN_LIT("//se-id/eid/89001012012341234012345678901224;//aa-id/aid/A000000559/1010FFFFFFFF8900000100"));
    assert_ok(scp81_from_parse(wr_span(&w), &f));
    assert_true(f.has_eid && f.aid_len == 16);
    assert_span_equal(SPAN_OF(f.eid), eid);
    assert_ok(scp81_from_parse(
        SPAN_LIT("//se-id/eid/89001012012341234012345678901224;//aaid/aid/A000000559/1010FFFFFFFF8900000100"), &f));
    assert_int_equal(f.aid_len, 16);
    assert_ok(scp81_from_parse(SPAN_LIT("89860000001234567890"), &f));
    assert_true(f.has_iccid && !f.has_eid);
    assert_string_equal(f.iccid, "89860000001234567890");
    assert_fails(scp81_from_parse(SPAN_LIT("somebody"), &f), ERR_MISSING);
    assert_fails(scp81_from_parse(SPAN_LIT("//se-id/eid/8900"), &f), ERR_BAD_LENGTH);
}

static void script_statuses(void **state)
{
    (void)state;
    enum scp81_status s;
    assert_ok(scp81_status_parse(SPAN_LIT(" OK "), &s));
    assert_int_equal(s, SCP81_OK);
    assert_ok(scp81_status_parse(SPAN_LIT("unknown-application"), &s));
    assert_int_equal(s, SCP81_UNKNOWN_APPLICATION);
    assert_fails(scp81_status_parse(SPAN_LIT("okay"), &s), ERR_BAD_VALUE);
    assert_string_equal(scp81_status_text(SCP81_SECURITY_ERROR), "security-error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_is_as_in_the_book),
        cmocka_unit_test(broken_identities_are_refused),
        cmocka_unit_test(triggers_of_real_platforms_are_read),
        cmocka_unit_test(a_trigger_is_written_and_read),
        cmocka_unit_test(targets_and_senders),
        cmocka_unit_test(script_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
