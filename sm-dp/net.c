#include "net.h"

#include <stdlib.h>

#include "admin.h"

struct smdp_net {
    struct net seam;
    struct smdp_net_options options;
    struct smdp *smdp;
    struct soap_net *soap;
};

static const struct smdp_partner *partner_of(struct smdp_net *n, const struct peer *peer)
{
    if (!peer || !peer->authenticated)
        return NULL;
    const struct smdp_partner *p = smdp_partner_by_oid(n->smdp, peer->oid);
    return p ? p : smdp_partner_by_name(n->smdp, peer->common_name);
}

static void on_soap(void *context, const struct peer *peer, struct span body, struct reply_ref reply)
{
    struct smdp_net *n = context;
    smdp_soap(n->smdp, partner_of(n, peer), body, reply);
}

static int on_admin(void *context, const struct http_request *request, struct reply_ref ref, struct arena *a,
                    struct span *ret_body, const char **ret_type)
{
    struct smdp_net *n = context;
    return smdp_admin(n->smdp, partner_of(n, request->peer), request, ref, a, ret_body, ret_type);
}

static bool may_fetch(void *context, const struct peer *peer, struct span oid)
{
    const struct smdp_partner *p = partner_of(context, peer);
    struct oid owner;
    if (!p || !oid.len)
        return p;
    return oid_from_text(oid, &owner) == ERR_NONE && (oid_eq(&owner, &p->oid) || guard_speaks_for(&p->guard, &owner));
}

static const struct wsse_sender *sender(void *context, const char *url)
{
    struct smdp_net *n = context;
    const struct smdp_partner *p = smdp_partner_by_url(n->smdp, url);
    return p ? &p->guard.send.token : NULL;
}

static struct engine *engine_of(void *context) { return smdp_engine(((struct smdp_net *)context)->smdp); }

static void net_send(struct net *seam, const struct effect *effect)
{
    struct smdp_net *n = (struct smdp_net *)seam;
    if (effect->kind == SMDP_EFFECT_SOAP)
        soap_net_post(n->soap, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMDP_NODE_SOAP)
        soap_net_reply(n->soap, effect);
    else if (effect->id)
        engine_result(smdp_engine(n->smdp), effect->id, EFFECT_FAILED, 0, SPAN_NONE);
}

static bool on_batch(void *context)
{
    struct smdp_net *n = context;
    smdp_run(n->smdp);
    return false;
}

struct smdp_net *smdp_net_new(const struct smdp_net_options *options)
{
    struct smdp_net *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->seam.send = net_send;
    n->options = *options;
    return n;
}

void smdp_net_set_tls(struct smdp_net *n, struct ssl_ctx_st *server, struct ssl_ctx_st *client)
{
    soap_net_set_tls(n->soap, server, client);
}

struct net *smdp_net_seam(struct smdp_net *n) { return &n->seam; }

enum err smdp_net_open(struct smdp_net *n, struct smdp *smdp, char *detail)
{
    struct soap_net_options soap = n->options.soap;
    soap.name = "sm-dp";
    soap.node = SMDP_NODE_SOAP;
    soap.on_soap = on_soap;
    soap.engine = engine_of;
    soap.may_fetch = may_fetch;
    soap.sender = sender;
    soap.context = n;
    soap.on_admin = on_admin;
    soap.role = ES_ROLE_SMDP;
    soap.url = smdp_url(smdp);
    n->smdp = smdp;
    n->soap = soap_net_new(&soap);
    enum err err = n->soap ? soap_net_open(n->soap, detail) : ERR_NO_MEMORY;
    return err == ERR_NONE ? loop_on_batch(soap.loop, on_batch, n) : err;
}

void smdp_net_drain(struct smdp_net *n) { soap_net_drain(n->soap); }

void smdp_net_free(struct smdp_net *n)
{
    if (!n)
        return;
    loop_off_batch(n->options.soap.loop, on_batch, n);
    soap_net_free(n->soap);
    free(n);
}
