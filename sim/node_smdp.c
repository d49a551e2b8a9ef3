#include "node_smdp.h"

#include "desk.h"
#include "sm-dp/admin.h"

#include <stdlib.h>

static void run(struct sim_role *r) { smdp_run(((struct sim_smdp *)r)->smdp); }

static void send(struct sim_role *r, const struct effect *effect)
{
    if (effect->kind == SMDP_EFFECT_SOAP) {
        world_post(r->world, "sm-dp", effect);
        hostile_peer(r->faults ? ((struct sim_smdp *)r)->hostile : NULL, r->world, "sm-dp", effect);
    } else if (effect->kind == EFFECT_REPLY)
        world_reply(r->world, effect);
}

static bool is_up(const struct sim_smdp *s) { return s->role.up && !s->role.dying; }

static void administered(struct sim_smdp *s, const char *sender_oid, const struct http_request *request, struct reply_ref reply)
{
    struct arena arena;
    struct span body = SPAN_NONE;
    const char *type;
    arena_init(&arena, DESK_RAM_MAX);
    int status = smdp_admin(s->smdp, smdp_partner_by_oid(s->smdp, sender_oid), request, reply, &arena, &body, &type);
    if (status != ADMIN_LATER && is_up(s))
        world_reply(s->role.world, &(struct effect){ .kind = EFFECT_REPLY, .reply = reply, .status = status, .body = body });
    arena_release(&arena);
    sim_role_run(&s->role);
}

static void soap(void *role, const char *sender_oid, struct span body, struct reply_ref reply)
{
    struct sim_smdp *s = role;
    struct http_request request;
    if (desk_read(body, &request)) {
        administered(s, sender_oid, &request, reply);
        return;
    }
    smdp_soap(s->smdp, smdp_partner_by_oid(s->smdp, sender_oid), body, reply);
    sim_role_run(&s->role);
}

static struct engine *engine(void *role)
{
    struct sim_smdp *s = role;
    return is_up(s) ? smdp_engine(s->smdp) : NULL;
}

static void store_failed(void *context) { (void)context; /* it dies: role.c */ }

static enum err open_smdp(struct sim_role *r)
{
    struct sim_smdp *s = (struct sim_smdp *)r;
    struct env env = sim_role_env(r);
    s->config.on_fatal = store_failed;
    sim_must(smdp_new(&s->config, &env, &s->smdp), "SM-DP");
    return smdp_start(s->smdp);
}

static void close_smdp(struct sim_role *r)
{
    struct sim_smdp *s = (struct sim_smdp *)r;
    smdp_free(s->smdp);
    s->smdp = NULL;
}

struct sim_smdp *sim_smdp_new(struct world *w, const struct smdp_config *config, struct ec_key *card_key)
{
    static struct sim_role_kind kind = { .name = "sm-dp", .strikes = STRIKE_SMDP_BEFORE, .send = send, .run = run, .open = open_smdp, .close = close_smdp };
    struct sim_smdp *s = calloc(1, sizeof *s);
    sim_must(s ? ERR_NONE : ERR_NO_MEMORY, "SM-DP");
    kind.schema = smdp_schema;
    kind.schema_count = smdp_schema_count;
    sim_role_open(&s->role, w, &kind);
    s->config = *config;
    sim_must(keystore_soft_add(s->role.keys, config->certificates.list[0].key_name, card_key), "SM-DP key");
    sim_role_start(&s->role);
    world_add_node(w, &(struct soap_node){ "sm-dp", s->config.url, s->config.oid.text, s, engine, soap, SMDP_NODE_SOAP });
    return s;
}

void sim_smdp_free(struct sim_smdp *s)
{
    if (!s)
        return;
    sim_role_close(&s->role);
    free(s);
}
