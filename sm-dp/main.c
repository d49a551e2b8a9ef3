#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "lib/codec/hex.h"
#include "lib/io/database.h"
#include "lib/role/key_tool.h"
#include "lib/role/keys.h"
#include "lib/role/rewrap.h"
#include "lib/io/file.h"
#include "net.h"

/* osprey-sm-dp: options → config → log → keys → store → SM-DP → orders → sockets → ready → loop → close. */

#define SUBSCRIBERS_RAM_MAX (8u << 20)
#define SUBSCRIBER_TEXT_MAX 512u

/* What one reading of the configuration gave; older ones are kept, since what waits may point into them. */
struct generation {
    struct generation *older;
    struct smdp_partner *partners;
    struct trust trust;
    struct smdp_config config;
    struct role_keys keys; /* what the program has taken of it is gone from here */
    struct role_expiries expiries;
};

struct program_state {
    struct daemon *daemon;
    struct generation *now;
    struct keystore_soft *keys;
    struct role_watch *watch;
    struct database *store;
    struct smdp_net *net;
    struct smdp *smdp;
    char address[128];
};

static void generation_free(struct generation *g)
{
    if (!g)
        return;
    role_keys_done(&g->keys);
    smdp_config_done(&g->config);
    free(g->partners);
    free(g);
}

static void program_close(void *role)
{
    struct program_state *p = role;
    smdp_net_free(p->net);
    smdp_free(p->smdp);
    database_close(p->store);
    keystore_soft_free(p->keys);
    role_watch_free(p->watch);
    for (struct generation *g = p->now, *older; g; g = older) {
        older = g->older;
        generation_free(g);
    }
    free(p);
}

static enum err complain(struct program_state *p, enum err err, const char *option, const char *why)
{
    snprintf(p->daemon->detail, sizeof p->daemon->detail, "%s: %s", option, why && *why ? why : err_text(err));
    return err;
}

static enum err generation_read(struct daemon *d, bool first, struct generation **ret)
{
    struct generation *g = calloc(1, sizeof *g);
    if (!g)
        return ERR_NO_MEMORY;
    g->config.trust = &g->trust;
    g->partners = calloc(SMDP_PARTNERS_MAX, sizeof *g->partners);
    enum err err = g->partners ? smdp_config_read(d->config, g->partners, &g->trust, &g->config, d->detail, sizeof d->detail)
                               : ERR_NO_MEMORY;
    if (err == ERR_NONE)
        err = role_keys_read(d, "sm-dp", first, &g->keys);
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
    char detail[DATABASE_DETAIL_MAX] = "";
    enum err err = ERR_NONE;
    const struct config *c = p->daemon->config;
    char room[DATABASE_NODE_MAX + 1];
    const char *node = database_node(config_text(c, "sm-dp", "node"), config_text(c, "sm-dp", "listen"), room);
    p->store = database_open(config_text(c, "sm-dp", "database"), smdp_schema, smdp_schema_count, node, &err, detail);
    if (!p->store)
        return complain(p, err, "[sm-dp] database", detail);
    database_watch(p->store, p->daemon->loop);
    return rewrap_check(database_seam(p->store), keystore_soft_keys(p->keys), p->daemon->detail);
}

static void on_drain(void *context) { daemon_drain(((struct program_state *)context)->daemon); }

static void on_fatal(void *context)
{
    struct program_state *p = context;
    daemon_fatal(p->daemon, database_detail(p->store));
}

/* ---- what the home network must know, in the form osprey-hlr reads */

static void write_subscriber(void *context, const struct smdp_subscriber *u)
{
    struct writer *w = context;
    char key[2 * 32 + 1], opc[2 * 32 + 1], section[32];
    int len = snprintf(section, sizeof section, "[subscriber %s]\n", u->address.imsi);
    if (!*u->address.imsi || memmem(w->buf, w->len, section, (size_t)len)) /* USIM and ISIM of one subscription */
        return;
    wr_printf(w, "# ICCID %s\n%salgorithm = %s\nk = %s\n", u->iccid.digits, section,
              strcmp(u->algorithm, "test") ? u->algorithm : "xor", hex_text(u->key, key, sizeof key));
    if (u->opc.len)
        wr_printf(w, "opc = %s\n", hex_text(u->opc, opc, sizeof opc));
    if (!strcmp(u->algorithm, "tuak"))
        wr_printf(w, "keccak_iterations = %u\n", u->keccak_count);
    if (*u->address.msisdn)
        wr_printf(w, "msisdn = %s\n", u->address.msisdn);
    wr_text(w, "\n");
    wipe(key, sizeof key);
    wipe(opc, sizeof opc);
}

static enum err write_subscribers(struct program_state *p)
{
    const char *path = config_text(p->daemon->config, "sm-dp", "subscribers");
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
    return err == ERR_NONE ? ERR_NONE : complain(p, err, "[sm-dp] subscribers", NULL);
}

/* What is ordered while we run belongs into the file too. */
static void on_ordered(void *context)
{
    struct program_state *p = context;
    if (write_subscribers(p) != ERR_NONE)
        log_fact(p->daemon->log, LOG_ERROR_, NULL, "%s", p->daemon->detail);
}

/* ---- start */

static enum err open_smdp(struct program_state *p)
{
    struct daemon *d = p->daemon;
    struct env env = { .clock = d->clock,
                       .rng = d->rng,
                       .net = smdp_net_seam(p->net),
                       .store = database_seam(p->store),
                       .keys = keystore_soft_keys(p->keys),
                       .log = d->log };
    p->now->config.on_fatal = on_fatal;
    p->now->config.on_fatal_context = p;
    p->now->config.on_drain = on_drain;
    p->now->config.on_drain_context = p;
    p->now->config.on_ordered = on_ordered;
    p->now->config.on_ordered_context = p;
    enum err err = smdp_new(&p->now->config, &env, &p->smdp);
    if (err != ERR_NONE)
        return complain(p, err, "start", NULL);
    err = smdp_config_orders(d->config, p->smdp, d->detail, sizeof d->detail);
    return err == ERR_NONE ? write_subscribers(p) : err;
}

static enum err open_world(struct program_state *p)
{
    struct daemon *d = p->daemon;
    char detail[IO_DETAIL_MAX] = "";
    struct smdp_net_options o = { .soap.loop = d->loop,
                                  .soap.log = d->log,
                                  .soap.address = p->address,
                                  .soap.server_tls = p->now->keys.server_tls,
                                  .soap.client_tls = p->now->keys.client_tls,
                                  .soap.rng = d->rng,
                                  .soap.trace_dir = config_text(d->config, "lab", "trace_dir") };
    enum err err = config_address(d->config, "sm-dp", "listen", p->address, sizeof p->address, &o.soap.port);
    p->net = err == ERR_NONE ? smdp_net_new(&o) : NULL;
    if (!p->net)
        return complain(p, err == ERR_NONE ? ERR_NO_MEMORY : err, "[sm-dp] listen", NULL);
    err = open_smdp(p);
    if (err != ERR_NONE)
        return err;
    err = smdp_net_open(p->net, p->smdp, detail);
    if (err == ERR_NONE)
        err = smdp_start(p->smdp);
    return err == ERR_NONE ? ERR_NONE : complain(p, err, "start", detail);
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

/* New [profile NAME] sections are ordered first: what is there already stays as it is, so they may be read again. */
static enum err program_reload(struct daemon *next, void *role)
{
    struct program_state *p = role;
    struct generation *g = NULL;
    enum err err = generation_read(next, false, &g);
    if (err == ERR_NONE)
        err = rewrap_check(database_seam(p->store), keystore_soft_keys(g->keys.store), next->detail);
    if (err == ERR_NONE)
        err = smdp_config_orders(next->config, p->smdp, next->detail, sizeof next->detail);
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
    smdp_reload(p->smdp, &g->config);
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
