#include "node_smsr.h"

#include "desk.h"
#include "hostile.h"
#include "sm-sr/admin.h"

#include <stdio.h>
#include <stdlib.h>

static void run(struct sim_role *r)
{
    struct sim_smsr *s = (struct sim_smsr *)r;
    smsr_tick(s->smsr);
    smsr_run(s->smsr);
}

static void send_sms(struct sim_smsr *s, const struct effect *effect)
{
    uint8_t octets[SMS_PARTS_MAX * SMS_UD_MAX];
    struct writer out = wr_of(octets, sizeof octets);
    struct span parts[SMS_PARTS_MAX];
    size_t count = 0;
    uint8_t reference = 0; /* of the packet: parts of a repeat complete those of the first try */
    for (size_t i = 0; i < effect->body.len; i++)
        reference = (uint8_t)(reference * 31 + effect->body.ptr[i]);
    enum err err = sms_split(effect->body, SMS_IEI_COMMAND, reference, &out, parts, &count);
    for (size_t i = 0; err == ERR_NONE && i < count; i++)
        sim_network_sms(s->network, s->server, effect->to, parts[i]);
    engine_result(smsr_engine(s->smsr), effect->id, err == ERR_NONE ? EFFECT_SENT : EFFECT_REFUSED_, 0, SPAN_NONE);
}

static void send(struct sim_role *r, const struct effect *effect)
{
    struct sim_smsr *s = (struct sim_smsr *)r;
    if (effect->kind == SMSR_EFFECT_SOAP) {
        world_post(s->role.world, s->role.kind->name, effect);
        hostile_peer(s->role.faults ? s->network->hostile : NULL, s->role.world, s->role.kind->name, effect);
    } else if (effect->kind == SMSR_EFFECT_SMS)
        send_sms(s, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_SOAP)
        world_reply(s->role.world, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_ADMIN)
        smsr_admin_reply(s->smsr, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_LINK)
        smsr_link_reply(s->smsr, effect);
}

static bool is_up(const struct sim_smsr *s) { return s->role.up && !s->role.dying; }

static void administered(struct sim_smsr *s, const char *sender_oid, const struct http_request *request, struct reply_ref reply)
{
    struct arena arena;
    struct span body = SPAN_NONE;
    const char *type;
    arena_init(&arena, DESK_RAM_MAX);
    int status = smsr_admin(s->smsr, smsr_partner_by_oid(s->smsr, sender_oid), request, reply, &arena, &body, &type);
    if (status != ADMIN_LATER && is_up(s))
        world_reply(s->role.world, &(struct effect){ .kind = EFFECT_REPLY, .reply = reply, .status = status, .body = body });
    arena_release(&arena);
    sim_role_run(&s->role);
}

static void soap(void *role, const char *sender_oid, struct span body, struct reply_ref reply)
{
    struct sim_smsr *s = role;
    struct http_request request;
    if (desk_read(body, &request)) {
        administered(s, sender_oid, &request, reply);
        return;
    }
    smsr_soap(s->smsr, smsr_partner_by_oid(s->smsr, sender_oid), body, reply);
    sim_role_run(&s->role);
}

static struct engine *engine(void *role)
{
    struct sim_smsr *s = role;
    return is_up(s) ? smsr_engine(s->smsr) : NULL;
}

static bool on_sms(void *server, const char *from, struct span user_data)
{
    struct sim_smsr *s = server;
    if (!is_up(s))
        return false;
    smsr_short_message(s->smsr, from, user_data, (struct reply_ref){ SMSR_NODE_SMS, 1, 1 });
    sim_role_run(&s->role);
    return is_up(s);
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
    struct connection *c = is_up(server) ? malloc(sizeof *c) : NULL;
    if (!c)
        return NULL;
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
    if (!is_up(node))
        return;
    smsr_admin_bytes(c->session, bytes);
    sim_role_run(&node->role);
}

static void on_lost(void *session)
{
    struct connection *c = session;
    struct sim_smsr *node = c->node;
    smsr_admin_lost(c->session);
    free(c);
    if (is_up(node))
        sim_role_run(&node->role);
}

/* A card's UDP channel is its address. */
static void on_datagram(void *server, const struct sim_address *from, struct span datagram)
{
    struct sim_smsr *s = server;
    struct smsr_address address = { .len = sizeof *from };
    if (!is_up(s))
        return;
    memcpy(address.octets, from, sizeof *from);
    smsr_datagram(s->smsr, &address, datagram);
    sim_role_run(&s->role);
}

static void send_datagram(void *context, const struct smsr_address *to, struct span datagram)
{
    struct sim_smsr *s = context;
    struct sim_address address;
    memcpy(&address, to->octets, sizeof address);
    sim_network_datagram(s->network, &address, datagram);
}

static void join_network(struct sim_smsr *s, struct sim_network *network)
{
    struct sim_server *server = &network->servers[s->server];
    server->node = s;
    snprintf(server->number, sizeof server->number, "%s", s->config.number);
    memcpy(server->ipv4, s->config.admin_ipv4, sizeof server->ipv4);
    network->server_sms = on_sms;
    network->server_connect = on_connect;
    network->server_bytes = on_bytes;
    network->server_lost = on_lost;
    network->server_datagram = on_datagram;
}

static void store_failed(void *context) { (void)context; /* it dies: role.c */ }

static enum err open_smsr(struct sim_role *r)
{
    struct sim_smsr *s = (struct sim_smsr *)r;
    struct env env = sim_role_env(r);
    s->config.on_fatal = store_failed;
    sim_must(smsr_new(&s->config, &env, &s->smsr), "SM-SR");
    smsr_datagrams_use(s->smsr, &(struct smsr_datagrams){ s, send_datagram });
    return smsr_start(s->smsr);
}

static void close_smsr(struct sim_role *r)
{
    struct sim_smsr *s = (struct sim_smsr *)r;
    smsr_free(s->smsr);
    s->smsr = NULL;
}

#define KIND(the_name)                                                                                                 \
    {                                                                                                                  \
        .name = the_name, .strikes = STRIKE_SMSR_BEFORE, .send = send, .run = run, .open = open_smsr, .close = close_smsr \
    }

struct sim_smsr *sim_smsr_new(struct world *w, struct sim_network *network, const struct smsr_config *config, struct ec_key *card_key)
{
    static struct sim_role_kind kinds[SIM_SERVERS_MAX] = { KIND("sm-sr"), KIND("sm-sr-2") };
    sim_must(network->server_count < SIM_SERVERS_MAX ? ERR_NONE : ERR_TOO_LONG, "SM-SR");
    struct sim_role_kind *kind = &kinds[network->server_count];
    struct sim_smsr *s = calloc(1, sizeof *s);
    sim_must(s ? ERR_NONE : ERR_NO_MEMORY, "SM-SR");
    kind->schema = smsr_schema;
    kind->schema_count = smsr_schema_count;
    sim_role_open(&s->role, w, kind);
    s->network = network;
    s->server = network->server_count++;
    s->config = *config;
    if (card_key)
        sim_must(keystore_soft_add(s->role.keys, config->certificates.list[0].key_name, card_key), "SM-SR key");
    sim_role_start(&s->role);
    join_network(s, network);
    world_add_node(w, &(struct soap_node){ kind->name, s->config.url, s->config.oid.text, s, engine, soap, SMSR_NODE_SOAP });
    return s;
}

void sim_smsr_free(struct sim_smsr *s)
{
    if (!s)
        return;
    sim_role_close(&s->role);
    free(s);
}
