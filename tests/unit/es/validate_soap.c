/* validate-soap FOLDER: every SOAP message in it (a lab's trace) against the schemas of esim-messaging/3, envelope and
 * body. Exit code 0: all are valid; 77: the schemas are not beside the project. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "sample.h"

static struct schema *schema;
static const char *folder;

static bool in_schema(struct span soap)
{
    struct arena a;
    struct es_message m;
    struct es_fault fault;
    arena_init(&a, 64u << 20);
    bool known = es_decode(soap, &a, &m, &fault) == ERR_NONE && m.function && !es_function_info(m.function)->v4;
    bool is_fault = m.kind == ES_SOAP_FAULT;
    arena_release(&a);
    return known || is_fault;
}

static void all_are_valid(void **state)
{
    (void)state;
    unsigned valid = 0, others = 0;
    DIR *d = opendir(folder);
    if (!d)
        fail_msg("%s cannot be read", folder);
    for (struct dirent *e; (e = readdir(d));) {
        char path[1200];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (strlen(e->d_name) < 4 || strcmp(e->d_name + strlen(e->d_name) - 4, ".xml") != 0)
            continue;
        struct span soap = file_bytes(path);
        if (in_schema(soap)) {
            schema_check(schema, soap, e->d_name);
            valid++;
        } else {
            others++;
        }
    }
    closedir(d);
    print_message("%u messages are valid; %u are not in the schema of v3\n", valid, others);
    assert_true(valid > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(all_are_valid) };
    folder = argc > 1 ? argv[1] : ".";
    schema = schema_open();
    return schema ? cmocka_run_group_tests(tests, NULL, NULL) : TEST_SKIPPED;
}
