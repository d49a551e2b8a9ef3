/* lib/wire/http1.h: HTTP/1.1 (RFC 7230) as a pure, bounded codec for both sides: SOAP and its callbacks, and the
 * administration sessions of SCP81, where cards are looser than the RFC (oncard.md §8.3). No I/O, no allocation. */
#ifndef OSPREY_WIRE_HTTP1_H
#define OSPREY_WIRE_HTTP1_H

#include "lib/codec/reader.h"
#include "lib/codec/writer.h"

#define HTTP1_HEAD_MAX 8192u    /* start line and headers together */
#define HTTP1_HEADERS_MAX 32u

struct http1_header {
    struct span name, value; /* as received, blanks around the value removed */
};

/* Everything before the body. Spans point into the reader's head buffer. */
struct http1_head {
    struct span method, target; /* requests */
    int status;                 /* responses */
    struct span reason;
    int minor;                  /* HTTP/1.<minor>: 0 or 1 */
    struct http1_header headers[HTTP1_HEADERS_MAX];
    size_t header_count;
    bool keep_alive;            /* what the version and Connection say together */
    bool has_length;            /* Content-Length was there (or the message cannot have a body) */
    bool expects_continue;      /* Expect: 100-continue */
    uint64_t content_length;
    bool chunked;
};
/* First header of that name in any case; NULL ptr when absent. */
struct span http1_header_find(const struct http1_header *headers, size_t count, const char *name);
/* Is there this token in a comma separated header value, whatever its case? */
bool http1_has_token(struct span value, const char *token);

enum http1_kind { HTTP1_REQUEST, HTTP1_RESPONSE };
enum http1_event {
    HTTP1_MORE,   /* the input is used up, the message is not over */
    HTTP1_HEAD,   /* once per message: reader.head is complete */
    HTTP1_BODY,   /* a piece of the body: *ret_body, inside the input */
    HTTP1_DONE,   /* the message is over; the reader is ready for the next one */
    HTTP1_FAILED, /* reader.err says why, reader.answer is the status a server would answer with */
};

struct http1_reader {
    enum http1_kind kind;
    /* May be changed by the owner between messages: */
    bool lenient_end;   /* a last chunk "0" CRLF ends the message; the empty line behind it is skipped if it comes */
    bool no_body;       /* the response belongs to a HEAD request */
    uint64_t body_max;  /* ceiling of the body, ERR_TOO_LONG over it */
    /* Result: */
    struct http1_head head;
    enum err err;
    int answer; /* 400, 413, 414, 431, 501, 505 */
    /* Own: */
    struct writer head_bytes;
    uint64_t left, body_len;
    uint8_t state, blank_lines, chunk_line_len;
    bool chunk_digits, chunk_extension, seen_cr;
};

/* head_buf holds the head of one message; HTTP1_HEAD_MAX or less. */
void http1_reader_init(struct http1_reader *r, enum http1_kind kind, uint8_t *head_buf, size_t head_cap,
                       uint64_t body_max);
/* Call until HTTP1_MORE (or FAILED); in moves on. After DONE the head stays valid until the next call. */
enum http1_event http1_next(struct http1_reader *r, struct reader *in, struct span *ret_body);
/* The connection ended: HTTP1_DONE when that ends a response body without length, MORE when no message had begun,
 * FAILED (ERR_TRUNCATED) otherwise. */
enum http1_event http1_end(struct http1_reader *r);
/* True between messages: nothing of the next one has been read. */
bool http1_idle(const struct http1_reader *r);

/* Building. Names and values with CR or LF make the writer fail with ERR_BAD_VALUE. After the headers exactly one of
 * the body functions. */
void http1_wr_request(struct writer *w, const char *method, struct span target);
void http1_wr_response(struct writer *w, int status);
void http1_wr_header(struct writer *w, const char *name, struct span value);
void http1_wr_no_body(struct writer *w);                   /* nothing: GET, 204, 304, a card's first POST */
void http1_wr_body(struct writer *w, struct span body);    /* Content-Length */
void http1_wr_chunked(struct writer *w, struct span body); /* one chunk (none when empty) and the last one */
/* Reason phrase of a status, "" when unknown. */
const char *http1_reason(int status);

#endif
