/* operator/inbox.h: every message that came in, once, in an SQLite file that several processes may share: `osprey
 * listen` writes, the commands look for their answers. */
#ifndef OSPREY_OPERATOR_INBOX_H
#define OSPREY_OPERATOR_INBOX_H

#include "lib/es/message.h"

#define INBOX_DETAIL_MAX 200u

struct inbox;
struct inbox *inbox_open(const char *path, enum err *ret_err, char *detail);
void inbox_close(struct inbox *i);

/* ERR_EXISTS: a message with this MessageID of this sender is there already. ERR_IO. */
MUST_USE enum err inbox_put(struct inbox *i, const struct es_message *m, struct span soap, uint64_t now_ms);

struct inbox_row {
    uint64_t number, received_ms;
    const char *from, *name, *eid, *message_id, *relates_to; /* name: "ES4-EnableProfileResponse" */
    struct span soap;
};
typedef bool inbox_visit(void *context, const struct inbox_row *row); /* false: enough */
/* Rows with a number above `after`, oldest first. */
MUST_USE enum err inbox_each(struct inbox *i, uint64_t after, inbox_visit *visit, void *context);
uint64_t inbox_last(struct inbox *i); /* the highest number, 0: empty */

#endif
