/* The builder: what the sources in the tree give, how values of the subscriber are coded, and what it says to mistakes.
 * Lint: one finding for each broken rule. */
#include "lib/profile/build.h"
#include "lib/profile/lint.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define ARENA_MAX ((size_t)16 * 1024 * 1024)

struct findings {
    struct lint_sink sink;
    size_t errors, warnings;
    char last[4096]; /* all of them */
};

static void finding(struct lint_sink *sink, enum lint_level level, size_t element, uint32_t offset, const char *text)
{
    struct findings *f = (struct findings *)(void *)sink;
    (void)element;
    (void)offset;
    f->errors += level == LINT_ERROR;
    f->warnings += level == LINT_WARNING;
    size_t len = strlen(f->last);
    snprintf(f->last + len, sizeof f->last - len, "%s; ", text);
}

static struct findings lint(struct span package)
{
    struct findings f = { .sink = { finding } };
    struct arena a;
    arena_init(&a, ARENA_MAX);
    bool good = profile_lint(package, &a, &f.sink);
    assert_int_equal(good, f.errors == 0);
    arena_release(&a);
    return f;
}

static bool contains(struct span all, struct span part) { return memmem(all.ptr, all.len, part.ptr, part.len) != NULL; }

static struct span built(struct arena *a, const char *file, const struct build_setting *settings, size_t count)
{
    struct build_fault fault;
    struct span package;
    enum err err = profile_build(file_bytes(source_path(file)), settings, count, a, &package, &fault);
    if (err != ERR_NONE)
        fail_msg("%s:%u: %s", file, fault.line, fault.text);
    return package;
}

static void sources_of_the_tree_build_and_keep_every_rule(void **state)
{
    (void)state;
    static const char *const files[] = { "profiles/demo-operator.profile", "profiles/bootstrap.profile",
                                         "profiles/bootstrap-multi-imsi.profile", "profiles/iot-minimal.profile" };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct arena a;
        arena_init(&a, ARENA_MAX);
        struct findings f = lint(built(&a, files[i], NULL, 0));
        if (f.errors || f.warnings)
            fail_msg("%s: %s", files[i], f.last);
        arena_release(&a);
    }
}

/* The codings are those of worked examples. */
static void subscriber_data_are_coded_as_they_must(void **state)
{
    (void)state;
    const struct build_setting settings[] = {
        { SPAN_LIT("iccid"), SPAN_LIT("8949449999999990023") },
        { SPAN_LIT("imsi"), SPAN_LIT("001010123456789") },
        { SPAN_LIT("mnc-length"), SPAN_LIT("2") },
        { SPAN_LIT("smsc"), SPAN_LIT("+33639689123") },
        { SPAN_LIT("spn"), SPAN_LIT("Test") },
        { SPAN_LIT("pol1"), SPAN_LIT("05") },
        { SPAN_LIT("k"), SPAN_LIT("000102030405060708090A0B0C0D0E0F") },
    };
    struct arena a;
    arena_init(&a, ARENA_MAX);
    struct span p = built(&a, "profiles/demo-operator.profile", settings, ARRAY_LEN(settings));
    assert_true(contains(p, hex_lit("830A 8949449999999990023F")));
    assert_true(contains(p, hex_lit("830A 989444999999990920F3")));
    assert_true(contains(p, hex_lit("8309 080910101032547698")));
    assert_true(contains(p, hex_lit("8302 0200")));
    assert_true(contains(p, hex_lit("8304 00000002")));
    assert_true(contains(p, hex_lit("8401 05")));
    assert_true(contains(p, hex_lit("8210 000102030405060708090A0B0C0D0E0F")));
    assert_true(contains(p, hex_lit("07 91 3336699821F3"))); /* the service centre */
    assert_true(contains(p, hex_lit("FD FFFFFFFFFFFFFFFFFFFFFFFF")));
    arena_release(&a);
}

static void eighteen_digits_get_their_check_digit(void **state)
{
    (void)state;
    const struct build_setting settings[] = { { SPAN_LIT("iccid"), SPAN_LIT("898821100000000001") } };
    struct arena a;
    arena_init(&a, ARENA_MAX);
    struct span p = built(&a, "profiles/bootstrap.profile", settings, 1);
    assert_true(contains(p, hex_lit("830A 898821100000000001")));
    assert_int_equal(lint(p).warnings, 0);
    arena_release(&a);
}

static void mistakes_are_told_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        unsigned line;
        const char *word;
    } mistakes[] = {
        { "", 0, "header" },
        { "[usim]\n", 1, "header" },
        { "x = 1\n[header]\n", 1, "section" },
        { "[header]\nversion = 2.3\n[nonsense]\n", 3, "nonsense" },
        { "[header]\ncolour = red\n", 2, "colour" },
        { "[header]\npol1 = 0G\n", 2, "hexadecimal" },
        { "[header]\npol1 = {nothing}\n", 2, "nothing" },
        { "[variables]\na = {b}\nb = {a}\n[header]\npol1 = {a}\n", 5, "each other" },
        { "[header]\n[mf]\nef-nonsense\n", 3, "ef-nonsense" },
        { "[header]\n[mf]\nef-dir\nef-pl\n", 4, "comes later" },
        { "[header]\n[mf]\nef-dir records=2\n", 3, "COUNTxLENGTH" },
        { "[header]\n[mf]\nef-dir records=1x4 = 0102030405\n", 3, "longer" },
        { "[header]\n[mf]\nef-dir records=1x4 = <61 00\n", 3, "without its >" },
        { "[header]\n[pinCodes]\n01 value=12\n", 3, "4 to 8" },
        { "[header]\n[pinCodes]\n01 value=12AB\n", 3, "digits" },
        { "[header]\n[pinCodes]\n01\n", 3, "value=" },
        { "[header]\n[akaParameter]\nalgorithm = rot13\n", 3, "milenage" },
        { "[variables]\niccid = 12\n[header]\n", 4, "18 to 20" },
    };
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        struct build_fault fault;
        struct span package;
        struct arena a;
        arena_init(&a, ARENA_MAX);
        assert_int_not_equal(profile_build(span_text(mistakes[i].source), NULL, 0, &a, &package, &fault), ERR_NONE);
        if (!strstr(fault.text, mistakes[i].word) || fault.line != mistakes[i].line)
            fail_msg("mistake %zu: line %u: %s", i, fault.line, fault.text);
        arena_release(&a);
    }
}

/* ---- lint ---- */

/* The source with one piece of text replaced, built; what lint says then must contain the words. */
static void broken_rule(const char *from, const char *to, const char *words)
{
    struct span source = file_bytes(source_path("profiles/demo-operator.profile")), package;
    struct build_fault fault;
    struct arena a;
    const char *at = strstr((const char *)source.ptr, from);
    if (!at)
        fail_msg("the source has no %s", from);
    arena_init(&a, ARENA_MAX);
    char *text = arena_printf(&a, "%.*s%s%s", (int)(at - (const char *)source.ptr), (const char *)source.ptr, to,
                              at + strlen(from));
    if (profile_build(span_text(text), NULL, 0, &a, &package, &fault) != ERR_NONE)
        fail_msg("%s: line %u: %s", words, fault.line, fault.text);
    struct findings f = { .sink = { finding } };
    profile_lint(package, &a, &f.sink);
    if (f.errors + f.warnings == 0 || !strstr(f.last, words))
        fail_msg("want \"%s\", got %zu findings, the last \"%s\"", words, f.errors + f.warnings, f.last);
    arena_release(&a);
}

static void each_broken_rule_is_found(void **state)
{
    (void)state;
    broken_rule("ef-iccid = {ef-iccid}", "ef-iccid = 98001032547698103214", "EF.ICCID is not");
    broken_rule("= 899997000000000001", "= 8999970000000000018", "check digit");
    broken_rule("ef-imsi = {ef-imsi}", "ef-imsi = 080110101032547698", "parity");
    broken_rule("ef-acc = {ef-acc}", "ef-acc = 0400", "class");
}

static void references_are_followed(void **state)
{
    (void)state;
    broken_rule("<61 <4F {usim-aid}> <50 \"USIM\">>", "<61 <4F A0000000871002FF> <50 \"USIM\">>", "EF.DIR");
    broken_rule("01 value={pin1} puk=01", "01 value={pin1} puk=02", "PUK 02");
    broken_rule("adf-usim fid=7FF0 aid={usim-aid} pins=01810A", "adf-usim fid=7FF0 aid={usim-aid} pins=01820A",
                "PIN 82");
    broken_rule("ef-spn = {ef-spn}", "ef-spn size=4 = {ef-spn}", "more content");
    broken_rule("adf = {usim-aid}", "adf = A0000000871004", "application that is not there");
    broken_rule("type=88 usage=38 value={ota-kic}", "type=88 usage=38 value=0102", "octets");
    broken_rule("version = 2.3", "version = 7.3", "version");
    broken_rule("pol1 = {pol1}", "pol1 = 99", "POL1");
    broken_rule("[header]", "[header]\nservices = gba-usim isim", "isim is demanded");
    broken_rule("ef-msisdn = {ef-msisdn}\n", "", "EF.MSISDN");
}

static void broken_octets_are_found(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, ARENA_MAX);
    struct span p = built(&a, "profiles/bootstrap.profile", NULL, 0);
    assert_true(lint(SPAN_NONE).errors > 0);
    assert_true(lint(span_sub(p, 0, p.len - 1)).errors > 0);
    assert_true(lint(span_sub(p, 0, p.len - 9)).errors > 0);
    assert_true(lint(span_from(p, 1)).errors > 0);
    struct writer w = wr_arena(&a, p.len + 2);
    wr_bytes(&w, p);
    wr_bytes(&w, hex_lit("A100"));
    assert_true(lint(wr_span(&w)).errors > 0);
    arena_release(&a);
}

static void no_real_package_breaks_a_rule(void **state)
{
    (void)state;
    const char *path = shared_path("data/profiles/facts.json");
    if (!path)
        skip();
    json_t *list = file_json(path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        char relative[256];
        snprintf(relative, sizeof relative, "data/profiles/%s", vec_text(json_array_get(list, i), "file"));
        struct findings f = lint(file_bytes(shared_path(relative)));
        if (f.errors)
            fail_msg("%s: %s", relative, f.last);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_of_the_tree_build_and_keep_every_rule),
        cmocka_unit_test(subscriber_data_are_coded_as_they_must),
        cmocka_unit_test(eighteen_digits_get_their_check_digit),
        cmocka_unit_test(mistakes_are_told_with_their_line),
        cmocka_unit_test(each_broken_rule_is_found),
        cmocka_unit_test(references_are_followed),
        cmocka_unit_test(broken_octets_are_found),
        cmocka_unit_test(no_real_package_breaks_a_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
