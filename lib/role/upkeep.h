/* lib/role/upkeep.h: what a server does for itself, whatever it is about: at its start, once an hour, and when its configuration
 * was read anew. */
#ifndef OSPREY_ROLE_UPKEEP_H
#define OSPREY_ROLE_UPKEEP_H

#include "rewrap.h"

#define UPKEEP_CALLS_KEPT_MS (24ull * 3600 * 1000) /* answers, for those who ask again */

/* Starts the engine; the first hour begins, and secrets under another master key are looked for. */
MUST_USE enum err upkeep_start(const struct rewrap *secrets);
/* Of a timer of the line "" that is not rewrap's: what was kept long enough is forgotten, and the next hour begins. */
void upkeep_prune(struct writes *w, uint64_t now_ms);
/* The master key may be another one now. */
void upkeep_reloaded(const struct rewrap *secrets);

#endif
