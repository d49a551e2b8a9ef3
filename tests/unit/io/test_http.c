/* HTTP server and client against each other on the loopback, plain and in mutual TLS; raw sockets where one side must
 * misbehave. */
#include "lib/io/http_client.h"
#include "lib/io/http_server.h"
#include "lib/io/tcp.h"
#include "tests/support/test.h"

#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct loop *loop;
static struct http_server *server;
static struct http_client *client;

/* ---- certificates ---- */

static char folder[64];

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};
static struct identity root, other_root;

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static struct identity issue(const struct identity *by, const char *name, const char *oid, long days)
{
    struct identity i = { EVP_EC_gen("P-256"), X509_new() };
    X509_set_version(i.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(i.certificate), rand());
    X509_gmtime_adj(X509_getm_notBefore(i.certificate), -86400 * 400);
    X509_gmtime_adj(X509_getm_notAfter(i.certificate), 86400 * days);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(i.certificate), "CN", MBSTRING_UTF8, (const unsigned char *)name,
                               -1, -1, 0);
    X509 *issuer = by ? by->certificate : i.certificate;
    X509_set_issuer_name(i.certificate, X509_get_subject_name(issuer));
    X509_set_pubkey(i.certificate, i.key);
    add_extension(i.certificate, issuer, NID_basic_constraints, by ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (oid != NULL) {
        char value[100];
        snprintf(value, sizeof value, "RID:%s", oid);
        add_extension(i.certificate, issuer, NID_subject_alt_name, value);
    }
    X509_sign(i.certificate, by ? by->key : i.key, EVP_sha256());
    return i;
}

static const char *path_of(const char *name, const char *kind)
{
    static char paths[8][128];
    static size_t turn;
    char *path = paths[turn++ % 8];
    snprintf(path, 128, "%s/%s.%s", folder, name, kind);
    return path;
}

static void save(const struct identity *i, const char *name)
{
    FILE *f = fopen(path_of(name, "crt"), "w");
    PEM_write_X509(f, i->certificate);
    fclose(f);
    f = fopen(path_of(name, "key"), "w");
    PEM_write_PrivateKey(f, i->key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
}

static void identity_free(struct identity *i)
{
    EVP_PKEY_free(i->key);
    X509_free(i->certificate);
}

static void make_one(const struct identity *by, const char *name, const char *oid, long days)
{
    struct identity i = issue(by, name, oid, days);
    save(&i, name);
    identity_free(&i);
}

static const char *const names[] = { "root", "other", "sr", "dp", "stranger", "expired" };

static int make_world(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/osprey-http-XXXXXX");
    assert_non_null(mkdtemp(folder));
    root = issue(NULL, "root", NULL, 100);
    other_root = issue(NULL, "other", NULL, 100);
    save(&root, "root");
    save(&other_root, "other");
    make_one(&root, "sr", "1.3.6.1.4.1.31746.1.1", 10);
    make_one(&root, "dp", "1.3.6.1.4.1.31746.1.2", 10);
    make_one(&other_root, "stranger", "1.3.6.1.4.1.31746.1.3", 10);
    make_one(&root, "expired", "1.3.6.1.4.1.31746.1.4", -1);
    return (loop = loop_new()) == NULL;
}

static int drop_world(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        unlink(path_of(names[i], "crt"));
        unlink(path_of(names[i], "key"));
    }
    identity_free(&root);
    identity_free(&other_root);
    loop_free(loop);
    return rmdir(folder);
}

static struct ssl_ctx_st *context_of(const char *name, const char *trust, bool is_server)
{
    struct ssl_ctx_st *ctx = NULL;
    char detail[200];
    struct tls_mutual_options o = { .chain_file = path_of(name, "crt"), .key_file = path_of(name, "key"),
                                    .ca_file = path_of(trust, "crt"), .server = is_server };
    if (tls_mutual_ctx(&o, &ctx, detail, sizeof detail) != ERR_NONE)
        fail_msg("%s", detail);
    return ctx;
}

/* ---- what the server saw ---- */

static struct {
    size_t requests, refused;
    char path[64], query[64], body[20000], oid[TLS_OID_MAX], header[64];
    size_t body_len;
    struct reply_ref refs[64];
    bool hold;
    char why[IO_DETAIL_MAX];
} seen;

static void text_of(char *out, size_t cap, struct span s)
{
    snprintf(out, cap, "%.*s", (int)s.len, s.ptr ? (const char *)s.ptr : "");
}

static void handle(void *context, const struct http_request *r, struct reply_ref ref)
{
    (void)context;
    text_of(seen.path, sizeof seen.path, r->path);
    text_of(seen.query, sizeof seen.query, r->query);
    text_of(seen.header, sizeof seen.header, http_request_header(r, "soapaction"));
    snprintf(seen.oid, sizeof seen.oid, "%s", r->peer->oid);
    seen.body_len = r->body.len;
    if (r->body.len != 0 && r->body.len < sizeof seen.body)
        memcpy(seen.body, r->body.ptr, r->body.len);
    seen.refs[seen.requests++ % ARRAY_LEN(seen.refs)] = ref;
    if (!seen.hold)
        assert_true(http_server_reply(server, ref, &(struct http_reply){ .status = 200, .content_type = "text/plain",
                                                                         .body = r->body }));
}

static void on_refused(void *context, const char *address, const char *why)
{
    (void)context;
    assert_non_null(strchr(address, ':'));
    seen.refused++;
    snprintf(seen.why, sizeof seen.why, "%s", why);
}

static void serve(struct ssl_ctx_st *tls, size_t body_max)
{
    enum err err;
    char detail[IO_DETAIL_MAX];
    memset(&seen, 0, sizeof seen);
    struct http_server_options o = { .address = "127.0.0.1",
                                     .tls = tls,
                                     .node = 5,
                                     .handler = handle,
                                     .body_max = body_max,
                                     .refused = on_refused,
                                     .reply_timeout_s = 1,
                                     .request_timeout_s = 1 };
    server = http_server_new(loop, &o, &err, detail);
    if (server == NULL)
        fail_msg("%s", detail);
    SSL_CTX_free(tls);
}

static void connect_client(struct ssl_ctx_st *tls, uint32_t timeout_ms)
{
    client = http_client_new(loop, &(struct http_client_options){ .tls = tls, .connections_per_host = 2,
                                                                  .answer_timeout_ms = timeout_ms,
                                                                  .connect_timeout_ms = 1000 });
    assert_non_null(client);
    SSL_CTX_free(tls);
}

static int stop(void **state)
{
    (void)state;
    http_client_free(client);
    http_server_free(server);
    client = NULL;
    server = NULL;
    loop_round(loop, 0);
    return 0;
}

/* ---- what the client got ---- */

struct got {
    size_t count;
    enum err err;
    int status;
    char body[20000], detail[IO_DETAIL_MAX], oid[TLS_OID_MAX];
    size_t body_len;
    bool sent;
};

static void on_answer(void *context, const struct http_answer *a)
{
    struct got *g = context;
    g->count++;
    g->err = a->err, g->status = a->status, g->body_len = a->body.len, g->sent = a->sent;
    snprintf(g->detail, sizeof g->detail, "%s", a->detail);
    snprintf(g->oid, sizeof g->oid, "%s", a->peer ? a->peer->oid : "");
    if (a->body.len != 0 && a->body.len < sizeof g->body)
        memcpy(g->body, a->body.ptr, a->body.len);
}

static void post(struct got *g, const char *tail, struct span body)
{
    char url[200];
    bool tls = strncmp(tail, "s:", 2) == 0;
    const struct http1_header action = { SPAN_LIT("SOAPAction"), SPAN_LIT("do-it") };
    snprintf(url, sizeof url, "http%s://127.0.0.1:%u%s", tls ? "s" : "", http_server_port(server),
             tail + (tls ? 2 : 0));
    assert_ok(http_client_send(client, &(struct http_call){ .url = url,
                                                            .content_type = "text/plain",
                                                            .headers = &action,
                                                            .header_count = 1,
                                                            .body = body,
                                                            .done = on_answer,
                                                            .context = g }));
    assert_int_equal(g->count, 0);
}

static void wait_for(const size_t *count, size_t want)
{
    for (int i = 0; i < 20000 && *count < want; i++)
        loop_round(loop, 10);
    assert_int_equal(*count, want);
}

/* ---- tests ---- */

static void a_request_is_answered(void **state)
{
    (void)state;
    static struct got g;
    memset(&g, 0, sizeof g);
    serve(NULL, 0);
    connect_client(NULL, 0);
    post(&g, "/es3/x?a=b", SPAN_LIT("hello"));
    wait_for(&g.count, 1);
    assert_ok(g.err);
    assert_int_equal(g.status, 200);
    assert_memory_equal(g.body, "hello", 5);
    assert_string_equal(seen.path, "/es3/x");
    assert_string_equal(seen.query, "a=b");
    assert_string_equal(seen.header, "do-it");
    assert_int_equal(http_server_open_exchanges(server), 0);
    assert_int_equal(http_client_in_flight(client), 0);
}

static void mutual_tls_tells_who_is_there(void **state)
{
    (void)state;
    static struct got g[2];
    static char large[15000];
    memset(g, 0, sizeof g);
    memset(large, 'x', sizeof large);
    serve(context_of("sr", "root", true), 0);
    connect_client(context_of("dp", "root", false), 0);
    post(&g[0], "s:/es3", (struct span){ (const uint8_t *)large, sizeof large });
    wait_for(&g[0].count, 1);
    assert_string_equal(g[0].detail, "");
    assert_int_equal(g[0].body_len, sizeof large);
    assert_memory_equal(g[0].body, large, sizeof large);
    assert_string_equal(seen.oid, "1.3.6.1.4.1.31746.1.2");
    assert_string_equal(g[0].oid, "1.3.6.1.4.1.31746.1.1");
    post(&g[1], "s:/again", SPAN_LIT("2"));
    wait_for(&g[1].count, 1);
    assert_ok(g[1].err);
    assert_int_equal(seen.refs[0].slot, seen.refs[1].slot); /* the same connection */
}

static void strangers_are_refused(void **state)
{
    (void)state;
    static struct got g;
    static const char *const clients[] = { "stranger", "expired" };
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        memset(&g, 0, sizeof g);
        serve(context_of("sr", "root", true), 0);
        connect_client(context_of(clients[i], "root", false), 0);
        post(&g, "s:/es3", SPAN_LIT("hello"));
        wait_for(&g.count, 1);
        assert_fails(g.err, ERR_VERIFY);
        assert_int_equal(seen.requests, 0);
        assert_int_equal(seen.refused, 1);
        stop(state);
    }
    memset(&g, 0, sizeof g);
    serve(context_of("sr", "root", true), 0);
    connect_client(context_of("dp", "other", false), 0); /* the client does not trust the server */
    post(&g, "s:/es3", SPAN_LIT("hello"));
    wait_for(&g.count, 1);
    assert_fails(g.err, ERR_VERIFY);
    assert_false(g.sent);
}

static void answers_may_come_later_and_in_any_order(void **state)
{
    (void)state;
    static struct got g[3];
    memset(g, 0, sizeof g);
    serve(NULL, 0);
    connect_client(NULL, 0);
    seen.hold = true;
    for (int i = 0; i < 3; i++)
        post(&g[i], i == 0 ? "/0" : i == 1 ? "/1" : "/2", SPAN_LIT("x"));
    wait_for(&seen.requests, 2); /* two connections, one waits */
    assert_int_equal(http_server_open_exchanges(server), 2);
    struct http_reply r = { .status = 202 };
    struct reply_ref wrong = seen.refs[1];
    wrong.generation++;
    assert_false(http_server_reply(server, wrong, &r));
    wrong = seen.refs[1];
    wrong.node++;
    assert_false(http_server_reply(server, wrong, &r));
    assert_true(http_server_reply(server, seen.refs[1], &r));
    assert_false(http_server_reply(server, seen.refs[1], &r));
    wait_for(&seen.requests, 3);
    assert_true(http_server_reply(server, seen.refs[0], &r));
    assert_true(http_server_reply(server, seen.refs[2], &r));
    for (int i = 0; i < 3; i++) {
        wait_for(&g[i].count, 1);
        assert_int_equal(g[i].status, 202);
    }
}

static void time_outs_end_on_both_sides(void **state)
{
    (void)state;
    static struct got g;
    memset(&g, 0, sizeof g);
    serve(NULL, 0);
    connect_client(NULL, 100);
    seen.hold = true;
    post(&g, "/", SPAN_LIT("x"));
    wait_for(&g.count, 1);
    assert_fails(g.err, ERR_EXPIRED);
    assert_true(g.sent);
    for (int i = 0; i < 20; i++)
        loop_round(loop, 10);
    assert_int_equal(http_server_open_exchanges(server), 0); /* the client has gone */
    assert_false(http_server_reply(server, seen.refs[0], &(struct http_reply){ .status = 200 }));
    stop(state);

    memset(&g, 0, sizeof g);
    serve(NULL, 0);
    connect_client(NULL, 0);
    seen.hold = true;
    post(&g, "/", SPAN_LIT("x"));
    wait_for(&g.count, 1);
    assert_int_equal(g.status, 504);
}

static void too_large_is_413(void **state)
{
    (void)state;
    static struct got g;
    static char large[200000];
    memset(&g, 0, sizeof g);
    serve(NULL, 1000);
    connect_client(NULL, 0);
    post(&g, "/", (struct span){ (const uint8_t *)large, sizeof large });
    wait_for(&g.count, 1);
    assert_ok(g.err);
    assert_int_equal(g.status, 413);
    assert_int_equal(seen.requests, 0);
}

static void nobody_there(void **state)
{
    (void)state;
    static struct got g;
    memset(&g, 0, sizeof g);
    connect_client(NULL, 0);
    struct http_call call = { .url = "http://127.0.0.1:1/", .done = on_answer, .context = &g };
    assert_ok(http_client_send(client, &call));
    wait_for(&g.count, 1);
    assert_fails(g.err, ERR_CLOSED);
    assert_false(g.sent);
    call.url = "ftp://127.0.0.1/";
    assert_fails(http_client_send(client, &call), ERR_BAD_VALUE);
    call.url = "http://127.0.0.1:99999/";
    assert_fails(http_client_send(client, &call), ERR_BAD_VALUE);
    call.url = "https://127.0.0.1/";
    assert_fails(http_client_send(client, &call), ERR_DENIED);
    call.url = "http://host name/";
    assert_ok(http_client_send(client, &call));
    wait_for(&g.count, 2);
    assert_fails(g.err, ERR_CLOSED);
}

/* A server of few words on a raw socket. */
static struct {
    size_t conns, requests;
    const char *answers[4];
    bool close_after[4];
} script;

static size_t raw_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    (void)context;
    size_t i = script.requests++;
    if (script.answers[i] != NULL)
        assert_ok(tcp_send(conn, span_text(script.answers[i])));
    if (script.close_after[i])
        tcp_conn_close(conn);
    return in.len;
}
static void raw_open(void *context, struct tcp_conn *conn)
{
    (void)context, (void)conn;
    script.conns++;
}
static const struct tcp_handler raw = { raw_open, raw_bytes, NULL, NULL };

static void a_kept_connection_that_died_is_replaced(void **state)
{
    (void)state;
    static struct got g[2];
    enum err err;
    char url[100];
    memset(g, 0, sizeof g);
    memset(&script, 0, sizeof script);
    script.answers[0] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1";
    script.close_after[1] = true; /* the second request gets nothing, on the kept connection */
    script.answers[2] = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
    script.close_after[2] = true;
    struct tcp_server *s = tcp_server_new(loop, "127.0.0.1", 0, &raw, NULL, &err, NULL);
    assert_ok(err);
    connect_client(NULL, 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", tcp_server_port(s));
    for (int i = 0; i < 2; i++) {
        assert_ok(http_client_send(client, &(struct http_call){ .url = url, .done = on_answer, .context = &g[i] }));
        wait_for(&g[i].count, 1);
        assert_int_equal(g[i].status, 200);
    }
    assert_memory_equal(g[1].body, "until the end", 13);
    assert_int_equal(script.conns, 2);
    assert_int_equal(script.requests, 3);
    tcp_server_free(s);
}

static void an_answer_that_is_none_is_an_error(void **state)
{
    (void)state;
    static struct got g;
    enum err err;
    char url[100];
    static const char *const answers[] = { "SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab" };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        memset(&g, 0, sizeof g);
        memset(&script, 0, sizeof script);
        script.answers[0] = answers[i];
        script.close_after[0] = true;
        struct tcp_server *s = tcp_server_new(loop, "127.0.0.1", 0, &raw, NULL, &err, NULL);
        connect_client(NULL, 0);
        snprintf(url, sizeof url, "http://127.0.0.1:%u/", tcp_server_port(s));
        assert_ok(http_client_send(client, &(struct http_call){ .url = url, .done = on_answer, .context = &g }));
        wait_for(&g.count, 1);
        assert_fails(g.err, i == 0 ? ERR_BAD_VALUE : ERR_CLOSED);
        tcp_server_free(s);
        stop(state);
    }
}

/* A client of few words. */
static struct {
    char bytes[4096];
    size_t len, closed;
} heard;

static size_t heard_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    (void)context, (void)conn;
    assert_true(heard.len + in.len < sizeof heard.bytes);
    memcpy(heard.bytes + heard.len, in.ptr, in.len);
    heard.len += in.len;
    return in.len;
}
static void heard_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    (void)context, (void)conn, (void)err, (void)why;
    heard.closed++;
}
static const struct tcp_handler listener = { NULL, heard_bytes, heard_closed, NULL };

static void talk(const char *text)
{
    memset(&heard, 0, sizeof heard);
    struct tcp_conn *c = tcp_connect(loop, "127.0.0.1", http_server_port(server), 0, &listener, NULL);
    assert_ok(tcp_send(c, span_text(text)));
}

static void pipelined_requests_follow_each_other(void **state)
{
    (void)state;
    serve(NULL, 0);
    talk("POST /1 HTTP/1.1\r\nContent-Length: 1\r\n\r\naPOST /2 HTTP/1.1\r\nContent-Length: 1\r\nConnection: "
         "close\r\n\r\nb");
    wait_for(&heard.closed, 1);
    assert_int_equal(seen.requests, 2);
    assert_non_null(strstr(heard.bytes, "\r\n\r\naHTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(heard.bytes, "Connection: close\r\n"));
}

static void slow_and_broken_requests_end(void **state)
{
    (void)state;
    serve(NULL, 0);
    talk("POST /1 HT");
    wait_for(&heard.closed, 1);
    assert_non_null(strstr(heard.bytes, "HTTP/1.1 408 "));
    talk("nonsense\r\n\r\n");
    wait_for(&heard.closed, 1);
    assert_non_null(strstr(heard.bytes, "HTTP/1.1 400 "));
    talk("POST /1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    for (int i = 0; i < 20 && heard.len == 0; i++)
        loop_round(loop, 10);
    assert_string_equal(heard.bytes, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(seen.requests, 0);
}

static void many_requests_keep_few_connections(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static struct got g;
    memset(&g, 0, sizeof g);
    serve(context_of("sr", "root", true), 0);
    connect_client(context_of("dp", "root", false), 0);
    for (int i = 0; i < COUNT; i++) {
        size_t before = g.count;
        g.count = 0;
        post(&g, "s:/many", SPAN_LIT("some words"));
        g.count = before;
    }
    assert_int_equal(http_client_in_flight(client), COUNT);
    wait_for(&g.count, COUNT);
    assert_int_equal(seen.requests, COUNT);
    assert_ok(g.err);
}

struct copied {
    size_t number, *answers;
    char text[40];
};

static void on_copied(void *context, const struct http_answer *a)
{
    const struct copied *c = context;
    char want[40];
    snprintf(want, sizeof want, "number %zu", c->number);
    assert_ok(a->err);
    assert_string_equal(c->text, want);
    (*c->answers)++;
}

/* The caller's own is gone when the answer comes; the room of one call serves the next, for short bodies and long. */
static void a_context_may_be_copied(void **state)
{
    (void)state;
    static uint8_t body[40000];
    char url[100];
    size_t answers = 0;
    serve(NULL, sizeof body);
    connect_client(NULL, 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/many", http_server_port(server));
    for (size_t i = 0; i < 300; i++) {
        struct copied c = { i, &answers, "" };
        snprintf(c.text, sizeof c.text, "number %zu", i);
        assert_ok(http_client_send(client, &(struct http_call){ .url = url, .body = { body, i % 50 * 800 }, .done = on_copied,
                                                                .context = &c, .context_size = sizeof c }));
        memset(&c, 0xEE, sizeof c);
        if (i % 70 == 69)
            wait_for(&answers, i + 1);
    }
    wait_for(&answers, 300);
}

#define ENDS(test) cmocka_unit_test_teardown(test, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENDS(a_request_is_answered),
        ENDS(mutual_tls_tells_who_is_there),
        ENDS(strangers_are_refused),
        ENDS(answers_may_come_later_and_in_any_order),
        ENDS(time_outs_end_on_both_sides),
        ENDS(too_large_is_413),
        ENDS(nobody_there),
        ENDS(a_kept_connection_that_died_is_replaced),
        ENDS(an_answer_that_is_none_is_an_error),
        ENDS(pipelined_requests_follow_each_other),
        ENDS(slow_and_broken_requests_end),
        ENDS(many_requests_keep_few_connections),
        ENDS(a_context_may_be_copied),
    };
    return cmocka_run_group_tests(tests, make_world, drop_world);
}
