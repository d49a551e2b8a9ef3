/* lib/role/undelivered.h: answers and notifications that were given up are kept for a month, in the open: who runs the server
 * looks at them, sends them once more, or forgets them. And the outbox as it is now. */
#ifndef OSPREY_ROLE_UNDELIVERED_H
#define OSPREY_ROLE_UNDELIVERED_H

#include "admin.h"
#include "lib/engine/engine.h"

#define UNDELIVERED_KEPT_MS (30ull * 24 * 3600 * 1000)

extern const char UNDELIVERED_SCHEMA[]; /* a migration */
/* For engine_config.bury: effects whose ref is "…/response/…" or "…/notification/…". */
extern const struct statement UNDELIVERED_BURY;
void undelivered_prune(struct writes *w, uint64_t now_ms);

/* The routes of both, for administrators: a set whose role is struct undelivered. */
struct undelivered {
    const struct env *env;
    struct engine *engine;
};
struct admin_set undelivered_routes(struct undelivered *u);
/* Gauges: what waits, what was given up. */
void undelivered_metrics(const struct undelivered *u, struct writer *w, const char *prefix);

#endif
