/* lib/role/admin.h: the administration of a server: JSON over the same HTTPS as SOAP, with client certificates. One table of
 * routes per server; docs/sm-….yaml describes them, and a test compares the two both ways.
 *
 *     GET /admin/v1/      the routes
 *     GET /metrics        for Prometheus, in its text form */
#ifndef OSPREY_ROLE_ADMIN_H
#define OSPREY_ROLE_ADMIN_H

#include "lib/base/store.h"
#include "lib/codec/writer.h"
#include "lib/engine/engine.h"
#include "lib/model/oid.h"

#define ADMIN_PREFIX      "/admin/v1/"
#define ADMIN_METRICS     "/metrics"
#define ADMIN_PARTS_MAX   3u
#define ADMIN_PAGE        200u /* rows of one answer */
#define ADMIN_METRICS_MAX 16384u
#define ADMIN_LATER       0 /* in place of an HTTP status: the answer leaves through the request's `reply` */
#define ADMIN_SETS_MAX    5u
#define ADMIN_NO_DATABASE "the database does not answer"

struct json_t;
struct admin_request {
    const char *name;       /* of the partner who asks; NULL: nobody known */
    const struct oid *oid;  /* its OID */
    unsigned kinds;         /* of it, as the server has them */
    bool all;               /* an administrator: it sees and does everything */
    const void *partner;    /* the server's own */
    struct span method, path, query, body;
    struct span parts[ADMIN_PARTS_MAX]; /* what stands for {…} of the route, in order */
    struct reply_ref reply; /* its exchange, for ADMIN_LATER */
    struct arena *a;
};

/* Returns the HTTP status, or ADMIN_LATER; *ret is the answer (or stays NULL: an empty object). */
typedef int admin_run(void *role, const struct admin_request *r, struct json_t **ret);
struct admin_route {
    const char *method, *path; /* behind ADMIN_PREFIX: "procedures/{eid}" */
    const char *summary;
    unsigned kinds;            /* of callers that may, beside administrators */
    admin_run *run;
};
struct admin_set {
    const struct admin_route *routes;
    size_t count;
    void *role; /* of their functions */
};
struct admin {
    struct admin_set sets[ADMIN_SETS_MAX];
    void (*metrics)(void *role, struct writer *w); /* for administrators; the role of the first set */
};
/* The HTTP status; body (in the arena, never empty) and its type. */
int admin_serve(const struct admin *admin, struct admin_request *r, struct span *ret_body, const char **ret_type);

/* ---- for the functions of routes */

/* The rows of one question, outside of any transaction; NULL: the database does not answer. */
const struct query *admin_load(struct store *store, struct arena *a, const struct statement *statement, const struct value *params,
                               size_t count);
#define ADMIN_LOAD(store, a, statement, ...)                                                                           \
    admin_load((store), (a), (statement), (const struct value[]){ __VA_ARGS__ },                                       \
               sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value))
/* {"error": why} */
int admin_refuse(struct json_t **ret, int status, const char *why);
/* The value of ?name=…; empty: not there. */
struct span admin_query(const struct admin_request *r, const char *name);
const char *admin_text(const struct admin_request *r, struct span s); /* with its NUL, in the arena */
/* One figure with its two comment lines. kind: "counter", "gauge". */
void admin_metric(struct writer *w, const char *name, const char *kind, const char *help, uint64_t value);

#endif
