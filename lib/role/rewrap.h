/* lib/role/rewrap.h: the secrets of a database move to another master key while the server runs. The server wraps under
 * the present key and opens with the older ones beside it (lib/crypto/keystore_soft.h); a walk over all rows that hold a
 * secret, a few at a time, wraps again what is still under an older key. Where the walk is stands in the database, in the
 * transaction of the rows it changed: after a crash it goes on there. It begins by itself when the server starts, or reads
 * its configuration anew, with another present key; and it ends with a walk that found nothing left to do, so what was
 * written back meanwhile is found too. On a database of several servers any of them that has the new key present does it. */
#ifndef OSPREY_ROLE_REWRAP_H
#define OSPREY_ROLE_REWRAP_H

#include "admin.h"
#include "lib/engine/engine.h"

#define REWRAP_PAGE_MAX  32u
#define REWRAP_AAD_MAX   80u
#define REWRAP_TIMER     "rewrap" /* of the line "" */
#define REWRAP_AGAIN     "rewrap-again"
#define REWRAP_DETAIL_MAX 200u

extern const char REWRAP_SCHEMA[]; /* a migration */

/* One column with secrets, and how it is walked by a key of a text and a number (0 when the table's has none). */
struct rewrap_table {
    const char *name;              /* for people */
    const struct statement *count; /* how many there are */
    const struct statement *page;  /* (text, number): the secrets behind that key, in order: text, number, secret */
    const struct statement *put;   /* (text, number, new, old): where it is still the old one */
    struct span (*aad)(const char *text, int64_t number, char out[REWRAP_AAD_MAX]);
};
struct rewrap {
    const struct rewrap_table *tables;
    size_t count;
    const struct env *env;
    struct engine *engine;
};

/* An event of the timers REWRAP_TIMER and REWRAP_AGAIN is this module's. */
bool rewrap_is_for(const struct event *event);
enum verdict rewrap_step(const struct rewrap *r, struct rowset *rows, const struct event *event, struct writes *w);
/* At the start, and when the keys may have changed. */
MUST_USE enum err rewrap_look(const struct rewrap *r);

/* Before a server takes other keys, and at its start: are those there that secrets of this database are wrapped under?
 * ERR_STATE, and detail says which one is missing. */
MUST_USE enum err rewrap_check(struct store *store, struct keys *keys, char detail[REWRAP_DETAIL_MAX]);

struct admin_set rewrap_routes(struct rewrap *r);
void rewrap_metrics(const struct rewrap *r, struct writer *w, const char *prefix);

#endif
