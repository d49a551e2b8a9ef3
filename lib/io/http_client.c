#include "http_client.h"

#include "inside.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define REQUEST_HEAD_MAX 4096u
#define HOST_MAX 256u
#define PENDING_LEAST 8192u /* room of a call: most can be used again for another */
#define PENDING_KEPT  16384u
#define PENDING_SPARE_MAX 64u

struct pending {
    struct pending *next;
    http_done *done;
    void *context;
    uint32_t answer_timeout_ms;
    bool retried;
    struct span bytes; /* head and body as they leave */
    size_t used, cap;  /* of room: the context's copy, then bytes */
    _Alignas(max_align_t) uint8_t room[];
};

enum conn_state { CONN_CONNECTING, CONN_IDLE, CONN_BUSY };

struct conn {
    struct host *host;
    struct conn *next;
    struct bufferevent *bev;
    struct event *timer;
    enum conn_state state;
    struct pending *call;
    bool last; /* no further call on it */
    bool reused, answering; /* has served a call before; an octet of the answer has come */
    uint8_t *head;
    struct http1_reader reader;
    struct body body;
    struct peer peer;
    char fault[IO_DETAIL_MAX]; /* the connection could not even be begun */
};

struct host {
    struct http_client *client;
    struct host *next;
    bool tls;
    char name[HOST_MAX];
    uint16_t port;
    struct conn *conns;
    size_t conn_count;
    struct pending *first, **last;
};

struct http_client {
    struct http_client_options options;
    struct loop *loop;
    struct host *hosts;
    size_t host_count, in_flight;
    struct pending *spare;
    size_t spare_count;
};

static void host_work(struct host *h);

/* ---- URL ---- */

struct url {
    bool tls;
    char host[HOST_MAX];
    uint16_t port;
    char authority[HOST_MAX + 8]; /* as it goes into Host */
    struct span target;
};

static bool authority_read(struct span s, struct url *u)
{
    size_t host_len = s.len, skip = 0;
    const uint8_t *colon = s.len ? memrchr(s.ptr, ':', s.len) : NULL;
    const uint8_t *bracket = s.len ? memrchr(s.ptr, ']', s.len) : NULL;
    unsigned long port = u->tls ? 443 : 80;
    char text[HOST_MAX + 8], *end;
    if (s.len == 0 || s.len >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)s.len, (const char *)s.ptr);
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        host_len = (size_t)(colon - s.ptr);
        port = strtoul(text + host_len + 1, &end, 10);
        if (*end != '\0' || text[host_len + 1] == '\0')
            return false;
    }
    memcpy(u->authority, text, s.len + 1);
    if (s.ptr[0] == '[' && bracket != NULL && bracket == s.ptr + host_len - 1)
        skip = 1;
    if (host_len <= 2 * skip || host_len - 2 * skip >= HOST_MAX || port == 0 || port > 65535)
        return false;
    memcpy(u->host, text + skip, host_len - 2 * skip);
    u->host[host_len - 2 * skip] = '\0';
    u->port = (uint16_t)port;
    return true;
}

static bool url_read(const char *text, struct url *u)
{
    *u = (struct url){ .tls = strncasecmp(text, "https://", 8) == 0 };
    if (!u->tls && strncasecmp(text, "http://", 7) != 0)
        return false;
    if (strlen(text) > HTTP_URL_MAX * 8u)
        return false;
    struct span rest = span_text(text + (u->tls ? 8 : 7));
    size_t end = strcspn((const char *)rest.ptr, "/?#");
    u->target = span_from(rest, end);
    u->target.len = strcspn((const char *)u->target.ptr, "#");
    if (u->target.len == 0)
        u->target = SPAN_LIT("/");
    return u->target.ptr[0] == '/' && authority_read(span_sub(rest, 0, end), u);
}

/* ---- connections ---- */

static void conn_timer(struct conn *c, uint64_t ms)
{
    struct timeval t = { (time_t)(ms / 1000u), (suseconds_t)(ms % 1000u * 1000u) };
    event_add(c->timer, &t);
}

static struct pending *pending_take(struct http_client *client, size_t cap)
{
    struct pending *p = client->spare;
    if (p != NULL && p->cap >= cap) {
        client->spare = p->next;
        client->spare_count--;
        return p;
    }
    cap = cap < PENDING_LEAST ? PENDING_LEAST : cap;
    p = malloc(sizeof *p + cap);
    if (p != NULL)
        p->cap = cap;
    return p;
}

static void pending_free(struct http_client *client, struct pending *p)
{
    if (p == NULL)
        return;
    wipe(p->room, p->used);
    if (p->cap > PENDING_KEPT || client->spare_count == PENDING_SPARE_MAX) {
        free(p);
        return;
    }
    p->next = client->spare;
    client->spare = p;
    client->spare_count++;
}

static void conn_free(struct conn *c)
{
    struct host *h = c->host;
    for (struct conn **at = &h->conns; *at != NULL; at = &(*at)->next) {
        if (*at != c)
            continue;
        *at = c->next;
        h->conn_count--;
        break;
    }
    if (c->timer != NULL)
        event_free(c->timer);
    stream_free(c->bev);
    peer_done(&c->peer);
    body_done(&c->body);
    free(c->head);
    pending_free(h->client, c->call);
    free(c);
}

/* Hands the result over; the connection has no call any more. */
static void call_finish(struct conn *c, const struct http_answer *answer)
{
    struct http_client *client = c->host->client;
    struct pending *call = c->call;
    c->call = NULL;
    client->in_flight--;
    call->done(call->context, answer);
    pending_free(client, call);
}

static void queue_front(struct host *h, struct pending *p)
{
    p->next = h->first;
    h->first = p;
    if (p->next == NULL)
        h->last = &p->next;
}

/* The connection is over. A call that was on a kept connection and saw nothing of an answer gets a fresh one. */
static void conn_failed(struct conn *c, enum err err, const char *detail)
{
    struct host *h = c->host;
    struct pending *call = c->call;
    if (call != NULL && c->reused && !c->answering && !call->retried && err == ERR_CLOSED) {
        call->retried = true;
        c->call = NULL;
        queue_front(h, call);
    } else if (call != NULL) {
        call_finish(
            c, &(struct http_answer){
                   .err = err, .detail = detail, .sent = c->state == CONN_BUSY || call->retried, .peer = &c->peer });
    }
    conn_free(c);
    host_work(h);
}

static void call_begin(struct conn *c)
{
    struct http_client *client = c->host->client;
    c->state = CONN_BUSY;
    c->answering = false;
    c->body.len = 0;
    http1_reader_init(&c->reader, HTTP1_RESPONSE, c->head, HTTP1_HEAD_MAX, client->options.body_max);
    c->reader.no_body = c->call->bytes.len > 5 && memcmp(c->call->bytes.ptr, "HEAD ", 5) == 0;
    conn_timer(c, c->call->answer_timeout_ms);
    stream_write(c->bev, c->call->bytes);
}

static void conn_idle(struct conn *c)
{
    c->state = CONN_IDLE;
    body_done(&c->body);
    conn_timer(c, c->host->client->options.idle_timeout_s * 1000ull);
}

static void answer_done(struct conn *c)
{
    struct host *h = c->host;
    struct http_answer answer = {
        .detail = "", .sent = true, .status = c->reader.head.status, .headers = c->reader.head.headers,
        .header_count = c->reader.head.header_count, .body = { c->body.ptr, c->body.len }, .peer = &c->peer,
    };
    bool keep = c->reader.head.keep_alive && !c->last;
    call_finish(c, &answer);
    c->reused = true;
    if (keep)
        conn_idle(c);
    else
        conn_free(c);
    host_work(h);
}

static bool is_interim(const struct conn *c) { return c->reader.head.status < 200 && c->reader.head.status != 101; }

/* True while the connection lives and there may be more to take. */
static bool answer_event(struct conn *c, enum http1_event event, struct span piece)
{
    if (event == HTTP1_BODY && !body_add(&c->body, piece, c->reader.head.content_length)) {
        conn_failed(c, ERR_NO_MEMORY, "no memory for the answer");
        return false;
    }
    if (event == HTTP1_FAILED) {
        conn_failed(c, c->reader.err,
                    c->reader.err == ERR_TOO_LONG ? "the answer is too long" : "the answer is not HTTP");
        return false;
    }
    if (event == HTTP1_DONE && !is_interim(c)) {
        answer_done(c);
        return false;
    }
    return true;
}

static bool piece_take(struct conn *c, struct evbuffer *in)
{
    size_t len = evbuffer_get_contiguous_space(in);
    /* Copied out: the callback may send on this very connection while the piece is still looked at. */
    uint8_t copy[16384];
    len = len < sizeof copy ? len : sizeof copy;
    evbuffer_remove(in, copy, len);
    struct reader r = rd_of((struct span){ copy, len });
    for (;;) {
        struct span piece = SPAN_NONE;
        enum http1_event event = http1_next(&c->reader, &r, &piece);
        if (event == HTTP1_MORE)
            return true;
        if (event == HTTP1_DONE && !is_interim(c) && !rd_at_end(&r))
            c->reader.head.keep_alive = false; /* octets nobody asked for */
        if (!answer_event(c, event, piece))
            return false;
    }
}

static void on_read(struct bufferevent *bev, void *context)
{
    struct conn *c = context;
    struct evbuffer *in = bufferevent_get_input(bev);
    if (c->state != CONN_BUSY) {
        conn_failed(c, ERR_CLOSED, "the server speaks unasked");
        return;
    }
    c->answering = true;
    while (evbuffer_get_length(in) != 0)
        if (!piece_take(c, in))
            return;
}

static void on_connected(struct conn *c)
{
    socket_nodelay(bufferevent_getfd(c->bev));
    stream_peer(c->bev, c->peer.address, sizeof c->peer.address);
    peer_read(&c->peer, bufferevent_openssl_get_ssl(c->bev));
    if (c->call != NULL)
        call_begin(c);
    else
        conn_idle(c);
    host_work(c->host);
}

static void on_event(struct bufferevent *bev, short events, void *context)
{
    struct conn *c = context;
    char why[IO_DETAIL_MAX];
    enum err err = ERR_CLOSED;
    if (events & BEV_EVENT_CONNECTED) {
        on_connected(c);
        return;
    }
    if (c->state == CONN_BUSY && (events & BEV_EVENT_EOF) && evbuffer_get_length(bufferevent_get_input(bev)) == 0 &&
        c->answering && http1_end(&c->reader) == HTTP1_DONE) {
        answer_done(c);
        return;
    }
    stream_fault(bev, events, why, sizeof why, &err);
    conn_failed(c, err, why);
}

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct conn *c = context;
    if (c->fault[0] != '\0')
        conn_failed(c, ERR_CLOSED, c->fault);
    else if (c->state == CONN_CONNECTING)
        conn_failed(c, ERR_EXPIRED, "connecting took too long");
    else if (c->state == CONN_BUSY)
        conn_failed(c, ERR_EXPIRED, "no answer in time");
    else
        conn_free(c);
}

static SSL *ssl_for(const struct host *h)
{
    struct in6_addr any;
    SSL *ssl = SSL_new(h->client->options.tls);
    bool numeric = inet_pton(AF_INET, h->name, &any) == 1 || inet_pton(AF_INET6, h->name, &any) == 1;
    if (ssl == NULL)
        return NULL;
    if (!numeric)
        SSL_set_tlsext_host_name(ssl, h->name);
    if (h->client->options.check_host_name && numeric)
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), h->name);
    else if (h->client->options.check_host_name)
        SSL_set1_host(ssl, h->name);
    return ssl;
}

static struct bufferevent *stream_for(const struct host *h)
{
    struct event_base *base = loop_base(h->client->loop);
    int flags = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
    if (!h->tls)
        return bufferevent_socket_new(base, -1, flags);
    SSL *ssl = ssl_for(h);
    struct bufferevent *bev =
        ssl ? bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, flags) : NULL;
    if (bev == NULL)
        SSL_free(ssl);
    else
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

static void conn_connect(struct conn *c)
{
    const struct host *h = c->host;
    conn_timer(c, h->client->options.connect_timeout_ms);
    snprintf(c->peer.address, sizeof c->peer.address, "%.50s:%u", h->name, h->port); /* until it is connected */
    if (stream_connect(h->client->loop, c->bev, h->name, h->port))
        return;
    snprintf(c->fault, sizeof c->fault, "%s: cannot connect", c->peer.address);
    conn_timer(c, 0); /* told from the loop, never from inside http_client_send */
}

static struct conn *conn_new(struct host *h)
{
    struct conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    *c = (struct conn){ .host = h, .next = h->conns, .head = malloc(HTTP1_HEAD_MAX), .bev = stream_for(h) };
    c->timer = event_new(loop_base(h->client->loop), -1, 0, on_timeout, c);
    h->conns = c;
    h->conn_count++;
    if (c->head == NULL || c->bev == NULL || c->timer == NULL) {
        conn_free(c);
        return NULL;
    }
    bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    return c;
}

static struct pending *queue_take(struct host *h)
{
    struct pending *p = h->first;
    h->first = p->next;
    if (h->first == NULL)
        h->last = &h->first;
    p->next = NULL;
    return p;
}

static struct conn *conn_find_idle(const struct host *h)
{
    struct conn *c = h->conns;
    while (c != NULL && c->state != CONN_IDLE)
        c = c->next;
    return c;
}

/* Gives waiting calls to idle connections, then to new ones up to the ceiling. A call that comes back for a second
 * try gets a new one. */
static void host_work(struct host *h)
{
    while (h->first != NULL) {
        struct conn *c = h->first->retried ? NULL : conn_find_idle(h);
        if (c != NULL) {
            c->call = queue_take(h);
            call_begin(c);
            continue;
        }
        if (h->conn_count >= h->client->options.connections_per_host &&
            (!h->first->retried || conn_find_idle(h) == NULL))
            return;
        if ((c = conn_new(h)) == NULL)
            return;
        c->call = queue_take(h);
        conn_connect(c);
    }
}

/* ---- the client ---- */

static struct host *host_get(struct http_client *client, const struct url *u)
{
    for (struct host *h = client->hosts; h != NULL; h = h->next)
        if (h->tls == u->tls && h->port == u->port && strcasecmp(h->name, u->host) == 0)
            return h;
    struct host *h = client->host_count < HTTP_CLIENT_HOSTS_MAX ? calloc(1, sizeof *h) : NULL;
    if (h == NULL)
        return NULL;
    *h = (struct host){ .client = client, .next = client->hosts, .tls = u->tls, .port = u->port };
    memcpy(h->name, u->host, sizeof h->name);
    h->last = &h->first;
    client->hosts = h;
    client->host_count++;
    return h;
}

static void head_write(struct writer *w, const struct http_call *call, const struct url *u)
{
    http1_wr_request(w, call->method ? call->method : "POST", u->target);
    http1_wr_header(w, "Host", span_text(u->authority));
    for (size_t i = 0; i < call->header_count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)call->headers[i].name.len, (const char *)call->headers[i].name.ptr);
        http1_wr_header(w, name, call->headers[i].value);
    }
    if (call->content_type != NULL)
        http1_wr_header(w, "Content-Type", span_text(call->content_type));
    if (call->method == NULL || strcmp(call->method, "GET") != 0)
        http1_wr_body(w, call->body);
    else
        http1_wr_no_body(w);
}

static enum err pending_new(struct http_client *client, const struct http_call *call, const struct url *u,
                            struct pending **ret)
{
    size_t cap = call->context_size + REQUEST_HEAD_MAX + u->target.len + call->body.len;
    struct pending *p = pending_take(client, cap);
    if (p == NULL)
        return ERR_NO_MEMORY;
    struct writer w = wr_of(p->room + call->context_size, cap - call->context_size);
    head_write(&w, call, u);
    if (call->context_size)
        memcpy(p->room, call->context, call->context_size);
    p->next = NULL;
    p->done = call->done;
    p->context = call->context_size ? p->room : call->context;
    p->answer_timeout_ms = call->answer_timeout_ms ? call->answer_timeout_ms : client->options.answer_timeout_ms;
    p->retried = false;
    p->bytes = wr_span(&w);
    p->used = call->context_size + w.len;
    if (w.err != ERR_NONE) {
        pending_free(client, p);
        return w.err;
    }
    *ret = p;
    return ERR_NONE;
}

enum err http_client_send(struct http_client *client, const struct http_call *call)
{
    struct url u;
    struct pending *p = NULL;
    if (!url_read(call->url, &u))
        return ERR_BAD_VALUE;
    if (u.tls && client->options.tls == NULL)
        return ERR_DENIED;
    struct host *h = client->in_flight < HTTP_CLIENT_QUEUE_MAX ? host_get(client, &u) : NULL;
    if (h == NULL)
        return ERR_NO_SPACE;
    enum err err = pending_new(client, call, &u, &p);
    if (err != ERR_NONE)
        return err;
    *h->last = p;
    h->last = &p->next;
    client->in_flight++;
    host_work(h);
    return ERR_NONE;
}

void http_client_set_tls(struct http_client *client, struct ssl_ctx_st *tls)
{
    SSL_CTX_up_ref(tls);
    SSL_CTX_free(client->options.tls);
    client->options.tls = tls;
    for (struct host *h = client->hosts; h != NULL; h = h->next)
        for (struct conn *c = h->conns, *next; c != NULL; c = next) {
            next = c->next;
            c->last = true;
            if (c->state == CONN_IDLE)
                conn_free(c);
        }
}

size_t http_client_in_flight(const struct http_client *client) { return client->in_flight; }

static uint32_t or_default(uint32_t value, uint32_t standard) { return value ? value : standard; }

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options)
{
    struct http_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return NULL;
    *client = (struct http_client){ .options = *options, .loop = loop };
    struct http_client_options *o = &client->options;
    o->connections_per_host = o->connections_per_host ? o->connections_per_host : 16;
    o->connect_timeout_ms = or_default(o->connect_timeout_ms, 10000);
    o->answer_timeout_ms = or_default(o->answer_timeout_ms, 60000);
    o->idle_timeout_s = or_default(o->idle_timeout_s, 600);
    o->body_max = o->body_max ? o->body_max : 4u * 1024u * 1024u;
    if (o->tls != NULL)
        SSL_CTX_up_ref(o->tls);
    return client;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    while (client->hosts != NULL) {
        struct host *h = client->hosts;
        client->hosts = h->next;
        while (h->first != NULL)
            pending_free(client, queue_take(h));
        while (h->conns != NULL)
            conn_free(h->conns);
        free(h);
    }
    for (struct pending *p = client->spare, *next; p != NULL; p = next) {
        next = p->next;
        free(p);
    }
    SSL_CTX_free(client->options.tls);
    free(client);
}
