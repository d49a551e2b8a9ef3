/* lib/io/tcp.h: plain TCP, bytes in and out (SMPP, GSUP, vpcd, SCP81's server side, BIP). TCP_NODELAY is set. */
#ifndef OSPREY_IO_TCP_H
#define OSPREY_IO_TCP_H

#include "loop.h"

#define TCP_INPUT_MAX (1024u * 1024u)        /* octets a handler may leave untaken before the connection is closed */
#define TCP_OUTPUT_MAX (16u * 1024u * 1024u) /* octets that may wait to be sent */

struct tcp_conn;
struct tcp_server;

/* Every pointer but on_bytes may be NULL. `context` is the one of the connection (tcp_conn_set_context). A connection
 * may be closed (tcp_conn_close) inside any of them; on_closed is then not called. */
struct tcp_handler {
    /* Server: a connection was accepted, context is the server's until it is set anew. Client: connected. */
    void (*on_open)(void *context, struct tcp_conn *conn);
    /* Returns how many octets were taken; the rest is shown again together with what comes next. */
    size_t (*on_bytes)(void *context, struct tcp_conn *conn, struct span in);
    /* The peer closed, the network failed or the client could not connect; conn is freed afterwards. */
    void (*on_closed)(void *context, struct tcp_conn *conn, enum err err, const char *why);
    /* Everything written has left for the kernel. */
    void (*on_drained)(void *context, struct tcp_conn *conn);
};

/* port 0: any free one. Handler must outlive the server. detail: IO_DETAIL_MAX octets (peer.h), may be NULL. */
struct tcp_server *tcp_server_new(struct loop *loop, const char *address, uint16_t port,
                                  const struct tcp_handler *handler, void *context, enum err *ret_err, char *detail);
uint16_t tcp_server_port(const struct tcp_server *server);
void tcp_server_free(struct tcp_server *server); /* closes its listener; its connections live on */

/* Never calls back before it returns; NULL only when out of memory. timeout_ms for connecting, 0: 10,000. */
struct tcp_conn *tcp_connect(struct loop *loop, const char *host, uint16_t port, uint32_t timeout_ms,
                             const struct tcp_handler *handler, void *context);

void tcp_conn_set_context(struct tcp_conn *conn, void *context);
void tcp_conn_set_handler(struct tcp_conn *conn, const struct tcp_handler *handler);
/* Copied. ERR_NO_SPACE over TCP_OUTPUT_MAX. */
enum err tcp_send(struct tcp_conn *conn, struct span bytes);
/* Sends what is waiting (at most 5 s), then closes; no further callback. */
void tcp_conn_close(struct tcp_conn *conn);
/* "127.0.0.1:4711" of the other end. */
const char *tcp_conn_peer(const struct tcp_conn *conn);
/* Stops and resumes on_bytes: back pressure. Resuming shows again what was left untaken. */
void tcp_conn_pause(struct tcp_conn *conn, bool paused);
/* TCP_QUICKACK around every receive: vpcd waits 40 ms for each APDU otherwise. */
void tcp_conn_quickack(struct tcp_conn *conn);

#endif
