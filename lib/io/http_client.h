/* lib/io/http_client.h: POST and GET over mutual TLS or plain, with kept connections per (scheme, host, port), a queue
 * for each of them and a ceiling of connections; every request ends in exactly one callback. */
#ifndef OSPREY_IO_HTTP_CLIENT_H
#define OSPREY_IO_HTTP_CLIENT_H

#include "lib/wire/http1.h"
#include "loop.h"
#include "peer.h"

#define HTTP_URL_MAX 512u
#define HTTP_CLIENT_HOSTS_MAX 1024u
#define HTTP_CLIENT_QUEUE_MAX 65536u

struct http_client;

struct http_client_options {
    struct ssl_ctx_st *tls;        /* for https (a reference is kept); NULL: https URLs are refused */
    size_t connections_per_host;   /* 0: 16 */
    uint32_t connect_timeout_ms;   /* 0: 10,000; TCP and TLS together */
    uint32_t answer_timeout_ms;    /* 0: 60,000; from the last octet sent to the last received */
    uint32_t idle_timeout_s;       /* 0: 600; an unused kept connection is closed */
    size_t body_max;               /* 0: 4 MiB, of an answer */
    bool check_host_name; /* the certificate must name the URL's host (SGP.02 peers are known by OID instead) */
};

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options);
/* Another TLS context from now on: connections that are idle end, the others with their answer. A reference is kept. */
void http_client_set_tls(struct http_client *client, struct ssl_ctx_st *tls);
/* Requests under way end without callback. */
void http_client_free(struct http_client *client);

/* err ERR_NONE: an HTTP answer arrived, whatever its status. Otherwise: ERR_CLOSED could not connect or connection
 * lost, ERR_VERIFY certificate refused (by either side), ERR_EXPIRED a time-out, ERR_TOO_LONG, ERR_BAD_VALUE not HTTP,
 * ERR_DENIED https without tls. All spans and texts live until the callback returns. */
struct http_answer {
    enum err err;
    const char *detail; /* for people, never NULL */
    bool sent;          /* false: no octet of the request has left, so a repeat cannot be a second one */
    int status;
    const struct http1_header *headers;
    size_t header_count;
    struct span body;
    const struct peer *peer;
};
typedef void http_done(void *context, const struct http_answer *answer);

struct http_call {
    const char *method; /* NULL: POST */
    const char *url;    /* http://host[:port]/path[?query] or https://… */
    const char *content_type;
    const struct http1_header *headers;
    size_t header_count;
    struct span body;              /* copied */
    uint32_t answer_timeout_ms;    /* 0: the client's */
    http_done *done;
    void *context;
    size_t context_size; /* not 0: so many octets are copied, and done gets the copy, which lives until it returns */
};
/* done is never called before this returns. ERR_BAD_VALUE: not such a URL; ERR_NO_SPACE: queue or host table full;
 * on an error done is not called. A request that failed on a kept connection before an octet of an answer came is
 * tried once more on a fresh one (a server may close an idle connection at any time). */
MUST_USE enum err http_client_send(struct http_client *client, const struct http_call *call);
size_t http_client_in_flight(const struct http_client *client);

#endif
