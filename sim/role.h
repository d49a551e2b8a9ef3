/* sim/role.h: what every server of the simulated world stands on: a database in memory, keys in software, a clock of its
 * own, effects that go into the world. */
#ifndef OSPREY_SIM_ROLE_H
#define OSPREY_SIM_ROLE_H

#include "lib/crypto/keystore_soft.h"
#include "lib/io/sqlite.h"
#include "world.h"

struct sim_role {
    struct net net; /* first: the role's env.net */
    struct world *world;
    const char *name;
    struct waker waker;
    struct sqlite_store *store;
    struct keystore_soft *keys;
};
/* send and run get the role struct back as context: &role->net is what net->send sees. Aborts when something is missing:
 * a fault of the scenario. */
void sim_role_open(struct sim_role *r, struct world *w, const char *name, const struct migration *schema, size_t count,
                   void (*send)(struct net *, const struct effect *), plan_task *run);
struct env sim_role_env(struct sim_role *r);
void sim_role_close(struct sim_role *r);
void sim_must(enum err err, const char *what);

#endif
