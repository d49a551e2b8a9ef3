#include "lib/wire/gsup.h"
#include "tests/support/test.h"

static void the_request_is_the_one_a_real_hlr_takes(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, 100);
    struct gsup_message m = { .type = GSUP_AUTH_INFO_REQUEST, .imsi = "901700000012345", .domain = GSUP_DOMAIN_PS };
    wr_ipa_gsup(&w, &m);
    assert_span_equal(wr_span(&w), hex_lit("000F EE 05 08 01 08 09 71 00 00 00 21 43 F5 28 01 01"));
}

static struct gsup_message full(void)
{
    struct gsup_message m = { .type = GSUP_AUTH_INFO_RESULT, .imsi = "001010123456789", .vector_count = 5 };
    for (size_t i = 0; i < 5; i++) {
        struct gsup_vector *v = &m.vectors[i];
        memset(v, (int)i + 1, sizeof *v);
        v->has_2g = i % 2, v->has_3g = true, v->res_len = (uint8_t)(i == 0 ? 16 : 8);
    }
    return m;
}

static void five_vectors_go_and_come(void **state)
{
    (void)state;
    struct gsup_message m = full(), got;
    WRITER_ON_STACK(w, IPA_FRAME_MAX);
    wr_gsup(&w, &m);
    assert_ok(gsup_read(wr_span(&w), &got));
    assert_int_equal(got.vector_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_memory_equal(got.vectors[i].rand, m.vectors[i].rand, 16);
        assert_memory_equal(got.vectors[i].autn, m.vectors[i].autn, 16);
        assert_int_equal(got.vectors[i].res_len, m.vectors[i].res_len);
        assert_int_equal(got.vectors[i].has_2g, m.vectors[i].has_2g);
    }
    for (size_t len = 0; len < w.len; len++)
        if (gsup_read(span_sub(wr_span(&w), 0, len), &got) == ERR_NONE)
            assert_true(got.vector_count < 5); /* cut between two elements */
}

static void subscriber_data_and_resync(void **state)
{
    (void)state;
    struct gsup_message m = { .type = GSUP_INSERT_DATA_REQUEST, .imsi = "001010123456789", .msisdn = "4917012345" },
                        got;
    WRITER_ON_STACK(w, 200);
    wr_gsup(&w, &m);
    assert_ok(gsup_read(wr_span(&w), &got));
    assert_string_equal(got.msisdn, "4917012345");
    m = (struct gsup_message){
        .type = GSUP_AUTH_INFO_REQUEST, .imsi = "001010123456789", .resync = true, .auts = { 1, 2 }, .rand = { 3, 4 }
    };
    w.len = 0;
    wr_gsup(&w, &m);
    assert_ok(gsup_read(wr_span(&w), &got));
    assert_true(got.resync);
    assert_memory_equal(got.auts, m.auts, 14);
    assert_memory_equal(got.rand, m.rand, 16);
}

static void bad_messages_are_refused(void **state)
{
    (void)state;
    struct gsup_message m;
    struct ipa_frame f;
    assert_fails(gsup_read(hex_lit("08 28 01 01"), &m), ERR_MISSING);
    assert_fails(gsup_read(hex_lit("08 01 08 0971"), &m), ERR_TRUNCATED);
    assert_fails(gsup_read(hex_lit("08 01 03 A97100"), &m), ERR_BAD_VALUE);
    assert_fails(gsup_read(hex_lit("09 01 02 1032 02 02 0000"), &m), ERR_BAD_LENGTH);
    assert_fails(gsup_read(hex_lit("08 01 02 1032 26 0E 0000000000000000000000000000"), &m), ERR_MISSING);
    assert_fails(gsup_read(SPAN_NONE, &m), ERR_TRUNCATED);
    assert_fails(ipa_read(hex_lit("0900 EE"), &f), ERR_TOO_LONG);
    assert_fails(ipa_read(hex_lit("0000 EE"), &f), ERR_TRUNCATED);
    assert_ok(ipa_read(hex_lit("0004 EE 05 08"), &f));
    assert_int_equal(f.size, 0);
    assert_ok(gsup_read(hex_lit("08 01 02 1032 77 03 AABBCC"), &m)); /* an element nobody knows */
}

struct end {
    struct gsup_link link;
    uint8_t bytes[4096];
    size_t len, messages;
    bool ready;
    char imsi[GSUP_IMSI_MAX];
};

static void on_send(void *context, struct span bytes)
{
    struct end *e = context;
    memcpy(e->bytes + e->len, bytes.ptr, bytes.len);
    e->len += bytes.len;
}
static void on_ready(void *context) { ((struct end *)context)->ready = true; }
static void on_message(void *context, const struct gsup_message *m)
{
    struct end *e = context;
    e->messages++;
    memcpy(e->imsi, m->imsi, sizeof e->imsi);
}

static void pump(struct end *a, struct end *b)
{
    while (a->len != 0 || b->len != 0) {
        struct end *from = a->len ? a : b, *to = from == a ? b : a;
        uint8_t copy[4096];
        size_t len = from->len, taken = 0;
        enum err err;
        memcpy(copy, from->bytes, len);
        from->len = 0;
        for (size_t shown = 1; shown <= len; shown++) { /* octet by octet */
            taken += gsup_link_input(&to->link, (struct span){ copy + taken, shown - taken }, &err);
            assert_ok(err);
        }
        assert_int_equal(taken, len);
    }
}

static void two_ends_shake_hands_and_talk(void **state)
{
    (void)state;
    static struct end hlr, vlr;
    struct gsup_message m = { .type = GSUP_AUTH_INFO_REQUEST, .imsi = "901700000012345" };
    hlr.link = (struct gsup_link){ true, "", false, on_send, on_ready, on_message, &hlr };
    vlr.link = (struct gsup_link){ false, "device-1", false, on_send, on_ready, on_message, &vlr };
    assert_fails(gsup_link_send(&vlr.link, &m), ERR_STATE);
    gsup_link_start(&vlr.link);
    gsup_link_start(&hlr.link);
    pump(&hlr, &vlr);
    assert_true(hlr.ready);
    assert_true(vlr.ready);
    assert_string_equal(hlr.link.name, "device-1");
    assert_ok(gsup_link_send(&vlr.link, &m));
    pump(&hlr, &vlr);
    assert_int_equal(hlr.messages, 1);
    assert_string_equal(hlr.imsi, m.imsi);
    on_send(&vlr, hex_lit("0001 FE 00")); /* ping */
    enum err err;
    gsup_link_input(&hlr.link, (struct span){ vlr.bytes, vlr.len }, &err);
    assert_span_equal(((struct span){ hlr.bytes, hlr.len }), hex_lit("0001 FE 01"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_the_one_a_real_hlr_takes), cmocka_unit_test(five_vectors_go_and_come),
        cmocka_unit_test(subscriber_data_and_resync), cmocka_unit_test(bad_messages_are_refused),
        cmocka_unit_test(two_ends_shake_hands_and_talk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
