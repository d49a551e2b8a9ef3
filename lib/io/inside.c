#include "inside.h"

#include <event2/bufferevent_ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY_FIRST 4096u     /* octets set aside for a body at first */
#define FRAME_MAX 15000u      /* octets of one TLS record that we write */
#define BODY_TRUST 262144u   /* an announced length is believed up to here; beyond it memory follows what arrives */

enum err address_of(const char *host, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_len)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *found = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(host, service, &hints, &found) != 0 || found == NULL)
        return ERR_NOT_FOUND;
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    *ret_len = found->ai_addrlen;
    freeaddrinfo(found);
    return ERR_NONE;
}

bool stream_connect(struct loop *loop, struct bufferevent *bev, const char *host, uint16_t port)
{
    struct sockaddr_storage sa;
    socklen_t len = 0;
    if (address_of(host, port, &sa, &len) == ERR_NONE)
        return bufferevent_socket_connect(bev, (struct sockaddr *)&sa, (int)len) == 0;
    struct evdns_base *resolver = loop_resolver(loop);
    return resolver && bufferevent_socket_connect_hostname(bev, resolver, AF_UNSPEC, host, port) == 0;
}

void stream_peer(struct bufferevent *bev, char *out, size_t cap)
{
    struct sockaddr_storage sa = { 0 };
    socklen_t len = sizeof sa;
    if (getpeername(bufferevent_getfd(bev), (struct sockaddr *)&sa, &len) == 0)
        address_text((struct sockaddr *)&sa, out, cap);
}

void address_text(const struct sockaddr *address, char *out, size_t cap)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)(const void *)address;
        inet_ntop(AF_INET6, &a->sin6_addr, host, sizeof host);
        snprintf(out, cap, "[%s]:%u", host, ntohs(a->sin6_port));
    } else {
        const struct sockaddr_in *a = (const struct sockaddr_in *)(const void *)address;
        inet_ntop(AF_INET, &a->sin_addr, host, sizeof host);
        snprintf(out, cap, "%s:%u", host, ntohs(a->sin_port));
    }
}

struct evconnlistener *listener_new(struct loop *loop, const char *address, uint16_t port, evconnlistener_cb accepted,
                                    void *context, enum err *ret_err, char *detail)
{
    struct sockaddr_storage sa;
    socklen_t len = 0;
    struct evconnlistener *listener = NULL;
    *ret_err = address_of(address, port, &sa, &len);
    if (*ret_err == ERR_NONE) {
        unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
        listener =
            evconnlistener_new_bind(loop_base(loop), accepted, context, flags, 512, (struct sockaddr *)&sa, (int)len);
        *ret_err = listener ? ERR_NONE : ERR_IO;
    }
    if (listener == NULL && detail != NULL)
        snprintf(detail, IO_DETAIL_MAX, "cannot listen on %s port %u: %s", address, port,
                 *ret_err == ERR_IO ? strerror(errno) : "no such address");
    return listener;
}

uint16_t listener_port(struct evconnlistener *listener)
{
    struct sockaddr_storage sa = { 0 };
    socklen_t len = sizeof sa;
    if (listener == NULL || getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&sa, &len) != 0)
        return 0;
    return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
                                          : ((struct sockaddr_in *)&sa)->sin_port);
}

void socket_nodelay(evutil_socket_t fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void peer_read(struct peer *peer, SSL *ssl)
{
    X509 *certificate = ssl ? SSL_get0_peer_certificate(ssl) : NULL;
    if (certificate == NULL)
        return;
    unsigned char *der = NULL;
    unsigned len = 0;
    int der_len = i2d_X509(certificate, &der);
    if (der_len > 0)
        peer->certificate = (struct span){ der, (size_t)der_len };
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, peer->common_name,
                              sizeof peer->common_name);
    if (X509_digest(certificate, EVP_sha256(), peer->fingerprint, &len) != 1)
        memset(peer->fingerprint, 0, sizeof peer->fingerprint);
    if (tls_peer_oid(ssl, peer->oid) != ERR_NONE)
        peer->oid[0] = '\0';
    peer->authenticated = SSL_get_verify_result(ssl) == X509_V_OK;
}

void peer_done(struct peer *peer)
{
    OPENSSL_free((void *)(uintptr_t)peer->certificate.ptr);
    *peer = (struct peer){ 0 };
}

/* A frame that the socket does not take is written again by libevent from its buffer: its octets are the same, at another
 * place (SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER), with the others behind it. */
static size_t tls_write(SSL *ssl, struct span bytes)
{
    size_t sent = 0;
    ERR_clear_error();
    while (sent < bytes.len) {
        size_t left = bytes.len - sent;
        int n = SSL_write(ssl, bytes.ptr + sent, (int)(left < FRAME_MAX ? left : FRAME_MAX));
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    ERR_clear_error();
    return sent;
}

void stream_write(struct bufferevent *bev, struct span bytes)
{
    struct evbuffer *out = bufferevent_get_output(bev);
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    ssize_t sent = 0;
    if (evbuffer_get_length(out) == 0 && ssl != NULL)
        sent = SSL_is_init_finished(ssl) ? (ssize_t)tls_write(ssl, bytes) : 0;
    else if (evbuffer_get_length(out) == 0)
        sent = send(bufferevent_getfd(bev), bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < (ssize_t)bytes.len)
        evbuffer_add(out, bytes.ptr + (sent > 0 ? sent : 0), bytes.len - (size_t)(sent > 0 ? sent : 0));
}

void stream_free(struct bufferevent *bev)
{
    if (bev == NULL)
        return;
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    if (ssl != NULL && SSL_is_init_finished(ssl)) {
        SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
        SSL_shutdown(ssl);
    }
    ERR_clear_error();
    bufferevent_free(bev);
}

/* Alerts by which the other side says that it does not like our certificate. */
static bool is_certificate_alert(unsigned long error)
{
    switch (ERR_GET_REASON(error)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return true;
    default:
        return false;
    }
}

/* OpenSSL has no words for what the system says; libevent gives SSL_ERROR_SYSCALL, of no library, when it says nothing. */
static const char *error_words(unsigned long error)
{
    const char *words = ERR_SYSTEM_ERROR(error) ? evutil_socket_error_to_string(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
    return words ? words : ERR_GET_LIB(error) ? "failed" : "the connection is refused or broken off";
}

void stream_fault(struct bufferevent *bev, short events, char *out, size_t cap, enum err *ret_err)
{
    int socket_error = EVUTIL_SOCKET_ERROR();
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    unsigned long error = ssl ? bufferevent_get_openssl_error(bev) : 0, first = error;
    while (error != 0 && !is_certificate_alert(error))
        error = bufferevent_get_openssl_error(bev);
    const char *fault = ssl ? tls_peer_fault(ssl) : "";
    *ret_err = error != 0 || fault[0] != '\0' ? ERR_VERIFY : ERR_CLOSED;
    if (fault[0] != '\0')
        snprintf(out, cap, "peer's certificate refused: %s", fault);
    else if (first != 0)
        snprintf(out, cap, "TLS: %s", error_words(error ? error : first));
    else if (bufferevent_socket_get_dns_error(bev) != 0)
        snprintf(out, cap, "no such host");
    else if (events & BEV_EVENT_EOF)
        snprintf(out, cap, "closed by the peer");
    else
        snprintf(out, cap, "%s", socket_error ? evutil_socket_error_to_string(socket_error) : "connection failed");
    ERR_clear_error();
}

bool body_add(struct body *b, struct span piece, uint64_t expected)
{
    if (piece.len > b->cap - b->len) {
        size_t want = expected < BODY_TRUST && expected > b->cap ? (size_t)expected : b->cap ? b->cap * 2 : BODY_FIRST;
        while (want < b->len + piece.len)
            want *= 2;
        uint8_t *grown = realloc(b->ptr, want);
        if (grown == NULL)
            return false;
        b->ptr = grown, b->cap = want;
    }
    memcpy(b->ptr + b->len, piece.ptr, piece.len);
    b->len += piece.len;
    return true;
}

void body_done(struct body *b)
{
    if (b->ptr != NULL)
        wipe(b->ptr, b->len);
    free(b->ptr);
    *b = (struct body){ 0 };
}
