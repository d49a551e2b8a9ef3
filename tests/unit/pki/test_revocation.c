/* Revocation lists: who is on one is refused, in whatever form its certificate is; who needs one and has none, too. openssl reads
 * what we write. */
#include <stdlib.h>
#include <unistd.h>

#include "lib/pki/chain.h"
#include "lib/pki/oid_octets.h"
#include "tests/support/test.h"

#define DAY_MS 86400000ull
#define NOW_MS 1800000000000ull /* 2027-01-15 */
#define CI_OID "2.999.1"

static struct ec_key *ci_key, *eum_key;
static struct x509 *ci, *ci_other, *eum, *eum_bad;
static struct trust trust;
static char folder[] = "/tmp/osprey-revocation-XXXXXX";

static struct ec_key *fresh(void)
{
    struct ec_key *key = NULL;
    assert_ok(ec_generate(EC_P256, NULL, &key));
    return key;
}

static struct x509 *issued(enum x509_kind kind, const char *oid, struct ec_key *subject, const struct x509 *issuer, struct ec_key *issuer_key)
{
    struct x509 *x = NULL;
    const struct x509_request q = { .kind = kind, .common_name = "one", .oid = oid, .from_ms = NOW_MS - 100 * DAY_MS, .to_ms = NOW_MS + 100 * DAY_MS,
                                    .subject = subject, .issuer = issuer, .issuer_key = issuer_key };
    assert_ok(x509_issue(&q, &x));
    return x;
}

static int make(void **state)
{
    (void)state;
    ci_key = fresh(), eum_key = fresh();
    ci = issued(X509_CI, CI_OID, ci_key, NULL, ci_key);
    ci_other = issued(X509_CI, CI_OID, eum_key, NULL, eum_key);
    eum = issued(X509_EUM, "2.999.2", eum_key, ci, ci_key);
    eum_bad = issued(X509_EUM, "2.999.2", eum_key, ci, ci_key);
    assert_ok(trust_add(&trust, ci));
    return mkdtemp(folder) ? 0 : 1;
}

static int end(void **state)
{
    (void)state;
    char command[80];
    trust_done(&trust);
    x509_free(ci_other), x509_free(eum), x509_free(eum_bad);
    ec_key_free(ci_key), ec_key_free(eum_key);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[2][80];
    static unsigned n;
    snprintf(path[++n % 2], sizeof path[0], "%s/%s", folder, name);
    return path[n % 2];
}

static struct span serial_of(const struct x509 *x, struct writer *w)
{
    x509_serial(x, w);
    return wr_span(w);
}

/* A list of that issuer and day with those serial numbers, behind what the file has already. */
static void list(const char *name, const char *mode, const struct x509 *issuer, struct ec_key *key, uint64_t from_ms, const char *former,
                 const struct span *serials, size_t count)
{
    uint8_t text[4096];
    struct writer pem = wr_of(text, sizeof text);
    const struct revocation_request q = { issuer, key, serials, count, former, from_ms, from_ms + 10 * DAY_MS };
    assert_ok(revocation_issue(&q, &pem));
    FILE *f = fopen(path_of(name), mode);
    assert_int_equal(fwrite(text, 1, pem.len, f), pem.len);
    assert_int_equal(fclose(f), 0);
}

static enum err judge_eum(const char *lists, bool required, const struct x509 *x, uint64_t now_ms)
{
    struct trust t = trust;
    assert_ok(trust_load_lists(&t, lists ? path_of(lists) : NULL, required));
    enum err err = chain_check_eum(&t, x, now_ms, NULL);
    revocation_free(t.lists);
    return err;
}

static void an_eum_on_the_list(void **state)
{
    (void)state;
    WRITER_ON_STACK(serial, X509_SERIAL_MAX);
    struct span bad = serial_of(eum_bad, &serial);
    list("one", "w", ci, ci_key, NOW_MS - DAY_MS, NULL, &bad, 1);
    assert_fails(judge_eum("one", false, eum_bad, NOW_MS), ERR_REVOKED);
    assert_fails(judge_eum("one", true, eum_bad, NOW_MS), ERR_REVOKED);
    assert_ok(judge_eum("one", true, eum, NOW_MS));
    /* the list is too old, or not begun: who is on it stays on it, who is not needs a new one */
    assert_fails(judge_eum("one", false, eum_bad, NOW_MS + 20 * DAY_MS), ERR_REVOKED);
    assert_ok(judge_eum("one", false, eum, NOW_MS + 20 * DAY_MS));
    assert_fails(judge_eum("one", true, eum, NOW_MS + 20 * DAY_MS), ERR_UNLISTED);
    assert_fails(judge_eum("one", true, eum, NOW_MS - 2 * DAY_MS), ERR_UNLISTED);
}

static void lists_of_others_do_not_count(void **state)
{
    (void)state;
    WRITER_ON_STACK(serial, X509_SERIAL_MAX);
    struct span good = serial_of(eum, &serial);
    list("other", "w", ci_other, eum_key, NOW_MS - DAY_MS, NULL, &good, 1); /* same name, another key */
    assert_ok(judge_eum("other", false, eum, NOW_MS));
    assert_fails(judge_eum("other", true, eum, NOW_MS), ERR_UNLISTED);
    list("other", "a", ci, ci_key, NOW_MS - DAY_MS, NULL, NULL, 0); /* both in one file */
    assert_ok(judge_eum("other", true, eum, NOW_MS));
}

static void a_list_grows(void **state)
{
    (void)state;
    WRITER_ON_STACK(a, X509_SERIAL_MAX);
    WRITER_ON_STACK(b, X509_SERIAL_MAX);
    struct span first = serial_of(eum_bad, &a), second = serial_of(eum, &b);
    list("grows", "w", ci, ci_key, NOW_MS - DAY_MS, path_of("none yet"), &first, 1);
    list("grows", "w", ci, ci_key, NOW_MS - DAY_MS, path_of("grows"), &second, 1);
    assert_fails(judge_eum("grows", false, eum_bad, NOW_MS), ERR_REVOKED);
    assert_fails(judge_eum("grows", false, eum, NOW_MS), ERR_REVOKED);
}

static void what_is_no_list(void **state)
{
    (void)state;
    struct revocation *r = NULL;
    struct trust t = trust;
    FILE *f = fopen(path_of("broken"), "w");
    fputs("-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n", f);
    fclose(f);
    f = fopen(path_of("empty"), "w");
    fclose(f);
    assert_fails(revocation_load(path_of("broken"), &r), ERR_BAD_VALUE);
    assert_fails(revocation_load(path_of("empty"), &r), ERR_BAD_VALUE);
    assert_fails(revocation_load(path_of("nowhere"), &r), ERR_IO);
    assert_fails(trust_load_lists(&t, NULL, true), ERR_MISSING);
    assert_ok(trust_load_lists(&t, NULL, false));
    assert_null(r);
}

/* ---- certificates of GlobalPlatform: the same numbers */

static struct span octets_of(const char *text)
{
    static uint8_t kept[4][OID_OCTETS_MAX];
    static unsigned n;
    struct oid oid;
    struct writer w = wr_of(kept[++n % 4], OID_OCTETS_MAX);
    assert_ok(oid_from_text(span_text(text), &oid));
    assert_ok(oid_to_octets(&oid, &w));
    return wr_span(&w);
}

static void card_certificates_too(void **state)
{
    (void)state;
    const struct span on_list[] = { SPAN_LIT("\x42\x17") };
    uint8_t point[EC_POINT_LEN], certificate[2][GP_CERTIFICATE_MAX];
    struct trust t = trust;
    ec_key_point(eum_key, point);
    struct gp_certificate c = { .ca_id = octets_of(CI_OID), .subject_id = octets_of("2.999.3"), .key_usage = GP_USAGE_VERIFY, .key_usage_len = 1,
                                .expiration = { 0x20, 0x30, 0x01, 0x01 }, .role = GP_ROLE_SM_SR, .curve = EC_P256, .point = SPAN_OF(point) };
    struct span shown[2];
    for (int bad = 0; bad < 2; bad++) {
        struct writer out = wr_of(certificate[bad], GP_CERTIFICATE_MAX);
        c.serial = bad ? SPAN_LIT("\x00\x42\x17") : SPAN_LIT("\x42\x18");
        assert_ok(gp_certificate_issue(&c, ci_key, &out));
        shown[bad] = wr_span(&out);
    }
    list("card", "w", ci, ci_key, NOW_MS - DAY_MS, NULL, on_list, 1);
    assert_ok(trust_load_lists(&t, path_of("card"), true));
    assert_ok(chain_check_server(&t, shown[0], GP_ROLE_SM_SR, NOW_MS, NULL));
    assert_fails(chain_check_server(&t, shown[1], GP_ROLE_SM_SR, NOW_MS, NULL), ERR_REVOKED);
    assert_ok(chain_check_own(&t, shown[0], NOW_MS));
    assert_fails(chain_check_own(&t, shown[1], NOW_MS), ERR_REVOKED);
    assert_fails(chain_check_own(&t, shown[0], NOW_MS + 20 * DAY_MS), ERR_UNLISTED);
    assert_fails(chain_check_own(&t, shown[0], NOW_MS + 3650 * DAY_MS), ERR_EXPIRED);
    revocation_free(t.lists);
}

/* An eUICC is on its EUM's list; the EUM need not have one. */
static void euiccs_too(void **state)
{
    (void)state;
    const struct span on_list[] = { SPAN_LIT("\x07") };
    WRITER_ON_STACK(out, GP_CERTIFICATE_MAX);
    uint8_t point[EC_POINT_LEN];
    struct span eid = hex_lit("89001012012341234012345678901224");
    ec_key_point(eum_key, point);
    const struct gp_certificate c = { .serial = SPAN_LIT("\x07"), .ca_id = octets_of("2.999.2"), .subject_id = eid, .key_usage = GP_USAGE_AGREEMENT,
                                      .key_usage_len = 2, .expiration = { 0x20, 0x30, 0x01, 0x01 }, .image_number = SPAN_LIT("\x01"),
                                      .curve = EC_P256, .point = SPAN_OF(point) };
    assert_ok(gp_certificate_issue(&c, eum_key, &out));
    for (int listed = 0; listed < 2; listed++) {
        struct trust t = trust;
        list("euicc", "w", ci, ci_key, NOW_MS - DAY_MS, NULL, on_list, 1); /* of the CI: another certificate has that number there */
        if (listed)
            list("euicc", "a", eum, eum_key, NOW_MS - DAY_MS, NULL, on_list, 1);
        assert_ok(trust_load_lists(&t, path_of("euicc"), true));
        enum err err = chain_check_euicc(&t, eum, wr_span(&out), eid, NOW_MS, NULL);
        assert_int_equal(err, listed ? ERR_REVOKED : ERR_NONE);
        revocation_free(t.lists);
    }
}

static void openssl_reads_it(void **state)
{
    (void)state;
    char command[300];
    uint8_t text[4096];
    struct writer pem = wr_of(text, sizeof text);
    const struct span on_list[] = { SPAN_LIT("\x42\x17") };
    list("read", "w", ci, ci_key, NOW_MS - DAY_MS, NULL, on_list, 1);
    x509_pem(ci, &pem);
    FILE *f = fopen(path_of("ci.pem"), "w");
    fwrite(text, 1, pem.len, f);
    fclose(f);
    snprintf(command, sizeof command, "openssl crl -in %s/read -CAfile %s/ci.pem -noout -text 2>&1 | grep -q 'Serial Number: 4217' && "
             "openssl crl -in %s/read -CAfile %s/ci.pem -noout 2>&1 | grep -q 'verify OK'", folder, folder, folder, folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_eum_on_the_list), cmocka_unit_test(lists_of_others_do_not_count), cmocka_unit_test(a_list_grows),
        cmocka_unit_test(what_is_no_list),    cmocka_unit_test(card_certificates_too),        cmocka_unit_test(euiccs_too),
        cmocka_unit_test(openssl_reads_it),
    };
    return cmocka_run_group_tests(tests, make, end);
}
