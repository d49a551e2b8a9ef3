/* The software key store: master key file, wrapping, wrapped key files; and what must be refused. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crypto/gcm.h"
#include "lib/crypto/keystore_soft.h"
#include "tests/support/test.h"

static char folder[] = "/tmp/osprey-keystore-XXXXXX";

static const char *in_folder(const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    return test_keep(path);
}

static void put_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(path, mode);
}

static void master_is_made_once(void **state)
{
    (void)state;
    const char *path = in_folder("master.key");
    struct keystore_soft *a = NULL, *b = NULL;
    struct stat st;
    uint8_t wrapped[5 + KEYS_WRAP_OVERHEAD], plain[5];
    assert_fails(keystore_soft_open(path, false, NULL, &a), ERR_NOT_FOUND);
    assert_ok(keystore_soft_open(path, true, NULL, &a));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(keystore_soft_open(path, true, NULL, &b)); /* the same one again */
    struct keys *ka = keystore_soft_keys(a), *kb = keystore_soft_keys(b);
    assert_ok(ka->wrap(ka, SPAN_LIT("row 1"), SPAN_LIT("plain"), wrapped, sizeof wrapped));
    assert_ok(kb->unwrap(kb, SPAN_LIT("row 1"), SPAN_OF(wrapped), plain, sizeof plain));
    assert_span_equal(SPAN_OF(plain), SPAN_LIT("plain"));
    keystore_soft_free(a);
    keystore_soft_free(b);
}

static void master_must_be_ours_alone(void **state)
{
    (void)state;
    struct keystore_soft *ks = NULL;
    const char *path = in_folder("open.key");
    put_file(path, "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F\n", 0640);
    assert_fails(keystore_soft_open(path, true, NULL, &ks), ERR_DENIED);
    chmod(path, 0600);
    assert_ok(keystore_soft_open(path, true, NULL, &ks));
    keystore_soft_free(ks);
    put_file(path, "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E\n", 0600);
    assert_fails(keystore_soft_open(path, true, NULL, &ks), ERR_BAD_VALUE);
    put_file(path, "", 0600);
    assert_fails(keystore_soft_open(path, true, NULL, &ks), ERR_BAD_VALUE);
    assert_fails(keystore_soft_new(SPAN_LIT("too short"), NULL, &ks), ERR_BAD_LENGTH);
}

static struct keystore_soft *store_with(uint8_t octet)
{
    uint8_t master[KEYSTORE_MASTER_LEN];
    struct keystore_soft *ks = NULL;
    memset(master, octet, sizeof master);
    assert_ok(keystore_soft_new(SPAN_OF(master), NULL, &ks));
    return ks;
}

static void wrapping_holds(void **state)
{
    (void)state;
    struct keystore_soft *ks = store_with(1), *other = store_with(2);
    struct keys *k = keystore_soft_keys(ks), *o = keystore_soft_keys(other);
    uint8_t a[16 + KEYS_WRAP_OVERHEAD], b[16 + KEYS_WRAP_OVERHEAD], plain[16];
    struct span secret = hex_lit("000102030405060708090A0B0C0D0E0F"), row = SPAN_LIT("row 1");
    assert_ok(k->wrap(k, row, secret, a, sizeof a));
    assert_ok(k->wrap(k, row, secret, b, sizeof b));
    assert_false(span_eq(SPAN_OF(a), SPAN_OF(b))); /* a nonce of its own each time */
    assert_ok(k->unwrap(k, row, SPAN_OF(b), plain, sizeof plain));
    assert_span_equal(SPAN_OF(plain), secret);
    assert_fails(k->unwrap(k, SPAN_LIT("row 2"), SPAN_OF(a), plain, sizeof plain), ERR_VERIFY);
    assert_fails(o->unwrap(o, row, SPAN_OF(a), plain, sizeof plain), ERR_VERIFY);
    for (size_t i = 0; i < sizeof a; i++) {
        a[i] ^= 0x80;
        assert_fails(k->unwrap(k, row, SPAN_OF(a), plain, sizeof plain), ERR_VERIFY);
        a[i] ^= 0x80;
    }
    assert_fails(k->unwrap(k, row, span_sub(SPAN_OF(a), 0, 27), plain, sizeof plain), ERR_TRUNCATED);
    assert_fails(k->unwrap(k, row, SPAN_OF(a), plain, 15), ERR_NO_SPACE);
    assert_fails(k->wrap(k, row, secret, a, sizeof a - 1), ERR_NO_SPACE);
    keystore_soft_free(ks);
    keystore_soft_free(other);
}

static void keys_are_saved_wrapped(void **state)
{
    (void)state;
    struct keystore_soft *ks = store_with(1), *again = store_with(1), *other = store_with(2);
    const char *path = in_folder("dp.key");
    struct ec_key *key = NULL;
    struct stat st;
    uint8_t scalar[EC_FIELD_LEN], signature[EC_SIGNATURE_LEN], hex[2 * EC_FIELD_LEN + 1];
    size_t len = 0;
    assert_ok(ec_generate(EC_BRAINPOOL_P256R1, NULL, &key));
    assert_ok(ec_key_scalar(key, scalar));
    assert_ok(keystore_soft_add(ks, "sm-dp", key));
    assert_ok(keystore_soft_save(ks, "sm-dp", path));
    assert_fails(keystore_soft_save(ks, "sm-dp", path), ERR_EXISTS);
    assert_fails(keystore_soft_save(ks, "nobody", in_folder("x")), ERR_NOT_FOUND);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    hex_text(SPAN_OF(scalar), (char *)hex, sizeof hex);
    struct span file = file_bytes(path);
    assert_null(memmem(file.ptr, file.len, hex, 2 * EC_FIELD_LEN));

    assert_ok(keystore_soft_load(again, "mine", path, NULL));
    struct keys *k = keystore_soft_keys(again);
    assert_ok(k->sign(k, "mine", SPAN_LIT("message"), signature, sizeof signature, &len));
    assert_ok(ec_verify(key, SPAN_LIT("message"), (struct span){ signature, len }));
    assert_fails(k->sign(k, "sm-dp", SPAN_LIT("message"), signature, sizeof signature, &len), ERR_NOT_FOUND);
    assert_fails(k->sign(k, "mine", SPAN_LIT("message"), signature, 63, &len), ERR_NO_SPACE);
    assert_fails(keystore_soft_load(again, "mine", path, NULL), ERR_EXISTS);
    assert_fails(keystore_soft_load(other, "mine", path, NULL), ERR_VERIFY);
    assert_fails(keystore_soft_load(again, "none", in_folder("none"), NULL), ERR_NOT_FOUND);
    put_file(path, "OSPREY-WRAPPED-KEY 1\nsm-dp\n00\n", 0600);
    assert_fails(keystore_soft_load(again, "short", path, NULL), ERR_BAD_VALUE);
    put_file(path, "nothing known\n", 0600);
    assert_fails(keystore_soft_load(again, "junk", path, NULL), ERR_BAD_VALUE);
    keystore_soft_free(ks);
    keystore_soft_free(again);
    keystore_soft_free(other);
}

static void pem_files_are_keys_too(void **state)
{
    (void)state;
    struct keystore_soft *ks = store_with(1);
    struct ec_key *key = NULL;
    char *pem = NULL;
    assert_ok(ec_generate(EC_P256, NULL, &key));
    assert_ok(ec_private_pem(key, &pem));
    put_file(in_folder("tls.key"), pem, 0600);
    assert_ok(keystore_soft_load(ks, "tls", in_folder("tls.key"), NULL));
    assert_true(ec_key_is_private(keystore_soft_key(ks, "tls")));
    assert_null(keystore_soft_key(ks, "tl"));
    ec_pem_free(pem);
    ec_key_free(key);
    keystore_soft_free(ks);
}

static void the_store_has_an_end(void **state)
{
    (void)state;
    struct keystore_soft *ks = store_with(1);
    struct ec_key *key = NULL;
    char name[KEYSTORE_NAME_MAX + 1];
    for (size_t i = 0; i < KEYSTORE_KEYS_MAX; i++) {
        snprintf(name, sizeof name, "key %zu", i);
        assert_ok(ec_generate(EC_P256, NULL, &key));
        assert_ok(keystore_soft_add(ks, name, key));
    }
    assert_ok(ec_generate(EC_P256, NULL, &key));
    assert_fails(keystore_soft_add(ks, "one too many", key), ERR_NO_SPACE);
    memset(name, 'n', KEYSTORE_NAME_MAX);
    name[KEYSTORE_NAME_MAX] = 0;
    assert_ok(ec_generate(EC_P256, NULL, &key));
    assert_fails(keystore_soft_add(ks, name, key), ERR_TOO_LONG);
    keystore_soft_free(ks);
}

/* ---- several master keys */

static struct master_key master_of(uint8_t octet)
{
    uint8_t key[MASTER_KEY_LEN];
    struct master_key made;
    memset(key, octet, sizeof key);
    assert_ok(master_key_set(&made, key));
    return made;
}

#define SECRET SPAN_LIT("sixteen octets..")
#define ROW    SPAN_LIT("row 1")

static void must_open(struct keystore_soft *ks, struct span wrapped)
{
    struct keys *k = keystore_soft_keys(ks);
    uint8_t plain[16];
    assert_ok(k->unwrap(k, ROW, wrapped, plain, sizeof plain));
    assert_span_equal(SPAN_OF(plain), SECRET);
}

/* What the store wrote before there were key ids: under the master key itself. */
static void old_values_open(void **state)
{
    (void)state;
    struct keystore_soft *ks = store_with(2);
    struct keys *k = keystore_soft_keys(ks);
    struct master_key old = master_of(1);
    uint8_t value[16 + KEYS_WRAP_OVERHEAD], again[sizeof value];
    bool changed = false;
    assert_ok(keystore_soft_add_master(ks, &old));
    for (unsigned last = 0; last < 2; last++) { /* the second: its nonce happens to begin like an id */
        memset(value, 0x5A, GCM_NONCE_LEN);
        for (size_t i = 0; last && i < 4; i++)
            value[i] = (uint8_t)(k->master_id(k) >> (24 - 8 * i));
        uint8_t *cipher = value + GCM_NONCE_LEN;
        assert_ok(gcm_seal(old.key, value, ROW, SECRET, cipher, cipher + 16));
        must_open(ks, SPAN_OF(value));
        assert_ok(k->rewrap(k, ROW, SPAN_OF(value), again, &changed));
        assert_true(changed);
        must_open(ks, SPAN_OF(again));
    }
    keystore_soft_free(ks);
}

static void secrets_move_to_the_new_key(void **state)
{
    (void)state;
    struct keystore_soft *ks = store_with(1), *next = store_with(2), *only_new = store_with(2), *only_old = store_with(1);
    struct keys *k = keystore_soft_keys(ks), *n = keystore_soft_keys(only_new), *o = keystore_soft_keys(only_old);
    struct master_key old = master_of(1);
    uint8_t before[16 + KEYS_WRAP_OVERHEAD], after[sizeof before], plain[16];
    bool changed = false;
    assert_ok(k->wrap(k, ROW, SECRET, before, sizeof before));
    uint32_t old_id = k->master_id(k);
    assert_ok(keystore_soft_add_master(next, &old));
    assert_ok(keystore_soft_add_master(next, &old)); /* once is enough */
    keystore_soft_exchange(ks, next);                /* as a reload does: the seam stays */
    assert_true(k->master_id(k) != old_id && k->master_known(k, old_id) && !k->master_known(k, old_id ^ 1));
    must_open(ks, SPAN_OF(before));
    assert_fails(k->rewrap(k, SPAN_LIT("row 2"), SPAN_OF(before), after, &changed), ERR_VERIFY);
    assert_fails(k->rewrap(k, ROW, span_sub(SPAN_OF(before), 0, 27), after, &changed), ERR_TRUNCATED);
    assert_ok(k->rewrap(k, ROW, SPAN_OF(before), after, &changed));
    assert_true(changed);
    must_open(only_new, SPAN_OF(after));
    assert_fails(o->unwrap(o, ROW, SPAN_OF(after), plain, sizeof plain), ERR_VERIFY);
    assert_fails(n->unwrap(n, ROW, SPAN_OF(before), plain, sizeof plain), ERR_VERIFY);
    assert_ok(k->rewrap(k, ROW, SPAN_OF(after), before, &changed));
    assert_false(changed);
    for (uint8_t i = 3; i < KEYSTORE_MASTERS_MAX + 1; i++) {
        struct master_key more = master_of(i);
        assert_ok(keystore_soft_add_master(ks, &more));
    }
    struct master_key more = master_of(0xEE);
    assert_fails(keystore_soft_add_master(ks, &more), ERR_NO_SPACE);
    for (struct keystore_soft **p = (struct keystore_soft *[]){ ks, next, only_new, only_old, NULL }; *p; p++)
        keystore_soft_free(*p);
}

static void key_files_move_too(void **state)
{
    (void)state;
    struct keystore_soft *ks = store_with(1), *next = store_with(2), *only_new = store_with(2);
    struct master_key old = master_of(1);
    const char *path = in_folder("moving.key");
    struct ec_key *key = NULL;
    bool changed = false;
    assert_ok(ec_generate(EC_P256, NULL, &key));
    assert_ok(keystore_soft_add(ks, "tls", key));
    assert_ok(keystore_soft_save(ks, "tls", path));
    assert_fails(keystore_soft_rewrap_file(next, path, &changed), ERR_VERIFY);
    assert_ok(keystore_soft_add_master(next, &old));
    assert_ok(keystore_soft_rewrap_file(next, path, &changed));
    assert_true(changed);
    assert_ok(keystore_soft_load(only_new, "tls", path, NULL));
    assert_ok(keystore_soft_rewrap_file(next, path, &changed));
    assert_false(changed);
    keystore_soft_free(ks);
    keystore_soft_free(next);
    keystore_soft_free(only_new);
}

static int folder_make(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
    (void)state;
    static const char *const files[] = { "master.key", "open.key", "dp.key", "moving.key", "tls.key" };
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        unlink(in_folder(files[i]));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(master_is_made_once),    cmocka_unit_test(master_must_be_ours_alone),
        cmocka_unit_test(wrapping_holds),         cmocka_unit_test(keys_are_saved_wrapped),
        cmocka_unit_test(pem_files_are_keys_too), cmocka_unit_test(the_store_has_an_end),
        cmocka_unit_test(old_values_open),
        cmocka_unit_test(secrets_move_to_the_new_key),
        cmocka_unit_test(key_files_move_too),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
