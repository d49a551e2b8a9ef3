/* What a connection costs a server of ours, under the clients and beside the bare server of floor_wire.c: a SOAP exchange
 * on a kept connection through http_server, and a whole administration session (accept, PSK handshake, one exchange, close)
 * through tcp, the TLS engine and the HTTP codec, as the SM-SR has them. */
#include "floor.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/crypto/tls.h"
#include "lib/io/http_server.h"
#include "lib/io/tcp.h"

#define REQUEST_MAX 4096u
#define SESSION_MAX 4096u
#define WAITING_MAX 64u
#define TYPE        "application/soap+xml; charset=utf-8"

struct ours {
    struct wire_server wire; /* first: floor_wire knows this one */
    struct loop *loop;
    struct http_server *http;
    struct reply_ref waiting[WAITING_MAX];
    size_t waiting_count;
    struct tls_ctx *psk;
    size_t body_len; /* of an answer */
    uint8_t request[REQUEST_MAX], body[REQUEST_MAX];
};

static void serve(struct wire_server *wire) { loop_round(((struct ours *)wire)->loop, 10000); }

/* A message of exactly so many octets: the body makes up what the head leaves. */
static struct span message(struct ours *o, bool request, size_t len, uint8_t *out)
{
    for (size_t body = len; body > 0; body--) {
        struct writer w = wr_of(out, REQUEST_MAX);
        if (request) {
            http1_wr_request(&w, "POST", SPAN_LIT("/esim-messaging/3/ES3/ES3SmSrService"));
            http1_wr_header(&w, "Host", SPAN_LIT("127.0.0.1"));
        } else {
            http1_wr_response(&w, 200);
        }
        http1_wr_header(&w, "Content-Type", SPAN_LIT(TYPE));
        http1_wr_body(&w, (struct span){ o->body, body });
        if (w.err == ERR_NONE && w.len == len) {
            o->body_len = body;
            return wr_span(&w);
        }
    }
    bench_must(ERR_BAD_LENGTH, "a message of that size");
    return SPAN_NONE;
}

/* ---- SOAP: answered when everything that was ready has been taken, as after a commit */

static void on_request(void *context, const struct http_request *request, struct reply_ref reply)
{
    struct ours *o = context;
    (void)request;
    bench_must(o->waiting_count < WAITING_MAX ? ERR_NONE : ERR_NO_SPACE, "room for a request");
    o->waiting[o->waiting_count++] = reply;
}

static bool on_batch(void *context)
{
    struct ours *o = context;
    struct http_reply reply = { .status = 200, .content_type = TYPE, .body = { o->body, o->body_len } };
    for (size_t i = 0; i < o->waiting_count; i++)
        http_server_reply(o->http, o->waiting[i], &reply);
    o->wire.answered += o->waiting_count;
    o->waiting_count = 0;
    return false;
}

static double soap_us(struct ours *o)
{
    enum err err;
    uint8_t answer[REQUEST_MAX];
    struct http_server_options options = { .address = "127.0.0.1", .tls = wire_begin(WIRE_SOAP), .handler = on_request, .context = o };
    o->http = http_server_new(o->loop, &options, &err, NULL);
    bench_must(err, "an HTTP server");
    BENCH_MUST(loop_on_batch(o->loop, on_batch, o));
    o->wire = (struct wire_server){ .port = http_server_port(o->http), .serve = serve, .request = message(o, true, 2048, o->request) };
    o->wire.answer_len = message(o, false, 300, answer).len;
    double cost = wire_cost_us(&o->wire);
    loop_off_batch(o->loop, on_batch, o);
    http_server_free(o->http);
    wire_end();
    return cost;
}

/* ---- an administration session */

struct session {
    struct ours *ours;
    struct tls *tls;
    struct http1_reader reader;
    uint8_t head[HTTP1_HEAD_MAX];
};

static void on_open(void *context, struct tcp_conn *conn)
{
    struct session *s = calloc(1, sizeof *s);
    bench_must(s ? ERR_NONE : ERR_NO_MEMORY, "a session");
    s->ours = context;
    BENCH_MUST(tls_server_new(s->ours->psk, &s->tls));
    http1_reader_init(&s->reader, HTTP1_REQUEST, s->head, sizeof s->head, SESSION_MAX);
    tcp_conn_set_context(conn, s);
}

static bool request_over(struct session *s, struct span plain)
{
    struct reader r = rd_of(plain);
    struct span body;
    enum http1_event event;
    do {
        event = http1_next(&s->reader, &r, &body);
        bench_must(event == HTTP1_FAILED ? s->reader.err : ERR_NONE, "a request");
    } while (event != HTTP1_MORE && event != HTTP1_DONE);
    return event == HTTP1_DONE;
}

static void answer(struct session *s, struct writer *out)
{
    WRITER_ON_STACK(w, REQUEST_MAX);
    http1_wr_response(&w, 200);
    http1_wr_header(&w, "Content-Type", SPAN_LIT(TYPE));
    http1_wr_body(&w, (struct span){ s->ours->body, s->ours->body_len });
    BENCH_MUST(tls_write(s->tls, wr_span(&w), out));
    s->ours->wire.answered++;
}

static void session_end(struct session *s)
{
    s->ours->wire.closed++;
    tls_free(s->tls);
    free(s);
}

static size_t on_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    static const uint8_t key[] = WIRE_PSK_KEY;
    struct session *s = context;
    WRITER_ON_STACK(out, 2 * TLS_FLIGHT_MAX);
    WRITER_ON_STACK(plain, SESSION_MAX);
    enum tls_state state = tls_step(s->tls, in, &out, &plain);
    if (state == TLS_WANT_PSK) {
        BENCH_MUST(tls_psk(s->tls, SPAN_OF(key)));
        state = tls_step(s->tls, SPAN_NONE, &out, &plain);
    }
    bench_must(state == TLS_FAILED ? tls_err(s->tls) : ERR_NONE, "a session");
    if (plain.len && request_over(s, wr_span(&plain)))
        answer(s, &out);
    if (out.len)
        BENCH_MUST(tcp_send(conn, wr_span(&out)));
    if (state == TLS_CLOSED) {
        tcp_conn_close(conn);
        session_end(s);
    }
    return in.len;
}

static void on_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    (void)conn, (void)err, (void)why;
    session_end(context);
}

static double session_us(struct ours *o)
{
    static const struct tcp_handler handler = { .on_open = on_open, .on_bytes = on_bytes, .on_closed = on_closed };
    enum err err;
    uint8_t octets[REQUEST_MAX];
    wire_begin(WIRE_SESSION);
    BENCH_MUST(tls_ctx_new(TLS_SERVER, TLS_ALLOW_CBC_SHA1, &o->psk));
    struct tcp_server *server = tcp_server_new(o->loop, "127.0.0.1", 0, &handler, o, &err, NULL);
    bench_must(err, "a TCP server");
    o->wire = (struct wire_server){ .port = tcp_server_port(server), .serve = serve, .request = message(o, true, 300, o->request) };
    o->wire.answer_len = message(o, false, 300, octets).len;
    double cost = wire_cost_us(&o->wire);
    tcp_server_free(server);
    tls_ctx_free(o->psk);
    wire_end();
    return cost;
}

static void compare(const char *name, double ours_us, double floor_us, const char *gate, double limit)
{
    char text[96];
    snprintf(text, sizeof text, "%s: a side", name);
    bench_value(text, ours_us, "us of CPU");
    bench_gate(name, ours_us / floor_us, "times a bare server on OpenSSL and epoll", gate, limit);
}

void bench_wire(void)
{
    static struct ours ours;
    double cost_us[FLOOR_UNIT_COUNT];
    ours.loop = loop_new();
    bench_must(ours.loop ? ERR_NONE : ERR_NO_MEMORY, "an event loop");
    memset(ours.body, 'x', sizeof ours.body);
    floor_wire(cost_us);
    compare("SOAP exchange of 2 kB, kept TLS, 32 at once", soap_us(&ours), cost_us[FLOOR_SOAP], "P10", 2.0);
    compare("administration session, 32 in flight", session_us(&ours), cost_us[FLOOR_PSK], "P9", 1.5);
    loop_free(ours.loop);
}
