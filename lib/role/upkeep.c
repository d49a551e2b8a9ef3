#include "upkeep.h"

#include <stdio.h>

#include "lib/engine/call.h"
#include "undelivered.h"

#define PRUNE    "prune"
#define PRUNE_MS (3600u * 1000)

enum err upkeep_start(const struct rewrap *secrets)
{
    enum err err = engine_start(secrets->engine);
    struct event *event = err == ERR_NONE ? engine_event(secrets->engine, EVENT_TIMER, "") : NULL;
    if (!event)
        return err == ERR_NONE ? ERR_NO_MEMORY : err;
    snprintf(event->name, sizeof event->name, PRUNE);
    err = engine_post(secrets->engine, event);
    return err == ERR_NONE ? rewrap_look(secrets) : err;
}

void upkeep_prune(struct writes *w, uint64_t now_ms)
{
    call_prune(w, now_ms - UPKEEP_CALLS_KEPT_MS);
    undelivered_prune(w, now_ms);
    timer_set(w, "", PRUNE, now_ms + PRUNE_MS);
}

void upkeep_reloaded(const struct rewrap *secrets)
{
    if (rewrap_look(secrets) != ERR_NONE)
        log_fact(secrets->env->log, LOG_WARN_, NULL,
                 "too busy to look after the secrets' master key: that is done at the next start");
}
