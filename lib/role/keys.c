#include "keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/crypto/openssl.h"
#include "lib/crypto/token.h"
#include "lib/io/file.h"

#define DAY_S    86400ll
#define WATCH_MS (12u * 3600 * 1000)

static enum err wrong(struct daemon *d, enum err err, const char *section, const char *name, const char *why)
{
    snprintf(d->detail, sizeof d->detail, "[%s] %s: %s", section, name, *why ? why : err_text(err));
    return err;
}

/* ---- master keys */

static enum err open_present(struct daemon *d, const char *role, bool first, struct keystore_soft **ret)
{
    const char *path = config_text(d->config, role, "master_key");
    struct master_key master;
    char why[TOKEN_DETAIL_MAX];
    enum err err = master_key_read(path, &master, why);
    if (err == ERR_NOT_FOUND && first && d->check)
        return ERR_NONE; /* the first start makes it */
    if (err == ERR_NOT_FOUND && first)
        err = master_key_create(path, NULL, d->rng, &master, why);
    if (err == ERR_NONE)
        err = keystore_soft_of(&master, d->rng, ret);
    wipe(&master, sizeof master);
    return err == ERR_NONE ? err : wrong(d, err, role, "master_key", why);
}

static enum err add_former(struct daemon *d, const char *section, struct keystore_soft *store)
{
    struct master_key master;
    char why[TOKEN_DETAIL_MAX];
    enum err err = master_key_read(config_text(d->config, section, "key"), &master, why);
    if (err == ERR_NONE)
        err = keystore_soft_add_master(store, &master);
    wipe(&master, sizeof master);
    return err == ERR_NONE ? err : wrong(d, err, section, "key", why);
}

static enum err add_card_key(struct daemon *d, const char *section, struct keystore_soft *store)
{
    char why[TOKEN_DETAIL_MAX] = "";
    enum err err = keystore_soft_load(store, config_section_name(section), config_text(d->config, section, "key"), why);
    return err == ERR_NONE ? err : wrong(d, err, section, "key", why);
}

static enum err open_masters(struct daemon *d, const char *role, bool first, struct keystore_soft **ret)
{
    enum err err = open_present(d, role, first, ret);
    for (const char *s = NULL; *ret && err == ERR_NONE && (s = config_next(d->config, "old_master", s));)
        err = add_former(d, s, *ret);
    return err;
}

enum err role_keystore_read(struct daemon *d, const char *role, struct keystore_soft **ret)
{
    struct keystore_soft *store = NULL;
    enum err err = open_masters(d, role, false, &store);
    if (err == ERR_NONE)
        *ret = store;
    else
        keystore_soft_free(store);
    return err;
}

static enum err open_store(struct daemon *d, const char *role, bool first, struct keystore_soft **ret)
{
    enum err err = open_masters(d, role, first, ret);
    for (const char *s = NULL; *ret && err == ERR_NONE && (s = config_next(d->config, "card", s));)
        err = add_card_key(d, s, *ret);
    return err;
}

/* ---- TLS */

static enum err open_tls(struct daemon *d, struct keystore_soft *store, bool server, struct ssl_ctx_st **ret)
{
    char why[DAEMON_DETAIL_MAX - 8] = "";
    enum err err = daemon_tls(d->config, store, d->clock, server, ret, why, sizeof why);
    if (err != ERR_NONE)
        snprintf(d->detail, sizeof d->detail, "[tls] %s", why);
    return err;
}

/* Partners know us by the OID in our certificate; one without an OID they know by its name. */
static enum err check_oid(struct daemon *d, const char *role)
{
    struct x509 *own = NULL;
    struct oid oid;
    const char *ours = config_text(d->config, role, "oid");
    enum err err = x509_load(config_text(d->config, "tls", "certificate"), &own);
    if (err == ERR_NONE && x509_oid(own, &oid) == ERR_NONE && strcmp(oid.text, ours) != 0) {
        snprintf(d->detail, sizeof d->detail, "[tls] certificate: it is for %s, but [%s] oid is %s", oid.text, role, ours);
        err = ERR_BAD_VALUE;
    }
    x509_free(own);
    return err;
}

enum err role_keys_read(struct daemon *d, const char *role, bool first, struct role_keys *ret)
{
    struct role_keys k = { 0 };
    enum err err = open_store(d, role, first, &k.store);
    if (err == ERR_NONE)
        err = open_tls(d, k.store, true, &k.server_tls);
    if (err == ERR_NONE)
        err = open_tls(d, k.store, false, &k.client_tls);
    if (err == ERR_NONE)
        err = check_oid(d, role);
    if (err != ERR_NONE)
        role_keys_done(&k);
    else
        *ret = k;
    return err;
}

enum err role_trust_read(const struct config *file, const char *role, struct trust *ret, char *detail, size_t cap)
{
    const char *roots = config_text(file, role, "ci"), *lists = config_text(file, "tls", "crl");
    if (trust_load(ret, roots ? roots : "") != ERR_NONE) {
        snprintf(detail, cap, "[%s] ci: no readable certificates", role);
        return ERR_BAD_VALUE;
    }
    enum err err = trust_load_lists(ret, lists, config_bool(file, "tls", "crl_required"));
    if (err != ERR_NONE)
        snprintf(detail, cap, "[tls] crl: %s: %s", lists ? lists : "no file is named", err_text(err));
    return err;
}

void role_keys_done(struct role_keys *keys)
{
    SSL_CTX_free(keys->server_tls);
    SSL_CTX_free(keys->client_tls);
    keystore_soft_free(keys->store);
    *keys = (struct role_keys){ 0 };
}

/* ---- certificates for cards */

enum err role_certificates_read(const struct config *config, enum gp_role role, struct card_certificates *ret,
                                char *detail, size_t cap)
{
    enum err err = ERR_NONE;
    struct arena a;
    arena_init(&a, 16 * GP_CERTIFICATE_MAX);
    for (const char *s = NULL; err == ERR_NONE && (s = config_next(config, "card", s));) {
        struct span file;
        err = file_read(config_text(config, s, "certificate"), 4 * GP_CERTIFICATE_MAX, &a, &file);
        if (err == ERR_NONE)
            err = card_certificates_add(ret, file, role, config_section_name(s));
        if (err != ERR_NONE)
            snprintf(detail, cap, "[%s] certificate: %s", s, err_text(err));
    }
    arena_release(&a);
    return err;
}

/* ---- when our certificates expire */

static uint64_t tls_expiry(const struct role_keys *keys)
{
    struct tm at;
    const X509 *own = SSL_CTX_get0_certificate(keys->server_tls);
    return own && ASN1_TIME_to_tm(X509_get0_notAfter(own), &at) == 1 ? (uint64_t)timegm(&at) * 1000 : 0;
}

void role_expiries_read(const struct config *config, const struct role_keys *keys,
                        const struct card_certificates *cards, struct role_expiries *ret)
{
    *ret = (struct role_expiries){ .warn_days = (uint32_t)config_number(config, "tls", "warn_days"), .count = 1 };
    ret->list[0] = (struct role_expiry){ "tls", tls_expiry(keys) };
    for (size_t i = 0; i < cards->count; i++) {
        struct role_expiry *e = &ret->list[ret->count++];
        snprintf(e->name, sizeof e->name, "card %s", cards->list[i].key_name);
        e->at_ms = cards->list[i].to_ms;
    }
}

static long long seconds_left(const struct role_expiry *e, uint64_t now_ms)
{
    return ((long long)e->at_ms - (long long)now_ms) / 1000;
}

struct role_watch {
    const struct role_expiries *expiries;
    struct clock *clock;
    struct log *log;
    struct loop_timer *timer;
};

static void warn(const struct role_expiries *expiries, struct log *log, uint64_t now_ms)
{
    for (size_t i = 0; i < expiries->count; i++) {
        const struct role_expiry *e = &expiries->list[i];
        long long left = seconds_left(e, now_ms);
        if (left <= 0)
            log_fact(log, LOG_ERROR_, NULL, "certificate [%s] has expired", e->name);
        else if (left < expiries->warn_days * DAY_S)
            log_fact(log, LOG_WARN_, NULL, "certificate [%s] expires in %lld days", e->name, left / DAY_S);
    }
}

static void on_watch(void *context)
{
    struct role_watch *w = context;
    warn(w->expiries, w->log, w->clock->now_ms(w->clock));
    loop_timer_set(w->timer, WATCH_MS);
}

void role_watch_set(struct role_watch *watch, const struct role_expiries *expiries)
{
    watch->expiries = expiries;
    on_watch(watch);
}

struct role_watch *role_watch_new(struct daemon *d, const struct role_expiries *expiries)
{
    struct role_watch *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    *w = (struct role_watch){ .clock = d->clock, .log = d->log, .timer = loop_timer_new(d->loop, on_watch, w) };
    if (!w->timer) {
        free(w);
        return NULL;
    }
    role_watch_set(w, expiries);
    return w;
}

void role_watch_free(struct role_watch *watch)
{
    if (watch)
        loop_timer_free(watch->timer);
    free(watch);
}

void role_expiries_metrics(const struct role_expiries *expiries, struct writer *w, const char *prefix, uint64_t now_ms)
{
    wr_printf(w, "# HELP %s_certificate_valid_seconds How long our certificates are still valid.\n", prefix);
    wr_printf(w, "# TYPE %s_certificate_valid_seconds gauge\n", prefix);
    for (size_t i = 0; i < expiries->count; i++)
        wr_printf(w, "%s_certificate_valid_seconds{certificate=\"%s\"} %lld\n", prefix, expiries->list[i].name,
                  seconds_left(&expiries->list[i], now_ms));
}
