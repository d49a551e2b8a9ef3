#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "lib/io/database.h"
#include "lib/role/key_tool.h"
#include "lib/role/keys.h"
#include "lib/role/rewrap.h"
#include "net.h"
#include "restored_tool.h"
#include "trail_tool.h"

/* osprey-sm-sr: options → config → log → keys → store → SM-SR → sockets → ready → loop → close. */

/* What one reading of the configuration gave; older ones are kept, since what waits may point into them. */
struct generation {
    struct generation *older;
    struct smsr_partner *partners;
    struct trust trust;
    struct smsr_config config;
    struct role_keys keys; /* what the program has taken of it is gone from here */
    struct role_expiries expiries;
};

struct program_state {
    struct daemon *daemon;
    struct generation *now;
    struct keystore_soft *keys;
    struct role_watch *watch;
    struct database *store;
    struct smsr_net *net;
    struct smsr *smsr;
};

static void generation_free(struct generation *g)
{
    if (!g)
        return;
    role_keys_done(&g->keys);
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
    role_watch_free(p->watch);
    for (struct generation *g = p->now, *older; g; g = older) {
        older = g->older;
        generation_free(g);
    }
    free(p);
}

static enum err generation_read(struct daemon *d, bool first, struct generation **ret)
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
        err = role_keys_read(d, "sm-sr", first, &g->keys);
    if (err != ERR_NONE) {
        generation_free(g);
        return err;
    }
    role_expiries_read(d->config, &g->keys, &g->config.certificates, &g->expiries);
    g->config.expiries = &g->expiries;
    *ret = g;
    return ERR_NONE;
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
    return p->store ? rewrap_check(database_seam(p->store), keystore_soft_keys(p->keys), p->daemon->detail) : err;
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

static void on_drain(void *context) { daemon_drain(((struct program_state *)context)->daemon); }

static enum err open_world(struct program_state *p)
{
    struct daemon *d = p->daemon;
    static char address[128], admin[128], cat_tp[128]; /* as long as the program */
    char detail[IO_DETAIL_MAX] = "";
    struct smsr_net_options o = { .soap.loop = d->loop,
                                  .soap.log = d->log,
                                  .soap.address = address,
                                  .soap.server_tls = p->now->keys.server_tls,
                                  .soap.client_tls = p->now->keys.client_tls,
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
    p->now->config.on_drain = on_drain;
    p->now->config.on_drain_context = p;
    err = smsr_new(&p->now->config, &env, &p->smsr);
    if (err == ERR_NONE)
        err = smsr_net_open(p->net, p->smsr, detail);
    if (err == ERR_NONE)
        err = smsr_start(p->smsr);
    if (err != ERR_NONE)
        snprintf(d->detail, sizeof d->detail, "%s%s%s", err_text(err), *detail ? ": " : "", detail);
    return err;
}

/* The key store lives as long as the program: what a reload brings is put into it. */
static enum err take_keys(struct program_state *p)
{
    p->keys = p->now->keys.store;
    p->now->keys.store = NULL;
    p->watch = role_watch_new(p->daemon, &p->now->expiries);
    return p->watch ? ERR_NONE : ERR_NO_MEMORY;
}

static enum err program_open(struct daemon *d, void **ret_role)
{
    struct program_state *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NO_MEMORY;
    p->daemon = d;
    enum err err = generation_read(d, true, &p->now);
    if (err == ERR_NONE)
        err = take_keys(p);
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
    enum err err = generation_read(next, false, &g);
    if (err == ERR_NONE)
        err = rewrap_check(database_seam(p->store), keystore_soft_keys(g->keys.store), next->detail);
    if (err != ERR_NONE) {
        generation_free(g);
        return err;
    }
    keystore_soft_exchange(p->keys, g->keys.store);
    keystore_soft_free(g->keys.store); /* the former keys */
    g->keys.store = NULL;
    g->older = p->now;
    p->now = g;
    role_watch_set(p->watch, &g->expiries);
    smsr_reload(p->smsr, &g->config);
    smsr_net_set_tls(p->net, g->keys.server_tls, g->keys.client_tls);
    return ERR_NONE;
}

static void program_drain(void *role) { smsr_net_drain(((struct program_state *)role)->net); }
static bool program_drained(void *role) { return smsr_drained(((struct program_state *)role)->smsr); }

int main(int argc, char **argv)
{
    const struct key_tool keys = { "osprey-sm-sr", "sm-sr", smsr_options, smsr_option_count };
    if (argc > 1 && !strcmp(argv[1], "keys"))
        return role_key_tool(&keys, argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "audit-trail"))
        return smsr_trail_main(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "after-restore"))
        return smsr_restored_main(argc - 1, argv + 1);
    static const struct program_fixed fixed[] = {
        { "sm-sr", "oid" }, { "sm-sr", "url" }, { "sm-sr", "listen" }, { "sm-sr", "database" }, { "sm-sr", "node" },
        { "sm-sr", "commit_interval_ms" }, { "smsc", NULL }, { "smsc *", NULL }, { "scp81", "listen" }, { "lab", NULL },
        { "log", NULL }, { NULL, NULL },
    };
    static const struct program program = {
        .name = "osprey-sm-sr",
        .summary = "the SM-SR of SGP.02: keeps every eUICC's record and carries profiles over the air",
        .help = "It serves ES1, ES3, ES4 and ES7 to partners ([partner NAME]) and reaches cards over SMS (SMPP), HTTPS\n"
                "(PSK-TLS) and CAT_TP (UDP). All state is in the database: it may be killed at any time and goes on where it was.\n"
                "HUP reads partners, keys, certificates, revocation lists and times anew: all, or nothing when something is wrong.\n\n"
                "  osprey-sm-sr keys --help\n"
                "  osprey-sm-sr audit-trail export|verify --config FILE [--eid DIGITS]\n"
                "  osprey-sm-sr after-restore --config FILE [--per-second N]",
        .options = smsr_options,
        .open = program_open,
        .close = program_close,
        .reload = program_reload,
        .drain = program_drain,
        .drained = program_drained,
        .fixed = fixed,
    };
    struct program filled = program;
    filled.option_count = smsr_option_count;
    return daemon_main(&filled, argc, argv);
}
