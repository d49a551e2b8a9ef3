/* lib/io/inside.h: what the sources of this folder share. */
#ifndef OSPREY_IO_INSIDE_H
#define OSPREY_IO_INSIDE_H

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <sys/socket.h>

#define ERR_STATE OPENSSL_ERR_STATE /* a type of OpenSSL, an error of ours */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#undef ERR_STATE

#include "lib/wire/http1.h"
#include "loop.h"
#include "peer.h"

/* A listening socket on a numeric address; NULL with *ret_err and detail (may be NULL) on failure. */
struct evconnlistener *listener_new(struct loop *loop, const char *address, uint16_t port, evconnlistener_cb accepted,
                                    void *context, enum err *ret_err, char *detail);
uint16_t listener_port(struct evconnlistener *listener);

/* "127.0.0.1:4711", "[::1]:4711" */
void address_text(const struct sockaddr *address, char *out, size_t cap);
/* Of a numeric host; ERR_NOT_FOUND for a name. */
enum err address_of(const char *host, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_len);
/* Begins to connect, to an address at once, to a name when the resolver has answered: nothing blocks. False: cannot even
 * be begun. How it ends is told by the stream's events. */
bool stream_connect(struct loop *loop, struct bufferevent *bev, const char *host, uint16_t port);
/* "127.0.0.1:4711", of the other end of a stream that is connected. */
void stream_peer(struct bufferevent *bev, char *out, size_t cap);

void socket_nodelay(evutil_socket_t fd);

/* Fills in all but the address after a handshake; the certificate is peer_done's to free. */
void peer_read(struct peer *peer, SSL *ssl);
void peer_done(struct peer *peer);

/* Leaves at once as far as the socket takes it, without a round of the loop; the rest, or all of it behind what waits
 * already, goes when the socket is ready. The octets are copied. */
void stream_write(struct bufferevent *bev, struct span bytes);
/* Says goodbye in TLS (when ssl is not NULL) and frees the bufferevent with its socket. */
void stream_free(struct bufferevent *bev);
/* What went wrong on a stream, for people: TLS error, verification result or errno. ret_err: ERR_VERIFY or ERR_CLOSED.
 */
void stream_fault(struct bufferevent *bev, short events, char *out, size_t cap, enum err *ret_err);

/* A body that grows as it comes in. */
struct body {
    uint8_t *ptr;
    size_t len, cap;
};
bool body_add(struct body *b, struct span piece, uint64_t expected);
void body_done(struct body *b);

#endif
