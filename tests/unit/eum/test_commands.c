/* The program osprey-eum as a person uses it: folders, refusals, words, exit codes. */
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "euicc/euicc.h"
#include "lib/base/world.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/io/file.h"
#include "lib/pki/chain.h"
#include "tests/support/test.h"

#define NOW_MS 1900000000000ull

static char folder[] = "/tmp/osprey-eum-XXXXXX", output[65536];

/* Runs "osprey-eum ARGUMENTS" in the folder; what it says on both channels is in `output`. */
static int eum(const char *arguments)
{
    char command[2048];
    const char *build = getenv("OSPREY_BUILD");
    snprintf(command, sizeof command, "cd %s && %s/eum/osprey-eum %s 2>&1", folder, build ? build : "build", arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t len = fread(output, 1, sizeof output - 1, f);
    output[len] = 0;
    return WEXITSTATUS(pclose(f));
}

static void must(const char *arguments)
{
    if (eum(arguments) != 0)
        fail_msg("%s: %s", arguments, output);
}

static const char *in_folder(const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    return test_keep(path);
}

static bool says(const char *text) { return strstr(output, text) != NULL; }

static void help_teaches(void **state)
{
    (void)state;
    static const char *const commands[] = { "ci", "issue", "kek", "make-euicc", "register" };
    must("--help");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        char call[64], example[64];
        assert_true(says(commands[i]));
        snprintf(call, sizeof call, "%s --help", commands[i]);
        snprintf(example, sizeof example, "  osprey-eum %s ", commands[i]);
        must(call);
        assert_true(says(example)); /* an example in each */
        assert_true(says("(needed)"));
        must("--help");
    }
}

static void misuse_is_explained(void **state)
{
    (void)state;
    static const struct {
        const char *call, *word;
    } rows[] = {
        { "", "Commands" },
        { "fly", "no such command: fly" },
        { "ci", "--out DIR is needed" },
        { "ci burn --out x", "init, not burn" },
        { "ci init --out x --curve P-384", "P-256 or brainpoolP256r1" },
        { "ci init --out x --days many", "takes a number" },
        { "ci init --out x --from yesterday", "a date" },
        { "ci init --out x --out y", "given twice" },
        { "ci init --wings", "no such option: --wings" },
        { "ci init --out", "needs DIR" },
        { "ci init again --out x", "one argument too many" },
        { "issue sm-dp --ci ci --out x --oid nobody --name N", "not an object identifier" },
        { "make-euicc --eum e --kek k --smsr-oid 2.999.3 --out x --smsr-https sr.example/x", "--smsr-https takes" },
        { "make-euicc --eum e --kek k --smsr-oid 2.999.3 --out x --eid 89 --count 2", "--eid is for one" },
        { "register --eum e --url u --smsr-oid 2.999.3", "EIS… is missing" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(eum(rows[i].call), 2);
        if (!says(rows[i].word))
            fail_msg("%s: %s", rows[i].call, output);
    }
}

static void a_lab_is_made(void **state)
{
    (void)state;
    must("ci init --out ci");
    must("issue eum --ci ci --out eum --oid 2.999.2 --name 'Lab EUM'");
    must("issue sm-sr --ci ci --out sm-sr --oid 2.999.3 --name 'Lab SM-SR'");
    must("issue sm-dp --ci ci --out sm-dp --oid 2.999.4 --name 'Lab SM-DP' --plain-keys");
    must("kek --out eum/sm-sr.kek");
    must("make-euicc --eum eum --kek eum/sm-sr.kek --smsr-oid 2.999.3 --out cards --count 3 --json");
    assert_true(says("{\"eid\":\"890010120123412340"));
    assert_int_equal(access(in_folder("cards/89001012012341234000000000000175/eis.xml"), R_OK), 0);
}

/* The keys on disk are the ones of the certificates, and only the master key opens them. */
static void keys_fit_their_certificates(void **state)
{
    (void)state;
    static const char *const entities[] = { "sm-sr", "sm-dp" };
    struct trust trust = { 0 };
    assert_ok(trust_load(&trust, in_folder("ci/ci.pem")));
    for (size_t i = 0; i < 2; i++) {
        char path[64];
        struct keystore_soft *ks = NULL;
        struct ec_key *certified = NULL;
        uint8_t a[EC_POINT_LEN], b[EC_POINT_LEN];
        snprintf(path, sizeof path, "%s/master.key", entities[i]);
        assert_ok(keystore_soft_open(in_folder(path), false, NULL, &ks));
        snprintf(path, sizeof path, "%s/card.key", entities[i]);
        assert_ok(keystore_soft_load(ks, "card", in_folder(path), NULL));
        snprintf(path, sizeof path, "%s/tls.key", entities[i]);
        assert_ok(keystore_soft_load(ks, "tls", in_folder(path), NULL));
        snprintf(path, sizeof path, "%s/card.7f21", entities[i]);
        assert_ok(chain_check_server(&trust, file_bytes(in_folder(path)), i ? GP_ROLE_SM_DP : GP_ROLE_SM_SR, NOW_MS,
                                     &certified));
        ec_key_point(certified, a);
        ec_key_point(keystore_soft_key(ks, "card"), b);
        assert_span_equal(SPAN_OF(a), SPAN_OF(b));
        ec_key_free(certified);
        keystore_soft_free(ks);
    }
    struct keystore_soft *foreign = NULL;
    assert_ok(keystore_soft_open(in_folder("eum/master.key"), false, NULL, &foreign));
    assert_fails(keystore_soft_load(foreign, "card", in_folder("sm-sr/card.key"), NULL), ERR_VERIFY);
    keystore_soft_free(foreign);
    trust_done(&trust);
}

static void nothing_is_overwritten(void **state)
{
    (void)state;
    struct span before = file_bytes(in_folder("ci/ci.key"));
    assert_int_equal(eum("ci init --out ci"), 1);
    assert_true(says("no CI was made"));
    assert_span_equal(file_bytes(in_folder("ci/ci.key")), before);
    assert_int_equal(eum("issue sm-dp --ci ci --out sm-dp --oid 2.999.4 --name 'Lab SM-DP'"), 1);
    assert_int_equal(eum("kek --out eum/sm-sr.kek"), 1);
    before = file_bytes(in_folder("cards/89001012012341234000000000000175/card.nvm"));
    assert_int_equal(eum("make-euicc --eum eum --kek eum/sm-sr.kek --smsr-oid 2.999.3 --out cards"), 1);
    assert_span_equal(file_bytes(in_folder("cards/89001012012341234000000000000175/card.nvm")), before);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    assert_int_equal(eum("issue eum --ci nowhere --out x --oid 2.999.5 --name N"), 1);
    assert_true(says("nowhere"));
    assert_int_equal(eum("make-euicc --eum eum --kek none.kek --smsr-oid 2.999.3 --out more"), 1);
    assert_true(says("none.kek"));
    assert_int_equal(eum("make-euicc --eum eum --kek eum/sm-sr.kek --smsr-oid 2.999.3 --out more --bootstrap no.der"),
                     1);
    assert_true(says("no.der"));
    assert_int_equal(eum("register --eum eum --url https://127.0.0.1:1/es1 --smsr-oid 2.999.3 "
                         "cards/89001012012341234000000000000175/eis.xml"),
                     1);
    assert_true(says("89001012012341234000000000000175"));
    chmod(in_folder("eum/sm-sr.kek"), 0644);
    assert_int_equal(eum("make-euicc --eum eum --kek eum/sm-sr.kek --smsr-oid 2.999.3 --out more"), 1);
    assert_true(says("not allowed"));
    chmod(in_folder("eum/sm-sr.kek"), 0600);
}

/* A package that the card refuses leaves neither card nor EIS. */
static void a_refused_package_leaves_nothing(void **state)
{
    (void)state;
    FILE *f = fopen(in_folder("broken.der"), "w");
    fputs("no profile", f);
    fclose(f);
    assert_int_equal(
        eum("make-euicc --eum eum --kek eum/sm-sr.kek --smsr-oid 2.999.3 --out broken --bootstrap broken.der "
            "--eid 89001012012341234012345678901224"),
        1);
    assert_int_not_equal(access(in_folder("broken/89001012012341234012345678901224/card.nvm"), F_OK), 0);
    assert_int_not_equal(access(in_folder("broken/89001012012341234012345678901224/eis.xml"), F_OK), 0);
}

/* Beside the bootstrap profile, on the next ISD-Ps: a test profile and the emergency profile, for the device alone. */
static void a_card_with_profiles_for_the_device_alone(void **state)
{
    (void)state;
    char command[3 * 512];
    snprintf(command, sizeof command,
             "make-euicc --eum eum --kek eum/sm-sr.kek --smsr-oid 2.999.3 --out local --bootstrap %s --set "
             "iccid=898821100000000001 --test-profile %s --emergency-profile %s --eid 89001012012341234012345678901224",
             source_path("profiles/bootstrap.profile"), source_path("profiles/bootstrap.profile"),
             source_path("profiles/bootstrap.profile"));
    must(command);
    struct arena ram;
    struct euicc *card = NULL;
    struct euicc_profile_info info[EUICC_PROFILES_MAX];
    struct nvm_file *file;
    enum err err;
    assert_non_null(file = nvm_file_open(in_folder("local/89001012012341234012345678901224/card.nvm"), 0, &err));
    struct env env = { .nvm = nvm_file_seam(file), .clock = world_clock(), .rng = world_rng() };
    arena_init(&ram, 2 * EUICC_ARENA_SIZE);
    assert_ok(euicc_open(&ram, &env, &card));
    assert_int_equal(euicc_profiles(card, info), 3);
    assert_true(info[0].fallback && info[0].state == EUICC_PROFILE_ENABLED);
    assert_true(info[1].test && info[1].state == EUICC_PROFILE_DISABLED && aid_tar(&info[1].isdp) == 0x11);
    assert_true(info[2].emergency && info[2].state == EUICC_PROFILE_DISABLED && aid_tar(&info[2].isdp) == 0x12);
    euicc_close(card);
    arena_release(&ram);
    nvm_file_close(file);
    assert_int_equal(eum("make-euicc --eum eum --kek eum/sm-sr.kek --smsr-oid 2.999.3 --out none --test-profile no.der"), 1);
    assert_true(says("--test-profile no.der"));
    assert_int_equal(eum("make-euicc --eum eum --kek eum/sm-sr.kek --smsr-oid 2.999.3 --out none "
                         "--emergency-profile broken.der --eid 89001012012341234012345678901224"),
                     1);
    assert_true(says("broken.der"));
}

static void brainpool_works_too(void **state)
{
    (void)state;
    must("ci init --out bp --curve brainpoolP256r1");
    must("issue eum --ci bp --out bp-eum --oid 2.999.2 --name 'Lab EUM'");
    must("issue sm-dp --ci bp --out bp-dp --oid 2.999.4 --name DP");
    must("kek --out bp.kek");
    must("make-euicc --eum bp-eum --kek bp.kek --smsr-oid 2.999.3 --out bp-cards");
    struct gp_certificate c;
    assert_ok(gp_certificate_decode(file_bytes(in_folder("bp-dp/card.7f21")), &c));
    assert_int_equal(c.curve, EC_BRAINPOOL_P256R1);
}

static int folder_make(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_teaches),
        cmocka_unit_test(misuse_is_explained),
        cmocka_unit_test(a_lab_is_made),
        cmocka_unit_test(keys_fit_their_certificates),
        cmocka_unit_test(nothing_is_overwritten),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(a_refused_package_leaves_nothing),
        cmocka_unit_test(a_card_with_profiles_for_the_device_alone),
        cmocka_unit_test(brainpool_works_too),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
