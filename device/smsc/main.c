/* osprey-smsc: the lab's SMSC on its socket. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/daemon/daemon.h"
#include "lib/io/sqlite.h"
#include "lib/io/tcp.h"
#include "smsc.h"

#define DAY_S 86400u

static const struct config_option options[] = {
    { "smsc", "listen", CONFIG_ADDRESS, "127.0.0.1:2775", false, "where ESMEs and devices connect (SMPP 3.4)" },
    { "smsc", "database", CONFIG_PATH, "smsc.db", false, "messages that wait; survives a crash" },
    { "smsc", "system_id", CONFIG_TEXT, "osprey-smsc", false, "what we call ourselves in bind answers" },
    { "smsc", "window", CONFIG_NUMBER, "10", false, "unanswered deliver_sm per ESME" },
    { "smsc", "answer_s", CONFIG_NUMBER, "10", false, "how long a deliver_sm or a link check may be unanswered" },
    { "smsc", "enquire_s", CONFIG_NUMBER, "30", false, "silence before a link check (enquire_link)" },
    { "smsc", "alert", CONFIG_TEXT, "", false,
      "the system_id of an SM-SR that is told when a device can be reached (alert_notification)" },
    { "smsc", "validity_s", CONFIG_NUMBER, "172800", false, "how long a message without validity period is kept" },
    { "lab", "loss_permille", CONFIG_NUMBER, "0", false, "messages accepted and never delivered" },
    { "lab", "duplicate_permille", CONFIG_NUMBER, "0", false, "messages delivered twice" },
    { "lab", "delay_permille", CONFIG_NUMBER, "0", false, "messages that wait" },
    { "lab", "delay_max_ms", CONFIG_NUMBER, "5000", false, "and how long at most" },
    { "lab", "seed", CONFIG_NUMBER, "1", false, "the same seed, the same bad luck" },
    { "account *", "password", CONFIG_TEXT, "", false,
      "password of this system_id; without any account everybody gets in" },
    { "account *", "numbers", CONFIG_TEXT, NULL, false,
      "addresses it is bound for besides its address range: 1234, 4917*" },
};

static const char help[] =
    "  Stores a message before it answers submit_sm, and forwards it to whoever is bound for its destination:\n"
    "  by address range, by system_id, or by the account's numbers. The latest bind for a number wins,\n  unless it leaves messages unanswered and another does not.\n";

struct server {
    struct daemon *daemon;
    struct sqlite_store *store;
    struct smsc *smsc;
    struct tcp_server *tcp;
    bool accounts;
};

/* One connection: the core's ESME on one side, the socket on the other. */
struct line {
    struct server *server;
    struct tcp_conn *conn;
    struct smsc_esme *esme;
};

static void line_send(void *context, struct span bytes)
{
    struct line *l = context;
    if (tcp_send(l->conn, bytes) != ERR_NONE)
        log_fact(l->server->daemon->log, LOG_WARN_, NULL, "%s does not read what is sent to it",
                 tcp_conn_peer(l->conn));
}

static void line_close(void *context)
{
    struct line *l = context;
    tcp_conn_close(l->conn);
    free(l);
}

static void on_open(void *context, struct tcp_conn *conn)
{
    struct line *l = calloc(1, sizeof *l);
    if (l != NULL) {
        *l = (struct line){ context, conn, NULL };
        struct smsc_line line = { line_send, line_close, l, tcp_conn_peer(conn) };
        l->esme = smsc_connected(l->server->smsc, &line);
    }
    if (l == NULL || l->esme == NULL) {
        free(l);
        tcp_conn_close(conn);
        return;
    }
    tcp_conn_set_context(conn, l);
}

static size_t on_bytes(void *context, struct tcp_conn *conn, struct span in)
{
    (void)conn;
    return smsc_input(((struct line *)context)->esme, in);
}

static void on_closed(void *context, struct tcp_conn *conn, enum err err, const char *why)
{
    (void)conn, (void)err, (void)why;
    struct line *l = context;
    smsc_lost(l->esme);
    free(l);
}

static const struct tcp_handler handler = { on_open, on_bytes, on_closed, NULL };

static uint32_t authorise(void *context, const char *system_id, const char *password, const char **ret_numbers)
{
    struct server *s = context;
    char section[32];
    if (!s->accounts)
        return SMPP_OK;
    snprintf(section, sizeof section, "account %s", system_id);
    if (!config_has(s->daemon->config, section))
        return SMPP_BIND_FAILED;
    if (!span_eq_ct(span_text(password), span_text(config_text(s->daemon->config, section, "password"))))
        return SMPP_INVALID_PASSWORD;
    *ret_numbers = config_text(s->daemon->config, section, "numbers");
    return SMPP_OK;
}

static void on_fatal(void *context, enum err err)
{
    (void)err;
    struct server *s = context;
    daemon_fatal(s->daemon, sqlite_store_detail(s->store));
}

static bool batch(void *context)
{
    smsc_run(context);
    return false;
}

static uint32_t number(const struct daemon *d, const char *section, const char *name)
{
    uint64_t n = config_number(d->config, section, name);
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static uint32_t seconds(const struct daemon *d, const char *name)
{
    uint32_t n = number(d, "smsc", name);
    return n < DAY_S ? n * 1000u : DAY_S * 1000u;
}

static struct smsc_options smsc_options_of(const struct daemon *d, struct server *s)
{
    struct smsc_options o = {
        .window = number(d, "smsc", "window"),
        .answer_ms = seconds(d, "answer_s"),
        .enquire_ms = seconds(d, "enquire_s"),
        .validity_s = config_number(d->config, "smsc", "validity_s"),
        .loss_permille = number(d, "lab", "loss_permille"),
        .duplicate_permille = number(d, "lab", "duplicate_permille"),
        .delay_permille = number(d, "lab", "delay_permille"),
        .delay_max_ms = number(d, "lab", "delay_max_ms"),
        .seed = config_number(d->config, "lab", "seed"),
        .authorise = authorise,
        .on_fatal = on_fatal,
        .context = s,
    };
    snprintf(o.system_id, sizeof o.system_id, "%s", config_text(d->config, "smsc", "system_id"));
    snprintf(o.alert, sizeof o.alert, "%s", config_text(d->config, "smsc", "alert"));
    return o;
}

static enum err open_store(struct daemon *d, struct server *s)
{
    static const struct migration migrations[] = { { "0001_message", SMSC_SCHEMA } };
    struct sqlite_options o = { config_text(d->config, "smsc", "database"), migrations, ARRAY_LEN(migrations) };
    char detail[SQLITE_DETAIL_MAX];
    enum err err;
    if (d->check && o.path[0] != '\0')
        o.path = ":memory:"; /* a check leaves the files alone */
    s->store = sqlite_store_open(&o, &err, detail);
    if (s->store == NULL)
        snprintf(d->detail, sizeof d->detail, "[smsc] database: %s", detail);
    return err;
}

static enum err open_core(struct daemon *d, struct server *s)
{
    struct env env = { .clock = d->clock, .rng = d->rng, .log = d->log, .store = sqlite_store_seam(s->store) };
    struct smsc_options o = smsc_options_of(d, s);
    enum err err = smsc_new(&o, &env, &s->smsc);
    if (err != ERR_NONE)
        snprintf(d->detail, sizeof d->detail, "stored messages cannot be loaded: %s", sqlite_store_detail(s->store));
    return err;
}

static enum err open_socket(struct daemon *d, struct server *s)
{
    char host[256];
    uint16_t port = 0;
    enum err err = config_address(d->config, "smsc", "listen", host, sizeof host, &port);
    if (err == ERR_NONE && !d->check)
        s->tcp = tcp_server_new(d->loop, host, port, &handler, s, &err, d->detail);
    if (err != ERR_NONE || d->check)
        return err;
    log_fact(d->log, LOG_INFO_, NULL, "SMPP on %s:%u, %zu messages wait", host, tcp_server_port(s->tcp),
             smsc_counts(s->smsc).stored);
    return loop_on_batch(d->loop, batch, s->smsc);
}

static void server_close(void *role)
{
    struct server *s = role;
    if (s->smsc != NULL) {
        struct smsc_counts c = smsc_counts(s->smsc);
        loop_off_batch(s->daemon->loop, batch, s->smsc);
        if (!s->daemon->check)
            log_fact(s->daemon->log, LOG_INFO_, NULL,
                     "submitted %" PRIu64 ", delivered %" PRIu64 ", expired %" PRIu64 ", refused %" PRIu64 ", lost %" PRIu64
                     ", waiting %zu", c.submitted, c.delivered, c.expired, c.refused, c.lost, c.stored);
    }
    tcp_server_free(s->tcp);
    smsc_free(s->smsc);
    sqlite_store_close(s->store);
    free(s);
}

static enum err server_open(struct daemon *d, void **ret_role)
{
    struct server *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NO_MEMORY;
    s->daemon = d;
    s->accounts = config_next(d->config, "account", NULL) != NULL;
    enum err err = open_store(d, s);
    if (err == ERR_NONE)
        err = open_core(d, s);
    if (err == ERR_NONE)
        err = open_socket(d, s);
    if (err != ERR_NONE) {
        server_close(s);
        return err;
    }
    *ret_role = s;
    return ERR_NONE;
}

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "osprey-smsc",
        .summary = "a small SMSC for labs: SMPP 3.4, store and forward",
        .help = help,
        .options = options,
        .option_count = ARRAY_LEN(options),
        .open = server_open,
        .close = server_close,
    };
    return daemon_main(&program, argc, argv);
}
