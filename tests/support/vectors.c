#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What lives till the end stays reachable, so that a leak checker sees the other leaks only. */
static struct kept {
    void *memory;
    struct kept *next;
} *all_kept;

void *test_keep(void *memory)
{
    struct kept *k = malloc(sizeof *k);
    if (!k || !memory)
        abort();
    *k = (struct kept){ memory, all_kept };
    all_kept = k;
    return memory;
}

static const char *joined(const char *root, const char *relative)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", root, relative) < 0)
        abort();
    return test_keep(path);
}

const char *source_path(const char *relative)
{
    const char *root = getenv("OSPREY_SOURCE");
    return joined(root ? root : ".", relative);
}

const char *shared_path(const char *relative)
{
    const char *root = getenv("OSPREY_SHARED");
    const char *path = joined(root ? root : "../shared", relative);
    return access(path, R_OK) == 0 ? path : NULL;
}

struct span file_bytes(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot read %s", path);
    fseek(f, 0, SEEK_END);
    long len = ftell(f);
    rewind(f);
    uint8_t *bytes = malloc((size_t)len + 1);
    if (!bytes || fread(bytes, 1, (size_t)len, f) != (size_t)len)
        fail_msg("cannot read %s", path);
    fclose(f);
    bytes[len] = 0;
    return (struct span){ test_keep(bytes), (size_t)len };
}

json_t *file_json(const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (!root)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return test_keep(root);
}

struct span hex_lit(const char *hex)
{
    size_t n = 0;
    uint8_t *text = malloc(strlen(hex) + 1), *out = malloc(strlen(hex) / 2 + 1);
    for (; *hex; hex++)
        if (*hex != ' ' && *hex != '\n')
            text[n++] = (uint8_t)*hex;
    size_t len = 0;
    if (hex_read((struct span){ text, n }, out, n, &len) != ERR_NONE)
        fail_msg("not hex: %.*s", (int)n, text);
    free(text);
    return (struct span){ test_keep(out), len };
}

const char *vec_text(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    if (!json_is_string(value))
        fail_msg("the vector has no text member %s", member);
    return json_string_value(value);
}

struct span vec_hex(const json_t *object, const char *member)
{
    return json_is_null(json_object_get(object, member)) ? SPAN_NONE : hex_lit(vec_text(object, member));
}

bool vec_has(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    return value && !json_is_null(value);
}

const json_t *vector_of(void **state) { return *state; }

static const char *vector_name(const json_t *vector, size_t index)
{
    static const char *const names[] = { "name", "id", "title" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_is_string(json_object_get(vector, names[i])))
            return json_string_value(json_object_get(vector, names[i]));
    char *name = NULL;
    return asprintf(&name, "vector %zu", index) < 0 ? "vector" : test_keep(name);
}

int run_vectors(const char *path, const char *list, void (*test)(void **state))
{
    if (!path) {
        printf("skipped: the shared vectors are not beside the project\n");
        return TEST_SKIPPED;
    }
    json_t *vectors = json_object_get(file_json(path), list ? list : "vectors");
    size_t count = json_array_size(vectors);
    if (!count) {
        fprintf(stderr, "%s has no list %s\n", path, list ? list : "vectors");
        return 1;
    }
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    for (size_t i = 0; tests && i < count; i++) {
        json_t *vector = json_array_get(vectors, i);
        tests[i] = (struct CMUnitTest){ vector_name(vector, i), test, NULL, NULL, vector };
    }
    int failed = _cmocka_run_group_tests(path, tests, count, NULL, NULL);
    free(tests);
    return failed;
}

void assert_spans(struct span got, struct span want, const char *file, int line)
{
    if (span_eq(got, want))
        return;
    char *a = malloc(2 * got.len + 1), *b = malloc(2 * want.len + 1);
    print_error("%s:%d:\n  got  (%zu) %s\n  want (%zu) %s\n", file, line, got.len, hex_text(got, a, 2 * got.len + 1),
                want.len, hex_text(want, b, 2 * want.len + 1));
    _fail(file, line);
}

void assert_err(enum err got, enum err want, const char *what, const char *file, int line)
{
    if (got == want)
        return;
    print_error("%s:%d: %s: got \"%s\", want \"%s\"\n", file, line, what, err_text(got), err_text(want));
    _fail(file, line);
}
