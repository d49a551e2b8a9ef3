/* tests/support/store_tests.h: what every driver of the store seam must do; each driver's test runs all of it. */
#ifndef OSPREY_TESTS_STORE_TESTS_H
#define OSPREY_TESTS_STORE_TESTS_H

#include "lib/io/database.h"
#include "tests/support/test.h"

/* The name of an empty database, for each test anew. */
extern const char *(*store_tests_name)(void);
extern const struct CMUnitTest store_tests[];
extern const size_t store_tests_count;

#endif
