#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/base/version.h"
#include "lib/base/world.h"
#include "lib/io/peer.h"

static const struct config_option log_options[] = {
    { "log", "file", CONFIG_PATH, NULL, false, "where the log lines go; nothing: standard error" },
    { "log", "level", CONFIG_TEXT, "info", false, "debug, info, warn or error" },
};

#define DRAIN_LOOK_MS 20u

struct run {
    const struct program *program;
    struct daemon daemon;
    struct config_option *options;
    size_t option_count;
    const char *config_path;
    void *role;
    struct loop_timer *drain_timer;
    uint64_t drain_until_ms;
    struct config **retired; /* of reloads */
    size_t retired_count;
};

static int usage(const struct program *p, FILE *out, int code)
{
    fprintf(out,
            "%s: %s\n\n"
            "  %s --config FILE           run in the foreground until TERM\n"
            "  %s --config FILE --check   check the configuration and what it names, and leave\n"
            "  %s --example               print a configuration file with every option\n"
            "  %s --help | --version\n%s%s\n",
            p->name, p->summary, p->name, p->name, p->name, p->name, p->help ? "\n" : "", p->help ? p->help : "");
    return code;
}

struct config_option *daemon_options(const struct config_option *options, size_t count, size_t *ret_count)
{
    struct config_option *all = calloc(count + ARRAY_LEN(log_options), sizeof *all);
    if (!all)
        return NULL;
    memcpy(all, options, count * sizeof *all);
    memcpy(all + count, log_options, sizeof log_options);
    *ret_count = count + ARRAY_LEN(log_options);
    return all;
}

enum { GO_ON = -1 };

static int wrong_usage(const struct program *p, const char *what, const char *about)
{
    fprintf(stderr, "%s: %s%s\n(%s --help says more, --example prints a configuration)\n", p->name, what, about, p->name);
    return 2;
}

static int read_arguments(struct run *r, int argc, char **argv)
{
    const struct program *p = r->program;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return usage(p, stdout, 0);
        if (!strcmp(argv[i], "--version"))
            return printf("%s %s\n", p->name, osprey_version) < 0;
        if (!strcmp(argv[i], "--example")) {
            config_print_example(stdout, r->options, r->option_count);
            return 0;
        }
        if (!strcmp(argv[i], "--check"))
            r->daemon.check = true;
        else if (!strcmp(argv[i], "--config") && i + 1 < argc)
            r->config_path = argv[++i];
        else if (strcmp(argv[i], "--config") != 0)
            return wrong_usage(p, "no such argument: ", argv[i]);
    }
    return r->config_path ? GO_ON : wrong_usage(p, "--config FILE is needed", "");
}

/* NULL: standard error. */
static const char *log_path(const struct daemon *d) { return d->check ? NULL : config_text(d->config, "log", "file"); }

static uint64_t now_ms(const struct run *r) { return r->daemon.clock->now_ms(r->daemon.clock); }

/* Looked at again and again until nothing is under way, or the time is over. */
static void look_drained(void *context)
{
    struct run *r = context;
    if (now_ms(r) >= r->drain_until_ms || (r->program->drained && r->program->drained(r->role)))
        loop_stop(r->daemon.loop);
    else
        loop_timer_set(r->drain_timer, DRAIN_LOOK_MS);
}

static void end(struct run *r)
{
    bool second = r->drain_timer != NULL;
    if (r->program->drain && !second)
        r->drain_timer = loop_timer_new(r->daemon.loop, look_drained, r);
    if (second || !r->drain_timer) {
        loop_stop(r->daemon.loop);
        return;
    }
    r->drain_until_ms = now_ms(r) + DAEMON_DRAIN_S * 1000;
    r->program->drain(r->role);
    loop_timer_set(r->drain_timer, 0);
}

static void on_end_signal(void *context, int number)
{
    struct run *r = context;
    log_fact(r->daemon.log, LOG_INFO_, NULL, "%s: stopping (signal %d)", r->program->name, number);
    end(r);
}

void daemon_drain(struct daemon *d)
{
    log_fact(d->log, LOG_INFO_, NULL, "%s: stopping, as the administration wants", d->name);
    end((struct run *)((char *)d - offsetof(struct run, daemon)));
}

/* ---- HUP: the new configuration whole, or the old one */

static bool same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static bool same_option(const struct config *a, const struct config *b, const struct config_option *o)
{
    const char *star = strchr(o->section, '*'), *x = NULL, *y = NULL;
    char kind[64];
    if (!star)
        return same_text(config_text(a, o->section, o->name), config_text(b, o->section, o->name));
    snprintf(kind, sizeof kind, "%.*s", (int)(star - o->section - 1), o->section);
    do {
        x = config_next(a, kind, x);
        y = config_next(b, kind, y);
        if (!same_text(x, y) || (x && !same_text(config_text(a, x, o->name), config_text(b, y, o->name))))
            return false;
    } while (x);
    return true;
}

static bool is_fixed(const struct program_fixed *fixed, const struct config_option *o)
{
    for (; fixed && fixed->section; fixed++)
        if (!strcmp(fixed->section, o->section) && (!fixed->name || !strcmp(fixed->name, o->name)))
            return true;
    return false;
}

static enum err check_fixed(const struct run *r, struct daemon *next)
{
    for (size_t i = 0; i < r->option_count; i++) {
        const struct config_option *o = &r->options[i];
        if (!is_fixed(r->program->fixed, o) || same_option(r->daemon.config, next->config, o))
            continue;
        snprintf(next->detail, sizeof next->detail, "[%s] %s cannot change while %s runs: start it again", o->section, o->name,
                 r->program->name);
        return ERR_DENIED;
    }
    return ERR_NONE;
}

/* What is running may still point into the old one. */
static bool retire(struct run *r, struct config *config)
{
    struct config **grown = realloc(r->retired, (r->retired_count + 1) * sizeof *grown);
    if (!grown)
        return false;
    r->retired = grown;
    r->retired[r->retired_count++] = config;
    return true;
}

static void on_reload_signal(void *context, int number)
{
    struct run *r = context;
    struct daemon next = r->daemon;
    (void)number;
    next.config = NULL;
    next.detail[0] = '\0';
    enum err err = config_load(r->config_path, r->options, r->option_count, &next.config, next.detail);
    if (err == ERR_NONE)
        err = check_fixed(r, &next);
    if (err == ERR_NONE && !retire(r, next.config))
        err = ERR_NO_MEMORY;
    else if (err == ERR_NONE && (err = r->program->reload(&next, r->role)) != ERR_NONE)
        r->retired_count--;
    if (err == ERR_NONE) {
        r->retired[r->retired_count - 1] = r->daemon.config;
        r->daemon.config = next.config;
        log_fact(r->daemon.log, LOG_INFO_, NULL, "the configuration is read anew");
        return;
    }
    log_fact(r->daemon.log, LOG_ERROR_, NULL, "the old configuration stays: %s", *next.detail ? next.detail : err_text(err));
    config_free(next.config);
}

/* Whoever started us reads it, and so does who reads the log file. */
static int fail(struct run *r, const char *what)
{
    fprintf(stderr, "%s: %s\n", r->program->name, what);
    if (r->daemon.log && log_path(&r->daemon))
        log_fact(r->daemon.log, LOG_ERROR_, NULL, "%s", what);
    return 1;
}

static int open_log(struct run *r)
{
    struct daemon *d = &r->daemon;
    enum err err = ERR_NONE;
    const char *path = log_path(d), *level = config_text(d->config, "log", "level");
    char why[DAEMON_DETAIL_MAX];
    d->log = log_sink_open(path, level, &err);
    if (d->log)
        return GO_ON;
    if (err == ERR_BAD_VALUE)
        snprintf(why, sizeof why, "[log] level: debug, info, warn or error, not %s", level);
    else
        snprintf(why, sizeof why, "[log] file %s: %s", path ? path : "", err == ERR_IO ? strerror(errno) : err_text(err));
    return fail(r, why);
}

static int open_world(struct run *r)
{
    struct daemon *d = &r->daemon;
    enum err err = config_load(r->config_path, r->options, r->option_count, &d->config, d->detail);
    if (err != ERR_NONE)
        return fail(r, *d->detail ? d->detail : err_text(err));
    int code = open_log(r);
    if (code != GO_ON)
        return code;
    d->loop = loop_new();
    if (!d->loop)
        return fail(r, "no event loop: out of memory or file descriptors");
    d->clock = loop_clock(d->loop);
    d->rng = world_rng();
    return GO_ON;
}

/* The last hook: what the others said in this round goes in one write. */
static bool flush_log(void *context)
{
    log_sink_flush(((struct run *)context)->daemon.log);
    return false;
}

static int run_role(struct run *r)
{
    struct daemon *d = &r->daemon;
    enum err err = r->program->open(d, &r->role);
    if (err != ERR_NONE)
        return fail(r, *d->detail ? d->detail : err_text(err));
    if (d->check) {
        printf("%s: %s is good\n", r->program->name, r->config_path);
        r->program->close(r->role);
        return 0;
    }
    if (loop_on_signal(d->loop, SIGTERM, on_end_signal, r) != ERR_NONE ||
        loop_on_signal(d->loop, SIGINT, on_end_signal, r) != ERR_NONE)
        return fail(r, "signals cannot be caught");
    if (r->program->reload && loop_on_signal(d->loop, SIGHUP, on_reload_signal, r) != ERR_NONE)
        return fail(r, "signals cannot be caught");
    if (loop_on_batch(d->loop, flush_log, r) != ERR_NONE)
        return fail(r, "too many hooks of the event loop");
    log_fact(d->log, LOG_INFO_, NULL, "%s %s ready", r->program->name, osprey_version);
    log_sink_gather(d->log);
    printf("%s: ready\n", r->program->name);
    fflush(stdout);
    loop_run(d->loop);
    r->program->close(r->role);
    log_fact(d->log, LOG_INFO_, NULL, "%s stopped", r->program->name);
    return 0;
}

static void close_world(struct run *r)
{
    struct daemon *d = &r->daemon;
    loop_timer_free(r->drain_timer);
    if (d->loop)
        loop_free(d->loop);
    log_sink_close(d->log);
    for (size_t i = 0; i < r->retired_count; i++)
        config_free(r->retired[i]);
    free(r->retired);
    config_free(d->config);
    free(r->options);
}

int daemon_main(const struct program *program, int argc, char **argv)
{
    struct run r = { .program = program, .daemon = { .name = program->name } };
    signal(SIGPIPE, SIG_IGN);
    world_forbid_dumps();
    r.options = daemon_options(program->options, program->option_count, &r.option_count);
    if (!r.options)
        return fail(&r, "out of memory");
    int code = read_arguments(&r, argc, argv);
    if (code == GO_ON)
        code = open_world(&r);
    if (code == GO_ON)
        code = run_role(&r);
    close_world(&r);
    return code;
}

enum err daemon_tls(const struct config *c, struct keystore_soft *keys, struct clock *clock, bool server, struct ssl_ctx_st **ret,
                    char *detail, size_t cap)
{
    struct tls_mutual_options o = { .chain_file = config_text(c, "tls", "certificate"),
                                    .key_file = config_text(c, "tls", "key"),
                                    .keystore = keys,
                                    .ca_file = config_text(c, "tls", "trust"),
                                    .crl_file = config_text(c, "tls", "crl"),
                                    .crl_required = config_bool(c, "tls", "crl_required"),
                                    .server = server,
                                    .clock = clock };
    return tls_mutual_ctx(&o, ret, detail, cap);
}

void daemon_stop(struct daemon *d) { loop_stop(d->loop); }

void daemon_fatal(struct daemon *d, const char *why)
{
    log_fact(d->log, LOG_ERROR_, NULL, "%s ends: %s", d->name, why);
    fprintf(stderr, "%s ends: %s\n", d->name, why);
    _Exit(3);
}
