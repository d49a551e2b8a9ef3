#include "node_smsr.h"

#include <stdio.h>
#include <stdlib.h>

static void run(void *context, uint64_t argument)
{
    struct sim_smsr *s = context;
    (void)argument;
    smsr_tick(s->smsr);
    smsr_run(s->smsr);
}

static void send_sms(struct sim_smsr *s, const struct effect *effect)
{
    uint8_t octets[SMS_PARTS_MAX * SMS_UD_MAX];
    struct writer out = wr_of(octets, sizeof octets);
    struct span parts[SMS_PARTS_MAX];
    size_t count = 0;
    enum err err = sms_split(effect->body, SMS_IEI_COMMAND, ++s->reference, &out, parts, &count);
    for (size_t i = 0; err == ERR_NONE && i < count; i++)
        sim_network_sms(s->network, effect->to, parts[i]);
    engine_result(smsr_engine(s->smsr), effect->id, err == ERR_NONE ? EFFECT_SENT : EFFECT_REFUSED_, 0, SPAN_NONE);
}

static void send(struct net *net, const struct effect *effect)
{
    struct sim_smsr *s = (struct sim_smsr *)net;
    if (effect->kind == SMSR_EFFECT_SOAP)
        world_post(s->role.world, "sm-sr", effect);
    else if (effect->kind == SMSR_EFFECT_SMS)
        send_sms(s, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_SOAP)
        world_reply(s->role.world, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_ADMIN)
        smsr_admin_reply(s->smsr, effect);
}

static void soap(void *role, const char *sender_oid, struct span body, struct reply_ref reply)
{
    struct sim_smsr *s = role;
    smsr_soap(s->smsr, smsr_partner_by_oid(s->smsr, sender_oid), body, reply);
    run(s, 0);
}

static struct engine *engine(void *role) { return smsr_engine(((struct sim_smsr *)role)->smsr); }

static void on_sms(void *server, const char *from, struct span user_data)
{
    struct sim_smsr *s = server;
    smsr_short_message(s->smsr, from, user_data, (struct reply_ref){ SMSR_NODE_SMS, 1, 1 });
    run(s, 0);
}

/* A card's connection: what is between the device's channel and the session. */
struct connection {
    struct sim_smsr *node;
    struct smsr_session *session;
    void *channel;
};

static void admin_send(void *context, struct span bytes) { sim_channel_send(((struct connection *)context)->channel, bytes); }

static void admin_close(void *context)
{
    struct connection *c = context;
    sim_channel_close(c->channel);
    free(c);
}

static void *on_connect(void *server, void *channel)
{
    static const struct smsr_admin_peer peer = { admin_send, admin_close };
    struct connection *c = malloc(sizeof *c);
    if (!c)
        abort();
    *c = (struct connection){ server, NULL, channel };
    c->session = smsr_admin_open(c->node->smsr, &peer, c);
    if (c->session)
        return c;
    free(c);
    return NULL;
}

static void on_bytes(void *session, struct span bytes)
{
    struct connection *c = session;
    struct sim_smsr *node = c->node; /* the connection may end inside */
    smsr_admin_bytes(c->session, bytes);
    run(node, 0);
}

static void on_lost(void *session)
{
    struct connection *c = session;
    struct sim_smsr *node = c->node;
    smsr_admin_lost(c->session);
    free(c);
    run(node, 0);
}

static void join_network(struct sim_smsr *s, struct sim_network *network)
{
    network->server = s;
    network->server_sms = on_sms;
    network->server_connect = on_connect;
    network->server_bytes = on_bytes;
    network->server_lost = on_lost;
}

struct sim_smsr *sim_smsr_new(struct world *w, struct sim_network *network, const struct smsr_config *config)
{
    struct sim_smsr *s = calloc(1, sizeof *s);
    sim_must(s ? ERR_NONE : ERR_NO_MEMORY, "SM-SR");
    sim_role_open(&s->role, w, "sm-sr", smsr_schema, smsr_schema_count, send, run);
    s->network = network;
    s->config = *config;
    struct env env = sim_role_env(&s->role);
    sim_must(smsr_new(&s->config, &env, &s->smsr), "SM-SR");
    sim_must(smsr_start(s->smsr), "SM-SR");
    join_network(s, network);
    world_add_node(w, &(struct soap_node){ "sm-sr", s->config.url, s->config.oid.text, s, engine, soap, SMSR_NODE_SOAP });
    return s;
}

void sim_smsr_free(struct sim_smsr *s)
{
    if (!s)
        return;
    smsr_free(s->smsr);
    sim_role_close(&s->role);
    free(s);
}
