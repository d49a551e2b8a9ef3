/* Properties: however the bytes are cut, the same messages come out; a body is never longer than its ceiling; what was
 * read, written and read again has the same body. */
#include <assert.h>

#include "lib/wire/http1.h"

#define BODY_MAX 2000u

struct seen {
    size_t heads, dones, body_len;
    uint32_t hash;
    enum err err;
};

static struct seen feed(struct span in, enum http1_kind kind, bool lenient, size_t step)
{
    static uint8_t head[HTTP1_HEAD_MAX];
    struct http1_reader reader;
    struct seen s = { 0 };
    size_t body = 0;
    http1_reader_init(&reader, kind, head, 600, BODY_MAX);
    reader.lenient_end = lenient;
    for (size_t at = 0; at < in.len; at += step) {
        struct reader r = rd_of(span_sub(in, at, step));
        enum http1_event event;
        do {
            struct span piece = SPAN_NONE;
            event = http1_next(&reader, &r, &piece);
            if (event == HTTP1_HEAD) {
                body = 0;
                s.heads++;
                for (size_t i = 0; i < reader.head.header_count; i++)
                    assert(reader.head.headers[i].name.len != 0);
            }
            for (size_t i = 0; event == HTTP1_BODY && i < piece.len; i++)
                s.hash = s.hash * 31 + piece.ptr[i];
            body += event == HTTP1_BODY ? piece.len : 0;
            s.body_len += event == HTTP1_BODY ? piece.len : 0;
            s.dones += event == HTTP1_DONE;
            assert(body <= BODY_MAX);
        } while (event != HTTP1_MORE && event != HTTP1_FAILED);
        if (event == HTTP1_FAILED) {
            s.err = reader.err;
            assert(reader.answer >= 400 && reader.err != ERR_NONE);
            break;
        }
        assert(rd_at_end(&r));
    }
    return s;
}

static void round_trip(struct span body)
{
    static uint8_t memory[70000];
    struct writer w = wr_of(memory, sizeof memory);
    http1_wr_request(&w, "POST", SPAN_LIT("/x"));
    http1_wr_chunked(&w, body);
    struct seen s = feed(wr_span(&w), HTTP1_REQUEST, false, 64);
    assert(body.len > BODY_MAX || (s.dones == 1 && s.body_len == body.len && s.err == ERR_NONE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { data, size };
    for (int kind = 0; kind < 2; kind++) {
        for (int lenient = 0; lenient < 2; lenient++) {
            struct seen whole = feed(in, (enum http1_kind)kind, lenient, size ? size : 1);
            struct seen bits = feed(in, (enum http1_kind)kind, lenient, 3);
            assert(whole.heads == bits.heads && whole.dones == bits.dones && whole.err == bits.err);
            assert(whole.err != ERR_NONE || (whole.hash == bits.hash && whole.body_len == bits.body_len));
        }
    }
    if (size <= 60000)
        round_trip(in);
    return 0;
}
