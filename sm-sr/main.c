#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "lib/role/key_tool.h"
#include "lib/role/program.h"
#include "net.h"
#include "restored_tool.h"
#include "trail_tool.h"

/* osprey-sm-sr: options → config → log → keys → store → SM-SR → sockets → ready → loop → close. */

/* One reading of the configuration, with room for its partners. */
struct configuration {
    struct smsr_config config;
    struct smsr_partner partners[SMSR_PARTNERS_MAX];
};

static enum err configuration_read(struct daemon *d, struct role_generation *g, const struct card_certificates **ret_cards)
{
    struct configuration *c = g->config;
    enum err err = smsr_config_read(d->config, c->partners, &g->trust, &c->config, d->detail, sizeof d->detail);
    c->config.expiries = &g->expiries;
    *ret_cards = &c->config.certificates;
    return err;
}

static void configuration_done(void *config) { smsr_config_done(&((struct configuration *)config)->config); }

static const struct role_server SERVER = { "sm-sr", &smsr_schema, &smsr_schema_count, sizeof(struct configuration), configuration_read,
                                           configuration_done };

static struct smsr_config *config_of(const struct role_generation *g) { return &((struct configuration *)g->config)->config; }

struct program_state {
    struct role_program program;
    struct smsr_net *net;
    struct smsr *smsr;
};

static void program_close(void *role)
{
    struct program_state *p = role;
    smsr_net_free(p->net);
    smsr_free(p->smsr);
    role_program_close(&p->program);
    free(p);
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

static enum err open_world(struct program_state *p)
{
    struct daemon *d = p->program.daemon;
    static char address[128], admin[128], cat_tp[128]; /* as long as the program */
    char detail[IO_DETAIL_MAX] = "";
    struct smsr_net_options o = { .soap.loop = d->loop,
                                  .soap.log = d->log,
                                  .soap.address = address,
                                  .soap.server_tls = p->program.now->keys.server_tls,
                                  .soap.client_tls = p->program.now->keys.client_tls,
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
                       .store = database_seam(p->program.store),
                       .keys = keystore_soft_keys(p->program.keys),
                       .log = d->log };
    struct smsr_config *config = config_of(p->program.now);
    config->on_fatal = role_program_on_fatal;
    config->on_fatal_context = &p->program;
    config->on_drain = role_program_on_drain;
    config->on_drain_context = &p->program;
    err = smsr_new(config, &env, &p->smsr);
    if (err == ERR_NONE)
        err = smsr_net_open(p->net, p->smsr, detail);
    if (err == ERR_NONE)
        err = smsr_start(p->smsr);
    return err == ERR_NONE ? ERR_NONE : role_program_complain(&p->program, err, NULL, detail);
}

static enum err program_open(struct daemon *d, void **ret_role)
{
    struct program_state *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NO_MEMORY;
    enum err err = role_program_open(&p->program, &SERVER, d);
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
    struct role_generation *g = NULL;
    enum err err = role_program_read(&p->program, next, &g);
    if (err != ERR_NONE) {
        role_generation_free(g);
        return err;
    }
    role_program_take(&p->program, g);
    smsr_reload(p->smsr, config_of(g));
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
