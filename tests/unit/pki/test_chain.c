/* X.509 and the chain CI, EUM, eUICC, servers: ours judged by openssl, theirs by us, and every way to be wrong. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/pki/chain.h"
#include "lib/pki/oid_octets.h"
#include "tests/support/test.h"

#define YEAR_MS (365ull * 86400000)
#define NOW_MS  1800000000000ull /* 2027-01-15 */
#define EUM_OID "1.3.6.1.4.1.31746.1.500.11.4"
#define CI_OID  "1.3.6.1.4.1.31746.1.1"

static struct world {
    struct ec_key *ci_key, *eum_key, *dp_key, *ecasd_key;
    struct x509 *ci, *eum, *tls;
    struct trust trust;
    struct span eid;
} w;

static struct ec_key *fresh(void)
{
    struct ec_key *key = NULL;
    assert_ok(ec_generate(EC_P256, NULL, &key));
    return key;
}

static struct x509 *issued(enum x509_kind kind, const char *name, const char *oid, struct ec_key *subject,
                           const struct x509 *issuer, struct ec_key *issuer_key, uint64_t from_ms, uint64_t to_ms)
{
    struct x509 *x = NULL;
    const struct x509_request q = { .kind = kind,
                                    .organisation = "Osprey test",
                                    .common_name = name,
                                    .oid = oid,
                                    .dns_names = { "localhost", "127.0.0.1" },
                                    .from_ms = from_ms,
                                    .to_ms = to_ms,
                                    .subject = subject,
                                    .issuer = issuer,
                                    .issuer_key = issuer_key };
    assert_ok(x509_issue(&q, &x));
    return x;
}

static int world_make(void **state)
{
    (void)state;
    w.ci_key = fresh(), w.eum_key = fresh(), w.dp_key = fresh(), w.ecasd_key = fresh();
    w.ci = issued(X509_CI, "CI", CI_OID, w.ci_key, NULL, w.ci_key, NOW_MS - YEAR_MS, NOW_MS + 30 * YEAR_MS);
    w.eum = issued(X509_EUM, "EUM", EUM_OID, w.eum_key, w.ci, w.ci_key, NOW_MS - YEAR_MS, NOW_MS + 10 * YEAR_MS);
    w.tls = issued(X509_TLS, "SM-DP", "1.3.6.1.4.1.31746.1.7", w.dp_key, w.ci, w.ci_key, NOW_MS - YEAR_MS,
                   NOW_MS + YEAR_MS);
    assert_ok(trust_add(&w.trust, w.ci));
    w.eid = hex_lit("89001012012341234012345678901224");
    return 0;
}

static int world_end(void **state)
{
    (void)state;
    trust_done(&w.trust);
    x509_free(w.eum);
    x509_free(w.tls);
    ec_key_free(w.ci_key);
    ec_key_free(w.eum_key);
    ec_key_free(w.dp_key);
    ec_key_free(w.ecasd_key);
    return 0;
}

static struct span octets_of(const char *oid)
{
    static uint8_t memory[8][OID_OCTETS_MAX];
    static size_t next;
    struct writer out = wr_of(memory[next++ % 8], OID_OCTETS_MAX);
    struct oid o;
    assert_ok(oid_from_text(span_text(oid), &o));
    assert_ok(oid_to_octets(&o, &out));
    return wr_span(&out);
}

/* ---- X.509 ---- */

static void fields_come_back(void **state)
{
    (void)state;
    struct oid oid;
    char subject[X509_NAME_TEXT_MAX];
    uint8_t ski[X509_SKI_LEN], want[GP_SKI_LEN];
    uint64_t from, to;
    struct ec_key *key = NULL;
    assert_ok(x509_oid(w.eum, &oid));
    assert_string_equal(oid.text, EUM_OID);
    x509_subject(w.eum, subject, sizeof subject);
    assert_string_equal(subject, "CN=EUM,O=Osprey test");
    assert_ok(x509_ski(w.eum, ski));
    assert_ok(gp_ski(w.eum_key, want));
    assert_span_equal(SPAN_OF(ski), SPAN_OF(want));
    x509_validity(w.eum, &from, &to);
    assert_int_equal(from, NOW_MS - YEAR_MS);
    assert_int_equal(to, NOW_MS + 10 * YEAR_MS);
    assert_ok(x509_key(w.eum, &key));
    assert_false(ec_key_is_private(key));
    ec_key_free(key);
    assert_true(x509_is_ca(w.ci) && x509_is_ca(w.eum) && !x509_is_ca(w.tls));
}

static void der_and_pem_read_back(void **state)
{
    (void)state;
    WRITER_ON_STACK(der, X509_DER_MAX);
    WRITER_ON_STACK(pem, X509_PEM_MAX);
    WRITER_ON_STACK(again, X509_DER_MAX);
    struct x509 *x = NULL;
    x509_der(w.tls, &der);
    x509_pem(w.tls, &pem);
    assert_ok(x509_read(wr_span(&pem), &x));
    x509_der(x, &again);
    assert_span_equal(wr_span(&again), wr_span(&der));
    x509_free(x);
    assert_fails(x509_read(span_sub(wr_span(&der), 0, der.len - 1), &x), ERR_BAD_VALUE);
    wr_u8(&der, 0);
    assert_fails(x509_read(wr_span(&der), &x), ERR_BAD_VALUE);
    assert_fails(x509_read(SPAN_NONE, &x), ERR_BAD_VALUE);
    assert_fails(x509_load("/nonexistent/x.pem", &x), ERR_NOT_FOUND);
}

static void issuers_are_told_apart(void **state)
{
    (void)state;
    struct ec_key *other_key = fresh();
    struct x509 *other = issued(X509_CI, "CI", CI_OID, other_key, NULL, other_key, NOW_MS - YEAR_MS, NOW_MS + YEAR_MS);
    assert_ok(x509_issued_by(w.eum, w.ci, NOW_MS));
    assert_ok(x509_issued_by(w.ci, w.ci, NOW_MS));
    assert_fails(x509_issued_by(w.eum, other, NOW_MS), ERR_VERIFY);
    assert_fails(x509_issued_by(w.ci, w.eum, NOW_MS), ERR_VERIFY);
    assert_fails(x509_issued_by(w.eum, w.tls, NOW_MS), ERR_BAD_VALUE);
    assert_fails(x509_issued_by(w.eum, w.ci, NOW_MS + 11 * YEAR_MS), ERR_EXPIRED);
    assert_fails(x509_issued_by(w.eum, w.ci, NOW_MS - 2 * YEAR_MS), ERR_EXPIRED);
    x509_free(other);
    ec_key_free(other_key);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    struct x509 *x = NULL;
    struct x509_request q = { .kind = X509_TLS,
                              .common_name = "x",
                              .oid = "1.2.3",
                              .from_ms = 0,
                              .to_ms = YEAR_MS,
                              .subject = w.dp_key,
                              .issuer = w.ci,
                              .issuer_key = w.ci_key };
    q.dns_names[0] = "a,RID:1.2.4"; /* a second identity smuggled in by a name */
    assert_fails(x509_issue(&q, &x), ERR_BAD_VALUE);
    q.dns_names[0] = NULL;
    q.oid = "not an oid";
    assert_fails(x509_issue(&q, &x), ERR_BAD_VALUE);
    q.oid = "1.2.3,DNS:elsewhere";
    assert_fails(x509_issue(&q, &x), ERR_BAD_VALUE);
    q.oid = "1.2.3";
    q.to_ms = 0;
    assert_fails(x509_issue(&q, &x), ERR_BAD_VALUE);
    struct ec_key *public = NULL;
    assert_ok(x509_key(w.ci, &public));
    q.to_ms = YEAR_MS;
    q.issuer_key = public;
    assert_fails(x509_issue(&q, &x), ERR_MISSING);
    ec_key_free(public);
}

static void put_pem(const char *path, const struct x509 *x)
{
    WRITER_ON_STACK(pem, X509_PEM_MAX);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    x509_pem(x, &pem);
    fwrite(pem.buf, 1, pem.len, f);
    fclose(f);
}

/* The openssl command is another judge: chain, purposes, and the name as it prints it. */
static void openssl_agrees(void **state)
{
    (void)state;
    char folder[] = "/tmp/osprey-chain-XXXXXX", command[1024], path[3][64];
    struct trust t = { 0 };
    assert_non_null(mkdtemp(folder));
    snprintf(path[0], sizeof path[0], "%s/ci.pem", folder);
    snprintf(path[1], sizeof path[1], "%s/eum.pem", folder);
    snprintf(path[2], sizeof path[2], "%s/tls.pem", folder);
    put_pem(path[0], w.ci);
    put_pem(path[1], w.eum);
    put_pem(path[2], w.tls);
    snprintf(command, sizeof command,
             "cd %s && openssl verify -x509_strict -attime %llu -CAfile ci.pem eum.pem >/dev/null && "
             "openssl verify -x509_strict -attime %llu -purpose sslserver -CAfile ci.pem tls.pem >/dev/null && "
             "openssl verify -x509_strict -attime %llu -purpose sslclient -CAfile ci.pem tls.pem >/dev/null && "
             "! openssl verify -attime %llu -CAfile ci.pem tls.pem >/dev/null 2>&1 && "
             "openssl x509 -in eum.pem -noout -ext subjectAltName | grep -q 'Registered ID:%s'",
             folder, NOW_MS / 1000, NOW_MS / 1000, NOW_MS / 1000, (NOW_MS + 2 * YEAR_MS) / 1000, EUM_OID);
    assert_int_equal(system(command), 0);
    assert_ok(trust_load(&t, path[0]));
    assert_int_equal(t.count, 1);
    assert_ok(chain_check_eum(&t, w.eum, NOW_MS, NULL));
    trust_done(&t);
    for (size_t i = 0; i < 3; i++)
        unlink(path[i]);
    assert_fails(trust_load(&t, path[0]), ERR_IO);
    rmdir(folder);
}

/* ---- the eUICC's certificate ---- */

static struct gp_certificate ecasd_fields(uint8_t point[EC_POINT_LEN])
{
    ec_key_point(w.ecasd_key, point);
    return (struct gp_certificate){
        .serial = SPAN_LIT("\x01"),
        .ca_id = octets_of(EUM_OID),
        .subject_id = w.eid,
        .key_usage = GP_USAGE_AGREEMENT,
        .key_usage_len = 2,
        .expiration = { 0x20, 0x40, 0x01, 0x01 },
        .image_number = SPAN_LIT("\x01"),
        .curve = EC_P256,
        .point = { point, EC_POINT_LEN },
    };
}

static enum err judge_euicc(const struct gp_certificate *fields, struct ec_key *signer, const struct x509 *eum,
                            uint64_t now_ms)
{
    WRITER_ON_STACK(out, GP_CERTIFICATE_MAX);
    struct ec_key *key = NULL;
    assert_ok(gp_certificate_issue(fields, signer, &out));
    enum err err = chain_check_euicc(&w.trust, eum, wr_span(&out), w.eid, now_ms, &key);
    if (err == ERR_NONE) {
        uint8_t point[EC_POINT_LEN];
        ec_key_point(key, point);
        assert_span_equal(SPAN_OF(point), fields->point);
    }
    ec_key_free(key);
    return err;
}

static void the_euicc_belongs_to_its_eum(void **state)
{
    (void)state;
    uint8_t point[EC_POINT_LEN];
    struct gp_certificate c = ecasd_fields(point);
    assert_ok(judge_euicc(&c, w.eum_key, w.eum, NOW_MS));
    assert_fails(judge_euicc(&c, w.ci_key, w.eum, NOW_MS), ERR_VERIFY);
    assert_fails(judge_euicc(&c, w.eum_key, w.eum, NOW_MS + 20 * YEAR_MS), ERR_EXPIRED);
    assert_fails(judge_euicc(&c, w.eum_key, w.eum, NOW_MS + 12 * YEAR_MS), ERR_EXPIRED); /* the EUM's own */
    c.subject_id = hex_lit("89044045113010000000000000000002");
    assert_fails(judge_euicc(&c, w.eum_key, w.eum, NOW_MS), ERR_BAD_VALUE);
    c = ecasd_fields(point);
    c.ca_id = octets_of("1.2.3");
    assert_fails(judge_euicc(&c, w.eum_key, w.eum, NOW_MS), ERR_BAD_VALUE);
    c = ecasd_fields(point);
    c.role = GP_ROLE_SM_DP;
    assert_fails(judge_euicc(&c, w.eum_key, w.eum, NOW_MS), ERR_BAD_VALUE);
    c = ecasd_fields(point);
    point[64] ^= 1; /* signed, but off the curve */
    assert_fails(judge_euicc(&c, w.eum_key, w.eum, NOW_MS), ERR_BAD_VALUE);
}

static void a_foreign_eum_is_not_trusted(void **state)
{
    (void)state;
    uint8_t point[EC_POINT_LEN];
    struct gp_certificate c = ecasd_fields(point);
    struct ec_key *ci_key = fresh();
    struct x509 *ci = issued(X509_CI, "CI", CI_OID, ci_key, NULL, ci_key, NOW_MS - YEAR_MS, NOW_MS + YEAR_MS);
    struct x509 *eum = issued(X509_EUM, "EUM", EUM_OID, w.eum_key, ci, ci_key, NOW_MS - YEAR_MS, NOW_MS + YEAR_MS);
    assert_fails(judge_euicc(&c, w.eum_key, eum, NOW_MS), ERR_VERIFY);
    x509_free(eum);
    eum = issued(X509_TLS, "EUM", EUM_OID, w.eum_key, w.ci, w.ci_key, NOW_MS - YEAR_MS, NOW_MS + YEAR_MS);
    assert_fails(judge_euicc(&c, w.eum_key, eum, NOW_MS), ERR_BAD_VALUE); /* a server is no EUM */
    x509_free(eum);
    x509_free(ci);
    ec_key_free(ci_key);
}

/* ---- the servers' certificates for the card ---- */

static enum err judge_server(const struct gp_certificate *fields, struct ec_key *signer, uint64_t now_ms)
{
    WRITER_ON_STACK(out, GP_CERTIFICATE_MAX);
    struct ec_key *key = NULL;
    assert_ok(gp_certificate_issue(fields, signer, &out));
    enum err err = chain_check_server(&w.trust, wr_span(&out), GP_ROLE_SM_DP, now_ms, &key);
    assert_true((key != NULL) == (err == ERR_NONE));
    ec_key_free(key);
    return err;
}

static void servers_belong_to_the_ci(void **state)
{
    (void)state;
    uint8_t point[EC_POINT_LEN], ski[GP_SKI_LEN];
    ec_key_point(w.dp_key, point);
    assert_ok(gp_ski(w.ci_key, ski));
    struct gp_certificate good = {
        .serial = SPAN_LIT("\x01"),
        .ca_id = octets_of(CI_OID),
        .subject_id = octets_of("1.3.6.1.4.1.31746.1.7"),
        .key_usage = GP_USAGE_VERIFY,
        .key_usage_len = 1,
        .expiration = { 0x20, 0x30, 0x01, 0x01 },
        .role = GP_ROLE_SM_DP,
        .authority_key_id = SPAN_OF(ski),
        .curve = EC_P256,
        .point = SPAN_OF(point),
    };
    struct gp_certificate c = good;
    assert_ok(judge_server(&c, w.ci_key, NOW_MS));
    c.authority_key_id = SPAN_NONE;
    assert_ok(judge_server(&c, w.ci_key, NOW_MS));
    assert_fails(judge_server(&good, w.eum_key, NOW_MS), ERR_VERIFY);
    assert_fails(judge_server(&good, w.ci_key, NOW_MS + 4 * YEAR_MS), ERR_EXPIRED);
    c = good;
    c.role = GP_ROLE_SM_SR;
    assert_fails(judge_server(&c, w.ci_key, NOW_MS), ERR_BAD_VALUE);
    c = good;
    c.key_usage = GP_USAGE_AGREEMENT;
    c.key_usage_len = 2;
    assert_fails(judge_server(&c, w.ci_key, NOW_MS), ERR_BAD_VALUE);
    c = good;
    ski[0] ^= 1;
    assert_fails(judge_server(&c, w.ci_key, NOW_MS), ERR_VERIFY);
    struct trust nobody = { 0 };
    ski[0] ^= 1;
    WRITER_ON_STACK(out, GP_CERTIFICATE_MAX);
    assert_ok(gp_certificate_issue(&good, w.ci_key, &out));
    assert_fails(chain_check_server(&nobody, wr_span(&out), GP_ROLE_SM_DP, NOW_MS, NULL), ERR_VERIFY);
}

/* ---- object identifiers ---- */

static void oids_go_there_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *text, *octets;
    } rows[] = {
        { "1.2.840.10045.3.1.7", "2A8648CE3D030107" },
        { "1.3.6.1.4.1.31746.1.500.11.4", "2B0601040181F80201837"
                                          "40B04" },
        { "2.999.3", "883703" },
        { "0.39", "27" },
        { "2.5.29.32.0", "551D2000" },
        { "1.2.4294967295", "2A8FFFFFFF7F" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oid back;
        assert_span_equal(octets_of(rows[i].text), hex_lit(rows[i].octets));
        assert_ok(oid_from_octets(hex_lit(rows[i].octets), &back));
        assert_string_equal(back.text, rows[i].text);
    }
    static const char *const bad_octets[] = { "2A86", "2A8001", "FFFFFFFFFFFF7F", "" };
    for (size_t i = 0; i < ARRAY_LEN(bad_octets); i++) {
        struct oid out;
        assert_true(oid_from_octets(hex_lit(bad_octets[i]), &out) != ERR_NONE);
    }
    static const char *const bad_text[] = { "1", "3.1", "1.40", "1.2.4294967296", "1..2", "" };
    for (size_t i = 0; i < ARRAY_LEN(bad_text); i++) {
        WRITER_ON_STACK(out, OID_OCTETS_MAX);
        struct oid oid = { 0 };
        memcpy(oid.text, bad_text[i], strlen(bad_text[i]) + 1);
        assert_fails(oid_to_octets(&oid, &out), ERR_BAD_VALUE);
        assert_int_equal(out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_come_back),
        cmocka_unit_test(der_and_pem_read_back),
        cmocka_unit_test(issuers_are_told_apart),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(openssl_agrees),
        cmocka_unit_test(the_euicc_belongs_to_its_eum),
        cmocka_unit_test(a_foreign_eum_is_not_trusted),
        cmocka_unit_test(servers_belong_to_the_ci),
        cmocka_unit_test(oids_go_there_and_back),
    };
    return cmocka_run_group_tests(tests, world_make, world_end);
}
