/* Keys in a PKCS#11 token (softhsm2): signing, the master key sealed by it, TLS through it; and what is refused. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crypto/keystore_soft.h"
#include "lib/crypto/openssl.h"
#include "lib/crypto/token.h"
#include "tests/support/test.h"

#define DRIVER "/usr/lib/softhsm/libsofthsm2.so"

static char folder[] = "/tmp/osprey-token-XXXXXX";
static char detail[TOKEN_DETAIL_MAX];

static const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *text(const char *format, ...)
{
    char *out = NULL;
    va_list args;
    va_start(args, format);
    assert_true(vasprintf(&out, format, args) > 0);
    va_end(args);
    return test_keep(out);
}

static void put_file(const char *name, const char *content, mode_t mode)
{
    const char *path = text("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void must_run(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

static const char *uri_of(const char *token, const char *object, const char *pin)
{
    return text("pkcs11:token=%s;object=%s?module-path=" DRIVER "&pin-source=file:%s/%s", token, object, folder, pin);
}

static void signs(const char *object, enum ec_curve curve)
{
    struct ec_key *key = NULL, *public = NULL;
    uint8_t point[EC_POINT_LEN], signature[EC_SIGNATURE_LEN], scalar[EC_FIELD_LEN];
    char *pem = NULL;
    assert_ok(token_private_key(uri_of("first", object, "pin"), &key, detail));
    assert_true(ec_key_is_private(key) && ec_key_curve(key) == curve);
    ec_key_point(key, point);
    assert_ok(ec_public_new(curve, SPAN_OF(point), &public));
    assert_ok(ec_sign(key, SPAN_LIT("message"), signature));
    assert_ok(ec_verify(public, SPAN_LIT("message"), SPAN_OF(signature)));
    assert_fails(ec_verify(public, SPAN_LIT("another"), SPAN_OF(signature)), ERR_VERIFY);
    assert_fails(ec_key_scalar(key, scalar), ERR_DENIED);
    assert_fails(ec_private_pem(key, &pem), ERR_DENIED);
    assert_fails(ec_shared_x(key, public, scalar), ERR_UNSUPPORTED);
    ec_key_free(key);
    ec_key_free(public);
}

static void keys_sign(void **state)
{
    (void)state;
    signs("tls", EC_P256);
    signs("card", EC_BRAINPOOL_P256R1);
}

/* OpenSSL's own way to a signature, with every digest of TLS, after our own handle is gone. */
static void openssl_signs_with_it(void **state)
{
    (void)state;
    static const char *const digests[] = { "SHA256", "SHA384", "SHA512" };
    struct ec_key *key = NULL;
    assert_ok(token_private_key(uri_of("first", "tls", "pin"), &key, detail));
    EVP_PKEY *pkey = ec_key_openssl(key);
    assert_non_null(pkey);
    EVP_PKEY_up_ref(pkey);
    ec_key_free(key);
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        uint8_t signature[128];
        size_t len = sizeof signature;
        EVP_MD_CTX *c = EVP_MD_CTX_new();
        assert_int_equal(EVP_DigestSignInit_ex(c, NULL, digests[i], NULL, NULL, pkey, NULL), 1);
        assert_int_equal(EVP_DigestSign(c, signature, &len, (const uint8_t *)"message", 7), 1);
        EVP_MD_CTX_reset(c);
        assert_int_equal(EVP_DigestVerifyInit_ex(c, NULL, digests[i], NULL, NULL, pkey, NULL), 1);
        assert_int_equal(EVP_DigestVerify(c, signature, len, (const uint8_t *)"message", 7), 1);
        signature[len - 1] ^= 1;
        EVP_MD_CTX_reset(c);
        assert_int_equal(EVP_DigestVerifyInit_ex(c, NULL, digests[i], NULL, NULL, pkey, NULL), 1);
        assert_true(EVP_DigestVerify(c, signature, len, (const uint8_t *)"message", 7) != 1);
        EVP_MD_CTX_free(c);
    }
    EVP_PKEY_free(pkey);
    ERR_clear_error();
}

static void store_signs_with_it(void **state)
{
    (void)state;
    struct keystore_soft *ks = NULL;
    uint8_t master[MASTER_KEY_LEN] = { 7 }, signature[EC_SIGNATURE_LEN];
    size_t len = 0;
    assert_ok(keystore_soft_new(SPAN_OF(master), NULL, &ks));
    assert_ok(keystore_soft_load(ks, "card", uri_of("first", "card", "pin"), detail));
    struct keys *k = keystore_soft_keys(ks);
    assert_ok(k->sign(k, "card", SPAN_LIT("message"), signature, sizeof signature, &len));
    assert_ok(ec_verify(keystore_soft_key(ks, "card"), SPAN_LIT("message"), SPAN_OF(signature)));
    assert_fails(keystore_soft_save(ks, "card", text("%s/card.key", folder)), ERR_DENIED);
    keystore_soft_free(ks);
}

static void master_key_is_sealed(void **state)
{
    (void)state;
    const char *path = text("%s/master.key", folder);
    struct master_key made, again;
    assert_ok(master_key_create(path, uri_of("first", "wrap", "pin"), NULL, &made, detail));
    assert_ok(master_key_read(path, &again, detail));
    assert_memory_equal(&made, &again, sizeof made);
    char hex[2 * MASTER_KEY_LEN + 1];
    hex_text(SPAN_OF(made.key), hex, sizeof hex);
    struct span file = file_bytes(path);
    assert_null(memmem(file.ptr, file.len, hex, 2 * MASTER_KEY_LEN));
    /* the same file, but another token's key of that name */
    char *other = strndup((const char *)file.ptr, file.len);
    char *at = strstr(other, "token=first");
    memcpy(at, "token=other", 11);
    put_file("foreign.key", test_keep(other), 0600);
    assert_fails(master_key_read(text("%s/foreign.key", folder), &again, detail), ERR_VERIFY);
    put_file("gone.key", "OSPREY-TOKEN-MASTER 1\npkcs11:token=first\n00\n", 0600);
    assert_fails(master_key_read(text("%s/gone.key", folder), &again, detail), ERR_BAD_VALUE);
}

static void refused(const char *uri, enum err want, const char *word)
{
    struct ec_key *key = NULL;
    enum err err = token_private_key(uri, &key, detail);
    if (err != want || !strstr(detail, word))
        fail_msg("%s: %s (%s)", uri, err_text(err), detail);
    assert_null(key);
    assert_null(strstr(detail, "1234"));
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    refused("pkcs11:token=first;object", ERR_BAD_VALUE, "RFC 7512");
    refused("pkcs11:token=first;object=tls?pin-value=1234", ERR_BAD_VALUE, "pin-value");
    refused("pkcs11:token=first;colour=red?module-path=" DRIVER, ERR_BAD_VALUE, "not known");
    refused("pkcs11:token=first;object=tls?module-path=/none.so", ERR_NOT_FOUND, "/none.so");
    refused(uri_of("nobody", "tls", "pin"), ERR_NOT_FOUND, "no token");
    refused(uri_of("first", "nobody", "pin"), ERR_NOT_FOUND, "no such key");
    refused(text("pkcs11:token=first?module-path=" DRIVER "&pin-source=%s/pin", folder), ERR_BAD_VALUE, "names no key");
    refused(text("pkcs11:token=other;object=tls?module-path=" DRIVER), ERR_NOT_FOUND, "pin-source");
    refused(uri_of("other", "twice", "pin"), ERR_EXISTS, "more than one key");
    refused(text("pkcs11:object=tls?module-path=" DRIVER), ERR_EXISTS, "more than one token");
    refused(uri_of("other", "tls", "nowhere"), ERR_NOT_FOUND, "PIN file");
    refused(uri_of("other", "tls", "open-pin"), ERR_DENIED, "may read");
    refused(uri_of("other", "tls", "wrong-pin"), ERR_DENIED, "refuses the PIN");
}

#define TOOL "pkcs11-tool --module " DRIVER " --login --pin 1234 >/dev/null 2>&1"
static int token_make(void **state)
{
    (void)state;
    if (access(DRIVER, R_OK) != 0 || !mkdtemp(folder) || system("command -v softhsm2-util pkcs11-tool >/dev/null") != 0)
        return -1;
    put_file("softhsm2.conf",
             text("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", folder), 0600);
    setenv("SOFTHSM2_CONF", text("%s/softhsm2.conf", folder), 1);
    put_file("pin", "1234\n", 0600);
    put_file("open-pin", "1234\n", 0640);
    put_file("wrong-pin", "4321\n", 0600);
    for (const char *const *token = (const char *const[]){ "first", "other", NULL }; *token; token++) {
        must_run(text("softhsm2-util --init-token --free --label %s --pin 1234 --so-pin 5678 >/dev/null", *token));
        must_run(text(TOOL " --token-label %s --keypairgen --key-type EC:prime256v1 --label tls --id 01", *token));
        must_run(text(TOOL " --token-label %s --keygen --key-type AES:32 --label wrap --id 03", *token));
    }
    must_run(TOOL " --token-label first --keypairgen --key-type EC:brainpoolP256r1 --label card --id 02");
    for (int i = 4; i < 6; i++)
        must_run(text(TOOL " --token-label other --keypairgen --key-type EC:prime256v1 --label twice --id 0%d", i));
    return 0;
}

static int token_remove(void **state)
{
    (void)state;
    must_run(text("rm -r %s", folder));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_said), /* first: in softhsm2 a login holds for the whole process */
        cmocka_unit_test(keys_sign),
        cmocka_unit_test(openssl_signs_with_it),
        cmocka_unit_test(store_signs_with_it),
        cmocka_unit_test(master_key_is_sealed),
    };
    struct ec_key *key = NULL;
    if (token_private_key("pkcs11:object=x", &key, NULL) == ERR_UNSUPPORTED || access(DRIVER, R_OK) != 0) {
        puts("skipped: no p11-kit or no softhsm2");
        return TEST_SKIPPED;
    }
    return cmocka_run_group_tests(tests, token_make, token_remove);
}
