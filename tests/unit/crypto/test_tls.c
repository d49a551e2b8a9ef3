/* The TLS engine: both ends in memory, then OpenSSL's own s_client and s_server at the other end. */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/crypto/tls.h"
#include "tests/support/test.h"

#define IDENTITY "8001028110890440451130100000000000000000024F10A0000005591010FFFFFFFF8900000100820101830140"
#define PSK_HEX  "00112233445566778899AABBCCDDEEFF"
#define WIRE_MAX (256u * 1024u)

/* One direction of a wire, cut into pieces of `piece` octets on delivery. */
struct pair {
    struct tls_ctx *client_ctx, *server_ctx;
    struct tls *client, *server;
    uint8_t to_server[WIRE_MAX], to_client[WIRE_MAX], plain_server[WIRE_MAX], plain_client[WIRE_MAX];
    struct writer ws, wc, ps, pc;
    size_t piece;
    int psk_asked;
};

static void pair_open(struct pair *p, size_t piece, const char *identity, struct span key, unsigned server_flags)
{
    memset(p, 0, sizeof *p);
    p->piece = piece;
    p->ws = wr_of(p->to_server, WIRE_MAX);
    p->wc = wr_of(p->to_client, WIRE_MAX);
    p->ps = wr_of(p->plain_server, WIRE_MAX);
    p->pc = wr_of(p->plain_client, WIRE_MAX);
    assert_ok(tls_ctx_new(TLS_CLIENT, 0, &p->client_ctx));
    assert_ok(tls_ctx_new(TLS_SERVER, server_flags, &p->server_ctx));
    assert_ok(tls_client_new(p->client_ctx, span_text(identity), key, &p->client));
    assert_ok(tls_server_new(p->server_ctx, &p->server));
}

static void pair_close(struct pair *p)
{
    tls_free(p->client);
    tls_free(p->server);
    tls_ctx_free(p->client_ctx);
    tls_ctx_free(p->server_ctx);
    free(p);
}

/* Delivers what lies on one wire, piece by piece. */
static void deliver(struct pair *p, struct tls *to, struct writer *wire, struct writer *answer, struct writer *plain)
{
    uint8_t *copy = malloc(wire->len + 1);
    size_t len = wire->len;
    memcpy(copy, wire->buf, len);
    wire->len = 0;
    for (size_t at = 0; at < len; at += p->piece)
        tls_step(to, span_sub((struct span){ copy, len }, at, p->piece), answer, plain);
    free(copy);
}

static void exchange(struct pair *p, struct span key_of_server)
{
    tls_step(p->client, SPAN_NONE, &p->ws, &p->pc);
    for (int round = 0; round < 12; round++) {
        deliver(p, p->server, &p->ws, &p->wc, &p->ps);
        if (tls_state(p->server) == TLS_WANT_PSK) {
            p->psk_asked++;
            assert_ok(tls_psk(p->server, key_of_server));
            tls_step(p->server, SPAN_NONE, &p->wc, &p->ps);
        }
        deliver(p, p->client, &p->wc, &p->ws, &p->pc);
    }
}

static struct pair *pair_new(void)
{
    struct pair *p = malloc(sizeof *p);
    assert_non_null(p);
    return p;
}

static void handshake_in_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = { 1, 2, 5, 7, 64, 300, 100000 };
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct pair *p = pair_new();
        pair_open(p, pieces[i], IDENTITY, hex_lit(PSK_HEX), 0);
        exchange(p, hex_lit(PSK_HEX));
        assert_int_equal(tls_state(p->client), TLS_OPEN);
        assert_int_equal(tls_state(p->server), TLS_OPEN);
        assert_int_equal(p->psk_asked, 1);
        assert_string_equal(tls_identity(p->server), IDENTITY);
        assert_string_equal(tls_suite(p->server), "PSK-AES128-GCM-SHA256");
        assert_string_equal(tls_error(p->client), "");
        pair_close(p);
    }
}

static void data_flows_both_ways_and_ends(void **state)
{
    (void)state;
    struct pair *p = pair_new();
    uint8_t *big = malloc(100000);
    for (size_t i = 0; i < 100000; i++)
        big[i] = (uint8_t)(i * i >> 3);
    pair_open(p, 1000, IDENTITY, hex_lit(PSK_HEX), 0);
    assert_fails(tls_write(p->client, SPAN_LIT("too early"), &p->ws), ERR_STATE);
    exchange(p, hex_lit(PSK_HEX));
    assert_ok(tls_write(p->client, SPAN_LIT("POST / HTTP/1.1\r\n"), &p->ws));
    assert_ok(tls_write(p->client, (struct span){ big, 100000 }, &p->ws));
    deliver(p, p->server, &p->ws, &p->wc, &p->ps);
    assert_int_equal(p->ps.len, 17 + 100000);
    assert_span_equal(span_from(wr_span(&p->ps), 17), ((struct span){ big, 100000 }));
    assert_ok(tls_write(p->server, SPAN_LIT("204"), &p->wc));
    tls_close(p->server, &p->wc);
    tls_close(p->server, &p->wc);
    assert_fails(tls_write(p->server, SPAN_LIT("late"), &p->wc), ERR_STATE);
    deliver(p, p->client, &p->wc, &p->ws, &p->pc);
    assert_span_equal(wr_span(&p->pc), SPAN_LIT("204"));
    assert_int_equal(tls_state(p->client), TLS_CLOSED);
    tls_close(p->client, &p->ws);
    deliver(p, p->server, &p->ws, &p->wc, &p->ps);
    assert_int_equal(tls_state(p->server), TLS_CLOSED);
    free(big);
    pair_close(p);
}

/* A reader with little room gets everything, step by step; a writer without room writes nothing. */
/* Half a record is no reason to be called again at once: a caller that loops while there is more would never stop. */
static void half_a_record_is_not_more(void **state)
{
    (void)state;
    struct pair *p = pair_new();
    uint8_t copy[200];
    pair_open(p, 1000, IDENTITY, hex_lit(PSK_HEX), 0);
    exchange(p, hex_lit(PSK_HEX));
    assert_ok(tls_write(p->server, SPAN_LIT("HTTP/1.1 204 No Content"), &p->wc));
    memcpy(copy, p->wc.buf, p->wc.len);
    for (size_t at = 0; at < p->wc.len; at++) {
        assert_int_equal(p->pc.len, 0);
        tls_step(p->client, (struct span){ copy + at, 1 }, &p->ws, &p->pc);
        assert_false(tls_has_more(p->client));
    }
    assert_span_equal(wr_span(&p->pc), SPAN_LIT("HTTP/1.1 204 No Content"));
    pair_close(p);
}

static void small_rooms_lose_nothing(void **state)
{
    (void)state;
    struct pair *p = pair_new();
    uint8_t text[5000], got[5000];
    size_t len = 0;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i / 3);
    pair_open(p, 100000, IDENTITY, hex_lit(PSK_HEX), 0);
    exchange(p, hex_lit(PSK_HEX));
    WRITER_ON_STACK(tiny, 100);
    assert_fails(tls_write(p->client, SPAN_OF(text), &tiny), ERR_NO_SPACE);
    assert_int_equal(tiny.len, 0);
    assert_ok(tls_write(p->client, SPAN_OF(text), &p->ws));
    assert_ok(tls_write(p->client, SPAN_OF(text), &p->ws)); /* two records in one delivery */
    struct span in = wr_span(&p->ws);
    for (int i = 0; i < 200 && (in.len || tls_has_more(p->server)); i++) {
        struct writer w =
            wr_of(got + len % sizeof got, 99 < sizeof got - len % sizeof got ? 99 : sizeof got - len % sizeof got);
        assert_int_equal(tls_step(p->server, in, &p->wc, &w), TLS_OPEN);
        in = SPAN_NONE;
        assert_span_equal(wr_span(&w), span_sub(SPAN_OF(text), len % sizeof text, w.len));
        len += w.len;
    }
    assert_int_equal(len, 2 * sizeof text);
    pair_close(p);
}

static void handshake_through_a_narrow_exit(void **state)
{
    (void)state;
    struct pair *p = pair_new();
    uint8_t out[20];
    pair_open(p, 100000, IDENTITY, hex_lit(PSK_HEX), 0);
    for (int i = 0; i < 200 && tls_state(p->server) != TLS_OPEN; i++) {
        struct writer w = wr_of(out, sizeof out);
        tls_step(p->client, wr_span(&p->wc), &w, NULL);
        p->wc.len = 0;
        struct writer s = wr_of(p->to_client, 9);
        tls_step(p->server, wr_span(&w), &s, NULL);
        p->wc.len = s.len;
        if (tls_state(p->server) == TLS_WANT_PSK)
            assert_ok(tls_psk(p->server, hex_lit(PSK_HEX)));
    }
    assert_int_equal(tls_state(p->server), TLS_OPEN);
    pair_close(p);
}

static void wrong_key_fails_at_both_ends(void **state)
{
    (void)state;
    struct pair *p = pair_new();
    pair_open(p, 50, IDENTITY, hex_lit(PSK_HEX), 0);
    exchange(p, hex_lit("00112233445566778899AABBCCDDEE00"));
    assert_int_equal(tls_state(p->server), TLS_FAILED);
    assert_int_equal(tls_err(p->server), ERR_VERIFY);
    assert_int_equal(tls_state(p->client), TLS_FAILED);
    assert_int_equal(tls_err(p->client), ERR_DENIED);
    assert_true(strlen(tls_error(p->server)) > 3);
    assert_fails(tls_write(p->client, SPAN_LIT("x"), &p->ws), ERR_STATE);
    pair_close(p);
}

static void unknown_identity_is_refused(void **state)
{
    (void)state;
    struct pair *p = pair_new();
    pair_open(p, 50, "somebody else", hex_lit(PSK_HEX), 0);
    exchange(p, SPAN_NONE);
    assert_string_equal(tls_identity(p->server), "somebody else");
    assert_int_equal(tls_err(p->server), ERR_NOT_FOUND);
    assert_int_equal(tls_err(p->client), ERR_DENIED);
    assert_non_null(strstr(tls_error(p->client), "psk identity"));
    pair_close(p);
}

static void the_longest_identity_fits(void **state)
{
    (void)state;
    char identity[TLS_IDENTITY_MAX + 2];
    struct tls *t = NULL;
    memset(identity, 'A', sizeof identity);
    identity[TLS_IDENTITY_MAX] = 0;
    struct pair *p = pair_new();
    pair_open(p, 33, identity, hex_lit(PSK_HEX), 0);
    exchange(p, hex_lit(PSK_HEX));
    assert_int_equal(tls_state(p->client), TLS_OPEN);
    assert_string_equal(tls_identity(p->server), identity);
    struct span key = hex_lit(PSK_HEX), id = { (uint8_t *)identity, sizeof identity };
    assert_fails(tls_client_new(p->client_ctx, id, key, &t), ERR_BAD_LENGTH);
    assert_fails(tls_client_new(p->client_ctx, SPAN_NONE, key, &t), ERR_BAD_LENGTH);
    assert_fails(tls_client_new(p->client_ctx, SPAN_LIT("a\0b"), key, &t), ERR_BAD_VALUE);
    assert_fails(tls_client_new(p->client_ctx, SPAN_LIT("a"), SPAN_NONE, &t), ERR_BAD_LENGTH);
    assert_fails(tls_client_new(p->server_ctx, SPAN_LIT("a"), key, &t), ERR_STATE);
    assert_fails(tls_psk(p->server, key), ERR_STATE);
    pair_close(p);
}

static void garbage_is_not_tls(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "474554202F20485454502F312E310D0A0D0A", /* GET / HTTP/1.1 */
        "1603010005FFFFFFFFFF",                 /* a record of nonsense */
        "160301FFFF",                           /* a length over the limit */
        "1603030006100000020000",                             /* ClientKeyExchange before any ClientHello */
        "17030300100000000000000000000000000000000000000000", /* data before the handshake */
        "80 2E 01 00 02 00 15 00 00 00 10 00 00 00 00 00 00", /* SSLv2 hello */
        "15030300020228",                                     /* an alert at once */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pair *p = pair_new();
        pair_open(p, 1, IDENTITY, hex_lit(PSK_HEX), 0);
        wr_bytes(&p->ws, hex_lit(rows[i]));
        wr_fill(&p->ws, 0, 64);
        deliver(p, p->server, &p->ws, &p->wc, &p->ps);
        assert_int_equal(tls_state(p->server), TLS_FAILED);
        assert_int_not_equal(tls_err(p->server), ERR_NONE);
        assert_int_equal(tls_step(p->server, SPAN_LIT("more"), &p->wc, &p->ps), TLS_FAILED);
        assert_int_equal(p->ps.len, 0);
        pair_close(p);
    }
}

static void every_flipped_octet_is_noticed(void **state)
{
    (void)state;
    struct pair *p = pair_new();
    WRITER_ON_STACK(record, 300);
    pair_open(p, 100000, IDENTITY, hex_lit(PSK_HEX), 0);
    exchange(p, hex_lit(PSK_HEX));
    assert_ok(tls_write(p->client, SPAN_LIT("a message"), &record));
    record.buf[record.len - 4] ^= 0x10;
    assert_int_equal(tls_step(p->server, wr_span(&record), &p->wc, &p->ps), TLS_FAILED);
    assert_int_equal(tls_err(p->server), ERR_VERIFY);
    assert_int_equal(p->ps.len, 0);
    pair_close(p);
}

static void held_input_has_a_ceiling(void **state)
{
    (void)state;
    struct pair *p = pair_new();
    uint8_t zeroes[1000] = { 0 };
    pair_open(p, 100000, IDENTITY, hex_lit(PSK_HEX), 0);
    tls_step(p->client, SPAN_NONE, &p->ws, &p->pc);
    deliver(p, p->server, &p->ws, &p->wc, &p->ps);
    deliver(p, p->client, &p->wc, &p->ws, &p->pc);
    deliver(p, p->server, &p->ws, &p->wc, &p->ps);
    assert_int_equal(tls_state(p->server), TLS_WANT_PSK);
    for (int i = 0; i < 70; i++)
        tls_step(p->server, SPAN_OF(zeroes), &p->wc, &p->ps);
    assert_int_equal(tls_state(p->server), TLS_FAILED);
    assert_int_equal(tls_err(p->server), ERR_TOO_LONG);
    pair_close(p);
}

/* ---- a foreign peer: the openssl command ---- */

static pid_t spawn(const char *const argv[], int *ret_in, int *ret_out)
{
    int in[2], out[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(out[1], 2);
        close(in[1]);
        close(out[0]);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    *ret_in = in[1];
    *ret_out = out[0];
    return pid;
}

static int listen_anywhere(char *ret_port, size_t cap)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    snprintf(ret_port, cap, "127.0.0.1:%u", ntohs(a.sin_port));
    return fd;
}

static void send_all(int fd, struct writer *w)
{
    assert_int_equal(write(fd, w->buf, w->len), (ssize_t)w->len);
    w->len = 0;
}

/* Moves bytes between the socket and the engine until `until` has arrived in clear. */
static void talk(struct tls *t, int fd, struct writer *plain, const char *until, const char *say)
{
    uint8_t in[4096], out[20000];
    struct writer w = wr_of(out, sizeof out);
    tls_step(t, SPAN_NONE, &w, plain);
    for (int i = 0; i < 400; i++) {
        if (tls_state(t) == TLS_WANT_PSK) {
            assert_string_equal(tls_identity(t), IDENTITY);
            assert_ok(tls_psk(t, hex_lit(PSK_HEX)));
            tls_step(t, SPAN_NONE, &w, plain);
        }
        if (tls_state(t) == TLS_OPEN && say) {
            assert_ok(tls_write(t, span_text(say), &w));
            say = NULL;
        }
        send_all(fd, &w);
        if (plain->len >= strlen(until) && memmem(plain->buf, plain->len, until, strlen(until)))
            return;
        struct pollfd p = { fd, POLLIN, 0 };
        if (poll(&p, 1, 5000) <= 0)
            break;
        ssize_t n = read(fd, in, sizeof in);
        if (n <= 0)
            break;
        tls_step(t, (struct span){ in, (size_t)n }, &w, plain);
    }
    fail_msg("the foreign peer did not say \"%s\" (state %d, %s)", until, tls_state(t), tls_error(t));
}

static void collect(int fd, char *text, size_t cap, const char *until)
{
    size_t len = 0;
    while (len + 1 < cap) {
        struct pollfd p = { fd, POLLIN, 0 };
        ssize_t n = poll(&p, 1, 5000) > 0 ? read(fd, text + len, cap - len - 1) : 0;
        if (n <= 0)
            break;
        len += (size_t)n;
        text[len] = 0;
        if (strstr(text, until))
            return;
    }
    text[len] = 0;
    fail_msg("no \"%s\" in: %s", until, text);
}

static void stop(pid_t pid, int in, int out)
{
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    close(in);
    close(out);
}

static void serves_openssl(void **state)
{
    const char *suite = *state;
    char port[40], seen[8192] = "";
    int in, out, listener = listen_anywhere(port, sizeof port);
    const char *const argv[] = { "openssl",       "s_client", "-connect", port,    "-tls1_2",
                                 "-psk_identity", IDENTITY,   "-psk",     PSK_HEX, "-cipher",
                                 suite,           "-quiet",   NULL };
    pid_t pid = spawn(argv, &in, &out);
    int fd = accept(listener, NULL, NULL);
    struct tls_ctx *ctx = NULL;
    struct tls *t = NULL;
    WRITER_ON_STACK(plain, 4096);
    assert_ok(tls_ctx_new(TLS_SERVER, TLS_ALLOW_CBC_SHA1, &ctx));
    assert_ok(tls_server_new(ctx, &t));
    assert_int_equal(write(in, "hello from there\n", 17), 17);
    talk(t, fd, &plain, "hello from there\n", "hello from here\n");
    assert_string_equal(tls_suite(t), suite);
    collect(out, seen, sizeof seen, "hello from here");
    stop(pid, in, out);
    tls_free(t);
    tls_ctx_free(ctx);
    close(fd);
    close(listener);
}

static int connect_to(const char *address)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (struct sockaddr *)&a, sizeof a) == 0 ? fd : (close(fd), -1);
}

static void client_of_openssl(void **state)
{
    const char *suite = *state;
    char port[40], seen[8192] = "";
    int in, out, fd, listener = listen_anywhere(port, sizeof port);
    close(listener); /* the port is free again for s_server */
    const char *const argv[] = { "openssl",       "s_server", "-accept", port,    "-tls1_2",
                                 "-psk_identity", IDENTITY,   "-psk",    PSK_HEX, "-cipher",
                                 suite,           "-nocert",  NULL };
    pid_t pid = spawn(argv, &in, &out);
    collect(out, seen, sizeof seen, "ACCEPT");
    assert_true((fd = connect_to(port)) >= 0);
    struct tls_ctx *ctx = NULL;
    struct tls *t = NULL;
    WRITER_ON_STACK(plain, 4096);
    assert_ok(tls_ctx_new(TLS_CLIENT, TLS_ALLOW_CBC_SHA1, &ctx));
    assert_ok(tls_client_new(ctx, span_text(IDENTITY), hex_lit(PSK_HEX), &t));
    assert_int_equal(write(in, "hello from there\n", 17), 17);
    talk(t, fd, &plain, "hello from there\n", "hello from here\n");
    assert_string_equal(tls_suite(t), suite);
    collect(out, seen, sizeof seen, "hello from here");
    stop(pid, in, out);
    tls_free(t);
    tls_ctx_free(ctx);
    close(fd);
}

/* A foreign client that only has suites we do not offer is turned away. */
static void strange_suites_find_no_match(void **state)
{
    (void)state;
    char port[40];
    int in, out, listener = listen_anywhere(port, sizeof port);
    const char *const argv[] = {
        "openssl", "s_client", "-connect",           port,     "-tls1_2", "-psk_identity", IDENTITY, "-psk",
        PSK_HEX,   "-cipher",  "PSK-AES128-CBC-SHA", "-quiet", NULL
    };
    pid_t pid = spawn(argv, &in, &out);
    int fd = accept(listener, NULL, NULL);
    struct tls_ctx *ctx = NULL;
    struct tls *t = NULL;
    uint8_t hello[2048];
    WRITER_ON_STACK(w, TLS_FLIGHT_MAX);
    assert_ok(tls_ctx_new(TLS_SERVER, 0, &ctx));
    assert_ok(tls_server_new(ctx, &t));
    ssize_t n = read(fd, hello, sizeof hello);
    assert_true(n > 0);
    assert_int_equal(tls_step(t, (struct span){ hello, (size_t)n }, &w, NULL), TLS_FAILED);
    assert_int_equal(tls_err(t), ERR_BAD_VALUE);
    assert_int_equal(w.buf[0], 0x15); /* and says so by an alert */
    stop(pid, in, out);
    tls_free(t);
    tls_ctx_free(ctx);
    close(fd);
    close(listener);
}

static char gcm[] = "PSK-AES128-GCM-SHA256", cbc[] = "PSK-AES128-CBC-SHA256", sha1[] = "PSK-AES128-CBC-SHA";

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshake_in_pieces),
        cmocka_unit_test(data_flows_both_ways_and_ends),
        cmocka_unit_test(half_a_record_is_not_more),
        cmocka_unit_test(small_rooms_lose_nothing),
        cmocka_unit_test(handshake_through_a_narrow_exit),
        cmocka_unit_test(wrong_key_fails_at_both_ends),
        cmocka_unit_test(unknown_identity_is_refused),
        cmocka_unit_test(the_longest_identity_fits),
        cmocka_unit_test(garbage_is_not_tls),
        cmocka_unit_test(every_flipped_octet_is_noticed),
        cmocka_unit_test(held_input_has_a_ceiling),
        cmocka_unit_test_prestate(serves_openssl, gcm),
        cmocka_unit_test_prestate(serves_openssl, cbc),
        cmocka_unit_test_prestate(serves_openssl, sha1),
        cmocka_unit_test_prestate(client_of_openssl, gcm),
        cmocka_unit_test_prestate(client_of_openssl, cbc),
        cmocka_unit_test_prestate(client_of_openssl, sha1),
        cmocka_unit_test(strange_suites_find_no_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
