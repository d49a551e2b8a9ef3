#include "smsr.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "channel/admin.h"
#include "channel/exchange.h"
#include "channel/notification.h"
#include "lib/crypto/sha256.h"
#include "lib/engine/call.h"
#include "lib/es/eum_signature.h"
#include "lib/wire/sms.h"
#include "server.h"
#include "turn.h"
#include "unconfirmed.h"

#define REASSEMBLIES  64u
#define ALARM         "alarm"
#define PRUNE         "prune"
#define PRUNE_MS      (3600u * 1000)
#define CALLS_KEPT_MS (24ull * 3600 * 1000)

const struct migration *const smsr_schema = smsr_migrations;
const size_t smsr_schema_count = SMSR_MIGRATIONS;

const struct query *smsr_ask(struct turn *t, const struct statement *statement, const struct value *params,
                             size_t count)
{
    const struct query *q = rowset_want(t->rows, statement, params, count);
    if (q && q->loaded)
        return q;
    t->need_rows = true;
    return NULL;
}

void smsr_turn_log(struct turn *t, enum log_level level, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *kept = arena_text(t->arena, span_text(text));
    if (kept && t->line_count < TURN_LINES_MAX)
        t->lines[t->line_count++] = (struct turn_line){ level, kept };
}

/* The turn counts: what it has to tell is told. */
static void tell(const struct turn *t)
{
    struct smsr_counts *all = &t->smsr->counts;
    for (size_t i = 0; i < t->line_count; i++)
        log_fact(t->env->log, t->lines[i].level, *t->event->line ? t->event->line : NULL, "%s", t->lines[i].text);
    all->calls += t->counts.calls;
    all->operations += t->counts.operations;
    all->sms_out += t->counts.sms_out;
    all->scripts += t->counts.scripts;
    all->notifications += t->counts.notifications;
}

/* ---- one event */

static void on_post(struct turn *t, const struct post_event *p)
{
    t->session = t->event->reply;
    if (p->script)
        smsr_exchange_posted(t, p->script, p->status, p->body);
    if (p->notification.len)
        smsr_notification(t, p->notification, NULL);
}

static void on_packet(struct turn *t, const struct packet_event *p)
{
    if (p->response)
        smsr_exchange_por(t, p->packet);
    else
        smsr_notification_packet(t, p->from, p->packet);
    outbox_reply(t->out, t->event->reply, 0, SPAN_NONE);
}

static void on_timer(struct turn *t)
{
    t->e->alarm_ms = 0;
    t->e->changed = true;
    smsr_operation_expire(t);
    smsr_exchange_resend(t);
}

static void on_event(struct turn *t)
{
    switch (t->event->kind) {
    case SMSR_EVENT_CALL:
        smsr_call(t, t->event->data);
        break;
    case SMSR_EVENT_POST:
        on_post(t, t->event->data);
        break;
    case SMSR_EVENT_PACKET:
        on_packet(t, t->event->data);
        break;
    case SMSR_EVENT_SESSION_LOST:
        smsr_exchange_session_lost(t);
        break;
    case EVENT_TIMER:
        on_timer(t);
        break;
    }
}

/* One timer for all that an eUICC waits for. It is never moved to a later time: it fires early then, and is set again;
 * so a download of many commands sets it once. */
static void set_alarm(struct turn *t)
{
    uint64_t due = smsr_exchange_due(t->e);
    for (size_t i = 0; i < t->e->operation_count; i++) {
        const struct operation *op = &t->e->operations[i];
        if (op->n && op->change != ROW_GONE && (!due || op->deadline_ms < due))
            due = op->deadline_ms;
    }
    if (!due || (t->e->alarm_ms && t->e->alarm_ms <= due))
        return;
    t->e->alarm_ms = due;
    t->e->changed = true;
    timer_set(t->w, t->e->eid_text, ALARM, due);
}

static enum verdict euicc_turn(struct turn *t)
{
    struct euicc *e = ARENA_NEW(t->arena, struct euicc);
    if (!e)
        return STEP_REFUSED;
    if (!smsr_euicc_load(t->rows, t->event->line, e))
        return STEP_NEED_ROWS;
    t->e = e;
    if (!e->known && t->event->kind != SMSR_EVENT_CALL) {
        outbox_reply(t->out, t->event->reply, t->event->kind == SMSR_EVENT_POST ? 204 : 0, SPAN_NONE);
        return STEP_DONE;
    }
    on_event(t);
    if (!t->need_rows && e->known) {
        smsr_operation_start_next(t);
        smsr_exchange_serve(t);
        set_alarm(t);
    }
    if (t->need_rows)
        return STEP_NEED_ROWS;
    smsr_euicc_save(e, t->w);
    tell(t);
    return STEP_DONE;
}

/* Answers kept long enough are forgotten. */
static void prune(struct turn *t)
{
    call_prune(t->w, t->now_ms - CALLS_KEPT_MS);
    timer_set(t->w, "", PRUNE, t->now_ms + PRUNE_MS);
}

static void log_undelivered(const struct turn *t)
{
    if (t->event->effect_kind == SMSR_EFFECT_SOAP)
        log_fact(t->env->log, LOG_ERROR_, t->event->line, "%s could not be delivered (%d)", t->event->name,
                 t->event->status);
}

static enum verdict step(void *role, struct rowset *rows, const struct event *event, struct writes *writes,
                         struct outbox *outbox)
{
    struct smsr *s = role;
    struct turn t = { .smsr = s,
                      .config = &s->config,
                      .env = &s->env,
                      .rows = rows,
                      .event = event,
                      .w = writes,
                      .out = outbox,
                      .arena = event->arena,
                      .now_ms = event->now_ms };
    if (event->kind == EVENT_DELIVERED)
        return STEP_DONE;
    if (event->kind == EVENT_UNDELIVERED) {
        log_undelivered(&t);
        return STEP_DONE;
    }
    if (*event->line)
        return euicc_turn(&t);
    if (event->kind == EVENT_TIMER)
        prune(&t);
    else if (event->kind == SMSR_EVENT_CALL)
        smsr_call(&t, event->data); /* a function without EID: none that we have */
    tell(&t);
    return STEP_DONE;
}

/* ---- SOAP */

static void reply_now(struct smsr *s, struct reply_ref reply, int status, struct span body)
{
    struct effect effect = { .kind = EFFECT_REPLY, .reply = reply, .status = status, .body = body };
    s->env.net->send(s->env.net, &effect);
}

static void reply_fault(struct smsr *s, struct arena *a, const struct es_message *m, const struct es_fault *fault,
                        struct reply_ref reply)
{
    struct es_message answer;
    struct span soap = SPAN_NONE;
    int status = 500;
    log_fact(s->env.log, LOG_WARN_, NULL, "a message that cannot be taken: %s", fault->text);
    if (es_answer_fault(m, fault, a, &answer, &status) != ERR_NONE || es_encode(&answer, a, &soap) != ERR_NONE)
        soap = SPAN_NONE;
    reply_now(s, reply, status, soap);
}

/* What makes a repeat the same call: its body. The header has a new MessageID each time. */
static struct span body_of(struct span soap)
{
    static const char name[] = "Body";
    const uint8_t *first = memmem(soap.ptr, soap.len, name, 4), *last = NULL;
    for (const uint8_t *at = first; at; at = memmem(at + 4, soap.len - (size_t)(at + 4 - soap.ptr), name, 4))
        if (at + 4 < soap.ptr + soap.len && at[4] == '>' && at > soap.ptr && (at[-1] == '/' || at[-1] == ':'))
            last = at;
    return first && last > first ? (struct span){ first, (size_t)(last - first) } : soap;
}

static enum err call_event_of(struct smsr *s, struct event *event, const struct smsr_partner *partner, struct span soap,
                              struct es_fault *fault, struct es_message *ret_message)
{
    struct call_event *c = ARENA_NEW(event->arena, struct call_event);
    struct span copy = arena_copy(event->arena, soap);
    struct eid eid;
    (void)s;
    if (!c || !copy.ptr) {
        *fault = (struct es_fault){ .kind = ES_FAULT_NO_MEMORY, .text = "no memory" };
        return ERR_NO_MEMORY;
    }
    c->partner = partner;
    enum err err = es_decode(copy, event->arena, &c->message, fault);
    *ret_message = c->message;
    if (err != ERR_NONE)
        return err;
    event->data = c;
    if (es_message_eid(&c->message, &eid))
        eid_text(&eid, event->line);
    return sha256(body_of(copy), c->digest);
}

void smsr_soap(struct smsr *s, const struct smsr_partner *partner, struct span body, struct reply_ref reply)
{
    struct event *event = engine_event(s->engine, SMSR_EVENT_CALL, "");
    struct es_message m = { 0 };
    struct es_fault fault = { 0 };
    if (!event) {
        reply_now(s, reply, 503, SPAN_NONE);
        return;
    }
    event->reply = reply;
    enum err err = call_event_of(s, event, partner, body, &fault, &m);
    if (err != ERR_NONE) {
        reply_fault(s, event->arena, &m, &fault, reply);
        engine_event_free(event);
    } else if (m.kind != ES_REQUEST) {
        reply_now(s, reply, 202, SPAN_NONE); /* nothing that we wait for: acknowledged, without effect */
        engine_event_free(event);
    } else if (engine_post(s->engine, event) != ERR_NONE) {
        reply_now(s, reply, 503, SPAN_NONE);
    }
}

const struct smsr_partner *smsr_partner_by_oid(const struct smsr *s, const char *oid)
{
    for (size_t i = 0; *oid && i < s->config.partner_count; i++)
        if (oid_is(&s->config.partners[i].oid, oid))
            return &s->config.partners[i];
    return NULL;
}

const struct smsr_partner *smsr_partner_by_name(const struct smsr *s, const char *common_name)
{
    for (size_t i = 0; *common_name && i < s->config.partner_count; i++)
        if (!strcmp(s->config.partners[i].common_name, common_name))
            return &s->config.partners[i];
    return NULL;
}

/* ---- short messages */

static void note(void *context, enum err err) { *(enum err *)context = err; }

static unsigned hash(const char *text)
{
    unsigned h = 5381;
    while (*text)
        h = h * 33 + (unsigned char)*text++;
    return h;
}

static bool packet_post(struct smsr *s, const char *eid, const char *from, bool response, struct span packet,
                        struct reply_ref reply)
{
    struct event *event = engine_event(s->engine, SMSR_EVENT_PACKET, eid);
    struct packet_event *p = event ? ARENA_NEW(event->arena, struct packet_event) : NULL;
    if (!p) {
        engine_event_free(event);
        return false;
    }
    snprintf(p->from, sizeof p->from, "%s", from);
    p->response = response;
    p->packet = arena_copy(event->arena, packet);
    event->data = p;
    event->reply = reply;
    return engine_post(s->engine, event) == ERR_NONE;
}

/* Whose number is it? Its keys tell then whether the packet is really from that eUICC. */
static void packet_route(struct smsr *s, const char *from, bool response, struct span packet, struct reply_ref reply)
{
    struct arena a;
    enum err err = ERR_BUSY;
    arena_init(&a, 1u << 18);
    struct rowset *rows = ARENA_NEW(&a, struct rowset);
    const struct query *q = NULL;
    if (rows) {
        *rows = (struct rowset){ .arena = &a };
        q = ROWSET_WANT(rows, &SMSR_FIND_BY_MSISDN, value_text(from));
        s->env.store->load(s->env.store, rows, note, &err);
    }
    bool posted = false;
    for (size_t i = 0; q && err == ERR_NONE && i < q->row_count; i++) {
        char eid[EID_TEXT_SIZE];
        row_text(&q->rows[i], 0, eid, sizeof eid);
        posted |= packet_post(s, eid, from, response, packet, posted ? (struct reply_ref){ 0 } : reply);
    }
    if (!posted) {
        log_fact(s->env.log, LOG_WARN_, NULL, "a packet from %s, which is no eUICC's number: dropped", from);
        reply_now(s, reply, 0, SPAN_NONE);
    }
    arena_release(&a);
}

void smsr_short_message(struct smsr *s, const char *from, struct span user_data, struct reply_ref reply)
{
    bool complete = false;
    struct span packet;
    uint8_t iei = 0;
    if (*from == '+')
        from++;
    s->counts.sms_in++;
    struct sms_reassembly *r = &s->reassembly[hash(from) % REASSEMBLIES];
    enum err err = sms_reassemble(r, from, s->env.clock->now_ms(s->env.clock), user_data, &complete, &packet, &iei);
    if (err == ERR_NONE && complete && (iei == SMS_IEI_COMMAND || iei == SMS_IEI_RESPONSE)) {
        packet_route(s, from, iei == SMS_IEI_RESPONSE, packet, reply);
        return;
    }
    if (err != ERR_NONE || complete)
        log_fact(s->env.log, LOG_WARN_, NULL, "a short message from %s that is no secured packet: dropped", from);
    reply_now(s, reply, 0, SPAN_NONE);
}

/* ---- life */

static uint64_t retry_after_ms(void *role, const struct effect *effect)
{
    static const uint64_t soap_s[] = { 2, 5, 30, 120, 600, 3600 }, sms_s[] = { 1, 2, 5, 10, 20, 30 };
    const uint64_t *pauses = effect->kind == SMSR_EFFECT_SMS ? sms_s : soap_s;
    (void)role;
    return 1000 * pauses[effect->attempt < 6 ? effect->attempt : 5];
}

static void fatal(void *role, enum err err)
{
    struct smsr *s = role;
    log_fact(s->env.log, LOG_ERROR_, NULL, "the store is in an unknown state: %s", err_text(err));
    if (!s->config.on_fatal)
        abort();
    s->config.on_fatal(s->config.on_fatal_context);
}

static void defaults(struct smsr_config *c)
{
#define DEFAULT(field, value) c->field = c->field ? c->field : (value)
    DEFAULT(sms_script_max, 1300);
    DEFAULT(https_script_max, 32768);
    DEFAULT(resend_s, 20);
    DEFAULT(resend_max_s, 600);
    DEFAULT(https_tries, 3);
    DEFAULT(hold_ms, 10000);
    DEFAULT(validity_s, SMSR_VALIDITY_DEFAULT_S);
    DEFAULT(doubt_s, 30u * 24 * 3600);
#undef DEFAULT
    if (!*c->admin_uri)
        snprintf(c->admin_uri, sizeof c->admin_uri, "/gsma/adminagent");
}

enum err smsr_new(const struct smsr_config *config, const struct env *env, struct smsr **ret)
{
    struct smsr *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NO_MEMORY;
    s->config = *config;
    s->env = *env;
    defaults(&s->config);
    s->reassembly = calloc(REASSEMBLIES, sizeof *s->reassembly);
    struct engine_config ec = {
        .env = *env, .step = step, .role = s, .retry_after_ms = retry_after_ms, .on_fatal = fatal
    };
    enum err err = s->reassembly ? eum_signature_start() : ERR_NO_MEMORY;
    if (err == ERR_NONE)
        err = tls_ctx_new(TLS_SERVER, TLS_ALLOW_CBC_SHA1, &s->tls);
    if (err == ERR_NONE)
        err = engine_new(&ec, &s->engine);
    if (err != ERR_NONE) {
        smsr_free(s);
        return err;
    }
    *ret = s;
    return ERR_NONE;
}

void smsr_free(struct smsr *s)
{
    if (!s)
        return;
    smsr_admin_close_all(s);
    engine_free(s->engine);
    tls_ctx_free(s->tls);
    free(s->reassembly);
    free(s);
}

enum err smsr_start(struct smsr *s)
{
    enum err err = engine_start(s->engine);
    struct event *event = err == ERR_NONE ? engine_event(s->engine, EVENT_TIMER, "") : NULL;
    if (!event)
        return err == ERR_NONE ? ERR_NO_MEMORY : err;
    snprintf(event->name, sizeof event->name, PRUNE);
    return engine_post(s->engine, event);
}

struct engine *smsr_engine(struct smsr *s) { return s->engine; }

void smsr_run(struct smsr *s)
{
    smsr_tick(s);
    engine_run(s->engine);
}

struct smsr_counts smsr_counts(const struct smsr *s) { return s->counts; }
