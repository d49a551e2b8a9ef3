/* The SM-SR's HTTPS end: TLS with the card's PSK, HTTP/1.1; a case answers each request when it has come. */
#include "bed.h"

#include "lib/scp/scp81.h"

void server_close(struct bed *b)
{
    struct bed_server *s = &b->server;
    tls_free(s->tls);
    tls_ctx_free(s->ctx);
    s->tls = NULL;
    s->ctx = NULL;
    s->out_len = 0;
}

void server_accept(struct bed *b)
{
    struct bed_server *s = &b->server;
    server_close(b);
    s->connections++;
    need_ok(b, tls_ctx_new(TLS_SERVER, 0, &s->ctx), "TLS");
    need_ok(b, tls_server_new(s->ctx, &s->tls), "TLS");
    http1_reader_init(&s->http, HTTP1_REQUEST, s->head, sizeof s->head, BED_BODY_MAX);
}

static void header_copy(const struct http1_head *h, const char *name, char *out, size_t cap)
{
    struct span v = http1_header_find(h->headers, h->header_count, name);
    snprintf(out, cap, "%.*s", (int)v.len, v.ptr ? (const char *)v.ptr : "");
}

static void request_begin(struct bed *b)
{
    struct bed_server *s = &b->server;
    const struct http1_head *h = &s->http.head;
    s->request.len = 0;
    snprintf(s->request.uri, sizeof s->request.uri, "%.*s", (int)h->target.len, (const char *)h->target.ptr);
    header_copy(h, SCP81_HEADER_STATUS, s->request.status, sizeof s->request.status);
    s->request.has_body = h->chunked;
}

static void server_http(struct bed *b, struct span plain)
{
    struct bed_server *s = &b->server;
    struct reader in = rd_of(plain);
    struct span piece;
    for (;;) {
        switch (http1_next(&s->http, &in, &piece)) {
        case HTTP1_MORE:
            return;
        case HTTP1_HEAD:
            request_begin(b);
            break;
        case HTTP1_BODY:
            need(b, s->request.len + piece.len <= BED_BODY_MAX, "the card's answer is too long");
            memcpy(s->request.body + s->request.len, piece.ptr, piece.len);
            s->request.len += piece.len;
            break;
        case HTTP1_DONE:
            s->request_count++;
            break;
        default:
            fail(b, "the card's HTTP is broken: %s", err_text(s->http.err));
        }
    }
}

void server_feed(struct bed *b, struct span in)
{
    struct bed_server *s = &b->server;
    uint8_t buf[20000];
    for (bool more = true; more;) {
        struct writer plain = wr_of(buf, sizeof buf), out = wr_of(s->out, sizeof s->out);
        out.len = s->out_len;
        enum tls_state state = tls_step(s->tls, in, &out, &plain);
        s->out_len = out.len;
        in = SPAN_NONE;
        more = tls_has_more(s->tls);
        if (state == TLS_WANT_PSK) {
            snprintf(s->identity, sizeof s->identity, "%s", tls_identity(s->tls));
            need_ok(b, tls_psk(s->tls, SPAN_OF(s->psk)), "TLS");
            more = true;
        }
        s->failed = s->failed || state == TLS_FAILED;
        if (plain.len)
            server_http(b, wr_span(&plain));
        if (state == TLS_FAILED || state == TLS_CLOSED)
            return;
    }
}

void https_say(struct bed *b, struct span text)
{
    struct bed_server *s = &b->server;
    struct writer out = wr_of(s->out, sizeof s->out);
    need(b, s->tls != NULL, "the card closed the connection");
    out.len = s->out_len;
    need_ok(b, tls_write(s->tls, text, &out), "TLS");
    s->out_len = out.len;
    b->terminal.told = false;
    terminal_run(b);
}

/* ---- what cases say ---- */

void https_trigger(struct bed *b, struct span trigger)
{
    struct scp80_header h = packet_header(b, &b->key, TAR_ISDR);
    uint8_t status;
    b->server.request_count = 0;
    b->server.failed = false;
    (void)packet_send(b, &b->key, &h, trigger, &status);
    need(b, status == SCP80_OK, "the trigger's PoR has status %02X", status);
}

void https_open(struct bed *b)
{
    WRITER_ON_STACK(w, SCP81_TRIGGER_MAX);
    struct scp81_trigger t = { .connection = hexf(b, "350103 39020578 3C03021F9A 3E05210A08288F"),
                               .host = SPAN_LIT("sm-sr.example"),
                               .uri = SPAN_LIT("/gsma/adminagent") };
    scp81_trigger_write(&w, &t);
    https_trigger(b, wr_span(&w));
    need(b, b->server.request_count == 1, "the trigger opened no administration session");
}

void https_reply(struct bed *b, const char *target, struct span script)
{
    struct writer w = room(b, script.len + 2000);
    size_t before = b->server.request_count;
    char uri[40];
    snprintf(uri, sizeof uri, "/gsma/adminagent?cmd=%zu", ++b->server.answered);
    http1_wr_response(&w, 200);
    http1_wr_header(&w, SCP81_HEADER_PROTOCOL, span_text(SCP81_PROTOCOL));
    http1_wr_header(&w, SCP81_HEADER_NEXT_URI, span_text(uri));
    if (target)
        http1_wr_header(&w, SCP81_HEADER_TARGET, span_text(target));
    http1_wr_header(&w, "Content-Type", span_text(SCP81_TYPE_COMMAND));
    http1_wr_chunked(&w, script);
    need_ok(b, w.err, "HTTP");
    https_say(b, wr_span(&w));
    need(b, b->server.request_count == before + 1, "no answer to a script over HTTPS");
}

struct span https_script(struct bed *b, const struct aid *target, struct span script)
{
    char text[SCP81_TARGET_MAX + 1] = "";
    WRITER_ON_STACK(w, SCP81_TARGET_MAX);
    scp81_target_write(&w, aid_span(target));
    snprintf(text, sizeof text, "%.*s", (int)w.len, (const char *)w.buf);
    https_reply(b, text, script);
    need(b, !strcmp(b->server.request.status, "ok"), "X-Admin-Script-Status: %s", b->server.request.status);
    return kept(b, (struct span){ b->server.request.body, b->server.request.len });
}

void https_end(struct bed *b)
{
    WRITER_ON_STACK(w, 300);
    http1_wr_response(&w, 204);
    http1_wr_header(&w, SCP81_HEADER_PROTOCOL, span_text(SCP81_PROTOCOL));
    http1_wr_no_body(&w);
    https_say(b, wr_span(&w));
}
