#include "uri.h"

#include "hex.h"

enum uri_place { URI_SCHEME = 1, URI_HOST = 2, URI_PATH = 4, URI_QUERY = 8, URI_PORT = 16 };

/* Where in a URI the octet may stand (RFC 3986); '%' with two digits behind it. */
static unsigned uri_places(uint8_t c)
{
    static const char marks[] = "_~!$'()*,;=%";
    if ((c | 0x20) - 'a' + 0u < 26u || c == '-' || c == '.' || c == '+')
        return URI_SCHEME | URI_HOST | URI_PATH | URI_QUERY;
    if (c - '0' + 0u < 10u)
        return URI_SCHEME | URI_HOST | URI_PATH | URI_QUERY | URI_PORT;
    if (memchr(marks, c, sizeof marks - 1))
        return URI_HOST | URI_PATH | URI_QUERY;
    if (c == '/' || c == ':' || c == '@')
        return URI_PATH | URI_QUERY;
    return c == '?' ? URI_QUERY : 0;
}

static size_t uri_run(struct span uri, size_t at, enum uri_place place)
{
    while (at < uri.len && uri_places(uri.ptr[at]) & place) {
        uint8_t octet;
        if (uri.ptr[at] == '%' && hex_read_exact(span_sub(uri, at + 1, 2), &octet, 1) != ERR_NONE)
            break;
        at += uri.ptr[at] == '%' ? 3 : 1;
    }
    return at;
}

static bool uri_has(struct span uri, size_t at, char c) { return at < uri.len && uri.ptr[at] == c; }

/* host or host:port; 0: it is none. */
static size_t uri_authority(struct span uri, size_t at)
{
    at = uri_run(uri, at, URI_HOST);
    if (uri_has(uri, at, ':')) {
        size_t port = at + 1;
        at = uri_run(uri, port, URI_PORT);
        if (at == port || at > port + 5)
            return 0;
    }
    return at == uri.len || memchr("/?#", uri.ptr[at], 3) ? at : 0;
}

bool uri_is_absolute(struct span uri)
{
    size_t at = uri_run(uri, 0, URI_SCHEME), begin = at + 1;
    if (!at || (uri.ptr[0] | 0x20) - 'a' + 0u >= 26u || !uri_has(uri, at++, ':'))
        return false;
    if (uri_has(uri, at, '/') && uri_has(uri, at + 1, '/')) {
        begin = at + 2;
        at = uri_authority(uri, begin);
    }
    at = at ? uri_run(uri, at, URI_PATH) : 0;
    if (uri_has(uri, at, '?'))
        at = uri_run(uri, at + 1, URI_QUERY);
    if (uri_has(uri, at, '#'))
        at = uri_run(uri, at + 1, URI_QUERY);
    return at == uri.len && at > begin;
}
