/* lib/role/administration.h: the administration that every server has: its own routes, and with them those of calls, of messages
 * that could not be delivered, of secrets under another master key, and of the processes on one database. */
#ifndef OSPREY_ROLE_ADMINISTRATION_H
#define OSPREY_ROLE_ADMINISTRATION_H

#include "admin.h"
#include "lib/io/http_server.h"
#include "node.h"
#include "rewrap.h"
#include "undelivered.h"

struct administration {
    const struct env *env;
    struct admin_set own; /* its role is that of metrics, too */
    struct undelivered messages;
    struct rewrap secrets;
    struct node_admin node;
    void (*metrics)(void *role, struct writer *w);
};

/* who: the partner, its exchange and the arena; the rest comes from the request. As admin_serve. */
int administration_serve(struct administration *admin, const struct http_request *request, struct admin_request *who,
                         struct span *ret_body, const char **ret_type);

#endif
