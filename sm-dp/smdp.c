#include "smdp.h"

#include <stdio.h>
#include <stdlib.h>

#include "es2_server.h"
#include "es3_client.h"
#include "lib/codec/hex.h"
#include "lib/crypto/sha256.h"
#include "lib/engine/call.h"
#include "lib/es/eum_signature.h"
#include "messages.h"
#include "notification.h"
#include "procedures/procedure.h"
#include "store/schema.h"
#include "turn.h"

#define PRUNE         "prune"
#define PRUNE_MS      (3600u * 1000)
#define CALLS_KEPT_MS (24ull * 3600 * 1000)

const struct migration *const smdp_schema = smdp_migrations;
const size_t smdp_schema_count = SMDP_MIGRATIONS;

const struct query *smdp_ask(struct turn *t, const struct statement *statement, const struct value *params,
                             size_t count)
{
    const struct query *q = rowset_want(t->rows, statement, params, count);
    if (q && q->loaded)
        return q;
    t->need_rows = true;
    return NULL;
}

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
    call_prune(t->w, t->now_ms - CALLS_KEPT_MS);
    WRITES_ADD(t->w, &SMDP_SEEN_PRUNE, -1, value_int((int64_t)(t->now_ms - 2 * CALLS_KEPT_MS)));
    timer_set(t->w, "", PRUNE, t->now_ms + PRUNE_MS);
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
    if (event->kind == EVENT_TIMER)
        prune(&t);
    else if (event->kind == SMDP_EVENT_CALL || event->kind == SMDP_EVENT_NOTIFICATION)
        on_event(&t); /* without EID: refused */
    return STEP_DONE;
}

/* ---- SOAP */

static void reply_now(struct smdp *s, struct reply_ref reply, int status, struct span body)
{
    struct effect effect = { .kind = EFFECT_REPLY, .reply = reply, .status = status, .body = body };
    s->env.net->send(s->env.net, &effect);
}

/* A body that is wrong is answered by the function's own response: it is from us and has a MessageID. */
static enum err fault_sign(struct smdp *s, struct arena *a, const struct es_message *m, struct es_message *answer)
{
    uint8_t unique[16];
    uint64_t now_ms = s->env.clock->now_ms(s->env.clock);
    if (answer->kind != ES_RESPONSE)
        return ERR_NONE;
    s->env.rng->fill(s->env.rng, unique, sizeof unique);
    answer->wsa.from.entity_id = s->config.oid;
    if (!answer->wsa.from.address.len)
        answer->wsa.from.address = span_text(s->config.url);
    return wsa_message_id_make(a, &s->config.oid, span_text(hex_arena(a, SPAN_OF(unique))), m->wsa.message_id.transaction_id,
                               m->wsa.message_id.context_id, now_ms, answer->dialect.ampersand ? '&' : '?',
                               &answer->wsa.message_id);
}

static void reply_fault(struct smdp *s, struct arena *a, const struct es_message *m, const struct es_fault *fault,
                        struct reply_ref reply)
{
    struct es_message answer;
    struct span soap = SPAN_NONE;
    int status = 500;
    log_fact(s->env.log, LOG_WARN_, NULL, "a message that cannot be taken: %s", fault->text);
    if (es_answer_fault(m, fault, a, &answer, &status) != ERR_NONE || fault_sign(s, a, m, &answer) != ERR_NONE ||
        es_encode(&answer, a, &soap) != ERR_NONE)
        soap = SPAN_NONE;
    reply_now(s, reply, soap.len ? status : 500, soap);
}

/* What makes a repeat the same call: its body. The header may have a new MessageID each time. */
static struct span body_of(struct span soap)
{
    static const char name[] = "Body";
    const uint8_t *first = NULL, *last = NULL, *end = soap.ptr + soap.len;
    for (const uint8_t *at = memmem(soap.ptr, soap.len, name, 4); at;
         at = memmem(at + 4, (size_t)(end - at - 4), name, 4)) {
        bool tag = at > soap.ptr && (at[-1] == '/' || at[-1] == ':' || at[-1] == '<') && at + 4 < end &&
                   (at[4] == '>' || at[4] == ' ');
        if (tag && !first)
            first = at;
        if (tag)
            last = at;
    }
    return first && last > first ? (struct span){ first, (size_t)(last - first) } : soap;
}

/* What concerns no single eUICC (PLMA, ONC) has a line for each partner, of an EID's length. */
static void partner_line(struct event *event, const struct smdp_partner *partner)
{
    static const char prefix[] = "partner-";
    uint8_t digest[32];
    char text[2 * sizeof digest + 1];
    if (!partner || sha256(span_text(partner->oid.text), digest) != ERR_NONE)
        return;
    snprintf(event->line, sizeof event->line, "%s%.*s", prefix, (int)(EID_DIGITS - strlen(prefix)),
             hex_text(SPAN_OF(digest), text, sizeof text));
}

/* A callback says no EID: our MessageID, which it repeats, does. */
static void line_of(struct event *event, const struct smdp_partner *partner, const struct es_message *m)
{
    struct wsa_message_id id = { 0 };
    struct eid eid;
    struct span name = m->wsa.message_id.transaction_id;
    if (m->kind != ES_RESPONSE) {
        if (es_message_eid(m, &eid))
            eid_text(&eid, event->line);
        else
            partner_line(event, partner);
        return;
    }
    if (m->wsa.relates_to.len && wsa_message_id_decode(m->wsa.relates_to, event->arena, &id) == ERR_NONE)
        name = id.transaction_id;
    if (name.len > EID_DIGITS && eid_from_text(span_sub(name, 0, EID_DIGITS), &eid) == ERR_NONE)
        eid_text(&eid, event->line);
}

static enum err fill_event(struct event *event, const struct smdp_partner *partner, struct span soap,
                           struct es_fault *fault, struct es_message *ret)
{
    struct call_event *c = ARENA_NEW(event->arena, struct call_event);
    struct span copy = arena_copy(event->arena, soap);
    if (!c || copy.len != soap.len) {
        *fault = (struct es_fault){ .kind = ES_FAULT_NO_MEMORY, .text = "no memory" };
        return ERR_NO_MEMORY;
    }
    c->partner = partner;
    c->soap = copy;
    event->data = c;
    enum err err = es_decode(copy, event->arena, &c->message, fault);
    *ret = c->message;
    if (err != ERR_NONE)
        return err;
    line_of(event, partner, &c->message);
    event->kind = c->message.kind == ES_REQUEST    ? SMDP_EVENT_CALL
                  : c->message.kind == ES_RESPONSE ? SMDP_EVENT_ANSWER
                                                   : SMDP_EVENT_NOTIFICATION;
    return sha256(body_of(copy), c->digest);
}

void smdp_soap(struct smdp *s, const struct smdp_partner *partner, struct span body, struct reply_ref reply)
{
    struct event *event = engine_event(s->engine, SMDP_EVENT_CALL, "");
    struct es_message m = { 0 };
    struct es_fault fault = { 0 };
    if (!event) {
        reply_now(s, reply, 503, SPAN_NONE);
        return;
    }
    event->reply = reply;
    enum err err = fill_event(event, partner, body, &fault, &m);
    bool stray = err == ERR_NONE && ((m.kind == ES_RESPONSE && !*event->line) || m.kind == ES_SOAP_FAULT);
    if (err != ERR_NONE) {
        reply_fault(s, event->arena, &m, &fault, reply);
        engine_event_free(event);
    } else if (stray) {
        reply_now(s, reply, 202, SPAN_NONE); /* nothing that we asked for: acknowledged, without effect */
        engine_event_free(event);
    } else if (engine_post(s->engine, event) != ERR_NONE) {
        reply_now(s, reply, 503, SPAN_NONE);
    }
}

const struct smdp_partner *smdp_partner_by_oid(const struct smdp *s, const char *oid)
{
    for (size_t i = 0; *oid && i < s->config.partner_count; i++)
        if (oid_is(&s->config.partners[i].oid, oid))
            return &s->config.partners[i];
    return NULL;
}

const struct smdp_partner *smdp_partner_by_name(const struct smdp *s, const char *common_name)
{
    for (size_t i = 0; *common_name && i < s->config.partner_count; i++)
        if (!strcmp(s->config.partners[i].common_name, common_name))
            return &s->config.partners[i];
    return NULL;
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
    struct smdp *s = eum_signature_start() == ERR_NONE ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return ERR_NO_MEMORY;
    s->config = *config;
    s->env = *env;
    defaults(&s->config);
    struct engine_config ec = {
        .env = *env, .step = step, .role = s, .retry_after_ms = retry_after_ms, .on_fatal = fatal,
        .commit_interval_ms = s->config.commit_interval_ms
    };
    enum err err = engine_new(&ec, &s->engine);
    if (err != ERR_NONE) {
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
    free(s);
}

enum err smdp_start(struct smdp *s)
{
    enum err err = engine_start(s->engine);
    struct event *event = err == ERR_NONE ? engine_event(s->engine, EVENT_TIMER, "") : NULL;
    if (!event)
        return err == ERR_NONE ? ERR_NO_MEMORY : err;
    snprintf(event->name, sizeof event->name, PRUNE);
    return engine_post(s->engine, event);
}

struct engine *smdp_engine(struct smdp *s) { return s->engine; }
const char *smdp_url(const struct smdp *s) { return s->config.url; }
void smdp_run(struct smdp *s) { engine_run(s->engine); }
struct smdp_counts smdp_counts(const struct smdp *s) { return s->counts; }
