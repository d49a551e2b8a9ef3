#include "net.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin.h"
#include "lib/io/udp.h"

struct smsr_net {
    struct net seam;
    struct smsr_net_options options;
    struct smsr *smsr;
    struct soap_net *soap;
    struct tcp_server *admin;
    struct udp *cat_tp;
    struct smsr_smsc *smscs[SMSR_SMSCS_MAX];
};

/* ---- SOAP */

static struct intake_partner who(void *context, const char *oid, const char *common_name)
{
    const struct smsr *s = ((struct smsr_net *)context)->smsr;
    const struct smsr_partner *p = smsr_partner_by_oid(s, oid);
    return smsr_partner_seen(s, p ? p : smsr_partner_by_name(s, common_name));
}

static struct intake_partner at(void *context, const char *url)
{
    const struct smsr *s = ((struct smsr_net *)context)->smsr;
    return smsr_partner_seen(s, smsr_partner_by_url(s, url));
}

static void on_soap(void *context, const void *partner, struct span body, struct reply_ref reply)
{
    smsr_soap(((struct smsr_net *)context)->smsr, partner, body, reply);
}

static int on_admin(void *context, const void *partner, const struct http_request *request, struct reply_ref ref, struct arena *a,
                    struct span *ret_body, const char **ret_type)
{
    return smsr_admin(((struct smsr_net *)context)->smsr, partner, request, ref, a, ret_body, ret_type);
}

static struct engine *engine_of(void *context) { return smsr_engine(((struct smsr_net *)context)->smsr); }

/* ---- short messages */

static void sms_send(struct smsr_net *n, const struct effect *effect)
{
    for (size_t i = 0; i < n->options.smsc_count; i++)
        if (n->smscs[i] && smsr_smsc_takes(n->smscs[i])) {
            smsr_smsc_send(n->smscs[i], effect);
            return;
        }
    engine_result(smsr_engine(n->smsr), effect->id, EFFECT_FAILED, 0, SPAN_NONE);
}

static void sms_reply(struct smsr_net *n, const struct effect *effect)
{
    for (size_t i = 0; i < n->options.smsc_count; i++)
        if (n->smscs[i])
            smsr_smsc_reply(n->smscs[i], effect);
}

static enum err open_smscs(struct smsr_net *n)
{
    const struct smsr_net_options *o = &n->options;
    for (size_t i = 0; i < o->smsc_count; i++) {
        n->smscs[i] = smsr_smsc_new(o->soap.loop, n->smsr, o->soap.log, &o->smscs[i]);
        if (!n->smscs[i])
            return ERR_NO_MEMORY;
        if (i)
            smsr_smsc_set_next(n->smscs[i - 1], n->smscs[i]);
    }
    return ERR_NONE;
}

static void net_send(struct net *seam, const struct effect *effect)
{
    struct smsr_net *n = (struct smsr_net *)seam;
    if (effect->kind == SMSR_EFFECT_SOAP)
        soap_net_post(n->soap, effect);
    else if (effect->kind == SMSR_EFFECT_SMS)
        sms_send(n, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_SOAP)
        soap_net_reply(n->soap, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_SMS)
        sms_reply(n, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_ADMIN)
        smsr_admin_reply(n->smsr, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_LINK)
        smsr_link_reply(n->smsr, effect);
    else if (effect->id)
        engine_result(smsr_engine(n->smsr), effect->id, EFFECT_FAILED, 0, SPAN_NONE);
}

/* ---- administration sessions */

static void admin_send(void *connection, struct span bytes) { (void)!tcp_send(connection, bytes); }
static void admin_close(void *connection) { tcp_conn_close(connection); }
static const struct smsr_admin_peer admin_peer = { admin_send, admin_close };

static void admin_opened(void *context, struct tcp_conn *conn)
{
    struct smsr_net *n = context;
    struct smsr_session *session = smsr_admin_open(n->smsr, &admin_peer, conn);
    if (session)
        tcp_conn_set_context(conn, session);
    else
        tcp_conn_close(conn);
}

static size_t admin_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    (void)conn;
    smsr_admin_bytes(context, in);
    return in.len;
}

static void admin_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    (void)conn;
    (void)err;
    (void)why;
    smsr_admin_lost(context);
}

static const struct tcp_handler admin_handler = { .on_open = admin_opened,
                                                  .on_bytes = admin_bytes,
                                                  .on_closed = admin_closed };

/* ---- CAT_TP: the socket's address names the other end */

static void on_datagram(void *context, const struct udp_address *from, struct span datagram)
{
    struct smsr_net *n = context;
    struct smsr_address peer = { .len = (uint8_t)from->len };
    if (from->len > sizeof peer.octets)
        return;
    memcpy(peer.octets, &from->storage, from->len);
    smsr_datagram(n->smsr, &peer, datagram);
}

static void send_datagram(void *context, const struct smsr_address *to, struct span datagram)
{
    struct smsr_net *n = context;
    struct udp_address address = { .len = to->len };
    memcpy(&address.storage, to->octets, to->len);
    if (n->cat_tp)
        (void)!udp_send(n->cat_tp, &address, datagram); /* lost, as datagrams are */
}

static enum err open_cat_tp(struct smsr_net *n, char *detail)
{
    enum err err = ERR_NONE;
    const struct smsr_net_options *o = &n->options;
    n->cat_tp = udp_open(o->soap.loop, o->cat_tp_address, o->cat_tp_port, on_datagram, n, &err);
    if (!n->cat_tp)
        snprintf(detail, IO_DETAIL_MAX, "UDP %s:%u", o->cat_tp_address, o->cat_tp_port);
    smsr_datagrams_use(n->smsr, &(struct smsr_datagrams){ n, send_datagram });
    return err;
}

/* ---- life */

static bool on_batch(void *context)
{
    struct smsr_net *n = context;
    smsr_run(n->smsr);
    return false;
}

struct smsr_net *smsr_net_new(const struct smsr_net_options *options)
{
    struct smsr_net *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->seam.send = net_send;
    n->options = *options;
    return n;
}

void smsr_net_set_tls(struct smsr_net *n, struct ssl_ctx_st *server, struct ssl_ctx_st *client)
{
    soap_net_set_tls(n->soap, server, client);
}

struct net *smsr_net_seam(struct smsr_net *n) { return &n->seam; }

static enum err open_soap(struct smsr_net *n, char *detail)
{
    struct soap_net_options soap = n->options.soap;
    soap.name = "sm-sr";
    soap.node = SMSR_NODE_SOAP;
    soap.on_soap = on_soap;
    soap.engine = engine_of;
    soap.who = who;
    soap.at = at;
    soap.on_admin = on_admin;
    soap.context = n;
    soap.role = ES_ROLE_SMSR;
    soap.url = smsr_url(n->smsr);
    n->soap = soap_net_new(&soap);
    return n->soap ? soap_net_open(n->soap, detail) : ERR_NO_MEMORY;
}

enum err smsr_net_open(struct smsr_net *n, struct smsr *smsr, char *detail)
{
    const struct smsr_net_options *o = &n->options;
    struct loop *loop = o->soap.loop;
    n->smsr = smsr;
    enum err err = open_soap(n, detail);
    if (err == ERR_NONE && o->admin_address)
        n->admin = tcp_server_new(loop, o->admin_address, o->admin_port, &admin_handler, n, &err, detail);
    if (err == ERR_NONE && o->cat_tp_address)
        err = open_cat_tp(n, detail);
    if (err == ERR_NONE)
        err = open_smscs(n);
    return err == ERR_NONE ? loop_on_batch(loop, on_batch, n) : err;
}

void smsr_net_drain(struct smsr_net *n)
{
    soap_net_drain(n->soap);
    tcp_server_free(n->admin); /* its connections live on */
    n->admin = NULL;
}

void smsr_net_free(struct smsr_net *n)
{
    if (!n)
        return;
    loop_off_batch(n->options.soap.loop, on_batch, n);
    for (size_t i = 0; i < n->options.smsc_count; i++)
        smsr_smsc_free(n->smscs[i]);
    tcp_server_free(n->admin);
    udp_close(n->cat_tp);
    soap_net_free(n->soap);
    free(n);
}
