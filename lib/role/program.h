/* lib/role/program.h: what SM-SR and SM-DP have in common as programs: a configuration that is read anew at HUP, keys that live as long
 * as the program, and a store. The role's main() puts its sockets and its procedures on top.
 *
 *   open    role_program_open reads and opens; then the role's own
 *   reload  role_program_read, the role's own checks, role_program_take; or role_generation_free and nothing has changed
 *   close   the role's own, then role_program_close */
#ifndef OSPREY_ROLE_PROGRAM_H
#define OSPREY_ROLE_PROGRAM_H

#include "keys.h"
#include "lib/io/database.h"
#include "lib/pki/chain.h"

/* What one reading of the configuration gave. */
struct role_generation {
    struct role_generation *older; /* kept: what waits may point into them */
    const struct role_server *server;
    void *config;
    struct trust trust;
    struct role_keys keys; /* what the program has taken of it is gone from here */
    struct role_expiries expiries;
};

/* What differs. */
struct role_server {
    const char *section; /* "sm-sr" */
    const struct migration *const *schema;
    const size_t *schema_count;
    size_t config_size; /* octets of g->config */
    /* Fills g->config and g->trust; why not is in d->detail. *ret_cards: its certificates for cards. */
    enum err (*read)(struct daemon *d, struct role_generation *g, const struct card_certificates **ret_cards);
    void (*done)(void *config); /* what it holds, after read, however that ended */
};

struct role_program {
    const struct role_server *server;
    struct daemon *daemon;
    struct role_generation *now;
    struct keystore_soft *keys;
    struct role_watch *watch;
    struct database *store; /* NULL with --check */
};

/* On failure close it; why is in d->detail. */
MUST_USE enum err role_program_open(struct role_program *p, const struct role_server *server, struct daemon *d);
void role_program_close(struct role_program *p);
MUST_USE enum err role_program_read(struct role_program *p, struct daemon *next, struct role_generation **ret);
void role_program_take(struct role_program *p, struct role_generation *g);
void role_generation_free(struct role_generation *g); /* NULL is fine */
/* "option: why", or without an option (NULL) "why", in the daemon's detail; why "" or NULL: what err means. Returns err. */
enum err role_program_complain(struct role_program *p, enum err err, const char *option, const char *why);
/* For the configuration of a role: the context is the struct role_program. */
void role_program_on_fatal(void *context);
void role_program_on_drain(void *context);

#endif
