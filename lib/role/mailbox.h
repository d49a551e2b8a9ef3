/* lib/role/mailbox.h: what waits for partners that fetch their messages (lib/es/wsmc.h). It keeps nothing by itself:
 * what waits here stays in the outbox of the engine, which fills the mailbox again after a crash.
 *
 * A message is taken as received when its owner says so (RelatesTo of the next request), or asks again on the
 * connection on which it was given out: HTTP has carried the whole answer then. After MAILBOX_GIVEN_MAX connections that
 * never said so it is taken as received too: so a partner that opens a connection for each request gets on. Until
 * then it is given out again: at least once, under one MessageID. */
#ifndef OSPREY_ROLE_MAILBOX_H
#define OSPREY_ROLE_MAILBOX_H

#include "lib/engine/engine.h"
#include "lib/es/wsmc.h"

#define MAILBOX_OWNER_MAX  4096u       /* messages of one owner; more wait in the outbox */
#define MAILBOX_OCTETS_MAX (64u << 20) /* of all */
#define MAILBOX_GIVEN_MAX  3u

struct mailbox;
struct mailbox_options {
    struct clock *clock;
    struct log *log;
    struct engine *(*engine)(void *context);
    void *context;
};
struct mailbox *mailbox_new(const struct mailbox_options *options); /* NULL: no memory */
void mailbox_free(struct mailbox *m);                               /* NULL is fine; no results */

/* An effect whose `to` is a wsmc_destination. Its result comes when it was received, or is given up. */
void mailbox_put(struct mailbox *m, const struct effect *effect);

enum mailbox_answer { MAILBOX_EMPTY, MAILBOX_LETTER, MAILBOX_FOREIGN /* all under that URI is somebody else's */ };
/* Who asks: what it may fetch (the owner's OID), and on which connection (struct peer). */
struct mailbox_visitor {
    bool (*may)(void *context, struct span owner);
    void *context;
    uint64_t connection;
};
enum mailbox_answer mailbox_poll(struct mailbox *m, const struct mailbox_visitor *visitor, const struct wsmc_poll *poll,
                                 struct arena *a, struct span *ret_soap);
/* Gives up what nobody fetched in time; call it now and then. */
void mailbox_tick(struct mailbox *m);
size_t mailbox_count(const struct mailbox *m);

#endif
