#include "ota_https.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/codec/ber_tlv.h"
#include "lib/crypto/tls.h"
#include "lib/io/tcp.h"
#include "lib/scp/scp81.h"
#include "lib/wire/http1.h"
#include "explain.h"

#define OUT_MAX   (TLS_RECORD_MAX + TLS_FLIGHT_MAX)
#define PLAIN_MAX (TLS_RECORD_MAX + 1024u)
#define BODY_MAX  65536u
#define PATH      "/es6"

struct ota_server {
    struct op_session *s;
    struct ota_https *job;
    struct tls_ctx *tls;
    struct tcp_server *tcp;
    struct visit *visits; /* list */
    bool given, done;
};

/* One connection of a card; it goes with it. */
struct visit {
    struct ota_server *server;
    struct visit *next;
    struct tcp_conn *conn;
    struct tls *tls;
    struct http1_reader http;
    uint8_t head[HTTP1_HEAD_MAX], body[BODY_MAX];
    size_t body_len;
};

static void visit_free(struct visit *v)
{
    struct visit **at = &v->server->visits;
    while (*at && *at != v)
        at = &(*at)->next;
    if (*at)
        *at = v->next;
    tls_free(v->tls);
    free(v);
}

static void visit_end(struct visit *v, const char *why)
{
    if (why)
        op_explain(v->server->s, "session of a card ends: %s", why);
    tcp_conn_close(v->conn);
    visit_free(v);
}

/* ---- out */

static bool visit_write(struct visit *v, struct span plain)
{
    static uint8_t octets[TLS_RECORD_MAX + 8 * TLS_OVERHEAD];
    struct writer out = wr_of(octets, sizeof octets);
    return tls_write(v->tls, plain, &out) == ERR_NONE && tcp_send(v->conn, wr_span(&out)) == ERR_NONE;
}

/* The script, the first time; afterwards there is nothing more to do. */
static bool answer(struct visit *v)
{
    struct ota_server *server = v->server;
    struct writer w = wr_arena(&server->s->arena, server->job->script.len + 1024);
    bool gives = !server->given;
    http1_wr_response(&w, gives ? 200 : 204);
    http1_wr_header(&w, SCP81_HEADER_PROTOCOL, span_text(SCP81_PROTOCOL));
    if (gives) {
        http1_wr_header(&w, SCP81_HEADER_NEXT_URI, SPAN_LIT(PATH "?c=1"));
        http1_wr_header(&w, "Content-Type", span_text(SCP81_TYPE_COMMAND));
        http1_wr_chunked(&w, server->job->script);
    } else {
        http1_wr_no_body(&w);
    }
    server->given = true;
    op_explain(server->s, "%s", gives ? "the card has come and gets the script" : "the card has nothing more to do");
    return w.err == ERR_NONE && visit_write(v, wr_span(&w));
}

/* ---- in */

/* What comes without body is a card that asks; with one, or a status, it tells. */
static void posted(struct visit *v)
{
    struct ota_server *server = v->server;
    const struct http1_head *head = &v->http.head;
    struct span status = http1_header_find(head->headers, head->header_count, SCP81_HEADER_STATUS);
    if (!server->given || server->done || (!v->body_len && !status.len))
        return;
    snprintf(server->job->status, sizeof server->job->status, "%.*s", (int)status.len, (const char *)status.ptr);
    server->job->response = arena_copy(&server->s->arena, (struct span){ v->body, v->body_len });
    server->done = true;
}

/* false: the visit is over. */
static bool read_http(struct visit *v, struct span plain)
{
    struct reader in = rd_of(plain);
    struct span piece;
    for (;;) {
        switch (http1_next(&v->http, &in, &piece)) {
        case HTTP1_HEAD:
            v->body_len = 0;
            break;
        case HTTP1_BODY: /* at most BODY_MAX: the reader's ceiling */
            memcpy(v->body + v->body_len, piece.ptr, piece.len);
            v->body_len += piece.len;
            break;
        case HTTP1_DONE:
            posted(v);
            if (!answer(v)) {
                visit_end(v, "cannot write");
                return false;
            }
            break;
        case HTTP1_MORE:
            return true;
        case HTTP1_FAILED:
            visit_end(v, "not HTTP");
            return false;
        }
    }
}

/* Who says another key set gets a key that nobody has, and fails as with a wrong one. */
static void psk_give(struct visit *v)
{
    struct scp81_identity id;
    uint8_t nobody[16];
    bool ours = scp81_identity_parse(span_text(tls_identity(v->tls)), &id) == ERR_NONE && id.kvn == v->server->job->kvn;
    v->server->s->rng->fill(v->server->s->rng, nobody, sizeof nobody);
    (void)!tls_psk(v->tls, ours ? v->server->job->psk : SPAN_OF(nobody));
}

static bool visit_step(struct visit *v, struct span in)
{
    static uint8_t out_octets[OUT_MAX], plain_octets[PLAIN_MAX];
    struct writer out = wr_of(out_octets, sizeof out_octets), plain = wr_of(plain_octets, sizeof plain_octets);
    enum tls_state state = tls_step(v->tls, in, &out, &plain);
    if (out.len && tcp_send(v->conn, wr_span(&out)) != ERR_NONE)
        state = TLS_CLOSED;
    if (plain.len && !read_http(v, wr_span(&plain)))
        return false;
    if (state == TLS_WANT_PSK) {
        psk_give(v);
        return visit_step(v, SPAN_NONE);
    }
    if (state != TLS_FAILED && state != TLS_CLOSED)
        return true;
    visit_end(v, state == TLS_FAILED ? tls_error(v->tls) : NULL);
    return false;
}

/* ---- connections */

static size_t on_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    struct visit *v = context;
    (void)conn;
    bool open = visit_step(v, in);
    while (open && tls_has_more(v->tls))
        open = visit_step(v, SPAN_NONE);
    return in.len;
}

static void on_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    (void)conn;
    (void)err;
    (void)why;
    visit_free(context);
}

static void on_open(void *context, struct tcp_conn *conn)
{
    struct ota_server *server = context;
    struct visit *v = calloc(1, sizeof *v);
    if (!v || tls_server_new(server->tls, &v->tls) != ERR_NONE) {
        free(v);
        tcp_conn_close(conn);
        return;
    }
    v->server = server;
    v->conn = conn;
    v->next = server->visits;
    server->visits = v;
    http1_reader_init(&v->http, HTTP1_REQUEST, v->head, sizeof v->head, BODY_MAX);
    v->http.lenient_end = true;
    tcp_conn_set_context(conn, v);
}

static const struct tcp_handler handler = { .on_open = on_open, .on_bytes = on_bytes, .on_closed = on_closed };

/* ---- the server */

static struct ota_server *give_up(struct ota_server *server, const char *why)
{
    snprintf(server->s->detail, sizeof server->s->detail, "[ota] https: %s", why);
    op_ota_close(server);
    return NULL;
}

struct ota_server *op_ota_listen(struct op_session *s, struct ota_https *job)
{
    char host[128], detail[IO_DETAIL_MAX] = "";
    uint16_t port;
    enum err err;
    struct ota_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    *server = (struct ota_server){ .s = s, .job = job };
    if (config_address(s->config.file, "ota", "https", host, sizeof host, &port) != ERR_NONE)
        return give_up(server, "host:port where cards reach us is needed");
    if (tls_ctx_new(TLS_SERVER, 0, &server->tls) != ERR_NONE)
        return give_up(server, "no TLS");
    server->tcp = tcp_server_new(s->loop, host, port, &handler, server, &err, detail);
    return server->tcp ? server : give_up(server, *detail ? detail : err_text(err));
}

void op_ota_close(struct ota_server *server)
{
    while (server->visits)
        visit_end(server->visits, NULL);
    if (server->tcp)
        tcp_server_free(server->tcp);
    op_session_drain(server->s); /* the last answer to the card */
    tls_ctx_free(server->tls);
    free(server);
}

bool op_ota_done(const struct ota_server *server) { return server->done; }
bool op_ota_given(const struct ota_server *server) { return server->given; }

/* ---- the trigger */

enum err op_ota_trigger(struct op_session *s, const struct ota_https *job, struct writer *w)
{
    static const uint8_t head[] = { 0x05, 0x00, 0x35, 0x01, 0x03, 0x39, 0x02, 0x05, 0x8E }; /* OPEN CHANNEL: bearer, buffer */
    const char *name = config_text(s->config.file, "ota", "https_advertise") ? "https_advertise" : "https";
    char host[128];
    uint16_t port;
    uint8_t address[5] = { 0x21 };
    WRITER_ON_STACK(connection, 64);
    enum err err = config_address(s->config.file, "ota", name, host, sizeof host, &port);
    if (err != ERR_NONE || inet_pton(AF_INET, host, address + 1) != 1)
        return ERR_BAD_VALUE;
    const uint8_t transport[] = { 0x02, (uint8_t)(port >> 8), (uint8_t)port };
    wr_bytes(&connection, SPAN_OF(head));
    wr_tlv(&connection, 0x3C, SPAN_OF(transport));
    wr_tlv(&connection, 0x3E, SPAN_OF(address));
    scp81_trigger_write(w, &(struct scp81_trigger){ .connection = wr_span(&connection),
                                                    .has_key = true,
                                                    .kvn = job->kvn,
                                                    .kid = 1,
                                                    .host = span_text(host),
                                                    .uri = SPAN_LIT(PATH) });
    return w->err;
}
