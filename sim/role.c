#include "role.h"

#include <stdio.h>
#include <stdlib.h>

void sim_must(enum err err, const char *what)
{
    if (err == ERR_NONE)
        return;
    fprintf(stderr, "simulated world: %s: %s\n", what, err_text(err));
    abort();
}

void sim_role_open(struct sim_role *r, struct world *w, const char *name, const struct migration *schema, size_t count,
                   void (*send)(struct net *, const struct effect *), plan_task *run)
{
    uint8_t master[KEYSTORE_MASTER_LEN] = { 0 };
    struct sqlite_options options = { ":memory:", schema, count };
    enum err err;
    *r = (struct sim_role){ .net = { send }, .world = w, .name = name };
    waker_init(&r->waker, world_time(w), run, r);
    r->store = sqlite_store_open(&options, &err, NULL);
    sim_must(err, "database");
    memcpy(master, name, strlen(name));
    sim_must(keystore_soft_new(SPAN_OF(master), &world_chance(w)->seam, &r->keys), "keys");
}

struct env sim_role_env(struct sim_role *r)
{
    return (struct env){ .clock = &r->waker.seam, .rng = &world_chance(r->world)->seam, .net = &r->net, .log = world_log(r->world),
                         .store = sqlite_store_seam(r->store), .keys = keystore_soft_keys(r->keys) };
}

void sim_role_close(struct sim_role *r)
{
    keystore_soft_free(r->keys);
    sqlite_store_close(r->store);
}
