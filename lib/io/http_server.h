/* lib/io/http_server.h: HTTP/1.1 over TLS (mutual) or plain: requests come whole, answers go now or later.
 * Connections are kept; requests pipelined on one connection are handled one after the other. */
#ifndef OSPREY_IO_HTTP_SERVER_H
#define OSPREY_IO_HTTP_SERVER_H

#include "lib/engine/engine.h" /* struct reply_ref */
#include "lib/wire/http1.h"
#include "loop.h"
#include "peer.h"

#define HTTP_BODY_MAX_DEFAULT (4u * 1024u * 1024u)
#define HTTP_CONNECTIONS_MAX_DEFAULT 4096u

struct http_server;

/* All spans live until the handler returns. */
struct http_request {
    struct span method, path, query; /* path without "?query"; percent signs are left as they are */
    const struct http1_header *headers;
    size_t header_count;
    struct span body;
    const struct peer *peer;
};
/* Value of the first header of that name (case does not matter); empty span with NULL ptr when absent. */
struct span http_request_header(const struct http_request *request, const char *name);

/* Answer with http_server_reply(server, ref, …) from inside the handler or any time later. */
typedef void http_handler(void *context, const struct http_request *request, struct reply_ref ref);

struct http_server_options {
    const char *address;         /* "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t port;               /* 0: any free one, see http_server_port */
    struct ssl_ctx_st *tls;      /* from tls_mutual_ctx, borrowed (a reference is kept); NULL: plain */
    uint32_t node;               /* goes into every reply_ref */
    size_t body_max;             /* 0: HTTP_BODY_MAX_DEFAULT; more is answered with 413 */
    size_t connections_max;      /* 0: HTTP_CONNECTIONS_MAX_DEFAULT; more are closed at once */
    uint32_t idle_timeout_s;     /* 0: 3600; a kept connection without a request */
    uint32_t request_timeout_s;  /* 0: 30; from the first octet of a request to its last */
    uint32_t reply_timeout_s;    /* 0: 120; then 504 goes out and the ref is dead */
    http_handler *handler;
    void *context;
    void (*refused)(void *context, const char *address, const char *why); /* may be NULL: handshakes that failed etc. */
};

/* ERR_IO: cannot listen (detail says why, IO_DETAIL_MAX octets, may be NULL). */
struct http_server *http_server_new(struct loop *loop, const struct http_server_options *options, enum err *ret_err,
                                    char *detail);
/* Another TLS context from now on: connections that are idle end, the others with their answer. A reference is kept. */
void http_server_set_tls(struct http_server *server, struct ssl_ctx_st *tls);
/* Connections that are idle end, the others with their answer. */
void http_server_end_idle(struct http_server *server);
uint16_t http_server_port(const struct http_server *server);
/* Stops accepting; open exchanges may still be answered. */
void http_server_close_listener(struct http_server *server);
size_t http_server_open_exchanges(const struct http_server *server);
void http_server_free(struct http_server *server);

struct http_reply {
    int status;                       /* 100…599 */
    const char *content_type;         /* NULL when there is no body */
    const struct http1_header *headers;
    size_t header_count;
    struct span body;                 /* copied before the call returns */
    bool close;                       /* ends the connection after this answer */
};
/* False when the exchange is gone: the answer is dropped. A ref of another node is gone too. */
bool http_server_reply(struct http_server *server, struct reply_ref ref, const struct http_reply *reply);

#endif
