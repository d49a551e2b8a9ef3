#include "tcp.h"

#include "inside.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#define CLOSE_WAIT_MS 5000u

struct tcp_server {
    struct loop *loop;
    struct evconnlistener *listener;
    const struct tcp_handler *handler;
    void *context;
};

struct tcp_conn {
    struct loop *loop;
    struct bufferevent *bev;
    struct event *timer;
    const struct tcp_handler *handler;
    void *context;
    char peer[64];
    char fault[IO_DETAIL_MAX];
    bool connected, paused, quickack, closing, working, freed;
};

static void conn_free(struct tcp_conn *c)
{
    if (c->working) {
        c->freed = true;
        return;
    }
    event_free(c->timer);
    bufferevent_free(c->bev);
    free(c);
}

static void conn_lost(struct tcp_conn *c, enum err err, const char *why)
{
    bool tell = !c->closing && c->handler->on_closed != NULL;
    c->closing = true;
    if (tell) {
        c->working = true;
        c->handler->on_closed(c->context, c, err, why);
        c->working = false;
    }
    conn_free(c);
}

static void quickack(const struct tcp_conn *c)
{
    int on = 1;
    if (c->quickack)
        setsockopt(bufferevent_getfd(c->bev), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* Shows what is there until the handler takes nothing more. */
static void conn_work(struct tcp_conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    if (c->working)
        return;
    c->working = true;
    while (!c->closing && !c->paused && evbuffer_get_length(in) != 0) {
        size_t len = evbuffer_get_length(in);
        size_t taken = c->handler->on_bytes(c->context, c, (struct span){ evbuffer_pullup(in, -1), len });
        if (taken == 0)
            break;
        evbuffer_drain(in, taken < len ? taken : len);
    }
    c->working = false;
    if (c->freed)
        conn_free(c);
    else if (!c->closing && !c->paused && evbuffer_get_length(in) >= TCP_INPUT_MAX)
        conn_lost(c, ERR_TOO_LONG, "more octets than any message has");
}

static void on_read(struct bufferevent *bev, void *context)
{
    struct tcp_conn *c = context;
    (void)bev;
    quickack(c);
    if (c->closing)
        evbuffer_drain(bufferevent_get_input(bev), evbuffer_get_length(bufferevent_get_input(bev)));
    else
        conn_work(c);
}

static void on_write(struct bufferevent *bev, void *context)
{
    struct tcp_conn *c = context;
    if (evbuffer_get_length(bufferevent_get_output(bev)) != 0)
        return; /* told of the time before the handler wrote */
    if (c->closing)
        conn_free(c);
    else if (c->handler->on_drained != NULL && c->connected)
        c->handler->on_drained(c->context, c);
}

static void on_open(struct tcp_conn *c)
{
    c->connected = true;
    event_del(c->timer);
    quickack(c);
    if (c->handler->on_open != NULL)
        c->handler->on_open(c->context, c);
}

static void on_event(struct bufferevent *bev, short events, void *context)
{
    struct tcp_conn *c = context;
    char why[IO_DETAIL_MAX];
    enum err err;
    if (events & BEV_EVENT_CONNECTED) {
        socket_nodelay(bufferevent_getfd(bev));
        stream_peer(bev, c->peer, sizeof c->peer);
        on_open(c);
        return;
    }
    stream_fault(bev, events, why, sizeof why, &err);
    conn_lost(c, ERR_CLOSED, why);
}

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct tcp_conn *c = context;
    if (c->closing)
        conn_free(c);
    else if (c->fault[0] != '\0')
        conn_lost(c, ERR_CLOSED, c->fault);
    else if (!c->connected)
        conn_lost(c, ERR_EXPIRED, "connecting took too long");
}

static void conn_timer(struct tcp_conn *c, uint64_t ms)
{
    struct timeval t = { (time_t)(ms / 1000u), (suseconds_t)(ms % 1000u * 1000u) };
    event_add(c->timer, &t);
}

static struct tcp_conn *conn_new(struct loop *loop, evutil_socket_t fd, const struct tcp_handler *handler,
                                 void *context)
{
    struct tcp_conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    *c = (struct tcp_conn){ .loop = loop, .handler = handler, .context = context };
    c->bev = bufferevent_socket_new(loop_base(loop), fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    c->timer = event_new(loop_base(loop), -1, 0, on_timeout, c);
    if (c->bev == NULL || c->timer == NULL) {
        if (c->bev != NULL)
            bufferevent_free(c->bev);
        if (c->timer != NULL)
            event_free(c->timer);
        free(c);
        return NULL;
    }
    bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, TCP_INPUT_MAX);
    return c;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int len,
                      void *context)
{
    (void)listener, (void)len;
    struct tcp_server *s = context;
    struct tcp_conn *c = conn_new(s->loop, fd, s->handler, s->context);
    if (c == NULL) {
        evutil_closesocket(fd);
        return;
    }
    address_text(address, c->peer, sizeof c->peer);
    socket_nodelay(fd);
    c->working = true;
    on_open(c);
    c->working = false;
    if (c->freed)
        conn_free(c);
    else if (!c->closing)
        bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

struct tcp_server *tcp_server_new(struct loop *loop, const char *address, uint16_t port,
                                  const struct tcp_handler *handler, void *context, enum err *ret_err, char *detail)
{
    struct tcp_server *s = calloc(1, sizeof *s);
    *ret_err = ERR_NO_MEMORY;
    if (s == NULL)
        return NULL;
    *s = (struct tcp_server){ loop, NULL, handler, context };
    s->listener = listener_new(loop, address, port, on_accept, s, ret_err, detail);
    if (s->listener == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

uint16_t tcp_server_port(const struct tcp_server *server) { return listener_port(server->listener); }

void tcp_server_free(struct tcp_server *server)
{
    if (server == NULL)
        return;
    evconnlistener_free(server->listener);
    free(server);
}

struct tcp_conn *tcp_connect(struct loop *loop, const char *host, uint16_t port, uint32_t timeout_ms,
                             const struct tcp_handler *handler, void *context)
{
    struct tcp_conn *c = conn_new(loop, -1, handler, context);
    if (c == NULL)
        return NULL;
    conn_timer(c, timeout_ms ? timeout_ms : 10000);
    snprintf(c->peer, sizeof c->peer, "%.50s:%u", host, port); /* until it is connected */
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    if (!stream_connect(loop, c->bev, host, port)) {
        snprintf(c->fault, sizeof c->fault, "%s: cannot connect", c->peer);
        conn_timer(c, 0);
    }
    return c;
}

void tcp_conn_set_context(struct tcp_conn *conn, void *context) { conn->context = context; }
void tcp_conn_set_handler(struct tcp_conn *conn, const struct tcp_handler *handler) { conn->handler = handler; }
const char *tcp_conn_peer(const struct tcp_conn *conn) { return conn->peer; }

enum err tcp_send(struct tcp_conn *conn, struct span bytes)
{
    struct evbuffer *out = bufferevent_get_output(conn->bev);
    if (conn->closing)
        return ERR_CLOSED;
    if (bytes.len > TCP_OUTPUT_MAX - evbuffer_get_length(out))
        return ERR_NO_SPACE;
    return evbuffer_add(out, bytes.ptr, bytes.len) == 0 ? ERR_NONE : ERR_NO_MEMORY;
}

void tcp_conn_close(struct tcp_conn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    if (!conn->connected || evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0) {
        conn_free(conn);
        return;
    }
    bufferevent_enable(conn->bev, EV_WRITE | EV_READ);
    conn_timer(conn, CLOSE_WAIT_MS);
}

void tcp_conn_pause(struct tcp_conn *conn, bool paused)
{
    bool resume = conn->paused && !paused;
    conn->paused = paused;
    if (resume && evbuffer_get_length(bufferevent_get_input(conn->bev)) != 0)
        bufferevent_trigger(conn->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
}

void tcp_conn_quickack(struct tcp_conn *conn)
{
    conn->quickack = true;
    quickack(conn);
}
