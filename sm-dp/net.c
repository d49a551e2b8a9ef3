#include "net.h"

#include <stdlib.h>

#include "admin.h"

struct smdp_net {
    struct net seam;
    struct smdp_net_options options;
    struct smdp *smdp;
    struct soap_net *soap;
};

static struct intake_partner who(void *context, const char *oid, const char *common_name)
{
    const struct smdp *s = ((struct smdp_net *)context)->smdp;
    const struct smdp_partner *p = smdp_partner_by_oid(s, oid);
    return smdp_partner_seen(s, p ? p : smdp_partner_by_name(s, common_name));
}

static struct intake_partner at(void *context, const char *url)
{
    const struct smdp *s = ((struct smdp_net *)context)->smdp;
    return smdp_partner_seen(s, smdp_partner_by_url(s, url));
}

static void on_soap(void *context, const void *partner, struct span body, struct reply_ref reply)
{
    smdp_soap(((struct smdp_net *)context)->smdp, partner, body, reply);
}

static int on_admin(void *context, const void *partner, const struct http_request *request, struct reply_ref ref, struct arena *a,
                    struct span *ret_body, const char **ret_type)
{
    return smdp_admin(((struct smdp_net *)context)->smdp, partner, request, ref, a, ret_body, ret_type);
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
    soap.who = who;
    soap.at = at;
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
