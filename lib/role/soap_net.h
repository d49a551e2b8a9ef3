/* lib/role/soap_net.h: a role's SOAP over mutual TLS, both ways: requests come in whole and are answered now or later;
 * effects of its engine go out as POSTs, and their results back into the engine. Lab traces of every message. */
#ifndef OSPREY_ROLE_SOAP_NET_H
#define OSPREY_ROLE_SOAP_NET_H

#include "intake.h"
#include "lib/engine/engine.h"
#include "lib/es/functions.h"
#include "lib/io/http_client.h"
#include "lib/io/http_server.h"
#include "soap_trace.h"

struct soap_net_options {
    struct loop *loop;
    struct log *log;
    const char *name;           /* of the role, in names of traces: "sm-sr" */
    const char *address;
    uint16_t port;
    struct ssl_ctx_st *server_tls, *client_tls; /* of tls_mutual_ctx, borrowed */
    const char *trace_dir;      /* NULL: no traces */
    uint32_t node;              /* reply_ref.node of its exchanges */
    /* The partner with this OID or, when there is none, with this CN in its certificate; and the one that is reached at this URL.
     * What it fetches is its own, or that of those for whom it may speak; what it is sent carries the WS-Security of its guard. */
    struct intake_partner (*who)(void *context, const char *oid, const char *common_name);
    struct intake_partner (*at)(void *context, const char *url);
    /* A POSTed body; answer with soap_net_reply. partner: of the role, NULL: nobody known. */
    void (*on_soap)(void *context, const void *partner, struct span body, struct reply_ref reply);
    struct engine *(*engine)(void *context);
    struct rng *rng; /* for nonces */
    void *context;
    /* GET …?wsdl of a service path gives its WSDL: of this role, reached at this URL; url NULL: 404 for all. */
    enum es_role role;
    const char *url;
    /* Requests to the paths of lib/role/admin.h: the HTTP status, and the body in the arena with its type; or
     * ADMIN_LATER: it comes as EFFECT_REPLY to ref. NULL: none. */
    int (*on_admin)(void *context, const void *partner, const struct http_request *request, struct reply_ref ref, struct arena *a,
                    struct span *ret_body, const char **ret_type);
};

struct soap_net;
/* NULL without memory. Nothing happens before soap_net_open, which listens; detail: IO_DETAIL_MAX octets. */
struct soap_net *soap_net_new(const struct soap_net_options *options);
MUST_USE enum err soap_net_open(struct soap_net *n, char *detail);
/* No new connections, and no further request on those that are open. */
void soap_net_drain(struct soap_net *n);
void soap_net_free(struct soap_net *n); /* NULL is fine */
/* Other contexts from now on, for connections of either direction; borrowed. */
void soap_net_set_tls(struct soap_net *n, struct ssl_ctx_st *server, struct ssl_ctx_st *client);

/* EFFECT_REPLY on this node: SOAP, or JSON. */
void soap_net_reply(struct soap_net *n, const struct effect *effect);
/* POSTs effect->body to effect->to, or keeps it for who fetches it when that is a wsmc_destination. The engine gets EFFECT_SENT (2xx, with the answer's body), EFFECT_REFUSED_ (4xx but
 * 408 and 429) or EFFECT_FAILED. A ref that begins with a function ("ES4-EnableProfile/response/…") names the action. */
void soap_net_post(struct soap_net *n, const struct effect *effect);

#endif
