/* tests/unit/es/sample.h: fills any message body from its table, field by field, and validates octets against the
 * schema set of esim-messaging/3 with libxml2. */
#ifndef OSPREY_TESTS_ES_SAMPLE_H
#define OSPREY_TESTS_ES_SAMPLE_H

#include "lib/es/field.h"
#include "tests/support/test.h"

enum sample { SAMPLE_FULL, SAMPLE_MINIMAL };

/* A body with every element (twice where it may repeat), or only the mandatory ones. */
void *sample_body(struct arena *a, enum es_function function, enum es_kind kind, enum sample how);
/* A message around it, header included. */
struct es_message sample_message(struct arena *a, enum es_function function, enum es_kind kind, enum sample how);

/* The text with the first `from` in it as `to`, in the arena; fails the test when it is not there. */
struct span sample_replaced(struct arena *a, struct span text, const char *from, const char *to);

/* The schemas: NULL when they are not beside the project. */
struct schema;
struct schema *schema_open(void);
/* Fails the test with the validator's words when the envelope (header, body) is not valid. */
void schema_check(struct schema *schema, struct span soap, const char *what);

#endif
