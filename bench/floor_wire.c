/* A server and its clients over TCP on loopback, the clients in a process of their own that puts 32 requests (or handshakes)
 * on the way at once. What counts is the server's CPU time; it serves all that is ready before it sleeps. */
#include "floor.h"

#include "lib/crypto/openssl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTIONS 32u
#define MESSAGE_MAX 65536u
#define READY_MAX   64
#define SMS_LEN     240u
#define SMS_ANSWER  16u
#define SMS_WINDOW  10u

struct end {
    int fd;
    SSL *ssl;    /* NULL: plain */
    size_t got;  /* octets of a request or answer so far */
    bool shaken;
};
struct work {
    int listener, epoll, control; /* control: how many rounds the clients shall make */
    pid_t clients;
    struct sockaddr_in address;
    SSL_CTX *server, *client;
    bool plain, kept; /* no TLS; connections stay */
    size_t connections, request, answer, together; /* together: requests in one write */
    size_t answered, closed;
    struct wire_server *ours; /* NULL: the bare server below */
    struct span say;          /* what the clients say; none: zeros */
    uint8_t buf[MESSAGE_MAX];
};
static const uint8_t zeros[MESSAGE_MAX];

static void must(bool good, const char *what) { bench_must(good ? ERR_NONE : ERR_IO, what); }

static void prepare(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

static SSL *ssl_of(SSL_CTX *context, int fd, bool accepts)
{
    SSL *ssl = SSL_new(context);
    must(ssl && SSL_set_fd(ssl, fd) == 1, "TLS");
    if (accepts)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

/* Above 0: octets; 0: closed; below: later. */
static int hear(struct end *e, uint8_t *buf, size_t cap)
{
    if (!e->ssl) {
        ssize_t n = read(e->fd, buf, cap);
        must(n >= 0 || errno == EAGAIN, "read");
        return (int)n;
    }
    int n = SSL_read(e->ssl, buf, (int)cap);
    if (n > 0)
        return n;
    int why = SSL_get_error(e->ssl, n);
    ERR_clear_error();
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : 0;
}

static void say(struct end *e, const uint8_t *buf, size_t len)
{
    must(e->ssl ? SSL_write(e->ssl, buf, (int)len) == (int)len : write(e->fd, buf, len) == (ssize_t)len, "a write");
}

static bool shake(struct end *e)
{
    if (!e->shaken && e->ssl) {
        int code = SSL_do_handshake(e->ssl);
        int why = code == 1 ? 0 : SSL_get_error(e->ssl, code);
        must(code == 1 || why == SSL_ERROR_WANT_READ, "handshake");
        e->shaken = code == 1;
    }
    return e->shaken || !e->ssl;
}

static void end_close(struct end *e)
{
    if (e->ssl)
        SSL_shutdown(e->ssl);
    SSL_free(e->ssl);
    close(e->fd);
    *e = (struct end){ .fd = -1 };
}

/* ---- the clients ---- */

static void wait_for(struct end *ends, size_t count)
{
    struct pollfd fds[CONNECTIONS];
    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){ .fd = ends[i].fd, .events = POLLIN };
    must(poll(fds, count, 10000) > 0, "an answer within ten seconds");
}

static void clients_connect(struct work *w, struct end *ends)
{
    size_t ready = 0;
    for (size_t i = 0; i < w->connections; i++) {
        ends[i] = (struct end){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
        must(connect(ends[i].fd, (struct sockaddr *)&w->address, sizeof w->address) == 0, "connect");
        prepare(ends[i].fd);
        ends[i].ssl = w->plain ? NULL : ssl_of(w->client, ends[i].fd, false);
    }
    for (;;) {
        ready = 0;
        for (size_t i = 0; i < w->connections; i++)
            ready += shake(&ends[i]);
        if (ready == w->connections)
            return;
        wait_for(ends, w->connections);
    }
}

static void clients_ask(struct work *w, struct end *ends)
{
    size_t full = 0;
    for (size_t i = 0; i < w->connections; i++) {
        ends[i].got = 0;
        say(&ends[i], w->say.len ? w->say.ptr : zeros, w->request * w->together);
    }
    while (full < w->connections) {
        full = 0;
        for (size_t i = 0; i < w->connections; i++) {
            int n = ends[i].got < w->answer * w->together ? hear(&ends[i], w->buf, MESSAGE_MAX) : 0;
            ends[i].got += n > 0 ? (size_t)n : 0;
            full += ends[i].got >= w->answer * w->together;
        }
        if (full < w->connections)
            wait_for(ends, w->connections);
    }
}

static void clients_close(struct work *w, struct end *ends)
{
    for (size_t i = 0; i < w->connections; i++)
        end_close(&ends[i]);
}

static void clients_live(struct work *w)
{
    struct end ends[CONNECTIONS];
    unsigned rounds;
    if (w->kept)
        clients_connect(w, ends);
    while (read(w->control, &rounds, sizeof rounds) == (ssize_t)sizeof rounds) {
        while (rounds--) {
            if (!w->kept)
                clients_connect(w, ends);
            clients_ask(w, ends);
            if (!w->kept)
                clients_close(w, ends);
        }
    }
    _exit(0);
}

/* ---- the server ---- */

static void listen_up(struct work *w)
{
    socklen_t len = sizeof w->address;
    struct epoll_event event = { .events = EPOLLIN };
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    w->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    must(w->listener >= 0 && bind(w->listener, (struct sockaddr *)&w->address, len) == 0 && listen(w->listener, 64) == 0 &&
             getsockname(w->listener, (struct sockaddr *)&w->address, &len) == 0 &&
             epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->listener, &event) == 0,
         "a listener");
}

static void accept_all(struct work *w)
{
    int fd;
    while ((fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct end *e = calloc(1, sizeof *e);
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = e };
        must(e && epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) == 0, "a connection");
        e->fd = fd;
        prepare(fd);
        e->ssl = w->plain ? NULL : ssl_of(w->server, fd, true);
    }
}

static void answer(struct work *w, struct end *e)
{
    size_t count = e->got / w->request;
    if (!count)
        return;
    e->got -= count * w->request;
    w->answered += count;
    say(e, w->buf, count * w->answer);
}

static void serve_one(struct work *w, struct end *e)
{
    int n = -1;
    if (!shake(e))
        return;
    while ((n = hear(e, w->buf, MESSAGE_MAX)) > 0)
        e->got += (size_t)n;
    answer(w, e);
    if (n == 0) {
        w->closed++;
        end_close(e);
        free(e);
    }
}

static void serve_ready(struct work *w)
{
    struct epoll_event ready[READY_MAX];
    int count = epoll_wait(w->epoll, ready, READY_MAX, 10000);
    must(count > 0, "a request within ten seconds");
    for (int i = 0; i < count; i++) {
        if (ready[i].data.ptr)
            serve_one(w, ready[i].data.ptr);
        else
            accept_all(w);
    }
}

static void rounds_of_ours(struct work *w, unsigned repeats)
{
    struct wire_server *s = w->ours;
    size_t want = (size_t)repeats * w->connections;
    s->answered = s->closed = 0;
    must(write(w->control, &repeats, sizeof repeats) == (ssize_t)sizeof repeats, "control");
    while (s->answered < want || (!w->kept && s->closed < want))
        s->serve(s);
}

static void rounds(void *context, unsigned repeats)
{
    struct work *w = context;
    size_t want = (size_t)repeats * w->connections * w->together;
    if (w->ours) {
        rounds_of_ours(w, repeats);
        return;
    }
    w->answered = w->closed = 0;
    must(write(w->control, &repeats, sizeof repeats) == (ssize_t)sizeof repeats, "control");
    while (w->answered < want || (!w->kept && w->closed < (size_t)repeats * w->connections))
        serve_ready(w);
}

/* The server's CPU time for one request, or for one connection with one request. */
static double cost_us(struct work *w, size_t request, size_t answer_len)
{
    int pair[2];
    w->request = request;
    w->answer = answer_len;
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "control");
    fflush(stdout);
    w->clients = fork();
    must(w->clients >= 0, "fork");
    w->control = pair[w->clients == 0];
    close(pair[w->clients != 0]);
    if (w->clients == 0)
        clients_live(w);
    double cost = bench_cost_us(rounds, w) / (double)(w->connections * w->together);
    close(w->control);
    waitpid(w->clients, NULL, 0);
    w->closed = 0;
    while (!w->ours && w->kept && w->closed < w->connections)
        serve_ready(w);
    return cost;
}

/* ---- contexts ---- */

static const uint8_t psk[] = WIRE_PSK_KEY;

static unsigned psk_of_client(SSL *ssl, const char *hint, char *identity, unsigned identity_cap, unsigned char *key, unsigned key_cap)
{
    (void)ssl, (void)hint;
    snprintf(identity, identity_cap, "8001028120");
    memcpy(key, psk, key_cap < sizeof psk ? key_cap : sizeof psk);
    return sizeof psk;
}

static unsigned psk_of_server(SSL *ssl, const char *identity, unsigned char *key, unsigned key_cap)
{
    (void)ssl, (void)identity;
    memcpy(key, psk, key_cap < sizeof psk ? key_cap : sizeof psk);
    return sizeof psk;
}

static void use_psk(struct work *w)
{
    SSL_CTX *both[] = { w->server, w->client };
    for (size_t i = 0; i < 2; i++)
        must(SSL_CTX_set_max_proto_version(both[i], TLS1_2_VERSION) == 1 &&
                 SSL_CTX_set_cipher_list(both[i], "PSK-AES128-CBC-SHA256:@SECLEVEL=0") == 1,
             "PSK");
    SSL_CTX_set_psk_client_callback(w->client, psk_of_client);
    SSL_CTX_set_psk_server_callback(w->server, psk_of_server);
}

static void use_certificate(struct work *w)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    must(key && x && X509_set_version(x, 2) == 1 && X509_set_pubkey(x, key) == 1 && X509_gmtime_adj(X509_getm_notBefore(x), 0) &&
             X509_gmtime_adj(X509_getm_notAfter(x), 86400) && X509_sign(x, key, EVP_sha256()) > 0 &&
             SSL_CTX_use_certificate(w->server, x) == 1 && SSL_CTX_use_PrivateKey(w->server, key) == 1,
         "certificate");
    X509_free(x);
    EVP_PKEY_free(key);
}

static void make_contexts(struct work *w, void (*use)(struct work *))
{
    w->server = SSL_CTX_new(TLS_server_method());
    w->client = SSL_CTX_new(TLS_client_method());
    must(w->server && w->client, "TLS");
    SSL_CTX_set_session_cache_mode(w->server, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(w->server, 0);
    SSL_CTX_set_read_ahead(w->server, 1);
    SSL_CTX_set_options(w->server, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(w->client, 1);
    use(w);
}

static void free_contexts(struct work *w)
{
    SSL_CTX_free(w->server);
    SSL_CTX_free(w->client);
}

void floor_wire(double ret_us[FLOOR_UNIT_COUNT])
{
    static struct work w;
    w = (struct work){ .connections = CONNECTIONS, .kept = true, .together = 1 };
    listen_up(&w);
    make_contexts(&w, use_certificate);
    ret_us[FLOOR_SOAP] = cost_us(&w, 2048, 300);
    ret_us[FLOOR_SOAP_7K] = cost_us(&w, 7000, 1200);
    ret_us[FLOOR_SOAP_27K] = cost_us(&w, 27000, 300);
    free_contexts(&w);
    make_contexts(&w, use_psk);
    ret_us[FLOOR_PSK_EXCHANGE] = cost_us(&w, 600, 300);
    ret_us[FLOOR_PSK_EXCHANGE_14K] = cost_us(&w, 200, 14000);
    w.kept = false;
    ret_us[FLOOR_PSK] = cost_us(&w, 300, 300);
    free_contexts(&w);
    w.plain = w.kept = true;
    w.connections = 1;
    w.together = SMS_WINDOW;
    ret_us[FLOOR_SMS] = cost_us(&w, SMS_LEN, SMS_ANSWER);
    close(w.listener);
    close(w.epoll);
}

/* ---- a server of ours */

static struct work under_test;

struct ssl_ctx_st *wire_begin(enum wire_kind kind)
{
    under_test = (struct work){ .connections = CONNECTIONS, .kept = kind == WIRE_SOAP, .together = 1 };
    make_contexts(&under_test, kind == WIRE_SOAP ? use_certificate : use_psk);
    SSL_CTX_set_read_ahead(under_test.server, 0); /* libevent would wait for octets that OpenSSL has read already */
    return under_test.server;
}

double wire_cost_us(struct wire_server *server)
{
    struct work *w = &under_test;
    w->ours = server;
    w->say = server->request;
    w->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = htons(server->port) };
    return cost_us(w, server->request.len, server->answer_len);
}

void wire_end(void) { free_contexts(&under_test); }
