#include "https.h"

#include "lib/crypto/tls.h"
#include "lib/scp/scp81.h"
#include "lib/wire/http1.h"

#define KVN 0x40 /* of the PSK */

static struct {
    struct https_client *client;
    struct tls_ctx *ctx;
    struct tls *tls;
    struct smsr_session *session;
    struct http1_reader http;
    uint8_t head[HTTP1_HEAD_MAX];
    uint8_t in[262144];
    size_t in_len;
    uint8_t body[262144];
    size_t body_len;
    bool started, sent_first, over;
    char first_uri[512];
} h;

static void on_send(void *connection, struct span bytes)
{
    (void)connection;
    assert_true(h.in_len + bytes.len <= sizeof h.in);
    memcpy(h.in + h.in_len, bytes.ptr, bytes.len);
    h.in_len += bytes.len;
}

static void on_close(void *connection)
{
    (void)connection;
    h.session = NULL;
    h.over = true;
}

static const struct smsr_admin_peer peer = { on_send, on_close };

static void finish(void)
{
    struct smsr_session *session = h.session;
    h.session = NULL;
    tls_free(h.tls);
    h.tls = NULL;
    h.started = false;
    h.client->open = false;
    if (session)
        smsr_admin_lost(session);
}

void https_open(struct world *w, const char *query)
{
    WRITER_ON_STACK(identity, SCP81_IDENTITY_MAX);
    struct scp81_identity id = { .kid = 1, .kvn = KVN };
    struct eid eid = world_eid();
    uint8_t psk[16];
    if (h.started)
        finish();
    memcpy(psk, w->card.psk, 16);
    psk[0] ^= h.client->wrong_key;
    memcpy(id.eid, eid.octets, 16);
    id.eid[3] ^= h.client->wrong_identity;
    memcpy(id.aid, AID_ISDR.octets, 16);
    scp81_identity_write(&identity, &id);
    assert_ok(tls_client_new(h.ctx, wr_span(&identity), SPAN_OF(psk), &h.tls));
    h.session = smsr_admin_open(w->smsr, &peer, &h);
    assert_non_null(h.session);
    http1_reader_init(&h.http, HTTP1_RESPONSE, h.head, sizeof h.head, sizeof h.body);
    h.started = true;
    h.client->open = true;
    h.sent_first = h.over = false;
    h.in_len = h.body_len = 0;
    h.client->sessions++;
    snprintf(h.first_uri, sizeof h.first_uri, "/gsma/adminagent%s%s", query ? "?" : "", query ? query : "");
}

static void on_trigger(struct world *w, struct span trigger)
{
    struct scp81_trigger t;
    assert_ok(scp81_trigger_parse(trigger, &t));
    assert_true(t.has_key && t.kvn == KVN && t.kid == 1 && !t.psk_identity.len); /* a card may have others */
    if (!h.started)
        https_open(w, NULL);
}

static void client_write(struct span plain)
{
    static uint8_t room[262144];
    while (plain.len && h.session) {
        struct span piece = span_sub(plain, 0, TLS_RECORD_MAX);
        struct writer out = wr_of(room, sizeof room);
        assert_ok(tls_write(h.tls, piece, &out));
        plain = span_from(plain, piece.len);
        smsr_admin_bytes(h.session, wr_span(&out));
    }
}

static void post(const char *uri, struct span body, bool first)
{
    static uint8_t room[262144];
    struct writer w = wr_of(room, sizeof room);
    WRITER_ON_STACK(from, SCP81_FROM_MAX);
    struct eid eid = world_eid();
    scp81_from_write(&from, eid.octets, aid_span(&AID_ISDR));
    snprintf(h.client->last_uri, sizeof h.client->last_uri, "%.250s", uri);
    http1_wr_request(&w, "POST", span_text(uri));
    http1_wr_header(&w, "Host", SPAN_LIT("127.0.0.1"));
    http1_wr_header(&w, SCP81_HEADER_PROTOCOL, span_text(SCP81_PROTOCOL));
    http1_wr_header(&w, SCP81_HEADER_FROM, wr_span(&from));
    if (first) {
        http1_wr_no_body(&w);
    } else {
        http1_wr_header(&w, "Content-Type", span_text(SCP81_TYPE_RESPONSE));
        http1_wr_header(&w, SCP81_HEADER_STATUS, SPAN_LIT("ok"));
        http1_wr_chunked(&w, body);
    }
    assert_ok(w.err);
    client_write(wr_span(&w));
}

static void script(struct world *w)
{
    static uint8_t room[65536];
    struct writer answer = wr_of(room, sizeof room);
    char uri[256], *end;
    const struct http1_head *head = &h.http.head;
    struct span next = http1_header_find(head->headers, head->header_count, SCP81_HEADER_NEXT_URI);
    struct span target = http1_header_find(head->headers, head->header_count, SCP81_HEADER_TARGET);
    snprintf(uri, sizeof uri, "%.*s", (int)next.len, (const char *)next.ptr);
    snprintf(h.client->target, sizeof h.client->target, "%.*s", (int)target.len,
             target.len ? (const char *)target.ptr : "");
    (void)end;
    card_script(w, (struct span){ h.body, h.body_len }, &answer);
    h.body_len = 0;
    h.client->scripts++;
    if (h.client->scripts == h.client->drop_after_scripts) {
        finish();
        return;
    }
    post(uri, wr_span(&answer), false);
}

static void response(struct world *w)
{
    h.client->last_status = h.http.head.status;
    if (h.http.head.status == 200)
        script(w);
    else
        finish();
}

static void plain_in(struct world *w, struct span plain)
{
    struct reader in = rd_of(plain);
    struct span piece;
    while (h.started)
        switch (http1_next(&h.http, &in, &piece)) {
        case HTTP1_BODY:
            memcpy(h.body + h.body_len, piece.ptr, piece.len);
            h.body_len += piece.len;
            break;
        case HTTP1_DONE:
            response(w);
            break;
        case HTTP1_HEAD:
            break;
        case HTTP1_MORE:
            return;
        case HTTP1_FAILED:
            fail_msg("the SM-SR's HTTP cannot be read");
        }
}

static bool pump(struct world *w)
{
    static uint8_t in[262144], out_room[262144], plain_room[262144];
    struct writer out = wr_of(out_room, sizeof out_room), plain = wr_of(plain_room, sizeof plain_room);
    if (h.started && h.over)
        finish();
    if (!h.started)
        return false;
    size_t len = h.in_len;
    if (!len && (h.sent_first || tls_state(h.tls) != TLS_HANDSHAKE))
        return false;
    memcpy(in, h.in, len);
    h.in_len = 0;
    enum tls_state state = tls_step(h.tls, (struct span){ in, len }, &out, &plain);
    if (!len)
        h.sent_first = true; /* the ClientHello */
    if (out.len && h.session)
        smsr_admin_bytes(h.session, wr_span(&out));
    static bool posted_first;
    if (!len)
        posted_first = false;
    if (state == TLS_OPEN && !posted_first) {
        posted_first = true;
        post(h.first_uri, SPAN_NONE, true);
    }
    if (plain.len)
        plain_in(w, wr_span(&plain));
    if (state == TLS_FAILED || h.over)
        finish();
    return true;
}

void https_install(struct world *w, struct https_client *client)
{
    if (!h.ctx)
        assert_ok(tls_ctx_new(TLS_CLIENT, 0, &h.ctx));
    if (h.tls)
        tls_free(h.tls);
    h.tls = NULL;
    h.session = NULL;
    h.started = false;
    h.in_len = h.body_len = 0;
    h.client = client;
    w->on_trigger = on_trigger;
    w->pump = pump;
}
