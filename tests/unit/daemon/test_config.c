#include "tests/support/test.h"
#include "lib/daemon/config.h"

#include <stdlib.h>
#include <unistd.h>

static const struct config_option options[] = {
    { "es3", "listen", CONFIG_ADDRESS, NULL, true, "where ES3 is served" },
    { "es3", "validity_s", CONFIG_NUMBER, "3600", false, "default validity period" },
    { "keys", "master", CONFIG_PATH, NULL, false, "the master key" },
    { "partner *", "oid", CONFIG_TEXT, NULL, true, "who it is" },
    { "partner *", "direct", CONFIG_BOOL, "no", false, "has an endpoint of its own" },
    { "partner *", "code.*", CONFIG_TEXT, NULL, false, "a number of its own" },
};
static char detail[CONFIG_DETAIL_MAX];

static enum err load(const char *text, struct config **ret)
{
    char path[] = "/tmp/osprey-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    enum err err = config_load(path, options, ARRAY_LEN(options), ret, detail);
    unlink(path);
    return err;
}

static void a_file_is_read(void **state)
{
    (void)state;
    struct config *c;
    char host[32];
    uint16_t port;
    assert_ok(load("# lab\n[es3]\n listen = 127.0.0.1:8443 \n[keys]\nmaster = m.key\n"
                   "[partner dp]\noid=1.2.3\ndirect = yes\n[partner op]\noid = 1.2.4\n", &c));
    assert_ok(config_address(c, "es3", "listen", host, sizeof host, &port));
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(port, 8443);
    assert_int_equal(config_number(c, "es3", "validity_s"), 3600);
    assert_string_equal(config_text(c, "keys", "master"), "/tmp/m.key");
    const char *dp = config_next(c, "partner", NULL), *op = config_next(c, "partner", dp);
    assert_string_equal(config_section_name(dp), "dp");
    assert_true(config_bool(c, dp, "direct"));
    assert_string_equal(config_text(c, op, "oid"), "1.2.4");
    assert_false(config_bool(c, op, "direct"));
    assert_null(config_next(c, "partner", op));
    config_free(c);
}

static void options_of_any_name_are_walked(void **state)
{
    (void)state;
    struct config *c;
    assert_ok(load("[es3]\nlisten = a:1\n[partner x]\noid = 1.2\ncode.B = 2\ndirect = yes\ncode.A = 1\n[partner y]\noid = 1.3\n"
                   "code.C = 3\n", &c));
    const char *b = config_next_option(c, "partner x", "code.", NULL), *a = config_next_option(c, "partner x", "code.", b);
    assert_string_equal(b, "code.B");
    assert_string_equal(a, "code.A");
    assert_string_equal(config_text(c, "partner x", a), "1");
    assert_null(config_next_option(c, "partner x", "code.", a));
    assert_null(config_text(c, "partner y", "code.A"));
    config_free(c);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
        enum err err;
    } cases[] = {
        { "[es3]\nlisten = nowhere\n", ":2: not host:port", ERR_BAD_VALUE },
        { "[es3]\nlisten = a:1\nlisten = a:2\n", ":3: given twice", ERR_BAD_VALUE },
        { "[es4]\n", ":1: no such section", ERR_BAD_VALUE },
        { "[es3]\nlisten = a:1\nport = 1\n", ":3: no such option in [es3]: port", ERR_BAD_VALUE },
        { "[es3]\nlisten = a:1\nvalidity_s = soon\n", "not a number", ERR_BAD_VALUE },
        { "[keys]\n", "[es3] listen is missing", ERR_MISSING },
        { "[es3]\nlisten =\n", "[es3] listen is missing: where ES3 is served", ERR_MISSING },
        { "[es3]\nlisten = a:1\n[partner x]\noid =\n", "[partner x] oid is missing", ERR_MISSING },
        { "[es3]\nlisten = a:1\n[partner x]\ndirect = no\n", "[partner x] oid is missing", ERR_MISSING },
        { "[es3]\nlisten = a:1\n[partner x]\ncode. = 1\n", ":4: no such option", ERR_BAD_VALUE },
        { "[es3]\nlisten = a:1\n[partner x]\ncode.A = 1\ncode.A = 2\n", ":5: given twice", ERR_BAD_VALUE },
        { "listen = a:1\n", "before the first", ERR_BAD_VALUE },
        { "[es3]\nlisten = a:1\n[es3]\n", "there already", ERR_BAD_VALUE },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config *c = NULL;
        assert_fails(load(cases[i].text, &c), cases[i].err);
        assert_non_null(strstr(detail, cases[i].says));
        assert_null(c);
    }
}

static void a_line_is_never_cut_in_two(void **state)
{
    (void)state;
    char text[5000] = "[es3]\nlisten = a:1\n# ";
    size_t start = strlen(text), most = start - strlen("# ") + 4096;
    struct config *c = NULL;
    memset(text + start, 'x', sizeof text - start - 1);
    text[most] = '\0';
    assert_ok(load(text, &c));
    config_free(c);
    c = NULL;
    text[most] = 'x';
    assert_fails(load(text, &c), ERR_TOO_LONG);
    assert_non_null(strstr(detail, ":3: the line is too long"));
}

static void what_is_no_file_is_said(void **state)
{
    (void)state;
    struct config *c = NULL;
    assert_fails(config_load("/tmp", options, ARRAY_LEN(options), &c, detail), ERR_IO);
    assert_string_equal(detail, "/tmp: Is a directory");
    assert_fails(config_load("/tmp/osprey-is-not-here", options, ARRAY_LEN(options), &c, detail), ERR_IO);
    assert_string_equal(detail, "/tmp/osprey-is-not-here: No such file or directory");
    assert_null(c);
}

static void the_example_asks_for_what_must_be_given_and_no_more(void **state)
{
    (void)state;
    struct config *c = NULL;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    config_print_example(out, options, ARRAY_LEN(options));
    fclose(out);
    assert_fails(load(text, &c), ERR_MISSING);
    assert_non_null(strstr(detail, "[es3] listen is missing"));
    assert_non_null(strstr(text, "\n#[partner NAME]\n"));
    char *listen = strstr(text, "\nlisten = \n"), filled[2000];
    assert_non_null(listen);
    snprintf(filled, sizeof filled, "%.*slisten = a:1%s", (int)(listen + 1 - text), text, listen + strlen("\nlisten = "));
    assert_ok(load(filled, &c));
    assert_null(config_next(c, "partner", NULL));
    config_free(c);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(options_of_any_name_are_walked),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(a_line_is_never_cut_in_two),
        cmocka_unit_test(what_is_no_file_is_said),
        cmocka_unit_test(the_example_asks_for_what_must_be_given_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
