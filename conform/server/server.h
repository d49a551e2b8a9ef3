/* conform/server/server.h: osprey-conform server: the off-card cases against a lab or against servers that a file
 * describes. */
#ifndef OSPREY_CONFORM_SERVER_SERVER_H
#define OSPREY_CONFORM_SERVER_SERVER_H

#include <stdbool.h>

#include "conform/report.h"

#define SERVER_CASES_MAX 200u
#define SERVER_IDEAS     110u /* of the fact book; the cases behind them are ours */

struct server_wish {
    const char *target; /* "lab", or a file */
    const char *group;  /* NULL: all */
    unsigned number;    /* 0: all */
    bool quick;         /* without those that wait for a second or more */
    bool ideas;         /* without those behind SERVER_IDEAS */
    const char *keep;   /* folder of the lab, which stays; NULL: a temporary one */
    bool progress;
};
/* rows: SERVER_CASES_MAX. false: the servers cannot be tested; detail (BED_DETAIL_MAX octets) says why. */
MUST_USE bool server_run(const struct server_wish *wish, struct verdict_row *rows, size_t *ret_count, char *detail);
void server_list(FILE *out);
void server_example(FILE *out);

#endif
