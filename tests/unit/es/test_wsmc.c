/* WS-MakeConnection: the URI, a request to fetch, and the header of what is fetched. */
#include "lib/es/wsmc.h"
#include "tests/support/test.h"

#define URI WSMC_ANONYMOUS "uuid-1"

static void an_anonymous_uri_has_an_identifier(void **state)
{
    (void)state;
    char longest[sizeof WSMC_ANONYMOUS + WSMC_ID_MAX + 1] = WSMC_ANONYMOUS;
    memset(longest + strlen(WSMC_ANONYMOUS), 'x', WSMC_ID_MAX + 1);
    assert_true(wsmc_is_anonymous(SPAN_LIT(URI)));
    assert_true(wsmc_is_anonymous((struct span){ (uint8_t *)longest, strlen(WSMC_ANONYMOUS) + WSMC_ID_MAX }));
    assert_false(wsmc_is_anonymous((struct span){ (uint8_t *)longest, strlen(WSMC_ANONYMOUS) + WSMC_ID_MAX + 1 }));
    assert_false(wsmc_is_anonymous(SPAN_LIT(WSMC_ANONYMOUS)));
    assert_false(wsmc_is_anonymous(SPAN_LIT(URI "&x=1")));
    assert_false(wsmc_is_anonymous(SPAN_LIT(URI " ")));
    assert_false(wsmc_is_anonymous(SPAN_LIT(WSA_ANONYMOUS)));
    assert_false(wsmc_is_anonymous(SPAN_NONE));
}

static void a_reply_to_keeps_the_identifier(void **state)
{
    (void)state;
    ARENA_ON_STACK(a, 4096);
    struct wsa_endpoint e;
    assert_int_equal(wsa_endpoint_decode(SPAN_LIT(URI "&EntityId=2.999.1"), &a, &e), ERR_NONE);
    assert_true(span_eq(e.address, SPAN_LIT(URI)));
    assert_string_equal(e.entity_id.text, "2.999.1");
    WRITER_ON_STACK(w, 512);
    wsa_endpoint_encode(&w, &e, '?');
    assert_true(span_eq(wr_span(&w), SPAN_LIT(URI))); /* as the partner wrote it */
}

static void a_destination_says_whose_it_is(void **state)
{
    (void)state;
    ARENA_ON_STACK(a, 4096);
    struct oid owner;
    struct span who, uri;
    assert_int_equal(oid_from_text(SPAN_LIT("2.999.7"), &owner), ERR_NONE);
    assert_true(wsmc_destination_read(wsmc_destination(&a, &owner, SPAN_LIT(URI)), &who, &uri));
    assert_true(span_eq(who, SPAN_LIT("2.999.7")) && span_eq(uri, SPAN_LIT(URI)));
    assert_false(wsmc_destination_read("https://127.0.0.1/", &who, &uri));
    assert_false(wsmc_destination_read("wsmc 2.999.7", &who, &uri));
    assert_false(wsmc_destination_read(NULL, &who, &uri));
}

static void a_request_goes_there_and_back_and_no_cut_of_it_does(void **state)
{
    (void)state;
    struct arena a;
    struct es_fault fault;
    struct wsmc_poll p = { .address = SPAN_LIT(URI), .to = SPAN_LIT("https://sr/x"), .message_id = SPAN_LIT("//1/2?A=b&c"),
                           .received = SPAN_LIT("//3/4?T=<&") }, back;
    struct span soap;
    arena_init(&a, 1 << 20);
    assert_int_equal(wsmc_poll_encode(&p, &a, &soap), ERR_NONE);
    assert_true(wsmc_maybe_poll(soap));
    assert_int_equal(wsmc_poll_decode(soap, &a, &back, &fault), ERR_NONE);
    assert_true(span_eq(back.address, p.address) && span_eq(back.received, p.received) && span_eq(back.to, p.to));
    assert_true(span_eq(back.message_id, p.message_id));
    for (size_t len = 0; len < soap.len; len++)
        assert_int_not_equal(wsmc_poll_decode(span_sub(soap, 0, len), &a, &back, &fault), ERR_NONE);
    arena_release(&a);
}

static void what_is_fetched_says_whether_more_waits(void **state)
{
    (void)state;
    ARENA_ON_STACK(a, 8192);
    struct span soap = SPAN_LIT("<env:Envelope xmlns:env=\"x\"><env:Header><a/></env:Header><env:Body><b/></env:Body></env:Envelope>"), out;
    for (int more = 0; more < 2; more++) {
        assert_int_equal(wsmc_deliver(soap, more, &a, &out), ERR_NONE);
        assert_int_equal(wsmc_pending(out, &a), more);
        assert_true(out.len > soap.len);
    }
    assert_false(wsmc_pending(soap, &a));
    assert_int_equal(wsmc_deliver(SPAN_LIT("<x/>"), true, &a, &out), ERR_BAD_VALUE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_anonymous_uri_has_an_identifier),
        cmocka_unit_test(a_reply_to_keeps_the_identifier),
        cmocka_unit_test(a_destination_says_whose_it_is),
        cmocka_unit_test(a_request_goes_there_and_back_and_no_cut_of_it_does),
        cmocka_unit_test(what_is_fetched_says_whether_more_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
