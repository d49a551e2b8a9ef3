/* A card of ours in this process, over memory of its own, with a clock that is turned by hand. */
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "euicc/nvm/nvm_memory.h"
#include "lib/base/world.h"
#include "lib/io/file.h"

struct soft {
    struct target target;
    struct nvm_memory memory;
    struct clock clock;
    uint64_t now_ms;
    struct env env;
    struct arena arena;
    struct euicc *card;
    uint8_t *kept;
};

static struct soft *soft_of(struct target *t) { return (struct soft *)t; }

static uint64_t clock_now(struct clock *clock)
{
    return ((struct soft *)((char *)clock - offsetof(struct soft, clock)))->now_ms;
}
static void clock_wake(struct clock *clock, uint64_t at_ms) { (void)clock, (void)at_ms; }

static enum err soft_open(struct soft *s)
{
    enum err err = euicc_open(&s->arena, &s->env, &s->card);
    if (err == ERR_NONE)
        euicc_reset(s->card, NULL);
    return err;
}

static void soft_off(struct soft *s)
{
    euicc_close(s->card);
    s->card = NULL;
    arena_release(&s->arena);
}

static enum err soft_power_cycle(struct target *t)
{
    soft_off(soft_of(t));
    return soft_open(soft_of(t));
}

static enum err soft_reset(struct target *t)
{
    euicc_reset(soft_of(t)->card, NULL);
    return ERR_NONE;
}

static enum err soft_transmit(struct target *t, struct span capdu, struct writer *ret)
{
    euicc_transmit(soft_of(t)->card, capdu, ret);
    return ret->err;
}

static uint64_t soft_now(struct target *t) { return soft_of(t)->now_ms; }

static void soft_wait(struct target *t, uint64_t ms)
{
    struct soft *s = soft_of(t);
    s->now_ms += ms;
    (void)euicc_idle(s->card, s->now_ms);
}

static void soft_snapshot(struct target *t)
{
    struct soft *s = soft_of(t);
    memcpy(s->kept, s->memory.bytes, s->memory.nvm.size);
}

static enum err soft_restore(struct target *t)
{
    struct soft *s = soft_of(t);
    soft_off(s);
    memcpy(s->memory.bytes, s->kept, s->memory.nvm.size);
    return soft_open(s);
}

static void soft_free(struct target *t)
{
    struct soft *s = soft_of(t);
    soft_off(s);
    nvm_memory_done(&s->memory);
    free(s->kept);
    free(s);
}

static enum err image_load(struct soft *s, const char *path)
{
    struct span image;
    struct arena arena;
    arena_init(&arena, EUICC_NVM_MAX + 4096);
    enum err err = file_read(path, EUICC_NVM_MAX, &arena, &image);
    if (err == ERR_NONE)
        err = nvm_memory_init(&s->memory, image.len);
    if (err == ERR_NONE)
        memcpy(s->memory.bytes, image.ptr, image.len);
    arena_release(&arena);
    return err;
}

static enum err lab_make(struct soft *s, struct card_keys *keys, uint8_t curve)
{
    enum err err = nvm_memory_init(&s->memory, EUICC_NVM_DEFAULT);
    if (err == ERR_NONE)
        err = keys_lab(keys, curve);
    s->env.nvm = &s->memory.nvm;
    return err == ERR_NONE ? keys_make_card(keys, &s->env) : err;
}

enum err target_soft_new(const char *image, struct card_keys *keys, uint8_t curve, struct target **ret)
{
    struct soft *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NO_MEMORY;
    s->target = (struct target){ .free = soft_free,
                                 .reset = soft_reset,
                                 .power_cycle = soft_power_cycle,
                                 .transmit = soft_transmit,
                                 .now_ms = soft_now,
                                 .wait_ms = soft_wait,
                                 .virtual_time = true,
                                 .is_new = image == NULL,
                                 .snapshot = soft_snapshot,
                                 .restore = soft_restore };
    s->clock = (struct clock){ clock_now, clock_wake };
    s->now_ms = 1700000000000u;
    s->env = (struct env){ .clock = &s->clock, .rng = world_rng() };
    arena_init(&s->arena, 4 * EUICC_ARENA_SIZE);
    enum err err = image ? image_load(s, image) : lab_make(s, keys, curve);
    s->env.nvm = &s->memory.nvm;
    if (err == ERR_NONE)
        s->kept = malloc(s->memory.nvm.size);
    if (err == ERR_NONE && !s->kept)
        err = ERR_NO_MEMORY;
    if (err == ERR_NONE)
        err = soft_open(s);
    if (err == ERR_NONE)
        *ret = &s->target;
    else
        soft_free(&s->target);
    return err;
}
