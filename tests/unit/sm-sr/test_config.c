#include "sm-sr/config.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/pki/x509.h"

/* The configuration file: what is good, and what is told about what is not. */

#define DAY_MS (24ull * 3600 * 1000)
static char folder[] = "/tmp/smsr-config-XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[8][128];
    static unsigned n;
    char *path = paths[n++ % ARRAY_LEN(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void put_certificate(const char *name, enum x509_kind kind)
{
    struct ec_key *key;
    struct x509 *x;
    uint8_t pem[X509_PEM_MAX];
    struct writer w = wr_of(pem, sizeof pem - 1);
    assert_ok(ec_generate(EC_P256, NULL, &key));
    struct x509_request r = {
        .kind = kind, .common_name = "x", .oid = "1.2.3", .to_ms = 3000000000000ull, .subject = key, .issuer_key = key
    };
    assert_ok(x509_issue(&r, &x));
    x509_pem(x, &w);
    assert_ok(w.err);
    pem[w.len] = '\0';
    put(name, (const char *)pem);
    x509_free(x);
    ec_key_free(key);
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    put_certificate("ci.pem", X509_CI);
    put_certificate("eum.pem", X509_CI);
    put("kek", "00112233445566778899AABBCCDDEEFF\n");
    put("short", "0011\n");
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = { "ci.pem", "eum.pem", "kek", "short", "conf" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

#define GOOD                                                                                                           \
    "[sm-sr]\noid = 2.999.2\nurl = https://sr.example\nci = ci.pem\n"                                                  \
    "[tls]\ncertificate = x\nkey = y\ntrust = z\n"
#define EUM  "[partner eum]\noid = 2.999.3\nkinds = eum\ncertificate = eum.pem\ntransport_key = kek\n"
#define SMDP "[partner dp]\noid = 2.999.4\nkinds = sm-dp\nes3_url = https://dp/es3\nacts_for = 2.999.10, 2.999.11\n"

static enum err read_config(const char *text, struct smsr_config *ret, char *detail)
{
    static struct smsr_partner partners[SMSR_PARTNERS_MAX];
    static struct trust trust;
    struct config *file = NULL;
    put("conf", text);
    memset(&trust, 0, sizeof trust);
    enum err err = config_load(path_of("conf"), smsr_options, smsr_option_count, &file, detail);
    if (err == ERR_NONE)
        err = smsr_config_read(file, partners, &trust, ret, detail, CONFIG_DETAIL_MAX);
    config_free(file);
    return err;
}

static void a_good_one(void **state)
{
    struct smsr_config c;
    char detail[CONFIG_DETAIL_MAX] = "";
    (void)state;
    if (read_config(GOOD EUM SMDP "[scp81]\nlisten = 127.0.0.1:1\nadvertise = 10.1.2.3:4711\n[channel]\nresend_s = 7\n",
                    &c, detail) != ERR_NONE)
        fail_msg("%s", detail);
    assert_string_equal(c.oid.text, "2.999.2");
    assert_int_equal(c.partner_count, 2);
    assert_int_equal(c.partners[0].kinds, SMSR_EUM);
    assert_int_equal(c.partners[0].kek_len, 16);
    assert_non_null(c.partners[0].eum_certificate);
    assert_int_equal(c.partners[1].acts_for_count, 2);
    assert_string_equal(c.partners[1].acts_for[1].text, "2.999.11");
    assert_int_equal(c.admin_port, 4711);
    assert_int_equal(c.admin_ipv4[3], 3);
    assert_int_equal(c.resend_s, 7);
    assert_int_equal(c.bearer, SMSR_BEARER_AUTO);
    smsr_config_done(&c);
}

static void without_a_listener_all_goes_by_sms(void **state)
{
    struct smsr_config c;
    char detail[CONFIG_DETAIL_MAX] = "";
    (void)state;
    assert_ok(read_config(GOOD, &c, detail));
    assert_int_equal(c.bearer, SMSR_BEARER_SMS);
    smsr_config_done(&c);
}

static void the_ways_to_the_card_are_read(void **state)
{
    struct smsr_config c;
    char detail[CONFIG_DETAIL_MAX] = "";
    (void)state;
    assert_ok(read_config(GOOD "[cat_tp]\nlisten = 127.0.0.1:1\nadvertise = 10.1.2.3:4712\n[channel]\n"
                               "prefer = cat_tp https\n",
                          &c, detail));
    assert_int_equal(c.bearer, SMSR_BEARER_AUTO);
    assert_true(c.no_https && c.cat_tp_first);
    assert_int_equal(c.cat_tp_port, 9000);
    assert_int_equal(c.cat_tp_udp_port, 4712);
    assert_int_equal(c.cat_tp_ipv4[3], 3);
    smsr_config_done(&c);
    assert_ok(read_config(GOOD "[scp81]\nlisten = 127.0.0.1:1\n[channel]\nbearer = cat_tp\n", &c, detail));
    assert_int_equal(c.bearer, SMSR_BEARER_SMS); /* it has no such listener */
    smsr_config_done(&c);
    assert_ok(read_config(GOOD "[cat_tp]\nlisten = 127.0.0.1:1\n[channel]\nbearer = cat_tp\n", &c, detail));
    assert_int_equal(c.bearer, SMSR_BEARER_CAT_TP);
    assert_int_equal(c.cat_tp_udp_port, 0); /* the card uses what it has stored */
    smsr_config_done(&c);
    assert_ok(read_config(GOOD "[scp81]\nlisten = 127.0.0.1:1\nadvertise = sr.example:8443\ndns = 10.1.2.53:53\n", &c, detail));
    assert_string_equal(c.admin_name, "sr.example");
    assert_int_equal(c.admin_port, 8443);
    assert_int_equal(c.dns_ipv4[3], 53);
    smsr_config_done(&c);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *text, *names;
    } cases[] = {
        { "[sm-sr]\nurl = x\nci = ci.pem\n[tls]\ncertificate = x\nkey = y\ntrust = z\n", "oid" },
        { "[sm-sr]\noid = 1.x\nurl = x\nci = ci.pem\n[tls]\ncertificate = x\nkey = y\ntrust = z\n", "oid" },
        { "[sm-sr]\noid = 1.2\nurl = x\nci = none.pem\n[tls]\ncertificate = x\nkey = y\ntrust = z\n", "ci" },
        { GOOD "[partner a]\noid = 1.2\nkinds = pirate\n", "kinds" },
        { GOOD "[partner a]\nkinds = operator\n", "oid" },
        { GOOD "[partner a]\noid = 1.2\nkinds = eum\ntransport_key = kek\n", "certificate" },
        { GOOD "[partner a]\noid = 1.2\nkinds = eum\ncertificate = eum.pem\n", "transport_key" },
        { GOOD "[partner a]\noid = 1.2\nkinds = eum\ncertificate = eum.pem\ntransport_key = short\n", "transport_key" },
        { GOOD SMDP "[partner b]\noid = 2.999.4\nkinds = operator\n", "oid" },
        { GOOD "[partner a]\noid = 1.2\nkinds = sm-dp\nacts_for = nobody\n", "acts_for" },
        { GOOD "[scp81]\nlisten = 127.0.0.1:1\n[channel]\nbearer = pigeon\n", "bearer" },
        { GOOD "[scp81]\nlisten = 127.0.0.1:1\nadvertise = sr.example:1\n", "advertise" },
        { GOOD "[scp81]\nlisten = 127.0.0.1:1\nadvertise = sr.example:1\ndns = ns.example:53\n", "dns" },
        { GOOD "[cat_tp]\nlisten = 127.0.0.1:1\nadvertise = sr.example:1\n", "advertise" },
        { GOOD "[cat_tp]\nlisten = 127.0.0.1:1\nport = 0\n", "port" },
        { GOOD "[cat_tp]\nlisten = 127.0.0.1:1\nscript_max = 9000\n", "script_max" },
        { GOOD "[channel]\nprefer = sms\n", "prefer" },
        { GOOD "[partner a]\noid = 1.2\nkinds = operator\nno_such = 1\n", "no_such" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct smsr_config c;
        char detail[CONFIG_DETAIL_MAX] = "";
        assert_int_not_equal(read_config(cases[i].text, &c, detail), ERR_NONE);
        if (!strstr(detail, cases[i].names))
            fail_msg("case %zu: \"%s\" does not name %s", i, detail, cases[i].names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one),
        cmocka_unit_test(without_a_listener_all_goes_by_sms),
        cmocka_unit_test(the_ways_to_the_card_are_read),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
