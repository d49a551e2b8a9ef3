#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "lib/crypto/keystore_soft.h"
#include "lib/crypto/openssl.h"
#include "lib/daemon/daemon.h"
#include "lib/io/database.h"
#include "net.h"
#include "trail_tool.h"

/* osprey-sm-sr: options → config → log → keys → store → SM-SR → sockets → ready → loop → close. */

/* What one reading of the configuration gave; older ones are kept, since what waits may point into them. */
struct generation {
    struct generation *older;
    struct smsr_partner *partners;
    struct trust trust;
    struct smsr_config config;
    struct ssl_ctx_st *server_tls, *client_tls;
};

struct program_state {
    struct daemon *daemon;
    struct generation *now;
    struct keystore_soft *keys;
    struct database *store;
    struct smsr_net *net;
    struct smsr *smsr;
};

static void generation_free(struct generation *g)
{
    if (!g)
        return;
    SSL_CTX_free(g->server_tls);
    SSL_CTX_free(g->client_tls);
    smsr_config_done(&g->config);
    free(g->partners);
    free(g);
}

static void program_close(void *role)
{
    struct program_state *p = role;
    smsr_net_free(p->net);
    smsr_free(p->smsr);
    database_close(p->store);
    keystore_soft_free(p->keys);
    for (struct generation *g = p->now, *older; g; g = older) {
        older = g->older;
        generation_free(g);
    }
    free(p);
}

static enum err open_keys(struct program_state *p)
{
    const char *path = config_text(p->daemon->config, "sm-sr", "master_key");
    enum err err = keystore_soft_open(path, !p->daemon->check, p->daemon->rng, &p->keys);
    if (p->daemon->check && err == ERR_NOT_FOUND)
        return ERR_NONE; /* the first start makes it */
    if (err != ERR_NONE)
        snprintf(p->daemon->detail, sizeof p->daemon->detail, "[sm-sr] master_key: %s: %s", path, err_text(err));
    return err;
}

static enum err load_card_keys(struct program_state *p)
{
    const struct config *c = p->daemon->config;
    for (const char *section = NULL; (section = config_next(c, "card", section));) {
        enum err err = keystore_soft_load(p->keys, config_section_name(section), config_text(c, section, "key"), NULL);
        if (err != ERR_NONE) {
            snprintf(p->daemon->detail, sizeof p->daemon->detail, "[%s] key: %s", section, err_text(err));
            return err;
        }
    }
    return ERR_NONE;
}

static enum err open_tls(struct daemon *d, bool server, struct ssl_ctx_st **ret)
{
    char detail[IO_DETAIL_MAX] = "";
    enum err err = daemon_tls(d->config, d->clock, server, ret, detail, sizeof detail);
    if (err != ERR_NONE)
        snprintf(d->detail, sizeof d->detail, "[tls] %s", detail);
    return err;
}

static enum err generation_read(struct daemon *d, struct generation **ret)
{
    struct generation *g = calloc(1, sizeof *g);
    if (!g)
        return ERR_NO_MEMORY;
    g->config.trust = &g->trust;
    g->partners = calloc(SMSR_PARTNERS_MAX, sizeof *g->partners);
    enum err err = g->partners
                       ? smsr_config_read(d->config, g->partners, &g->trust, &g->config, d->detail, sizeof d->detail)
                       : ERR_NO_MEMORY;
    if (err == ERR_NONE)
        err = open_tls(d, true, &g->server_tls);
    if (err == ERR_NONE)
        err = open_tls(d, false, &g->client_tls);
    if (err != ERR_NONE)
        generation_free(g);
    else
        *ret = g;
    return err;
}

static enum err open_store(struct program_state *p)
{
    char detail[DATABASE_DETAIL_MAX];
    enum err err = ERR_NONE;
    const struct config *c = p->daemon->config;
    char room[DATABASE_NODE_MAX + 1];
    const char *node = database_node(config_text(c, "sm-sr", "node"), config_text(c, "sm-sr", "listen"), room);
    p->store = database_open(config_text(c, "sm-sr", "database"), smsr_schema, smsr_schema_count, node, &err, detail);
    if (p->store)
        database_watch(p->store, p->daemon->loop);
    if (!p->store)
        snprintf(p->daemon->detail, sizeof p->daemon->detail, "[sm-sr] database: %s", detail);
    return p->store ? ERR_NONE : err;
}

static void read_smsc(const struct config *c, const char *section, struct smsr_net_options *net)
{
    struct smsr_smsc_options *o = &net->smscs[net->smsc_count];
    if (config_address(c, section, "address", o->host, sizeof o->host, &o->port) != ERR_NONE)
        return;
    o->number = (unsigned)net->smsc_count++;
    snprintf(o->system_id, sizeof o->system_id, "%s", config_text(c, section, "system_id"));
    snprintf(o->password, sizeof o->password, "%s", config_text(c, section, "password"));
    snprintf(o->from, sizeof o->from, "%s", config_text(c, "smsc", "from"));
    o->window = (uint32_t)config_number(c, section, "window");
    o->breaker = (uint32_t)config_number(c, section, "breaker");
}

/* [smsc], then [smsc NAME] in the order of the file. */
static enum err read_smscs(struct daemon *d, struct smsr_net_options *net)
{
    const char *section = NULL;
    read_smsc(d->config, "smsc", net);
    while ((section = config_next(d->config, "smsc", section))) {
        if (net->smsc_count == SMSR_SMSCS_MAX) {
            snprintf(d->detail, sizeof d->detail, "[%s] one SMSC too many", section);
            return ERR_BAD_VALUE;
        }
        read_smsc(d->config, section, net);
    }
    return ERR_NONE;
}

static void on_fatal(void *context)
{
    struct program_state *p = context;
    daemon_fatal(p->daemon, database_detail(p->store));
}

static enum err open_world(struct program_state *p)
{
    struct daemon *d = p->daemon;
    static char address[128], admin[128], cat_tp[128]; /* as long as the program */
    char detail[IO_DETAIL_MAX] = "";
    struct smsr_net_options o = { .soap.loop = d->loop,
                                  .soap.log = d->log,
                                  .soap.address = address,
                                  .soap.server_tls = p->now->server_tls,
                                  .soap.client_tls = p->now->client_tls,
                                  .soap.rng = d->rng,
                                  .soap.trace_dir = config_text(d->config, "lab", "trace_dir") };
    enum err err = read_smscs(d, &o);
    if (err == ERR_NONE)
        err = config_address(d->config, "sm-sr", "listen", address, sizeof address, &o.soap.port);
    if (err == ERR_NONE && config_text(d->config, "scp81", "listen")) {
        err = config_address(d->config, "scp81", "listen", admin, sizeof admin, &o.admin_port);
        o.admin_address = admin;
    }
    if (err == ERR_NONE && config_text(d->config, "cat_tp", "listen")) {
        err = config_address(d->config, "cat_tp", "listen", cat_tp, sizeof cat_tp, &o.cat_tp_port);
        o.cat_tp_address = cat_tp;
    }
    p->net = err == ERR_NONE ? smsr_net_new(&o) : NULL;
    if (!p->net)
        return err == ERR_NONE ? ERR_NO_MEMORY : err;
    struct env env = { .clock = d->clock,
                       .rng = d->rng,
                       .net = smsr_net_seam(p->net),
                       .store = database_seam(p->store),
                       .keys = keystore_soft_keys(p->keys),
                       .log = d->log };
    p->now->config.on_fatal = on_fatal;
    p->now->config.on_fatal_context = p;
    err = smsr_new(&p->now->config, &env, &p->smsr);
    if (err == ERR_NONE)
        err = smsr_net_open(p->net, p->smsr, detail);
    if (err == ERR_NONE)
        err = smsr_start(p->smsr);
    if (err != ERR_NONE)
        snprintf(d->detail, sizeof d->detail, "%s%s%s", err_text(err), *detail ? ": " : "", detail);
    return err;
}

static enum err program_open(struct daemon *d, void **ret_role)
{
    struct program_state *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NO_MEMORY;
    p->daemon = d;
    enum err err = generation_read(d, &p->now);
    if (err == ERR_NONE)
        err = open_keys(p);
    if (err == ERR_NONE && p->keys)
        err = load_card_keys(p);
    if (err == ERR_NONE && !d->check)
        err = open_store(p);
    if (err == ERR_NONE && !d->check)
        err = open_world(p);
    if (err != ERR_NONE) {
        program_close(p);
        return err;
    }
    *ret_role = p;
    return ERR_NONE;
}

static enum err program_reload(struct daemon *next, void *role)
{
    struct program_state *p = role;
    struct generation *g = NULL;
    enum err err = generation_read(next, &g);
    if (err != ERR_NONE)
        return err;
    g->older = p->now;
    p->now = g;
    smsr_reload(p->smsr, &g->config);
    smsr_net_set_tls(p->net, g->server_tls, g->client_tls);
    return ERR_NONE;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "audit-trail"))
        return smsr_trail_main(argc - 1, argv + 1);
    static const struct program_fixed fixed[] = {
        { "sm-sr", "oid" }, { "sm-sr", "url" }, { "sm-sr", "listen" }, { "sm-sr", "database" }, { "sm-sr", "node" }, { "sm-sr", "master_key" },
        { "sm-sr", "commit_interval_ms" }, { "card *", NULL }, { "smsc", NULL }, { "smsc *", NULL }, { "scp81", "listen" }, { "lab", NULL },
        { "log", NULL }, { NULL, NULL },
    };
    static const struct program program = {
        .name = "osprey-sm-sr",
        .summary = "the SM-SR of SGP.02: keeps every eUICC's record and carries profiles over the air",
        .help = "It serves ES1, ES3, ES4 and ES7 to partners ([partner NAME]) and reaches cards over SMS (SMPP), HTTPS\n"
                "(PSK-TLS) and CAT_TP (UDP). All state is in the database: it may be killed at any time and goes on where it was.\n"
                "HUP reads partners, certificates, revocation lists and times anew: all, or nothing when something is wrong.\n\n"
                "  osprey-sm-sr audit-trail export|verify --config FILE [--eid DIGITS]",
        .options = smsr_options,
        .open = program_open,
        .close = program_close,
        .reload = program_reload,
        .fixed = fixed,
    };
    struct program filled = program;
    filled.option_count = smsr_option_count;
    return daemon_main(&filled, argc, argv);
}
