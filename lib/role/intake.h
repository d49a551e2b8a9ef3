/* lib/role/intake.h: a SOAP message on its way into a server: read, let in or refused, in whose name it speaks, and what
 * makes a repeat of it the same call. Which event it becomes is the role's business. */
#ifndef OSPREY_ROLE_INTAKE_H
#define OSPREY_ROLE_INTAKE_H

#include "guard.h"
#include "lib/engine/engine.h"
#include "lib/es/message.h"

#define INTAKE_DIGEST_LEN 32u

/* A partner as the intake sees it; partner NULL: nobody known. All borrowed. */
struct intake_partner {
    const void *partner; /* the role's */
    const char *name;
    const struct oid *oid;
    struct guard *guard;
};
struct intake {
    const struct env *env;
    struct wsse_seen *seen;
    const struct oid *oid; /* our own, and our URL: of refusals */
    const char *url;
    void *role;
    struct intake_partner (*find)(void *role, const char *oid);
};

struct intake_message {
    struct es_message message;
    struct span soap;                  /* as it came, in the arena */
    struct intake_partner partner;     /* who speaks: that of the connection, or one for whom it may speak */
    uint8_t digest[INTAKE_DIGEST_LEN]; /* of its Body: the header of a repeat may have a new MessageID */
};

/* Answers an open exchange at once: nothing was stored, nothing is. */
void intake_reply(const struct env *env, struct reply_ref reply, int status, struct span body);

/* What a message that was let in becomes: its kind, line and data (NULL: no memory). false: nothing that is waited for. */
typedef bool intake_becomes(void *role, struct event *event, const struct intake_message *m);
/* by: the partner of the connection. The message is read, let in and posted. A stranger, or one who speaks for somebody he may not
 * speak for, comes in as he is: the functions turn him away. What is refused is told so, what nobody waits for is acknowledged
 * without effect, and when there is no room the sender hears 503. */
void intake_take(const struct intake *in, struct engine *engine, struct intake_partner by, struct span soap, struct reply_ref reply,
                 intake_becomes *becomes);

#endif
