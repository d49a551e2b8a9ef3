#include "lib/wire/http1.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

struct seen {
    struct http1_reader reader;
    uint8_t head[HTTP1_HEAD_MAX], body[4096];
    size_t body_len, heads, dones;
    enum http1_event last;
};

static void seen_init(struct seen *s, enum http1_kind kind, uint64_t body_max)
{
    memset(s, 0, sizeof *s);
    http1_reader_init(&s->reader, kind, s->head, sizeof s->head, body_max);
}

static void feed(struct seen *s, struct span in)
{
    struct reader r = rd_of(in);
    struct span piece;
    do {
        s->last = http1_next(&s->reader, &r, &piece);
        if (s->last == HTTP1_BODY) {
            memcpy(s->body + s->body_len, piece.ptr, piece.len);
            s->body_len += piece.len;
        }
        s->heads += s->last == HTTP1_HEAD;
        s->dones += s->last == HTTP1_DONE;
    } while (s->last != HTTP1_MORE && s->last != HTTP1_FAILED);
}

static void feed_slowly(struct seen *s, struct span in)
{
    for (size_t i = 0; i < in.len; i++)
        feed(s, span_sub(in, i, 1));
}

static struct span header(const struct seen *s, const char *name)
{
    return http1_header_find(s->reader.head.headers, s->reader.head.header_count, name);
}

static const char soap[] = "POST /es3?x=1 HTTP/1.1\r\nHost: sr.example:8443\r\nContent-Type:application/soap+xml\r\n"
                           "content-length: 5\r\n\r\nhelloPOST /two HTTP/1.1\r\nHost: a\r\n\r\n";

static void requests_follow_each_other(void **state)
{
    (void)state;
    for (int slowly = 0; slowly < 2; slowly++) {
        struct seen s;
        seen_init(&s, HTTP1_REQUEST, 100);
        (slowly ? feed_slowly : feed)(&s, SPAN_LIT(soap));
        assert_int_equal(s.dones, 2);
        assert_span_equal(((struct span){ s.body, s.body_len }), SPAN_LIT("hello"));
        assert_span_equal(s.reader.head.target, SPAN_LIT("/two"));
        assert_true(s.reader.head.keep_alive);
        assert_true(http1_idle(&s.reader));
    }
}

static void headers_are_found_in_any_case(void **state)
{
    (void)state;
    struct seen s;
    seen_init(&s, HTTP1_REQUEST, 100);
    feed(&s, span_sub(SPAN_LIT(soap), 0, sizeof soap - 1 - 35));
    assert_span_equal(header(&s, "CONTENT-TYPE"), SPAN_LIT("application/soap+xml"));
    assert_span_equal(header(&s, "host"), SPAN_LIT("sr.example:8443"));
    assert_null(header(&s, "absent").ptr);
}

/* oncard.md §8.3: names in lower case, no blank behind the colon, no line behind the last chunk. */
static const char card[] = "POST /server/adminagent?cmd=2 HTTP/1.1\r\nhost:172.96.0.1\r\n"
                           "x-admin-protocol:globalplatform-remote-admin/1.0\r\ntransfer-encoding:chunked\r\n"
                           "x-admin-script-status:ok\r\n\r\n4\r\nAF80\r\n3;ext=1\r\n230\r\n0\r\n";

static void a_loose_card_is_understood(void **state)
{
    (void)state;
    for (int slowly = 0; slowly < 2; slowly++) {
        struct seen s;
        seen_init(&s, HTTP1_REQUEST, 100);
        s.reader.lenient_end = true;
        (slowly ? feed_slowly : feed)(&s, SPAN_LIT(card));
        assert_int_equal(s.dones, 1);
        assert_span_equal(((struct span){ s.body, s.body_len }), SPAN_LIT("AF80230"));
        assert_span_equal(header(&s, "X-Admin-Script-Status"), SPAN_LIT("ok"));
        (slowly ? feed_slowly : feed)(&s, SPAN_LIT("\r\n")); /* the missing line, late */
        (slowly ? feed_slowly : feed)(&s, SPAN_LIT(card));
        assert_int_equal(s.dones, 2);
    }
}

static void a_strict_end_waits_for_the_empty_line(void **state)
{
    (void)state;
    struct seen s;
    seen_init(&s, HTTP1_REQUEST, 100);
    feed(&s, SPAN_LIT(card));
    assert_int_equal(s.dones, 0);
    feed(&s, SPAN_LIT("Trailer: x\r\n\r\n"));
    assert_int_equal(s.dones, 1);
}

static void responses_end_as_they_should(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t dones;
        enum http1_event at_end;
    } cases[] = {
        { "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", 1, HTTP1_MORE },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok", 2, HTTP1_MORE },
        { "HTTP/1.1 200 OK\r\n\r\nuntil the end", 0, HTTP1_DONE },
        { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", 0, HTTP1_FAILED },
        { "HTTP/1.1 200 OK\r\nContent-Le", 0, HTTP1_FAILED },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct seen s;
        seen_init(&s, HTTP1_RESPONSE, 100);
        feed(&s, span_text(cases[i].text));
        assert_int_equal(s.dones, cases[i].dones);
        assert_int_equal(http1_end(&s.reader), cases[i].at_end);
    }
}

static void bad_requests_have_their_answer(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int answer;
        enum err err;
    } cases[] = {
        { "nonsense\r\n\r\n", 400, ERR_BAD_VALUE },
        { "POST / HTTP/2.0\r\n\r\n", 505, ERR_UNSUPPORTED },
        { "POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n", 413, ERR_TOO_LONG },
        { "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, ERR_BAD_VALUE },
        { "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, ERR_BAD_VALUE },
        { "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, ERR_BAD_VALUE },
        { "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501, ERR_UNSUPPORTED },
        { "POST / HTTP/1.1\r\nno colon\r\n\r\n", 400, ERR_BAD_VALUE },
        { "POST / HTTP/1.1\r\nName : x\r\n\r\n", 400, ERR_BAD_VALUE },
        { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, ERR_BAD_VALUE },
        { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", 413, ERR_TOO_LONG },
        { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", 400, ERR_BAD_VALUE },
        { "\r\n\r\n\r\n\r\n\r\n\r\n", 400, ERR_BAD_VALUE },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct seen s;
        seen_init(&s, HTTP1_REQUEST, 100);
        feed(&s, span_text(cases[i].text));
        assert_int_equal(s.last, HTTP1_FAILED);
        assert_int_equal(s.reader.answer, cases[i].answer);
        assert_fails(s.reader.err, cases[i].err);
    }
}

static void long_heads_are_refused(void **state)
{
    (void)state;
    struct seen s;
    char line[HTTP1_HEAD_MAX + 10];
    memset(line, 'a', sizeof line);
    seen_init(&s, HTTP1_REQUEST, 100);
    feed(&s, (struct span){ (const uint8_t *)line, sizeof line });
    assert_int_equal(s.reader.answer, 414);
    seen_init(&s, HTTP1_REQUEST, 100);
    feed(&s, SPAN_LIT("GET / HTTP/1.1\r\n"));
    feed(&s, (struct span){ (const uint8_t *)line, sizeof line });
    assert_int_equal(s.reader.answer, 431);
    seen_init(&s, HTTP1_REQUEST, 100);
    feed(&s, SPAN_LIT("GET / HTTP/1.1\r\n"));
    for (size_t i = 0; i <= HTTP1_HEADERS_MAX; i++)
        feed(&s, SPAN_LIT("a: b\r\n"));
    feed(&s, SPAN_LIT("\r\n"));
    assert_int_equal(s.reader.answer, 431);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    WRITER_ON_STACK(w, 1024);
    http1_wr_response(&w, 200);
    http1_wr_header(&w, "X-Admin-Next-URI", SPAN_LIT("/server/adminagent?cmd=2"));
    http1_wr_chunked(&w, SPAN_LIT("0123456789abcdefXYZ"));
    struct seen s;
    seen_init(&s, HTTP1_RESPONSE, 100);
    feed(&s, wr_span(&w));
    assert_int_equal(s.dones, 1);
    assert_span_equal(((struct span){ s.body, s.body_len }), SPAN_LIT("0123456789abcdefXYZ"));
    assert_span_equal(s.reader.head.reason, SPAN_LIT("OK"));

    WRITER_ON_STACK(evil, 1024);
    http1_wr_request(&evil, "POST", SPAN_LIT("/a"));
    http1_wr_header(&evil, "X", SPAN_LIT("a\r\nInjected: b"));
    assert_fails(evil.err, ERR_BAD_VALUE);
    WRITER_ON_STACK(target, 1024);
    http1_wr_request(&target, "POST", SPAN_LIT("/a HTTP/1.1"));
    assert_fails(target.err, ERR_BAD_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_follow_each_other),
        cmocka_unit_test(headers_are_found_in_any_case),
        cmocka_unit_test(a_loose_card_is_understood),
        cmocka_unit_test(a_strict_end_waits_for_the_empty_line),
        cmocka_unit_test(responses_end_as_they_should),
        cmocka_unit_test(bad_requests_have_their_answer),
        cmocka_unit_test(long_heads_are_refused),
        cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
