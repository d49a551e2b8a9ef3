/* lib/role/node.h: this process among those on one database, for the administration.
 *
 *     GET  nodes   the processes: number, name, alive, seconds since they said so
 *     POST drain   takes no new work, ends or hands over what it has, and ends the program */
#ifndef OSPREY_ROLE_NODE_H
#define OSPREY_ROLE_NODE_H

#include "admin.h"
#include "lib/base/env.h"

struct node_admin {
    const struct env *env;
    void (*drain)(void *context); /* NULL: cannot be */
    void *context;
};
struct admin_set node_routes(struct node_admin *n);

#endif
