/* sm-dp/admin.h: the administration of the SM-DP (lib/role/admin.h; described in docs/sm-dp-admin.yaml): operators order
 * profiles, which SGP.02 leaves to the parties, and see what became of them; administrators see messages and metrics. */
#ifndef OSPREY_SMDP_ADMIN_H
#define OSPREY_SMDP_ADMIN_H

#include "lib/io/http_server.h"
#include "lib/role/admin.h"
#include "smdp.h"

/* partner: who the TLS connection belongs to; NULL: nobody known. The HTTP status (ADMIN_LATER: the
 * answer leaves as EFFECT_REPLY to `reply`); the body in the arena, with its type. */
int smdp_admin(struct smdp *s, const struct smdp_partner *partner, const struct http_request *request, struct reply_ref reply,
               struct arena *a, struct span *ret_body, const char **ret_type);

#endif
