#include "smdp.h"

#include <stdlib.h>

#include "es2_server.h"
#include "es3_client.h"
#include "lib/es/eum_signature.h"
#include "lib/role/undelivered.h"
#include "lib/role/upkeep.h"
#include "messages.h"
#include "notification.h"
#include "procedures/personalize.h"
#include "store/schema.h"
#include "store/secrets.h"
#include "turn.h"

const struct migration *const smdp_schema = smdp_migrations;
const size_t smdp_schema_count = SMDP_MIGRATIONS;

/* ---- one event */

static void on_answer(struct turn *t, const struct call_event *c)
{
    bool known =
        c->partner && (c->partner->kinds & SMDP_SMSR) && oid_eq(&c->partner->oid, &c->message.wsa.from.entity_id);
    if (known && !smdp_es3_response(t, c->partner, &c->message))
        turn_log(t, LOG_DEBUG_, "an answer that nobody waits for any more");
    outbox_reply(t->out, t->event->reply, known ? 202 : 403, SPAN_NONE);
}

static void on_event(struct turn *t)
{
    switch (t->event->kind) {
    case SMDP_EVENT_CALL:
        smdp_es2_call(t, t->event->data);
        break;
    case SMDP_EVENT_ANSWER:
        on_answer(t, t->event->data);
        break;
    case SMDP_EVENT_NOTIFICATION:
        smdp_notification(t, t->event->data);
        break;
    case SMDP_EVENT_PERSONALIZE:
        smdp_personalize(t, t->event->data);
        break;
    case EVENT_DELIVERED:
        smdp_es3_delivered(t);
        break;
    case EVENT_UNDELIVERED:
        smdp_es3_undelivered(t);
        break;
    case EVENT_TIMER:
        smdp_jobs_time(t);
        break;
    }
}

static enum verdict euicc_turn(struct turn *t)
{
    if (!smdp_jobs_load(t->rows, t->eid, &t->jobs, &t->job_count, &t->job_room))
        return STEP_NEED_ROWS;
    if (!t->jobs)
        return STEP_REFUSED;
    on_event(t);
    if (!t->need_rows)
        smdp_jobs_start(t);
    if (t->need_rows)
        return STEP_NEED_ROWS;
    for (size_t i = 0; i < t->job_count; i++)
        smdp_job_save(&t->jobs[i], t->eid, t->w);
    return STEP_DONE;
}

static void prune(struct turn *t)
{
    upkeep_prune(t->w, t->now_ms);
    WRITES_ADD(t->w, &SMDP_SEEN_PRUNE, -1, value_int((int64_t)(t->now_ms - 2 * UPKEEP_CALLS_KEPT_MS)));
}

static void log_undelivered(const struct turn *t)
{
    if (t->event->kind == EVENT_UNDELIVERED)
        log_fact(t->env->log, LOG_ERROR_, t->event->line, "%s could not be delivered (%d)", t->event->name,
                 t->event->status);
}

static enum verdict step(void *role, struct rowset *rows, const struct event *event, struct writes *writes,
                         struct outbox *outbox)
{
    struct smdp *s = role;
    struct turn t = { .smdp = s,
                      .config = &s->config,
                      .env = &s->env,
                      .rows = rows,
                      .event = event,
                      .w = writes,
                      .out = outbox,
                      .arena = event->arena,
                      .now_ms = event->now_ms,
                      .eid = *event->line ? event->line : NULL };
    log_undelivered(&t);
    if (t.eid)
        return euicc_turn(&t);
    struct rewrap secrets = smdp_secrets(s);
    if (rewrap_is_for(event))
        return rewrap_step(&secrets, rows, event, writes);
    if (event->kind == EVENT_TIMER)
        prune(&t);
    else if (event->kind == SMDP_EVENT_CALL || event->kind == SMDP_EVENT_NOTIFICATION)
        on_event(&t); /* without EID: refused */
    return STEP_DONE;
}

/* ---- life */

static uint64_t retry_after_ms(void *role, const struct effect *effect)
{
    static const uint64_t pause_s[] = { 1, 2, 5, 15, 60, 300, 900, 3600 };
    (void)role;
    return 1000 * pause_s[effect->attempt < ARRAY_LEN(pause_s) ? effect->attempt : ARRAY_LEN(pause_s) - 1];
}

static void fatal(void *role, enum err err)
{
    struct smdp *s = role;
    log_fact(s->env.log, LOG_ERROR_, NULL, "the store is in an unknown state: %s", err_text(err));
    if (!s->config.on_fatal)
        abort();
    s->config.on_fatal(s->config.on_fatal_context);
}

static void defaults(struct smdp_config *c)
{
    c->segments_per_call = c->segments_per_call ? c->segments_per_call : 24;
    c->resend_s = c->resend_s ? c->resend_s : 60;
    c->validity_s = c->validity_s ? c->validity_s : 86400;
    c->undo_s = c->undo_s ? c->undo_s : 3600;
}

enum err smdp_new(const struct smdp_config *config, const struct env *env, struct smdp **ret)
{
    struct smdp *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NO_MEMORY;
    s->config = *config;
    s->env = *env;
    defaults(&s->config);
    struct engine_config ec = {
        .env = *env, .step = step, .role = s, .retry_after_ms = retry_after_ms, .on_fatal = fatal,
        .commit_interval_ms = s->config.commit_interval_ms, .bury = &UNDELIVERED_BURY
    };
    s->seen = wsse_seen_new(env->clock->now_ms(env->clock));
    enum err err = s->seen ? engine_new(&ec, &s->engine) : ERR_NO_MEMORY;
    if (err != ERR_NONE) {
        wsse_seen_free(s->seen);
        free(s);
        return err;
    }
    *ret = s;
    return ERR_NONE;
}

void smdp_free(struct smdp *s)
{
    if (!s)
        return;
    engine_free(s->engine);
    wsse_seen_free(s->seen);
    free(s);
}

enum err smdp_start(struct smdp *s)
{
    struct rewrap secrets = smdp_secrets(s);
    return upkeep_start(&secrets);
}

void smdp_reload(struct smdp *s, const struct smdp_config *config)
{
    struct smdp_config next = *config;
    defaults(&next);
    next.on_fatal = s->config.on_fatal;
    next.on_fatal_context = s->config.on_fatal_context;
    next.on_drain = s->config.on_drain;
    next.on_drain_context = s->config.on_drain_context;
    next.on_ordered = s->config.on_ordered;
    next.on_ordered_context = s->config.on_ordered_context;
    s->config = next;
    struct rewrap secrets = smdp_secrets(s);
    upkeep_reloaded(&secrets);
}

struct engine *smdp_engine(struct smdp *s) { return s->engine; }
const char *smdp_url(const struct smdp *s) { return s->config.url; }
void smdp_run(struct smdp *s) { engine_run(s->engine); }
bool smdp_drained(const struct smdp *s) { return engine_drained(s->engine); }
struct smdp_counts smdp_counts(const struct smdp *s) { return s->counts; }
