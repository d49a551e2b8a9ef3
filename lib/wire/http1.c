#include "http1.h"
#include "lib/base/mutant.h"

#include <strings.h>

#define CHUNK_LINE_MAX  200u
#define BLANK_LINES_MAX 4u /* before a start line */

enum state {
    S_START,      /* before the first octet of a message */
    S_HEAD,       /* in the start line or the headers */
    S_BODY,       /* content_length octets */
    S_UNTIL_END,  /* a response without length: until the connection ends */
    S_CHUNK_SIZE, /* in a chunk's size line */
    S_CHUNK,      /* in its data */
    S_CHUNK_END,  /* at the CRLF behind it */
    S_TRAILER,    /* behind the last chunk */
    S_FAILED,
};

/* ---- headers ---- */

static bool name_is(struct span got, const char *want)
{
    return got.len == strlen(want) && strncasecmp((const char *)got.ptr, want, got.len) == 0;
}

struct span http1_header_find(const struct http1_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (MUTANT(names_have_a_case) ? span_eq(headers[i].name, span_text(name)) : name_is(headers[i].name, name))
            return headers[i].value;
    return SPAN_NONE;
}

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

static struct span trimmed(struct span s)
{
    while (s.len != 0 && is_blank(s.ptr[0]))
        s = span_from(s, 1);
    while (s.len != 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static size_t index_of(struct span s, char c)
{
    const uint8_t *p = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return p ? (size_t)(p - s.ptr) : s.len;
}

bool http1_has_token(struct span value, const char *token)
{
    while (value.len != 0) {
        size_t end = index_of(value, ',');
        if (name_is(trimmed(span_sub(value, 0, end)), token))
            return true;
        value = span_from(value, end + 1);
    }
    return false;
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool ok = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
        if (!ok)
            return false;
    }
    return s.len != 0;
}

static bool is_visible(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((s.ptr[i] < 0x20 && s.ptr[i] != '\t') || s.ptr[i] == 0x7F)
            return false;
    return true;
}

/* ---- the head, once it is all there ---- */

static enum http1_event failed(struct http1_reader *r, enum err err, int answer)
{
    r->state = S_FAILED;
    r->err = err;
    r->answer = answer;
    return HTTP1_FAILED;
}

static bool number_of(struct span s, uint64_t *ret)
{
    uint64_t n = 0;
    if (s.len == 0 || s.len > 18)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        n = n * 10 + (s.ptr[i] - '0');
    }
    *ret = n;
    return true;
}

static bool version_read(struct span s, int *ret_minor)
{
    if (s.len != 8 || memcmp(s.ptr, "HTTP/1.", 7) != 0 || (s.ptr[7] != '0' && s.ptr[7] != '1'))
        return false;
    *ret_minor = s.ptr[7] - '0';
    return true;
}

static struct span word_next(struct span *line)
{
    size_t end = index_of(*line, ' ');
    struct span word = span_sub(*line, 0, end);
    *line = span_from(*line, end + 1);
    return word;
}

static bool request_line(struct http1_reader *r, struct span line)
{
    r->head.method = word_next(&line);
    r->head.target = word_next(&line);
    if (!is_token(r->head.method) || r->head.target.len == 0 || !is_visible(r->head.target))
        failed(r, ERR_BAD_VALUE, 400);
    else if (!version_read(line, &r->head.minor))
        failed(r, ERR_UNSUPPORTED, 505);
    return r->state != S_FAILED;
}

static bool status_line(struct http1_reader *r, struct span line)
{
    uint64_t status = 0;
    struct span version = word_next(&line), code = word_next(&line);
    if (!version_read(version, &r->head.minor) || code.len != 3 || !number_of(code, &status) || status < 100)
        failed(r, ERR_BAD_VALUE, 400);
    r->head.status = (int)status;
    r->head.reason = line;
    return r->state != S_FAILED;
}

static bool header_line(struct http1_reader *r, struct span line)
{
    struct http1_head *h = &r->head;
    size_t colon = index_of(line, ':');
    struct span name = span_sub(line, 0, colon), value = trimmed(span_from(line, colon + 1));
    if (h->header_count == HTTP1_HEADERS_MAX)
        return failed(r, ERR_TOO_LONG, 431) != HTTP1_FAILED;
    if (colon == line.len || !is_token(name) || !is_visible(value))
        return failed(r, ERR_BAD_VALUE, 400) != HTTP1_FAILED;
    h->headers[h->header_count++] = (struct http1_header){ name, value };
    return true;
}

static struct span line_next(struct span *text)
{
    size_t end = index_of(*text, '\n');
    struct span line = span_sub(*text, 0, end);
    *text = span_from(*text, end + 1);
    if (line.len != 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* Two different lengths, or a length beside chunks, are how requests are smuggled: refused (RFC 7230 §3.3.3). */
static bool framing_read(struct http1_reader *r)
{
    struct http1_head *h = &r->head;
    for (size_t i = 0; i < h->header_count; i++) {
        struct span value = h->headers[i].value;
        if (name_is(h->headers[i].name, "Content-Length")) {
            uint64_t n = 0;
            if (!number_of(value, &n) || (h->has_length && n != h->content_length))
                return failed(r, ERR_BAD_VALUE, 400) != HTTP1_FAILED;
            h->has_length = true, h->content_length = n;
        } else if (name_is(h->headers[i].name, "Transfer-Encoding")) {
            if (!name_is(value, "chunked") || h->chunked)
                return failed(r, ERR_UNSUPPORTED, 501) != HTTP1_FAILED;
            h->chunked = true;
        } else if (name_is(h->headers[i].name, "Connection")) {
            h->keep_alive = h->minor == 0 ? http1_has_token(value, "keep-alive") : !http1_has_token(value, "close");
        } else if (name_is(h->headers[i].name, "Expect")) {
            h->expects_continue = name_is(value, "100-continue");
        }
    }
    if (h->chunked && h->has_length)
        return failed(r, ERR_BAD_VALUE, 400) != HTTP1_FAILED;
    return true;
}

static bool head_read(struct http1_reader *r)
{
    struct span text = wr_span(&r->head_bytes), line = line_next(&text);
    r->head = (struct http1_head){ 0 };
    if (!(r->kind == HTTP1_REQUEST ? request_line(r, line) : status_line(r, line)))
        return false;
    r->head.keep_alive = r->head.minor == 1;
    while ((line = line_next(&text)).len != 0)
        if (!header_line(r, line))
            return false;
    return framing_read(r);
}

static bool bodiless(const struct http1_reader *r)
{
    int status = r->head.status;
    return r->kind == HTTP1_RESPONSE && (r->no_body || status < 200 || status == 204 || status == 304);
}

/* What follows the head. */
static enum http1_event head_done(struct http1_reader *r)
{
    struct http1_head *h = &r->head;
    if (!head_read(r))
        return HTTP1_FAILED;
    if (h->content_length > r->body_max)
        return failed(r, ERR_TOO_LONG, 413);
    r->body_len = 0;
    r->left = h->content_length;
    r->state = S_BODY;
    if (bodiless(r)) {
        r->left = 0;
        h->has_length = true;
    } else if (h->chunked) {
        r->state = S_CHUNK_SIZE;
        r->chunk_line_len = 0, r->chunk_digits = r->chunk_extension = false;
    } else if (r->kind == HTTP1_RESPONSE && !h->has_length) {
        r->state = S_UNTIL_END;
        h->keep_alive = false;
    }
    if (r->kind == HTTP1_REQUEST && !h->chunked)
        h->has_length = true;
    return HTTP1_HEAD;
}

static bool ends_with(struct span s, const char *tail)
{
    size_t len = strlen(tail);
    return s.len >= len && memcmp(s.ptr + s.len - len, tail, len) == 0;
}

/* Copies the head line by line; true when the empty line has come. */
static bool head_take(struct http1_reader *r, struct reader *in)
{
    while (!rd_at_end(in)) {
        struct span rest = { in->pos, rd_left(in) };
        size_t end = index_of(rest, '\n');
        wr_bytes(&r->head_bytes, rd_span(in, end < rest.len ? end + 1 : end));
        struct span head = { r->head_bytes.buf, r->head_bytes.len };
        if (r->head_bytes.err != ERR_NONE) {
            failed(r, ERR_TOO_LONG, index_of(head, '\n') == head.len ? 414 : 431);
            return false;
        }
        if (ends_with(head, "\n\r\n") || ends_with(head, "\n\n"))
            return true;
    }
    return false;
}

/* Blank lines before a start line: what a lenient end has left, or an old client. */
static bool blanks_skip(struct http1_reader *r, struct reader *in)
{
    while (!rd_at_end(in) && (*in->pos == '\r' || *in->pos == '\n')) {
        if (*in->pos == '\n' && ++r->blank_lines > BLANK_LINES_MAX) {
            failed(r, ERR_BAD_VALUE, 400);
            return false;
        }
        rd_u8(in);
    }
    return !rd_at_end(in);
}

/* ---- the body ---- */

static enum http1_event done(struct http1_reader *r)
{
    r->state = S_START;
    r->blank_lines = 0;
    return HTTP1_DONE;
}

static enum http1_event body_take(struct http1_reader *r, struct reader *in, struct span *ret_body)
{
    uint64_t len = rd_left(in);
    if (r->state != S_UNTIL_END && len > r->left)
        len = r->left;
    if (len > r->body_max - r->body_len)
        return failed(r, ERR_TOO_LONG, 413);
    *ret_body = rd_span(in, (size_t)len);
    r->body_len += len;
    r->left -= r->state == S_UNTIL_END ? 0 : len;
    return HTTP1_BODY;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool chunk_size_octet(struct http1_reader *r, uint8_t c)
{
    int digit = r->chunk_extension ? -1 : hex_digit(c);
    if (++r->chunk_line_len > CHUNK_LINE_MAX)
        return false;
    if (digit >= 0) {
        if (r->left > r->body_max / 16 + 16)
            return false;
        r->left = r->left * 16 + (unsigned)digit;
        r->chunk_digits = true;
        return true;
    }
    if (c == ';' || is_blank(c) || c == '\r')
        r->chunk_extension = true;
    return r->chunk_digits && (r->chunk_extension || c == '\n');
}

/* A size line: hex digits, perhaps an extension, LF. */
static enum http1_event chunk_size_take(struct http1_reader *r, struct reader *in)
{
    while (!rd_at_end(in)) {
        uint8_t c = rd_u8(in);
        if (!chunk_size_octet(r, c))
            return failed(r, ERR_BAD_VALUE, 400);
        if (c != '\n')
            continue;
        r->chunk_line_len = 0, r->chunk_digits = r->chunk_extension = false;
        if (r->left > r->body_max - r->body_len)
            return failed(r, ERR_TOO_LONG, 413);
        r->state = r->left != 0 ? S_CHUNK : S_TRAILER;
        r->seen_cr = false;
        if (r->state == S_TRAILER && r->lenient_end)
            return done(r);
        return HTTP1_BODY; /* go on */
    }
    return HTTP1_MORE;
}

static enum http1_event chunk_end_take(struct http1_reader *r, struct reader *in)
{
    while (!rd_at_end(in)) {
        uint8_t c = rd_u8(in);
        if (c == '\n') {
            r->state = S_CHUNK_SIZE;
            return HTTP1_BODY;
        }
        if (c != '\r' || r->seen_cr)
            return failed(r, ERR_BAD_VALUE, 400);
        r->seen_cr = true;
    }
    return HTTP1_MORE;
}

/* Trailer headers are read over, up to the empty line. */
static enum http1_event trailer_take(struct http1_reader *r, struct reader *in)
{
    while (!rd_at_end(in)) {
        uint8_t c = rd_u8(in);
        if (c == '\n' && r->chunk_line_len == 0)
            return done(r);
        if (c == '\n')
            r->chunk_line_len = 0;
        else if (c != '\r' && ++r->chunk_line_len > CHUNK_LINE_MAX)
            return failed(r, ERR_TOO_LONG, 431);
    }
    return HTTP1_MORE;
}

static enum http1_event step(struct http1_reader *r, struct reader *in, struct span *ret_body)
{
    switch ((enum state)r->state) {
    case S_START:
        if (!blanks_skip(r, in))
            return r->state == S_FAILED ? HTTP1_FAILED : HTTP1_MORE;
        r->head_bytes.len = 0, r->head_bytes.err = ERR_NONE;
        r->state = S_HEAD;
        return HTTP1_BODY;
    case S_HEAD:
        if (head_take(r, in))
            return head_done(r);
        return r->state == S_FAILED ? HTTP1_FAILED : HTTP1_MORE;
    case S_BODY:
        if (r->left == 0)
            return done(r);
        return rd_at_end(in) ? HTTP1_MORE : body_take(r, in, ret_body);
    case S_UNTIL_END:
        return rd_at_end(in) ? HTTP1_MORE : body_take(r, in, ret_body);
    case S_CHUNK_SIZE:
        return chunk_size_take(r, in);
    case S_CHUNK:
        if (r->left == 0) {
            r->state = S_CHUNK_END;
            return HTTP1_BODY;
        }
        return rd_at_end(in) ? HTTP1_MORE : body_take(r, in, ret_body);
    case S_CHUNK_END:
        return chunk_end_take(r, in);
    case S_TRAILER:
        return trailer_take(r, in);
    default:
        return HTTP1_FAILED;
    }
}

enum http1_event http1_next(struct http1_reader *r, struct reader *in, struct span *ret_body)
{
    struct span body = SPAN_NONE;
    enum http1_event event;
    do /* a step that changed only the state goes on at once */
        event = step(r, in, &body);
    while (event == HTTP1_BODY && body.len == 0);
    if (event == HTTP1_BODY)
        *ret_body = body;
    return event;
}

enum http1_event http1_end(struct http1_reader *r)
{
    if (r->state == S_UNTIL_END)
        return done(r);
    if (r->state == S_START)
        return HTTP1_MORE;
    return r->state == S_FAILED ? HTTP1_FAILED : failed(r, ERR_TRUNCATED, 400);
}

bool http1_idle(const struct http1_reader *r) { return r->state == S_START; }

void http1_reader_init(struct http1_reader *r, enum http1_kind kind, uint8_t *head_buf, size_t head_cap,
                       uint64_t body_max)
{
    *r = (struct http1_reader){ .kind = kind, .body_max = body_max, .head_bytes = wr_of(head_buf, head_cap) };
    r->state = S_START;
}

/* ---- building ---- */

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    { 100, "Continue" },
    { 200, "OK" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

const char *http1_reason(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

static void wr_clean(struct writer *w, struct span s)
{
    if (!is_visible(s))
        wr_fail(w, ERR_BAD_VALUE);
    wr_bytes(w, s);
}

void http1_wr_request(struct writer *w, const char *method, struct span target)
{
    if (target.len == 0 || index_of(target, ' ') != target.len)
        wr_fail(w, ERR_BAD_VALUE);
    wr_text(w, method);
    wr_u8(w, ' ');
    wr_clean(w, target);
    wr_text(w, " HTTP/1.1\r\n");
}

void http1_wr_response(struct writer *w, int status)
{
    wr_printf(w, "HTTP/1.1 %03d %s\r\n", status, http1_reason(status));
}

void http1_wr_header(struct writer *w, const char *name, struct span value)
{
    wr_clean(w, span_text(name));
    wr_text(w, ": ");
    wr_clean(w, value);
    wr_text(w, "\r\n");
}

void http1_wr_no_body(struct writer *w) { wr_text(w, "\r\n"); }

void http1_wr_body(struct writer *w, struct span body)
{
    wr_printf(w, "Content-Length: %zu\r\n\r\n", body.len);
    wr_bytes(w, body);
}

void http1_wr_chunked(struct writer *w, struct span body)
{
    wr_text(w, "Transfer-Encoding: chunked\r\n\r\n");
    if (body.len != 0) {
        wr_printf(w, "%zx\r\n", body.len);
        wr_bytes(w, body);
        wr_text(w, "\r\n");
    }
    wr_text(w, "0\r\n\r\n");
}
