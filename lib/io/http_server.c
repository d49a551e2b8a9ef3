#include "http_server.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "inside.h"

#include <event2/bufferevent_ssl.h>

#define SPARE_BODY_MAX 65536u
#define REPLY_SMALL_MAX 8192u /* head and body in one write */
#define INPUT_AHEAD 65536u    /* octets read while an exchange is open */
#define LINGER_MS 2000u       /* after an answer that ends the connection: so that the peer reads it */
#define LINGERS_MAX 30u       /* as often while a slow peer is still reading */

enum conn_state {
    CONN_HANDSHAKE,
    CONN_IDLE,    /* between requests */
    CONN_REQUEST, /* inside one */
    CONN_OPEN,    /* the handler has it, no answer yet */
    CONN_LINGER,  /* the last answer is going out; input is thrown away */
};

struct conn {
    struct http_server *server;
    uint32_t slot, generation; /* generation 0: no open exchange */
    struct bufferevent *bev;
    struct event *timer;
    enum conn_state state;
    struct http1_reader reader;
    uint8_t *head; /* HTTP1_HEAD_MAX while a request is being read or handled */
    struct body body;
    struct peer peer;
    bool working, close_after, dead, last; /* last: no request after this one */
    uint8_t lingers;
};

struct http_server {
    struct http_server_options options;
    struct loop *loop;
    struct evconnlistener *listener;
    struct conn **conns; /* by slot */
    uint32_t *free_slots;
    size_t free_count, open_count;
    uint32_t generation;
    uint64_t connections; /* so far */
    uint8_t *spare_head;  /* what the last request needed, for the next one */
    struct body spare_body;
};

static void on_timeout(evutil_socket_t fd, short what, void *context);

static void conn_timer(struct conn *c, uint64_t ms)
{
    struct timeval t = { (time_t)(ms / 1000u), (suseconds_t)(ms % 1000u * 1000u) };
    event_add(c->timer, &t);
}

static void exchange_end(struct conn *c)
{
    if (c->generation != 0)
        c->server->open_count--;
    c->generation = 0;
}

/* The request's bytes live until its handler has returned. */
static void request_release(struct conn *c)
{
    struct http_server *s = c->server;
    if (s->spare_head == NULL) {
        s->spare_head = c->head;
        c->head = NULL;
    }
    if (s->spare_body.ptr == NULL && c->body.cap <= SPARE_BODY_MAX) {
        wipe(c->body.ptr, c->body.len);
        s->spare_body = (struct body){ c->body.ptr, 0, c->body.cap };
        c->body = (struct body){ 0 };
    }
    free(c->head);
    c->head = NULL;
    body_done(&c->body);
}

static void conn_free(struct conn *c)
{
    struct http_server *s = c->server;
    if (c->working) { /* the caller up the stack does it */
        c->dead = true;
        return;
    }
    exchange_end(c);
    request_release(c);
    if (s->conns[c->slot] == c) {
        s->conns[c->slot] = NULL;
        s->free_slots[s->free_count++] = c->slot;
    }
    if (c->timer != NULL)
        event_free(c->timer);
    stream_free(c->bev);
    peer_done(&c->peer);
    free(c);
}

static void conn_idle(struct conn *c)
{
    c->state = CONN_IDLE;
    conn_timer(c, c->server->options.idle_timeout_s * 1000ull);
}

static void conn_linger(struct conn *c)
{
    c->state = CONN_LINGER;
    conn_timer(c, LINGER_MS);
}

/* ---- answering ---- */

static void answer_write(struct conn *c, const struct http_reply *reply)
{
    WRITER_ON_STACK(w, REPLY_SMALL_MAX);
    bool bodiless = reply->status < 200 || reply->status == 204 || reply->status == 304;
    http1_wr_response(&w, reply->status);
    for (size_t i = 0; i < reply->header_count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)reply->headers[i].name.len, (const char *)reply->headers[i].name.ptr);
        http1_wr_header(&w, name, reply->headers[i].value);
    }
    if (reply->content_type != NULL)
        http1_wr_header(&w, "Content-Type", span_text(reply->content_type));
    if (c->close_after)
        http1_wr_header(&w, "Connection", SPAN_LIT("close"));
    if (!bodiless)
        wr_printf(&w, "Content-Length: %zu\r\n", reply->body.len);
    http1_wr_no_body(&w);
    if (w.err != ERR_NONE) {
        stream_write(c->bev, SPAN_LIT("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"));
    } else if (bodiless || reply->body.len <= w.cap - w.len) { /* in one record */
        wr_bytes(&w, bodiless ? SPAN_NONE : reply->body);
        stream_write(c->bev, wr_span(&w));
    } else {
        stream_write(c->bev, wr_span(&w));
        stream_write(c->bev, reply->body);
    }
}

static void answer(struct conn *c, const struct http_reply *reply)
{
    c->close_after |= reply->close || c->last;
    answer_write(c, reply);
    exchange_end(c);
    if (c->close_after)
        conn_linger(c);
    else
        conn_idle(c);
}

static void answer_status(struct conn *c, int status, bool close)
{
    const char *reason = http1_reason(status);
    answer(c, &(struct http_reply){ .status = status, .content_type = "text/plain", .body = span_text(reason),
                                    .close = close });
}

/* ---- reading ---- */

static struct http_request request_of(struct conn *c)
{
    struct span target = c->reader.head.target;
    const uint8_t *mark = memchr(target.ptr, '?', target.len);
    size_t path_len = mark ? (size_t)(mark - target.ptr) : target.len;
    return (struct http_request){
        .method = c->reader.head.method,
        .path = span_sub(target, 0, path_len),
        .query = span_from(target, path_len + 1),
        .headers = c->reader.head.headers,
        .header_count = c->reader.head.header_count,
        .body = { c->body.ptr, c->body.len },
        .peer = &c->peer,
    };
}

struct span http_request_header(const struct http_request *request, const char *name)
{
    return http1_header_find(request->headers, request->header_count, name);
}

static void request_done(struct conn *c)
{
    struct http_server *s = c->server;
    struct http_request request = request_of(c);
    if (++s->generation == 0)
        s->generation = 1;
    c->generation = s->generation;
    s->open_count++;
    c->state = CONN_OPEN;
    c->close_after = c->last || !c->reader.head.keep_alive;
    conn_timer(c, s->options.reply_timeout_s * 1000ull);
    struct reply_ref ref = { s->options.node, c->slot + 1, c->generation };
    s->options.handler(s->options.context, &request, ref);
}

static bool request_begin(struct conn *c)
{
    struct http_server *s = c->server;
    c->head = s->spare_head ? s->spare_head : malloc(HTTP1_HEAD_MAX);
    if (c->head == NULL)
        return false;
    c->body = s->spare_body;
    s->spare_head = NULL;
    s->spare_body = (struct body){ 0 };
    http1_reader_init(&c->reader, HTTP1_REQUEST, c->head, HTTP1_HEAD_MAX, c->server->options.body_max);
    c->state = CONN_REQUEST;
    conn_timer(c, c->server->options.request_timeout_s * 1000ull);
    return true;
}

static void request_event(struct conn *c, enum http1_event event, struct span piece)
{
    if (event == HTTP1_HEAD && c->reader.head.expects_continue) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        bufferevent_write(c->bev, go_on, sizeof go_on - 1);
    } else if (event == HTTP1_BODY && !body_add(&c->body, piece, c->reader.head.content_length)) {
        answer_status(c, 503, true);
    } else if (event == HTTP1_DONE) {
        request_done(c);
    } else if (event == HTTP1_FAILED) {
        answer_status(c, c->reader.answer, true);
    }
}

/* One contiguous piece of the input. */
static void piece_take(struct conn *c, struct evbuffer *in)
{
    size_t len = evbuffer_get_contiguous_space(in);
    struct reader r = rd_of((struct span){ evbuffer_pullup(in, (ev_ssize_t)len), len });
    while (c->state == CONN_REQUEST && !c->dead) {
        struct span piece = SPAN_NONE;
        enum http1_event event = http1_next(&c->reader, &r, &piece);
        if (event == HTTP1_MORE)
            break;
        request_event(c, event, piece);
    }
    evbuffer_drain(in, len - rd_left(&r));
}

static void conn_work(struct conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    if (c->working)
        return;
    c->working = true;
    while (!c->dead && evbuffer_get_length(in) != 0 && (c->state == CONN_IDLE || c->state == CONN_REQUEST)) {
        if (c->state == CONN_IDLE && !request_begin(c))
            c->dead = true;
        else
            piece_take(c, in);
        if (c->state != CONN_REQUEST)
            request_release(c);
    }
    if (c->state == CONN_LINGER)
        evbuffer_drain(in, evbuffer_get_length(in));
    c->working = false;
    if (c->dead)
        conn_free(c);
}

static void on_read(struct bufferevent *bev, void *context)
{
    (void)bev;
    conn_work(context);
}

/* ---- connection life ---- */

static void refused(struct http_server *s, const struct conn *c, const char *why)
{
    if (s->options.refused != NULL)
        s->options.refused(s->options.context, c->peer.address, why);
}

static void on_event(struct bufferevent *bev, short events, void *context)
{
    struct conn *c = context;
    if (events & BEV_EVENT_CONNECTED) {
        peer_read(&c->peer, bufferevent_openssl_get_ssl(bev));
        conn_idle(c);
        return;
    }
    if (c->state == CONN_HANDSHAKE) {
        char why[IO_DETAIL_MAX];
        enum err err;
        stream_fault(bev, events, why, sizeof why, &err);
        refused(c->server, c, why);
    }
    conn_free(c);
}

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct conn *c = context;
    if (c->state == CONN_OPEN) {
        answer_status(c, 504, true);
    } else if (c->state == CONN_REQUEST) {
        answer_status(c, 408, true);
        request_release(c);
    } else if (c->state == CONN_LINGER && ++c->lingers < LINGERS_MAX &&
               evbuffer_get_length(bufferevent_get_output(c->bev)) != 0) {
        conn_timer(c, LINGER_MS);
    } else {
        if (c->state == CONN_HANDSHAKE)
            refused(c->server, c, "the TLS handshake took too long");
        conn_free(c);
    }
}

static struct bufferevent *stream_of(struct http_server *s, evutil_socket_t fd)
{
    int flags = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
    if (s->options.tls == NULL)
        return bufferevent_socket_new(loop_base(s->loop), fd, flags);
    SSL *ssl = SSL_new(s->options.tls);
    if (ssl == NULL)
        return NULL;
    struct bufferevent *bev =
        bufferevent_openssl_socket_new(loop_base(s->loop), fd, ssl, BUFFEREVENT_SSL_ACCEPTING, flags);
    if (bev == NULL)
        SSL_free(ssl);
    else
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

static bool conn_new(struct http_server *s, evutil_socket_t fd, const struct sockaddr *address)
{
    struct conn *c = s->free_count ? calloc(1, sizeof *c) : NULL;
    if (c == NULL)
        return false;
    c->server = s;
    c->bev = stream_of(s, fd);
    if (c->bev == NULL) {
        free(c);
        return false;
    }
    c->slot = s->free_slots[--s->free_count];
    s->conns[c->slot] = c;
    c->timer = event_new(loop_base(s->loop), -1, 0, on_timeout, c);
    if (c->timer == NULL) {
        conn_free(c);
        return true;
    }
    address_text(address, c->peer.address, sizeof c->peer.address);
    c->peer.connection = ++s->connections;
    socket_nodelay(fd);
    bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, INPUT_AHEAD);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    c->state = CONN_HANDSHAKE;
    if (s->options.tls != NULL)
        conn_timer(c, s->options.request_timeout_s * 1000ull);
    else
        conn_idle(c);
    return true;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int len,
                      void *context)
{
    (void)listener, (void)len;
    if (!conn_new(context, fd, address))
        evutil_closesocket(fd);
}

/* ---- the server ---- */

static uint32_t or_default(uint32_t value, uint32_t standard) { return value ? value : standard; }

struct http_server *http_server_new(struct loop *loop, const struct http_server_options *options, enum err *ret_err,
                                    char *detail)
{
    struct http_server *s = calloc(1, sizeof *s);
    *ret_err = ERR_NO_MEMORY;
    if (s == NULL)
        return NULL;
    s->options = *options;
    s->loop = loop;
    struct http_server_options *o = &s->options;
    o->body_max = o->body_max ? o->body_max : HTTP_BODY_MAX_DEFAULT;
    o->connections_max = o->connections_max ? o->connections_max : HTTP_CONNECTIONS_MAX_DEFAULT;
    o->idle_timeout_s = or_default(o->idle_timeout_s, 3600);
    o->request_timeout_s = or_default(o->request_timeout_s, 30);
    o->reply_timeout_s = or_default(o->reply_timeout_s, 120);
    if (o->tls != NULL)
        SSL_CTX_up_ref(o->tls);
    s->conns = calloc(o->connections_max, sizeof *s->conns);
    s->free_slots = calloc(o->connections_max, sizeof *s->free_slots);
    if (s->conns != NULL && s->free_slots != NULL) {
        for (size_t i = 0; i < o->connections_max; i++)
            s->free_slots[s->free_count++] = (uint32_t)(o->connections_max - 1 - i);
        s->listener = listener_new(loop, o->address, o->port, on_accept, s, ret_err, detail);
    }
    if (s->listener == NULL) {
        http_server_free(s);
        return NULL;
    }
    return s;
}

void http_server_set_tls(struct http_server *server, struct ssl_ctx_st *tls)
{
    SSL_CTX_up_ref(tls);
    SSL_CTX_free(server->options.tls);
    server->options.tls = tls;
    http_server_end_idle(server);
}

void http_server_end_idle(struct http_server *server)
{
    for (size_t i = 0; i < server->options.connections_max; i++) {
        struct conn *c = server->conns[i];
        if (c != NULL && (c->state == CONN_IDLE || c->state == CONN_HANDSHAKE))
            conn_free(c);
        else if (c != NULL)
            c->last = true;
    }
}

uint16_t http_server_port(const struct http_server *server) { return listener_port(server->listener); }
size_t http_server_open_exchanges(const struct http_server *server) { return server->open_count; }

void http_server_close_listener(struct http_server *server)
{
    if (server->listener != NULL)
        evconnlistener_free(server->listener);
    server->listener = NULL;
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    http_server_close_listener(server);
    for (size_t i = 0; server->conns != NULL && i < server->options.connections_max; i++)
        if (server->conns[i] != NULL)
            conn_free(server->conns[i]);
    SSL_CTX_free(server->options.tls);
    free(server->spare_head);
    body_done(&server->spare_body);
    free(server->conns);
    free(server->free_slots);
    free(server);
}

bool http_server_reply(struct http_server *server, struct reply_ref ref, const struct http_reply *reply)
{
    size_t slot = (size_t)ref.slot - 1;
    if (ref.node != server->options.node || ref.slot == 0 || slot >= server->options.connections_max)
        return false;
    struct conn *c = server->conns[slot];
    if (c == NULL || ref.generation == 0 || c->generation != ref.generation || c->dead)
        return false;
    answer(c, reply);
    conn_work(c);
    return true;
}
