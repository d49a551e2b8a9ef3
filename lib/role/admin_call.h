/* lib/role/admin_call.h: an administration request that begins something which takes its time. It has an identifier and is
 * remembered like a call of SOAP (lib/engine/call.h): a repeat is not carried out twice, and its outcome can be asked for.
 *
 *     POST …                 {"call_id": …, "validity_s": …, …}   202 {"call_id": …}; both members may be left out
 *     GET  calls/{call_id}   {"call_id", "state": "running"}, or {"state": "done", "status", "subject", "reason", "message"} */
#ifndef OSPREY_ROLE_ADMIN_CALL_H
#define OSPREY_ROLE_ADMIN_CALL_H

#include "lib/base/env.h"
#include "lib/engine/engine.h"
#include "lib/model/status.h"
#include "admin.h"

#define ADMIN_CALL_ID_MAX     64u
#define ADMIN_CALL_VALIDITY_S 3600u
#define ADMIN_CALL_MAX_S      (30u * 24 * 3600)

struct admin_call {
    struct oid requester;
    bool all; /* an administrator */
    char call_id[ADMIN_CALL_ID_MAX + 1];
    uint8_t digest[32]; /* of the request */
    uint32_t validity_s;
};

/* What is to be known of the request itself; body is its JSON. false: *ret_wrong names the member that will not do. */
bool admin_call_read(const struct admin_request *r, const struct json_t *body, struct rng *rng, struct admin_call *ret,
                     const char **ret_wrong);

/* Answers a repeat, whatever has become meanwhile of what the call is about: 202, or 409 when its identifier was used for
 * another request. 0: it was not heard of, or only just now (the turn of its event looks again). */
int admin_call_repeated(const struct env *env, const struct admin_call *c, struct json_t **ret);

/* ---- in the turn of its event, whose reply is the request's exchange */

/* true: it is new, and stored as running; 202 leaves with the commit. false: it was answered, as a repeat or as another call
 * of the same identifier; or *ret_need_rows. */
bool admin_call_begin(struct rowset *rows, struct writes *w, struct outbox *out, const struct event *event,
                      const struct admin_call *c, uint64_t deadline_ms, bool *ret_need_rows);
/* Not begun at all. */
void admin_call_refuse(struct outbox *out, const struct event *event, int status, const char *why);
/* Its outcome, for who asks. */
void admin_call_end(struct writes *w, const struct oid *requester, const char *call_id, const struct status *s);

/* ---- the route calls/{call_id} */
struct admin_calls {
    const struct env *env;
};
struct admin_set admin_call_routes(struct admin_calls *c);

#endif
