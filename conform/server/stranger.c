#include "stranger.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/crypto/openssl.h"

#define WAIT_S 10

static int connect_to(const char *url)
{
    char host[128], port[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
    const struct timeval wait = { .tv_sec = WAIT_S };
    if (sscanf(url, "https://%127[^:/]:%7[0-9]", host, port) != 2 || getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

/* The server may refuse only when the client has finished: then the first read says so. */
static int exchange(SSL *ssl, const char *request)
{
    char answer[64] = "";
    int status = 0;
    if (SSL_connect(ssl) != 1 || SSL_write(ssl, request, (int)strlen(request)) <= 0 ||
        SSL_read(ssl, answer, sizeof answer - 1) <= 0)
        return 0;
    return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

static bool identity_load(struct stage *s, SSL_CTX *ctx, const char *name)
{
    const char *folder = textf(s, "%s/%s", s->target.strangers, name);
    return SSL_CTX_use_certificate_chain_file(ctx, textf(s, "%s/tls.pem", folder)) == 1 &&
           SSL_CTX_use_PrivateKey_file(ctx, textf(s, "%s/tls.key", folder), SSL_FILETYPE_PEM) == 1;
}

int stranger_post(struct stage *s, const char *name, enum server to, const char *text)
{
    (void)server_oid(s, to);
    if (name && !s->target.strangers)
        skip(s, "the target has no [trust] strangers");
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;
    bool loaded = ctx && (!name || identity_load(s, ctx, name));
    int fd = connect_to(s->target.servers[to].url), status = 0;
    const char *request = textf(s, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/soap+xml\r\nContent-Length: %zu\r\n\r\n%s",
                                strlen(text), text);
    if (loaded && fd >= 0 && (ssl = SSL_new(ctx)) != NULL && SSL_set_fd(ssl, fd) == 1)
        status = exchange(ssl, request);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    if (fd >= 0)
        close(fd);
    if (!loaded)
        skip(s, "there is no stranger %s", name ? name : "");
    need(s, fd >= 0, "%s cannot be reached", s->target.servers[to].url);
    return status;
}
