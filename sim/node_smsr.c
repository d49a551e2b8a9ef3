#include "node_smsr.h"

#include "desk.h"
#include "front.h"
#include "hostile.h"
#include "sm-sr/admin.h"

#include <stdio.h>
#include <stdlib.h>

static void run(struct sim_role *r)
{
    struct sim_smsr *s = (struct sim_smsr *)r;
    smsr_tick(s->smsr);
    smsr_run(s->smsr);
    if (r->watch_run)
        r->watch_run(r->watch_context);
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

/* The exchange is open at another process, or was at one that is no more. */
static bool is_of_another(const struct sim_smsr *s, const struct effect *effect)
{
    return effect->kind == EFFECT_REPLY && s->front && effect->reply.home != engine_home(smsr_engine(s->smsr));
}

static void send(struct sim_role *r, const struct effect *effect)
{
    struct sim_smsr *s = (struct sim_smsr *)r;
    if (effect->kind == SMSR_EFFECT_SOAP) {
        world_post(s->role.world, s->role.kind->name, effect);
        hostile_peer(s->role.faults ? s->network->hostile : NULL, s->role.world, s->role.kind->name, effect);
    } else if (effect->kind == SMSR_EFFECT_SMS)
        send_sms(s, effect);
    else if (is_of_another(s, effect))
        return;
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_SOAP)
        world_reply(s->role.world, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_SMS && s->front)
        sim_front_answer(s->front, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_ADMIN)
        smsr_admin_reply(s->smsr, effect);
    else if (effect->kind == EFFECT_REPLY && effect->reply.node == SMSR_NODE_LINK)
        smsr_link_reply(s->smsr, effect);
}

static void administered(struct sim_smsr *s, const char *sender_oid, const struct http_request *request, struct reply_ref reply)
{
    struct arena arena;
    struct span body = SPAN_NONE;
    const char *type;
    arena_init(&arena, DESK_RAM_MAX);
    int status = smsr_admin(s->smsr, smsr_partner_by_oid(s->smsr, sender_oid), request, reply, &arena, &body, &type);
    if (status != ADMIN_LATER && sim_smsr_is_up(s))
        world_reply(s->role.world, &(struct effect){ .kind = EFFECT_REPLY, .reply = reply, .status = status, .body = body });
    arena_release(&arena);
    sim_role_run(&s->role);
}

static void soap_now(const struct sim_input *input)
{
    struct sim_smsr *s = input->context;
    struct http_request request;
    if (!sim_smsr_is_up(s))
        return;
    if (desk_read(input->bytes, &request)) {
        administered(s, input->name, &request, input->reply);
        return;
    }
    smsr_soap(s->smsr, smsr_partner_by_oid(s->smsr, input->name), input->bytes, input->reply);
    sim_role_run(&s->role);
}

static void soap(void *role, const char *sender_oid, struct span body, struct reply_ref reply)
{
    struct sim_smsr *s = role;
    sim_role_take(&s->role, &(struct sim_input){ .task = soap_now, .context = s, .name = sender_oid, .bytes = body, .reply = reply });
}

static void answered_now(const struct sim_input *input)
{
    struct sim_smsr *s = input->context;
    if (!sim_smsr_is_up(s))
        return;
    if (s->role.session && input->result == EFFECT_FAILED)
        sim_session_failed(s->role.session, input->number);
    engine_result(smsr_engine(s->smsr), input->number, input->result, input->status, input->bytes);
    engine_run(smsr_engine(s->smsr));
}

static void result(void *role, int64_t id, enum effect_result how, int status, struct span body)
{
    struct sim_smsr *s = role;
    sim_role_take(&s->role, &(struct sim_input){ .task = answered_now, .context = s, .number = id, .result = how, .status = status,
                                                 .bytes = body });
}

static struct engine *engine(void *role)
{
    struct sim_smsr *s = role;
    return sim_smsr_is_up(s) ? smsr_engine(s->smsr) : NULL;
}

static bool on_sms(void *server, const char *from, struct span user_data)
{
    struct sim_smsr *s = server;
    if (s->front)
        return sim_front_message(s->front, from, user_data);
    if (!sim_smsr_is_up(s))
        return false;
    smsr_short_message(s->smsr, from, user_data, (struct reply_ref){ SMSR_NODE_SMS, 1, 1 });
    sim_role_run(&s->role);
    return sim_smsr_is_up(s);
}

/* A card's connection: what is between the device's channel and the session. */
struct connection {
    struct sim_smsr *node;
    struct smsr_session *session;
    void *channel;   /* NULL: it is gone */
    unsigned kept;   /* inputs that will look at it */
    bool closed;     /* the session has ended */
};

static void connection_free(struct connection *c)
{
    if (c->closed && !c->kept)
        free(c);
}

static void admin_send(void *context, struct span bytes)
{
    struct connection *c = context;
    if (c->channel)
        sim_channel_send(c->channel, bytes);
}

static void admin_close(void *context)
{
    struct connection *c = context;
    if (c->channel)
        sim_channel_close(c->channel);
    c->channel = NULL;
    c->session = NULL;
    c->closed = true;
    connection_free(c);
}

static void let_go(const struct sim_input *input)
{
    struct connection *c = input->context;
    c->kept--;
    connection_free(c);
}

static void take(struct connection *c, void (*task)(const struct sim_input *), void (*dropped)(const struct sim_input *), struct span bytes)
{
    c->kept++;
    sim_role_take(&c->node->role, &(struct sim_input){ .task = task, .dropped = dropped, .context = c, .bytes = bytes });
}

static void connect_now(const struct sim_input *input)
{
    static const struct smsr_admin_peer peer = { admin_send, admin_close };
    struct connection *c = input->context;
    if (sim_smsr_is_up(c->node))
        c->session = smsr_admin_open(c->node->smsr, &peer, c);
    if (!c->session)
        admin_close(c);
    let_go(input);
}

static void not_connected(const struct sim_input *input)
{
    admin_close(input->context);
    let_go(input);
}

static void *on_connect(void *server, void *channel)
{
    struct sim_smsr *s = sim_front_any(server);
    struct connection *c = sim_smsr_is_up(s) ? malloc(sizeof *c) : NULL;
    if (!c)
        return NULL;
    *c = (struct connection){ .node = s, .kept = 1 };
    take(c, connect_now, not_connected, SPAN_NONE);
    bool refused = c->closed;
    c->channel = channel;
    c->kept--;
    connection_free(c);
    return refused ? NULL : c;
}

static void bytes_now(const struct sim_input *input)
{
    struct connection *c = input->context;
    struct sim_smsr *node = c->node;
    if (c->session && sim_smsr_is_up(node)) {
        smsr_admin_bytes(c->session, input->bytes);
        sim_role_run(&node->role);
    }
    let_go(input);
}

static void on_bytes(void *session, struct span bytes) { take(session, bytes_now, let_go, bytes); }

static void lost_now(const struct sim_input *input)
{
    struct connection *c = input->context;
    struct sim_smsr *node = c->node;
    if (c->session)
        smsr_admin_lost(c->session);
    c->session = NULL;
    c->closed = true;
    let_go(input);
    if (sim_smsr_is_up(node))
        sim_role_run(&node->role);
}

/* Of a process that ended meanwhile the session has gone with it. */
static void on_lost(void *session)
{
    struct connection *c = session;
    c->channel = NULL;
    take(c, lost_now, let_go, SPAN_NONE);
}

/* A card's UDP channel is its address. */
static void datagram_now(const struct sim_input *input)
{
    struct sim_smsr *s = input->context;
    struct smsr_address address = { .len = sizeof(struct sim_address) };
    if (!sim_smsr_is_up(s) || input->bytes.len < address.len)
        return;
    memcpy(address.octets, input->bytes.ptr, address.len);
    smsr_datagram(s->smsr, &address, span_from(input->bytes, address.len));
    sim_role_run(&s->role);
}

static void on_datagram(void *server, const struct sim_address *from, struct span datagram)
{
    struct sim_smsr *s = sim_front_of(server, from);
    uint8_t octets[4096];
    struct writer both = wr_of(octets, sizeof octets);
    wr_bytes(&both, (struct span){ (const uint8_t *)from, sizeof *from });
    wr_bytes(&both, datagram);
    if (sim_smsr_is_up(s) && both.err == ERR_NONE)
        sim_role_take(&s->role, &(struct sim_input){ .task = datagram_now, .context = s, .bytes = wr_span(&both) });
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

static struct sim_role_kind kinds[SIM_SERVERS_MAX][SIM_PROCESSES_MAX] = { { KIND("sm-sr"), KIND("sm-sr/b"), KIND("sm-sr/c") },
                                                                          { KIND("sm-sr-2"), KIND("sm-sr-2/b"), KIND("sm-sr-2/c") } };

static void open_process(struct sim_smsr *s, struct world *w, struct sim_role_kind *kind, struct sim_smsr *first)
{
    kind->schema = smsr_schema;
    kind->schema_count = smsr_schema_count;
    if (first->front)
        sim_role_open_among(&s->role, w, kind, &first->role);
    else
        sim_role_open(&s->role, w, kind);
    s->network = first->network;
    s->server = first->server;
    s->config = first->config;
    s->front = first->front;
    first->processes[first->process_count++] = s;
}

static struct sim_smsr *allocate(void)
{
    struct sim_smsr *s = calloc(1, sizeof *s);
    sim_must(s ? ERR_NONE : ERR_NO_MEMORY, "SM-SR");
    return s;
}

static void start_process(struct sim_smsr *s)
{
    sim_role_start(&s->role);
    world_add_node(s->role.world, &(struct soap_node){ s->role.kind->name, s->config.url, s->config.oid.text, s, engine, soap, SMSR_NODE_SOAP,
                                                       .result = result });
}

struct sim_smsr *sim_smsr_new(struct world *w, struct sim_network *network, const struct smsr_config *config, struct ec_key *card_key,
                              unsigned processes)
{
    sim_must(network->server_count < SIM_SERVERS_MAX && processes <= SIM_PROCESSES_MAX ? ERR_NONE : ERR_TOO_LONG, "SM-SR");
    struct sim_smsr *s = allocate();
    s->network = network;
    s->server = network->server_count++;
    s->config = *config;
    s->front = processes > 1 ? sim_front_new(s) : NULL;
    open_process(s, w, &kinds[s->server][0], s);
    if (card_key)
        sim_must(keystore_soft_add(s->role.keys, config->certificates.list[0].key_name, card_key), "SM-SR key");
    start_process(s);
    join_network(s, network);
    for (unsigned i = 1; i < processes; i++) {
        struct sim_smsr *more = allocate();
        open_process(more, w, &kinds[s->server][i], s);
        start_process(more);
    }
    return s;
}

void sim_smsr_free(struct sim_smsr *s)
{
    if (!s)
        return;
    while (s->process_count > 1) {
        struct sim_smsr *more = s->processes[--s->process_count];
        sim_role_close(&more->role);
        free(more);
    }
    sim_role_close(&s->role);
    sim_front_free(s->front);
    free(s);
}
