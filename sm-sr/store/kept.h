/* sm-sr/store/kept.h: the eUICCs that were worked on last, as the database has them: the next event about one of them loads
 * nothing. Only for a database that this process alone writes. What is kept is what a load would give, so secrets are wrapped, and
 * what an event changed without storing it is not there.
 *
 * An event takes a copy, and promises what the eUICC will be once its writes are committed. The promise holds when the batch is
 * committed, and else both are forgotten. */
#ifndef OSPREY_SMSR_KEPT_H
#define OSPREY_SMSR_KEPT_H

#include "euicc.h"

#define SMSR_KEPT_SETS       1024u /* eUICCs are kept by their EID in sets, the latest of each */
#define SMSR_KEPT_WAYS       4u
#define SMSR_KEPT_OCTETS_MAX 16384u /* of one; larger ones (a download that has just begun) are loaded each time */

struct kept;
struct kept *kept_new(void); /* NULL: no memory */
void kept_free(struct kept *k);

/* A copy in that arena for an event to work on. NULL: it must be loaded (or there is no memory). k may be NULL. */
struct euicc *kept_copy(struct kept *k, const char *eid, struct arena *arena);
/* Behind smsr_euicc_save, when all that it wrote will be committed or nothing. k may be NULL. */
void kept_promise(struct kept *k, const struct euicc *e);
/* Rows of eUICCs are written without them in this batch: nothing is kept beyond it. k may be NULL. */
void kept_bar(struct kept *k);
/* The batch is committed, or is not. */
void kept_settle(struct kept *k, bool committed);

/* For whoever compares what is kept with the database. The EID of one of those kept lately, each once; NULL: no more. */
const char *kept_next_new(struct kept *k);
/* The EIDs of all, from *at = 0 on. */
const char *kept_next(const struct kept *k, size_t *at);

#endif
