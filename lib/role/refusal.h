/* lib/role/refusal.h: what a server answers to a message that it does not take: a SOAP fault, or the function's own
 * response with FAILED. */
#ifndef OSPREY_ROLE_REFUSAL_H
#define OSPREY_ROLE_REFUSAL_H

#include "lib/base/env.h"
#include "lib/es/message.h"

struct refusal_self {
    const struct oid *oid;
    const char *url;
    const struct env *env;
};
/* The HTTP status; *ret_soap (in the arena) may be empty. A fault without text is not logged. */
int refusal_write(const struct refusal_self *self, const struct es_message *m, const struct es_fault *fault, struct arena *a,
                  struct span *ret_soap);

#endif
