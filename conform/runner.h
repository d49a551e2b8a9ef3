/* conform/runner.h: runs cases one after another, each from the card as it was found. */
#ifndef OSPREY_CONFORM_RUNNER_H
#define OSPREY_CONFORM_RUNNER_H

#include "bed.h"
#include "report.h"

#define RUNNER_CASES_MAX 160u

struct runner_wish {
    const char *group; /* NULL: all */
    unsigned number;   /* 0: all */
    bool progress;     /* a line on stderr for each case */
};
/* rows: RUNNER_CASES_MAX. false: the card was not even fit to begin; why is in the bed's detail. */
MUST_USE bool runner_run(struct bed *b, const struct runner_wish *wish, struct verdict_row *rows, size_t *ret_count);

#endif
