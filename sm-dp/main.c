#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "lib/role/key_tool.h"
#include "lib/role/program.h"
#include "lib/io/file.h"
#include "lib/profile/facts.h"
#include "net.h"

/* osprey-sm-dp: options → config → log → keys → store → SM-DP → orders → sockets → ready → loop → close. */

#define SUBSCRIBERS_RAM_MAX (8u << 20)

/* One reading of the configuration, with room for its partners. */
struct configuration {
    struct smdp_config config;
    struct smdp_partner partners[SMDP_PARTNERS_MAX];
};

static enum err configuration_read(struct daemon *d, struct role_generation *g, const struct card_certificates **ret_cards)
{
    struct configuration *c = g->config;
    enum err err = smdp_config_read(d->config, c->partners, &g->trust, &c->config, d->detail, sizeof d->detail);
    c->config.expiries = &g->expiries;
    *ret_cards = &c->config.certificates;
    return err;
}

static void configuration_done(void *config) { smdp_config_done(&((struct configuration *)config)->config); }

static const struct role_server SERVER = { "sm-dp", &smdp_schema, &smdp_schema_count, sizeof(struct configuration), configuration_read,
                                           configuration_done };

static struct smdp_config *config_of(const struct role_generation *g) { return &((struct configuration *)g->config)->config; }

struct program_state {
    struct role_program program;
    struct smdp_net *net;
    struct smdp *smdp;
    char address[128];
};

static void program_close(void *role)
{
    struct program_state *p = role;
    smdp_net_free(p->net);
    smdp_free(p->smdp);
    role_program_close(&p->program);
    free(p);
}

/* ---- what the home network must know, in the form osprey-hlr reads */

static void write_subscriber(void *context, const struct subscription *u)
{
    struct writer *w = context;
    char section[32];
    int len = snprintf(section, sizeof section, "[subscriber %s]\n", u->address.imsi);
    if (!memmem(w->buf, w->len, section, (size_t)len)) /* several profiles of one subscription */
        subscription_write(w, u);
}

static enum err write_subscribers(struct program_state *p)
{
    const char *path = config_text(p->program.daemon->config, "sm-dp", "subscribers");
    struct arena a;
    if (!path)
        return ERR_NONE;
    arena_init(&a, SUBSCRIBERS_RAM_MAX + 4096);
    struct writer w = wr_arena(&a, SUBSCRIBERS_RAM_MAX);
    enum err err = smdp_subscribers(p->smdp, write_subscriber, &w);
    if (err == ERR_NONE)
        err = w.err;
    if (err == ERR_NONE)
        err = file_write(path, wr_span(&w));
    arena_release(&a);
    return err == ERR_NONE ? ERR_NONE : role_program_complain(&p->program, err, "[sm-dp] subscribers", NULL);
}

/* What is ordered while we run belongs into the file too. */
static void on_ordered(void *context)
{
    struct program_state *p = context;
    if (write_subscribers(p) != ERR_NONE)
        log_fact(p->program.daemon->log, LOG_ERROR_, NULL, "%s", p->program.daemon->detail);
}

/* ---- start */

static enum err open_smdp(struct program_state *p)
{
    struct daemon *d = p->program.daemon;
    struct env env = { .clock = d->clock,
                       .rng = d->rng,
                       .net = smdp_net_seam(p->net),
                       .store = database_seam(p->program.store),
                       .keys = keystore_soft_keys(p->program.keys),
                       .log = d->log };
    struct smdp_config *config = config_of(p->program.now);
    config->on_fatal = role_program_on_fatal;
    config->on_fatal_context = &p->program;
    config->on_drain = role_program_on_drain;
    config->on_drain_context = &p->program;
    config->on_ordered = on_ordered;
    config->on_ordered_context = p;
    enum err err = smdp_new(config, &env, &p->smdp);
    if (err != ERR_NONE)
        return role_program_complain(&p->program, err, NULL, NULL);
    err = smdp_config_orders(d->config, p->smdp, d->detail, sizeof d->detail);
    return err == ERR_NONE ? write_subscribers(p) : err;
}

static enum err open_world(struct program_state *p)
{
    struct daemon *d = p->program.daemon;
    char detail[IO_DETAIL_MAX] = "";
    struct smdp_net_options o = { .soap.loop = d->loop,
                                  .soap.log = d->log,
                                  .soap.address = p->address,
                                  .soap.server_tls = p->program.now->keys.server_tls,
                                  .soap.client_tls = p->program.now->keys.client_tls,
                                  .soap.rng = d->rng,
                                  .soap.trace_dir = config_text(d->config, "lab", "trace_dir") };
    enum err err = config_address(d->config, "sm-dp", "listen", p->address, sizeof p->address, &o.soap.port);
    p->net = err == ERR_NONE ? smdp_net_new(&o) : NULL;
    if (!p->net)
        return role_program_complain(&p->program, err == ERR_NONE ? ERR_NO_MEMORY : err, "[sm-dp] listen", NULL);
    err = open_smdp(p);
    if (err != ERR_NONE)
        return err;
    err = smdp_net_open(p->net, p->smdp, detail);
    if (err == ERR_NONE)
        err = smdp_start(p->smdp);
    return err == ERR_NONE ? ERR_NONE : role_program_complain(&p->program, err, NULL, detail);
}

static enum err program_open(struct daemon *d, void **ret_role)
{
    struct program_state *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NO_MEMORY;
    enum err err = role_program_open(&p->program, &SERVER, d);
    if (err == ERR_NONE)
        err = d->check ? smdp_config_orders(d->config, NULL, d->detail, sizeof d->detail) : open_world(p);
    if (err != ERR_NONE) {
        program_close(p);
        return err;
    }
    *ret_role = p;
    return ERR_NONE;
}

/* New [profile NAME] sections are ordered first: what is there already stays as it is, so they may be read again. */
static enum err program_reload(struct daemon *next, void *role)
{
    struct program_state *p = role;
    struct role_generation *g = NULL;
    enum err err = role_program_read(&p->program, next, &g);
    if (err == ERR_NONE)
        err = smdp_config_orders(next->config, p->smdp, next->detail, sizeof next->detail);
    if (err != ERR_NONE) {
        role_generation_free(g);
        return err;
    }
    role_program_take(&p->program, g);
    smdp_reload(p->smdp, config_of(g));
    smdp_net_set_tls(p->net, g->keys.server_tls, g->keys.client_tls);
    on_ordered(p);
    return ERR_NONE;
}

static void program_drain(void *role) { smdp_net_drain(((struct program_state *)role)->net); }
static bool program_drained(void *role) { return smdp_drained(((struct program_state *)role)->smdp); }

int main(int argc, char **argv)
{
    const struct key_tool keys = { "osprey-sm-dp", "sm-dp", smdp_options, smdp_option_count };
    if (argc > 1 && !strcmp(argv[1], "keys"))
        return role_key_tool(&keys, argc - 1, argv + 1);
    static const struct program_fixed fixed[] = {
        { "sm-dp", "oid" },        { "sm-dp", "url" },       { "sm-dp", "listen" }, { "sm-dp", "database" }, { "sm-dp", "node" },
        { "sm-dp", "subscribers" }, { "lab", NULL },
        { "log", NULL },           { "sm-dp", "commit_interval_ms" }, { NULL, NULL },
    };
    struct program program = {
        .name = "osprey-sm-dp",
        .summary = "the SM-DP of SGP.02: prepares profiles and brings them to eUICCs through their SM-SR",
        .help =
            "It serves ES2 to operators and talks ES3 to SM-SRs ([partner NAME]). Ordered profiles are [profile NAME]\n"
            "sections, taken into the database at the start when their ICCID is new, or come in over the administration API\n"
            "(docs/sm-dp-admin.yaml, `osprey order add`). All state is in the database: it\n"
            "may be killed at any time and goes on where it was. HUP reads partners, keys, certificates, revocation lists and orders\n"
            "anew: all of it, or nothing when something is wrong.\n\n"
            "  osprey-sm-dp keys --help",
        .options = smdp_options,
        .option_count = smdp_option_count,
        .open = program_open,
        .close = program_close,
        .reload = program_reload,
        .drain = program_drain,
        .drained = program_drained,
        .fixed = fixed,
    };
    return daemon_main(&program, argc, argv);
}
