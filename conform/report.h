/* conform/report.h: verdicts for people, for programs (JSON), for build servers (JUnit XML). */
#ifndef OSPREY_CONFORM_REPORT_H
#define OSPREY_CONFORM_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/err.h"
#include "verdict.h"

struct verdict_row {
    const struct case_def *def;
    enum case_verdict verdict;
    uint32_t ms;
    char detail[BED_DETAIL_MAX];
};
struct report {
    const char *kind; /* "card", "server" */
    const char *target;
    const struct verdict_row *rows;
    size_t count;
};

/* The table, or JSON, on stdout; and JUnit XML into a file (NULL: not). */
MUST_USE enum err report_write(const struct report *r, bool json, const char *junit);
void report_table(const struct report *r, FILE *out);
void report_json(const struct report *r, FILE *out);
MUST_USE enum err report_junit(const struct report *r, const char *path);
size_t report_count(const struct report *r, enum case_verdict verdict);
/* "NNN-group-words": the case's name everywhere. */
#define CASE_NAME_SIZE 80u
const char *case_name(const struct case_def *c, char out[CASE_NAME_SIZE]);

#endif
