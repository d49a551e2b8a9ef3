/* Every ES5 command of the vectors in its SMS (AA) and HTTP (AE 80) script, and both answers. */
#include "lib/gp/ram_script.h"
#include "tests/support/test.h"

static void check_command(const json_t *v, const char *member, enum ram_format format)
{
    WRITER_ON_STACK(w, 512);
    struct ram_script s;
    struct ram_reader r;
    struct ram_item item;
    ram_script_open(&s, &w, format);
    ram_script_capdu(&s, vec_hex(v, "c_apdu"));
    ram_script_close(&s);
    assert_span_equal(wr_span(&w), vec_hex(v, member));

    ram_commands_open(&r, vec_hex(v, member));
    assert_int_equal(r.format, format);
    assert_true(ram_commands_next(&r, &item));
    assert_int_equal(item.tag, RAM_TAG_CAPDU);
    assert_span_equal(item.value, vec_hex(v, "c_apdu"));
    assert_false(ram_commands_next(&r, &item));
    assert_int_equal(r.bad_format, 0);
}

static void check_answer(const json_t *v, const char *member, enum ram_format format)
{
    WRITER_ON_STACK(w, 512);
    struct ram_answer a;
    struct ram_reader r;
    struct ram_item item;
    ram_answer_open(&a, &w, format);
    ram_answer_rapdu(&a, vec_hex(v, "r_apdu"));
    ram_answer_close(&a);
    assert_span_equal(wr_span(&w), vec_hex(v, member));

    assert_ok(ram_results_open(&r, vec_hex(v, member)));
    assert_true(ram_results_next(&r, &item));
    assert_span_equal(item.value, vec_hex(v, "r_apdu"));
    assert_false(ram_results_next(&r, &item));
    assert_int_equal(r.r.err, ERR_NONE);
}

static void script_and_answer_are_as_recorded(void **state)
{
    const json_t *v = vector_of(state);
    if (!vec_has(v, "c_apdu"))
        return; /* a notification: no script */
    check_command(v, "script", RAM_DEFINITE);
    check_command(v, "http", RAM_INDEFINITE);
    if (!vec_has(v, "r_apdu"))
        return;
    check_answer(v, "r_script", RAM_DEFINITE);
    check_answer(v, "r_http", RAM_INDEFINITE);
}

/* Scripts and answers of a real card, whatever their form: read to a clean end. */
static void real_scripts_are_read(void **state)
{
    const json_t *v = vector_of(state);
    struct ram_reader r;
    struct ram_item item;
    size_t commands = 0;
    ram_commands_open(&r, vec_hex(v, "command"));
    while (ram_commands_next(&r, &item))
        commands++;
    bool broken = r.bad_format != 0;
    struct span answer = vec_has(v, "response") ? vec_hex(v, "response") : SPAN_NONE;
    if (r.format == RAM_COMPACT) {
        struct ram_compact_result c;
        assert_ok(ram_compact_result_parse(answer, &c));
        assert_int_equal(c.executed, 1);
        return;
    }
    assert_true(commands > 0 || broken);
    if (answer.len == 0)
        return;
    assert_ok(ram_results_open(&r, answer));
    bool said_bad = false;
    while (ram_results_next(&r, &item))
        said_bad |= item.tag == RAM_TAG_BAD_FORMAT;
    assert_int_equal(r.r.err, ERR_NONE);
    assert_int_equal(said_bad, broken);
}

int main(void)
{
    const char *path = shared_path("data/vectors/oncard-es5-scp80.json");
    int generated = run_vectors(path, "generated", script_and_answer_are_as_recorded);
    return generated ? generated : run_vectors(path, "real_es5", real_scripts_are_read);
}
