/* Twelve administration sessions between a real card and a real server, above TLS, as they were logged: what SM-SR and
 * card read them with takes every message, finds addressee, sender and status in it, and reads every script. */
#include "lib/gp/ram_script.h"
#include "lib/model/aid.h"
#include "lib/scp/scp81.h"
#include "lib/wire/http1.h"
#include "tests/support/test.h"

#define MESSAGE_MAX 8192u
#define CRLF        "\r\n"

static unsigned messages, commands, answers;

/* The octets on the wire: start line and headers as logged, the body with its chunks. */
static void message_write(struct writer *w, const json_t *message)
{
    const json_t *header;
    size_t i;
    wr_text(w, vec_text(message, "start"));
    wr_text(w, CRLF);
    json_array_foreach(json_object_get(message, "headers"), i, header)
    {
        wr_text(w, json_string_value(header));
        wr_text(w, CRLF);
    }
    wr_text(w, CRLF);
    if (!json_is_null(json_object_get(message, "body")))
        wr_bytes(w, vec_hex(message, "body"));
    assert_ok(w->err);
}

/* Reads one message, an octet at a time; the body goes to w. */
static void message_read(struct http1_reader *http, struct span wire, struct writer *w)
{
    enum http1_event event = HTTP1_MORE;
    for (size_t i = 0; i < wire.len && event != HTTP1_DONE; i++) {
        struct reader in = rd_of(span_sub(wire, i, 1));
        struct span piece;
        while ((event = http1_next(http, &in, &piece)) != HTTP1_MORE && event != HTTP1_DONE) {
            assert_int_not_equal(event, HTTP1_FAILED);
            if (event == HTTP1_BODY)
                wr_bytes(w, piece);
        }
    }
    if (event != HTTP1_DONE) /* a request without body, that ends with its head */
        assert_true(http1_idle(http));
    assert_ok(w->err);
}

static struct span header_of(const struct http1_reader *http, const char *name)
{
    return http1_header_find(http->head.headers, http->head.header_count, name);
}

static void from_card(const struct http1_reader *http, struct span body)
{
    struct scp81_from from;
    enum scp81_status status;
    struct ram_reader r;
    struct ram_item item;
    assert_span_equal(http->head.method, SPAN_LIT("POST"));
    assert_ok(scp81_from_parse(header_of(http, SCP81_HEADER_FROM), &from));
    assert_true((from.has_eid && span_eq((struct span){ from.aid, from.aid_len }, aid_span(&AID_ISDR))) ||
                from.has_iccid);
    if (!body.len)
        return;
    assert_ok(scp81_status_parse(header_of(http, SCP81_HEADER_STATUS), &status));
    assert_int_equal(status, SCP81_OK);
    assert_ok(ram_results_open(&r, body));
    assert_int_equal(r.format, RAM_INDEFINITE);
    while (ram_results_next(&r, &item))
        answers++;
    assert_ok(r.r.err);
}

static void from_server(const struct http1_reader *http, struct span body)
{
    struct ram_reader r;
    struct ram_item item;
    assert_int_equal(http->head.status, 200);
    assert_true(header_of(http, SCP81_HEADER_NEXT_URI).len > 0);
    assert_true(header_of(http, SCP81_HEADER_TARGET).len > 0);
    assert_span_equal(header_of(http, "Content-Type"), span_text(SCP81_TYPE_COMMAND));
    ram_commands_open(&r, body);
    assert_int_equal(r.format, RAM_INDEFINITE);
    while (ram_commands_next(&r, &item))
        commands++;
    assert_int_equal(r.bad_format, 0);
}

static void the_session_is_read(void **state)
{
    const json_t *log = json_object_get(vector_of(state), "messages"), *message;
    uint8_t request_head[HTTP1_HEAD_MAX], response_head[HTTP1_HEAD_MAX];
    struct http1_reader card, server;
    size_t i;
    http1_reader_init(&card, HTTP1_REQUEST, request_head, sizeof request_head, MESSAGE_MAX);
    http1_reader_init(&server, HTTP1_RESPONSE, response_head, sizeof response_head, MESSAGE_MAX);
    card.lenient_end = server.lenient_end = true;
    json_array_foreach(log, i, message)
    {
        WRITER_ON_STACK(wire, MESSAGE_MAX);
        WRITER_ON_STACK(body, MESSAGE_MAX);
        bool by_card = !strcmp(vec_text(message, "dir"), "card");
        assert_int_equal(by_card, i % 2 == 0);
        message_write(&wire, message);
        message_read(by_card ? &card : &server, wr_span(&wire), &body);
        (by_card ? from_card : from_server)(by_card ? &card : &server, wr_span(&body));
        messages++;
    }
    assert_true(i > 0);
}

int main(void)
{
    const char *path = shared_path("data/vectors/oncard-es5-scp80.json");
    int failed = path ? run_vectors(path, "real_http", the_session_is_read) : TEST_SKIPPED;
    if (path)
        print_message("%u messages, %u commands, %u answers\n", messages, commands, answers);
    return failed;
}
