/* tests/support/test.h: cmocka and what every test needs: spans compared with a readable difference, vectors from JSON.
 * A vector file is { …, "vectors": [ {"name": …, "field": "hex or text"}, … ] }; each object becomes one cmocka test. */
#ifndef OSPREY_TESTS_TEST_H
#define OSPREY_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>

#include "lib/codec/hex.h"

/* The path of a file of the project or of the shared material (static buffer per call site is not needed: malloc'd and
 * kept till the end). shared_path answers NULL when the material is not beside the project: the test then says "skip". */
const char *source_path(const char *relative);
const char *shared_path(const char *relative);

/* Whole file; aborts the test when it cannot be read. Kept till the end of the program. */
struct span file_bytes(const char *path);
json_t *file_json(const char *path);

/* Memory that is kept till the end of the program; returns it. */
void *test_keep(void *memory);

/* Hex or text member of an object; fails the test when absent. An empty span for json null. */
struct span vec_hex(const json_t *object, const char *member);
const char *vec_text(const json_t *object, const char *member);
bool vec_has(const json_t *object, const char *member);
struct span hex_lit(const char *hex); /* blanks allowed; kept till the end */

/* Runs test(object) once for each object of file[list] (list NULL: "vectors"), as named cmocka tests. Exit code for
 * main. A file of the shared material that is absent gives 77 (skipped). */
int run_vectors(const char *path, const char *list, void (*test)(void **state));
/* The vector the running test is for. */
const json_t *vector_of(void **state);

#define assert_span_equal(got, want) assert_spans((got), (want), __FILE__, __LINE__)
void assert_spans(struct span got, struct span want, const char *file, int line);
#define assert_ok(expression) assert_err((expression), ERR_NONE, #expression, __FILE__, __LINE__)
#define assert_fails(expression, want) assert_err((expression), (want), #expression, __FILE__, __LINE__)
void assert_err(enum err got, enum err want, const char *what, const char *file, int line);

#define TEST_SKIPPED 77

#endif
