/* Mutual TLS between servers: both ends in memory, with certificates as the factory issues them, judged at a clock's
 * time. */
#include <stdlib.h>
#include <unistd.h>

#include "lib/crypto/keystore_soft.h"
#include "lib/crypto/openssl.h"
#include "lib/crypto/tls_mutual.h"
#include "lib/pki/x509.h"
#include "tests/support/test.h"

#define YEAR_MS (365ull * 86400000)
#define NOW_MS  1800000000000ull

struct fixed_clock {
    struct clock clock;
    uint64_t now_ms;
};

static uint64_t fixed_now(struct clock *clock) { return ((struct fixed_clock *)clock)->now_ms; }

static char folder[] = "/tmp/osprey-mutual-XXXXXX";

/* A CI and two servers of it, as files; `prefix` keeps several such families apart. */
struct family {
    char ca[80], chain[2][80], key[2][80];
};

static void put(const char *path, struct span bytes)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
    fclose(f);
}

static struct x509 *put_certificate(const char *path, const struct x509_request *q)
{
    WRITER_ON_STACK(pem, X509_PEM_MAX);
    struct x509 *x = NULL;
    assert_ok(x509_issue(q, &x));
    x509_pem(x, &pem);
    put(path, wr_span(&pem));
    return x;
}

static struct family family_make(const char *prefix, enum ec_curve ca_curve)
{
    static const char *const oids[2] = { "2.999.3", "2.999.4" };
    struct family f;
    struct ec_key *ca_key = NULL;
    snprintf(f.ca, sizeof f.ca, "%s/%s-ca.pem", folder, prefix);
    assert_ok(ec_generate(ca_curve, NULL, &ca_key));
    struct x509_request q = { .kind = X509_CI,
                              .common_name = prefix,
                              .from_ms = NOW_MS - YEAR_MS,
                              .to_ms = NOW_MS + 20 * YEAR_MS,
                              .subject = ca_key,
                              .issuer_key = ca_key };
    struct x509 *ca = put_certificate(f.ca, &q);
    for (int i = 0; i < 2; i++) {
        struct ec_key *key = NULL;
        char *pem = NULL;
        snprintf(f.chain[i], sizeof f.chain[i], "%s/%s-%d.pem", folder, prefix, i);
        snprintf(f.key[i], sizeof f.key[i], "%s/%s-%d.key", folder, prefix, i);
        assert_ok(ec_generate(EC_P256, NULL, &key));
        q = (struct x509_request){ .kind = X509_TLS,
                                   .common_name = "a server",
                                   .oid = oids[i],
                                   .from_ms = NOW_MS - YEAR_MS,
                                   .to_ms = NOW_MS + YEAR_MS,
                                   .subject = key,
                                   .issuer = ca,
                                   .issuer_key = ca_key };
        x509_free(put_certificate(f.chain[i], &q));
        assert_ok(ec_private_pem(key, &pem));
        put(f.key[i], span_text(pem));
        ec_pem_free(pem);
        ec_key_free(key);
    }
    x509_free(ca);
    ec_key_free(ca_key);
    return f;
}

static struct family good, other, brainpool;
static struct fixed_clock now = { { fixed_now, NULL }, NOW_MS };

static struct ssl_ctx_st *context(const struct family *own, const struct family *trusted, int i, struct clock *clock)
{
    struct ssl_ctx_st *c = NULL;
    const struct tls_mutual_options o = {
        .chain_file = own->chain[i], .key_file = own->key[i], .ca_file = trusted->ca, .clock = clock, .server = i == 0
    };
    assert_ok(tls_mutual_ctx(&o, &c, NULL, 0));
    return c;
}

struct line {
    SSL *server, *client;
    bool open;
};

static struct line connected(struct ssl_ctx_st *server, struct ssl_ctx_st *client)
{
    BIO *a, *b;
    uint8_t octet = 'x';
    struct line l = { SSL_new(server), SSL_new(client), false };
    assert_int_equal(BIO_new_bio_pair(&a, 65536, &b, 65536), 1);
    SSL_set_bio(l.server, a, a);
    SSL_set_bio(l.client, b, b);
    SSL_set_accept_state(l.server);
    SSL_set_connect_state(l.client);
    for (int i = 0; i < 10; i++) {
        SSL_do_handshake(l.client);
        SSL_do_handshake(l.server);
    }
    /* in TLS 1.3 the client learns only by reading that it was refused */
    l.open = SSL_is_init_finished(l.server) && SSL_is_init_finished(l.client) && SSL_write(l.client, &octet, 1) == 1 &&
             SSL_read(l.server, &octet, 1) == 1;
    ERR_clear_error();
    return l;
}

static void line_close(struct line l, struct ssl_ctx_st *server, struct ssl_ctx_st *client)
{
    SSL_free(l.server);
    SSL_free(l.client);
    tls_mutual_ctx_free(server);
    tls_mutual_ctx_free(client);
}

static void partners_know_each_other_by_oid(void **state)
{
    (void)state;
    const struct family *families[] = { &good, &brainpool };
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        char oid[TLS_OID_MAX];
        struct ssl_ctx_st *s = context(families[i], families[i], 0, &now.clock),
                          *c = context(families[i], families[i], 1, &now.clock);
        struct line l = connected(s, c);
        assert_true(l.open);
        assert_ok(tls_peer_oid(l.server, oid));
        assert_string_equal(oid, "2.999.4");
        assert_ok(tls_peer_oid(l.client, oid));
        assert_string_equal(oid, "2.999.3");
        assert_string_equal(tls_peer_fault(l.server), "");
        line_close(l, s, c);
    }
}

static void time_is_the_clocks(void **state)
{
    (void)state;
    struct fixed_clock late = { { fixed_now, NULL }, NOW_MS + 2 * YEAR_MS },
                       early = { { fixed_now, NULL }, NOW_MS - 2 * YEAR_MS };
    struct ssl_ctx_st *s = context(&good, &good, 0, &late.clock), *c = context(&good, &good, 1, &now.clock);
    struct line l = connected(s, c);
    assert_false(l.open);
    assert_non_null(strstr(tls_peer_fault(l.server), "expired"));
    line_close(l, s, c);
    s = context(&good, &good, 0, &now.clock), c = context(&good, &good, 1, &early.clock);
    l = connected(s, c);
    assert_false(l.open);
    assert_non_null(strstr(tls_peer_fault(l.client), "not yet valid"));
    line_close(l, s, c);
}

static void strangers_stay_out(void **state)
{
    (void)state;
    struct ssl_ctx_st *s = context(&good, &good, 0, &now.clock), *c = context(&other, &good, 1, &now.clock);
    struct line l = connected(s, c);
    assert_false(l.open);
    assert_true(strlen(tls_peer_fault(l.server)) > 0);
    line_close(l, s, c);
    s = context(&good, &good, 0, &now.clock), c = context(&good, &other, 1, &now.clock);
    l = connected(s, c);
    assert_false(l.open);
    assert_true(strlen(tls_peer_fault(l.client)) > 0);
    line_close(l, s, c);
}

static void nobody_comes_without_certificate(void **state)
{
    (void)state;
    struct ssl_ctx_st *s = context(&good, &good, 0, &now.clock), *c = SSL_CTX_new(TLS_client_method());
    char oid[TLS_OID_MAX];
    struct line l = connected(s, c);
    assert_false(l.open);
    assert_fails(tls_peer_oid(l.server, oid), ERR_MISSING);
    line_close(l, s, c);
}

static void old_versions_are_refused(void **state)
{
    (void)state;
    struct ssl_ctx_st *s = context(&good, &good, 0, &now.clock), *c = context(&good, &good, 1, &now.clock);
    SSL_CTX_set_min_proto_version(c, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(c, TLS1_1_VERSION);
    SSL_CTX_set_cipher_list(c, "ALL:@SECLEVEL=0");
    struct line l = connected(s, c);
    assert_false(l.open);
    line_close(l, s, c);
}

static void faulty_files_are_named(void **state)
{
    (void)state;
    struct ssl_ctx_st *c = NULL;
    char detail[200] = "";
    struct tls_mutual_options o = { .chain_file = good.chain[0], .key_file = good.key[1], .ca_file = good.ca };
    assert_fails(tls_mutual_ctx(&o, &c, detail, sizeof detail), ERR_VERIFY);
    assert_non_null(strstr(detail, good.key[1]));
    o.key_file = "/nonexistent";
    assert_fails(tls_mutual_ctx(&o, &c, detail, sizeof detail), ERR_IO);
    assert_non_null(strstr(detail, "/nonexistent"));
    o.key_file = good.chain[0];
    assert_fails(tls_mutual_ctx(&o, &c, detail, sizeof detail), ERR_BAD_VALUE);
    o.key_file = good.key[0];
    o.ca_file = good.key[0];
    assert_fails(tls_mutual_ctx(&o, &c, detail, sizeof detail), ERR_BAD_VALUE);
    o.ca_file = NULL;
    assert_fails(tls_mutual_ctx(&o, &c, detail, sizeof detail), ERR_IO);
    assert_null(c);
    assert_int_equal(ERR_peek_error(), 0);
}

/* A wrapped key works with its key store, with the master key beside it, and with no other. */
static void wrapped_keys_are_opened(void **state)
{
    (void)state;
    struct keystore_soft *ks = NULL, *foreign = NULL;
    char master[80], wrapped[80], detail[200] = "";
    uint8_t zeroes[KEYSTORE_MASTER_LEN] = { 0 };
    struct ssl_ctx_st *c = NULL;
    snprintf(master, sizeof master, "%s/master.key", folder);
    snprintf(wrapped, sizeof wrapped, "%s/wrapped.key", folder);
    struct tls_mutual_options o = { .chain_file = good.chain[0], .key_file = wrapped, .ca_file = good.ca };
    assert_ok(keystore_soft_open(master, true, NULL, &ks));
    assert_ok(keystore_soft_load(ks, "tls", good.key[0], NULL));
    assert_ok(keystore_soft_save(ks, "tls", wrapped));
    assert_true(keystore_soft_is_wrapped(wrapped) && !keystore_soft_is_wrapped(good.key[0]));
    assert_ok(tls_mutual_ctx(&o, &c, detail, sizeof detail));
    tls_mutual_ctx_free(c);
    c = NULL;
    unlink(master);
    assert_fails(tls_mutual_ctx(&o, &c, detail, sizeof detail), ERR_NOT_FOUND);
    assert_non_null(strstr(detail, master));
    o.keystore = ks;
    assert_ok(tls_mutual_ctx(&o, &c, detail, sizeof detail));
    tls_mutual_ctx_free(c);
    c = NULL;
    assert_ok(keystore_soft_new(SPAN_OF(zeroes), NULL, &foreign));
    o.keystore = foreign;
    assert_fails(tls_mutual_ctx(&o, &c, detail, sizeof detail), ERR_VERIFY);
    o.keystore = ks;
    o.chain_file = good.chain[1];
    assert_fails(tls_mutual_ctx(&o, &c, detail, sizeof detail), ERR_VERIFY);
    unlink(wrapped);
    keystore_soft_free(ks);
    keystore_soft_free(foreign);
}

/* Without registeredID the OID may be the subject's serialNumber or CN. */
static void oids_hide_in_subjects(void **state)
{
    (void)state;
    static const struct {
        const char *cn, *oid;
    } rows[] = {
        { "2.999.77.1", "2.999.77.1" },
        { "server 2.999", NULL },
        { "1.2", NULL },
        { ".1.2.3", NULL },
        { "1..2.3", NULL },
    };
    struct ec_key *key = NULL;
    assert_ok(ec_generate(EC_P256, NULL, &key));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char oid[TLS_OID_MAX];
        struct x509 *x = NULL;
        const struct x509_request q = {
            .kind = X509_TLS, .common_name = rows[i].cn, .to_ms = NOW_MS, .subject = key, .issuer_key = key
        };
        assert_ok(x509_issue(&q, &x));
        assert_fails(tls_certificate_oid(x509_openssl(x), oid), rows[i].oid ? ERR_NONE : ERR_MISSING);
        if (rows[i].oid)
            assert_string_equal(oid, rows[i].oid);
        x509_free(x);
    }
    ec_key_free(key);
}

static int families_make(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    good = family_make("good", EC_P256);
    other = family_make("other", EC_P256);
    brainpool = family_make("brainpool", EC_BRAINPOOL_P256R1);
    return 0;
}

static int families_end(void **state)
{
    const struct family *families[] = { &good, &other, &brainpool };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        unlink(families[i]->ca);
        for (int j = 0; j < 2; j++) {
            unlink(families[i]->chain[j]);
            unlink(families[i]->key[j]);
        }
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partners_know_each_other_by_oid),
        cmocka_unit_test(time_is_the_clocks),
        cmocka_unit_test(strangers_stay_out),
        cmocka_unit_test(nobody_comes_without_certificate),
        cmocka_unit_test(old_versions_are_refused),
        cmocka_unit_test(faulty_files_are_named),
        cmocka_unit_test(oids_hide_in_subjects),
        cmocka_unit_test(wrapped_keys_are_opened),
    };
    return cmocka_run_group_tests(tests, families_make, families_end);
}
