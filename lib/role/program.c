#include "program.h"

#include <stdio.h>
#include <stdlib.h>

#include "rewrap.h"

enum err role_program_complain(struct role_program *p, enum err err, const char *option, const char *why)
{
    snprintf(p->daemon->detail, sizeof p->daemon->detail, "%s%s%s", option ? option : "", option ? ": " : "",
             why && *why ? why : err_text(err));
    return err;
}

/* ---- one reading of the configuration */

void role_generation_free(struct role_generation *g)
{
    if (!g)
        return;
    role_keys_done(&g->keys);
    if (g->config)
        g->server->done(g->config);
    free(g->config);
    free(g);
}

static enum err generation_read(const struct role_server *server, struct daemon *d, bool first, struct role_generation **ret)
{
    const struct card_certificates *cards = NULL;
    struct role_generation *g = calloc(1, sizeof *g);
    if (!g)
        return ERR_NO_MEMORY;
    g->server = server;
    g->config = calloc(1, server->config_size);
    enum err err = g->config ? server->read(d, g, &cards) : ERR_NO_MEMORY;
    if (err == ERR_NONE)
        err = role_keys_read(d, server->section, first, &g->keys);
    if (err != ERR_NONE) {
        role_generation_free(g);
        return err;
    }
    role_expiries_read(d->config, &g->keys, cards, &g->expiries);
    *ret = g;
    return ERR_NONE;
}

/* The key store lives as long as the program: what a reload brings is put into it. */
static enum err take_keys(struct role_program *p)
{
    p->keys = p->now->keys.store;
    p->now->keys.store = NULL;
    p->watch = role_watch_new(p->daemon, &p->now->expiries);
    return p->watch ? ERR_NONE : ERR_NO_MEMORY;
}

/* ---- the store */

static enum err complain_of_store(struct role_program *p, enum err err, const char *detail)
{
    char option[40];
    snprintf(option, sizeof option, "[%s] database", p->server->section);
    return role_program_complain(p, err, option, detail);
}

static enum err check_store(struct role_program *p)
{
    char detail[DATABASE_DETAIL_MAX] = "";
    const char *name = config_text(p->daemon->config, p->server->section, "database");
    enum err err = database_check(name, *p->server->schema, *p->server->schema_count, detail);
    return err == ERR_NONE ? ERR_NONE : complain_of_store(p, err, detail);
}

static enum err open_store(struct role_program *p)
{
    char detail[DATABASE_DETAIL_MAX] = "", room[DATABASE_NODE_MAX + 1];
    enum err err = ERR_NONE;
    const struct config *c = p->daemon->config;
    const char *section = p->server->section;
    const char *node = database_node(config_text(c, section, "node"), config_text(c, section, "listen"), room);
    p->store = database_open(config_text(c, section, "database"), *p->server->schema, *p->server->schema_count, node, &err, detail);
    if (!p->store)
        return complain_of_store(p, err, detail);
    database_watch(p->store, p->daemon->loop);
    return rewrap_check(database_seam(p->store), keystore_soft_keys(p->keys), p->daemon->detail);
}

void role_program_on_fatal(void *context)
{
    struct role_program *p = context;
    daemon_fatal(p->daemon, database_detail(p->store));
}

void role_program_on_drain(void *context) { daemon_drain(((struct role_program *)context)->daemon); }

/* ---- the program */

enum err role_program_open(struct role_program *p, const struct role_server *server, struct daemon *d)
{
    *p = (struct role_program){ .server = server, .daemon = d };
    enum err err = generation_read(server, d, true, &p->now);
    if (err == ERR_NONE)
        err = take_keys(p);
    if (err == ERR_NONE)
        err = d->check ? check_store(p) : open_store(p);
    return err;
}

void role_program_close(struct role_program *p)
{
    database_close(p->store);
    keystore_soft_free(p->keys);
    role_watch_free(p->watch);
    for (struct role_generation *g = p->now, *older; g; g = older) {
        older = g->older;
        role_generation_free(g);
    }
}

enum err role_program_read(struct role_program *p, struct daemon *next, struct role_generation **ret)
{
    struct role_generation *g = NULL;
    enum err err = generation_read(p->server, next, false, &g);
    if (err == ERR_NONE)
        err = rewrap_check(database_seam(p->store), keystore_soft_keys(g->keys.store), next->detail);
    if (err == ERR_NONE)
        *ret = g;
    else
        role_generation_free(g);
    return err;
}

void role_program_take(struct role_program *p, struct role_generation *g)
{
    keystore_soft_exchange(p->keys, g->keys.store);
    keystore_soft_free(g->keys.store); /* the former keys */
    g->keys.store = NULL;
    g->older = p->now;
    p->now = g;
    role_watch_set(p->watch, &g->expiries);
}
