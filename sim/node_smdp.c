#include "node_smdp.h"

#include <stdlib.h>

static void run(void *context, uint64_t argument)
{
    (void)argument;
    smdp_run(((struct sim_smdp *)context)->smdp);
}

static void send(struct net *net, const struct effect *effect)
{
    struct sim_smdp *s = (struct sim_smdp *)net;
    if (effect->kind == SMDP_EFFECT_SOAP)
        world_post(s->role.world, "sm-dp", effect);
    else if (effect->kind == EFFECT_REPLY)
        world_reply(s->role.world, effect);
}

static void soap(void *role, const char *sender_oid, struct span body, struct reply_ref reply)
{
    struct sim_smdp *s = role;
    smdp_soap(s->smdp, smdp_partner_by_oid(s->smdp, sender_oid), body, reply);
    run(s, 0);
}

static struct engine *engine(void *role) { return smdp_engine(((struct sim_smdp *)role)->smdp); }

struct sim_smdp *sim_smdp_new(struct world *w, const struct smdp_config *config, struct ec_key *card_key)
{
    struct sim_smdp *s = calloc(1, sizeof *s);
    sim_must(s ? ERR_NONE : ERR_NO_MEMORY, "SM-DP");
    sim_role_open(&s->role, w, "sm-dp", smdp_schema, smdp_schema_count, send, run);
    s->config = *config;
    sim_must(keystore_soft_add(s->role.keys, config->certificates[0].key_name, card_key), "SM-DP key");
    struct env env = sim_role_env(&s->role);
    sim_must(smdp_new(&s->config, &env, &s->smdp), "SM-DP");
    sim_must(smdp_start(s->smdp), "SM-DP");
    world_add_node(w, &(struct soap_node){ "sm-dp", s->config.url, s->config.oid.text, s, engine, soap, SMDP_NODE_SOAP });
    return s;
}

void sim_smdp_free(struct sim_smdp *s)
{
    if (!s)
        return;
    smdp_free(s->smdp);
    sim_role_close(&s->role);
    free(s);
}
