/* lib/daemon/daemon.h: every long-running program starts the same way: options → config → log → the role's open (keys,
 * store, resume, listen) → ready → loop → close. TERM and INT end it cleanly (no new work, what is under way ends or goes
 * to others), HUP reads the configuration anew (where the program can); kill -9 is survived by what is stored.
 *
 *   osprey-NAME --config FILE            runs in the foreground, says "osprey-NAME: ready" on stdout
 *   osprey-NAME --config FILE --check    reads and checks everything, also whether the database would open, serves nothing, and
 *                                        leaves
 *   osprey-NAME --example                prints a configuration with every option
 *   osprey-NAME --help | --version */
#ifndef OSPREY_DAEMON_DAEMON_H
#define OSPREY_DAEMON_DAEMON_H

#include "config.h"
#include "lib/base/env.h"
#include "lib/io/loop.h"

#define DAEMON_DETAIL_MAX 400u

struct daemon {
    const char *name;
    struct config *config;
    struct loop *loop;
    struct clock *clock; /* the loop's */
    struct rng *rng;
    struct log *log;
    bool check;          /* --check: open files and database read-only where possible, no sockets */
    char detail[DAEMON_DETAIL_MAX]; /* open writes here what went wrong, for people */
};

struct program_fixed {
    const char *section, *name; /* name NULL: all of the section; "card *": all sections of that kind */
};

struct program {
    const char *name;    /* "osprey-sm-sr" */
    const char *summary; /* one line */
    const char *help;    /* further lines: what it does, an example, which files */
    const struct config_option *options; /* of the role; [log] is added */
    size_t option_count;
    /* Sets up the role. On failure it says why in d->detail and gives everything back. */
    enum err (*open)(struct daemon *d, void **ret_role);
    void (*close)(void *role);
    /* HUP: the configuration was read anew, into next->config; the old one stays readable. It is taken whole, or next->detail
     * says why not and nothing changes. NULL: HUP ends the program, as it does by itself. */
    enum err (*reload)(struct daemon *next, void *role);
    const struct program_fixed *fixed; /* what may not change then; end: section NULL */
    /* A clean stop is asked for; the loop runs on until daemon_stop or DAEMON_DRAIN_S are over. NULL: stop at once. */
    void (*drain)(void *role);
    bool (*drained)(void *role); /* the loop may stop now; asked for again and again. NULL: drain calls daemon_stop */
};
#define DAEMON_DRAIN_S 5u

/* The whole main(). Exit code 0: clean end; 1: could not start or check failed (said on stderr); 2: wrong usage. */
int daemon_main(const struct program *program, int argc, char **argv);
/* A role's options and [log], as its configuration file may have them; to be released with free. NULL: no memory. For
 * programs beside a daemon that read its configuration. */
struct config_option *daemon_options(const struct config_option *options, size_t count, size_t *ret_count);
/* The context of [tls] (certificate, key, trust, crl, crl_required). keys unwraps the key; NULL: what lies beside it does.
 * detail says what is wrong with which file. */
struct ssl_ctx_st;
struct keystore_soft;
MUST_USE enum err daemon_tls(const struct config *config, struct keystore_soft *keys, struct clock *clock, bool server,
                             struct ssl_ctx_st **ret, char *detail, size_t cap);
void daemon_stop(struct daemon *d);
/* As TERM. */
void daemon_drain(struct daemon *d);
/* Ends the program at once with exit code 3 because its store is in an unknown state: for engine_config.on_fatal. */
void daemon_fatal(struct daemon *d, const char *why) __attribute__((noreturn));

/* A log sink: one line per fact, "2026-01-02T03:04:05.678Z info  text". path NULL: stderr. Also for programs that are
 * no daemons. level: "debug", "info", "warn", "error"; NULL: info. ERR_BAD_VALUE another level, ERR_IO (errno says why),
 * ERR_NO_MEMORY. */
struct log *log_sink_open(const char *path, const char *level, enum err *ret_err);
/* From here on lines wait until log_sink_flush, which a program calls before it sleeps; errors never wait. */
void log_sink_gather(struct log *log);
void log_sink_flush(struct log *log);
void log_sink_close(struct log *log);

#endif
