/* The tests of the store seam on a driver: OSPREY_STORE_TEST=postgresql://… runs them there (databases are made by the
 * caller's server and named by number), otherwise on SQLite files. */
#include "tests/support/store_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/osprey-store-XXXXXX";
static char names[64][200];
static size_t used;

static const char *sqlite_name(void)
{
    snprintf(names[used], sizeof names[0], "%s/%zu.db", folder, used);
    return names[used++];
}

/* The caller made the databases t0, t1, … at its server. */
static const char *postgres_name(void)
{
    snprintf(names[used], sizeof names[0], "%s/t%zu", getenv("OSPREY_STORE_TEST"), used);
    return names[used++];
}

static void remove_files(void)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    char path[260];
    for (size_t i = 0; i < used * ARRAY_LEN(ends); i++) {
        snprintf(path, sizeof path, "%s%s", names[i / ARRAY_LEN(ends)], ends[i % ARRAY_LEN(ends)]);
        unlink(path);
    }
    rmdir(folder);
}

int main(void)
{
    bool postgres = getenv("OSPREY_STORE_TEST") != NULL;
    store_tests_name = postgres ? postgres_name : sqlite_name;
    if (!postgres && !mkdtemp(folder))
        return 1;
    int failed = _cmocka_run_group_tests(postgres ? "store on PostgreSQL" : "store on SQLite", store_tests, store_tests_count, NULL, NULL);
    if (!postgres)
        remove_files();
    return failed;
}
