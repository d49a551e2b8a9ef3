/* sm-sr/admin.h: the administration of the SM-SR (lib/role/admin.h; described in docs/sm-sr-admin.yaml): eUICCs, running
 * procedures and what they wait for, the outbox and what was given up, partners, metrics. Partners see what is theirs. */
#ifndef OSPREY_SMSR_ADMIN_H
#define OSPREY_SMSR_ADMIN_H

#include "lib/io/http_server.h"
#include "lib/role/admin.h"
#include "smsr.h"

/* partner: who the TLS connection belongs to; NULL: nobody known. The HTTP status (ADMIN_LATER: the
 * answer leaves as EFFECT_REPLY to `reply`); the body in the arena, with its type. */
int smsr_admin(struct smsr *s, const struct smsr_partner *partner, const struct http_request *request, struct reply_ref reply,
               struct arena *a, struct span *ret_body, const char **ret_type);
/* admin_delete.c: euiccs/{eid}/master-delete */
admin_run smsr_admin_master_delete;
/* admin_keys.c: euiccs/{eid}/rotate-keys */
admin_run smsr_admin_rotate_keys;

#endif
