#include "smsr.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "channel/admin.h"
#include "channel/exchange.h"
#include "channel/link.h"
#include "channel/notification.h"
#include "channel/parts.h"
#include "channel/presence.h"
#include "channel/pace.h"
#include "lib/es/eum_signature.h"
#include "lib/model/unconfirmed.h"
#include "lib/role/undelivered.h"
#include "lib/role/upkeep.h"
#include "lib/wire/sms.h"
#include "eis.h"
#include "es7_client.h"
#include "procedures/master_delete.h"
#include "procedures/rotate_keys.h"
#include "server.h"
#include "store/kept.h"
#include "store/secrets.h"
#include "turn.h"

#define SMSR_REASSEMBLIES 64u
#define ALARM             "alarm"

const struct migration *const smsr_schema = smsr_migrations;
const size_t smsr_schema_count = SMSR_MIGRATIONS;

void smsr_turn_log(struct turn *t, enum log_level level, const char *format, ...)
{
    char text[400];
    va_list args;
    if (t->need_rows || !log_wants(t->env->log, level)) /* run again it says it again */
        return;
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
    all->held_back += t->counts.held_back;
    for (size_t i = 0; i < SMSR_ALARMS; i++)
        all->alarms[i] += t->counts.alarms[i];
}

/* ---- one event */

static void on_post(struct turn *t, const struct post_event *p)
{
    t->session = t->event->reply;
    t->heard = true;
    if (p->script)
        smsr_exchange_posted(t, p->script, p->status, p->body);
    if (p->notification.len)
        smsr_notification(t, p->notification, NULL);
}

/* By SMS the sender waits for a word; over a link the reply is what comes next (smsr_exchange_serve). */
static void on_packet(struct turn *t, const struct packet_event *p)
{
    if (p->form == SCP80_CAT_TP)
        t->session = t->event->reply;
    if (p->response)
        smsr_exchange_por(t, p->form, p->packet);
    else
        smsr_notification_packet(t, p->form == SCP80_SMS ? p->from : NULL, p->form, p->packet);
    if (p->form == SCP80_SMS)
        outbox_reply(t->out, t->event->reply, 0, SPAN_NONE);
}

static void on_timer(struct turn *t)
{
    t->e->alarm_ms = 0;
    t->e->changed = true;
    if (!strcmp(t->event->name, SMSR_RESTORED))
        smsr_operation_doubt(t);
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
    case SMSR_EVENT_RESPONSE:
        smsr_peer_answered(t, t->event->data);
        break;
    case EVENT_DELIVERED:
    case EVENT_UNDELIVERED:
        smsr_peer_delivered(t);
        break;
    case SMSR_EVENT_LINK:
        t->session = t->event->reply;
        t->heard = true;
        break;
    case SMSR_EVENT_REACHABLE:
        t->heard = true;
        t->heard_at = t->event->data;
        break;
    case SMSR_EVENT_SESSION_LOST:
        smsr_exchange_session_lost(t);
        break;
    case SMSR_EVENT_TOO_LONG:
        smsr_exchange_too_long(t, *(const size_t *)t->event->data);
        break;
    case SMSR_EVENT_MASTER_DELETE:
        smsr_master_delete(t, t->event->data);
        break;
    case SMSR_EVENT_ROTATE_KEYS:
        smsr_rotate_keys(t, t->event->data);
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
    if (!due || due == PACE_PARKED || (t->e->alarm_ms && t->e->alarm_ms <= due))
        return;
    t->e->alarm_ms = due;
    t->e->changed = true;
    timer_set(t->w, t->e->eid_text, ALARM, due);
}

static int reply_to_stranger(const struct event *event)
{
    return event->kind == SMSR_EVENT_POST || event->reply.node == SMSR_NODE_LINK ? 204 : event->kind == SMSR_EVENT_RESPONSE ? 202 : 0;
}

/* What ends an audit shows the EIS; that an answer has come from the card is likely to end it. */
static void foresee_end(struct turn *t)
{
    const struct operation *op = smsr_operation_head(t->e);
    bool answered = t->event->kind == SMSR_EVENT_PACKET || t->event->kind == SMSR_EVENT_POST;
    if (answered && op && op->procedure == &SMSR_AUDIT && op->function != ES_FUNCTION_NONE)
        smsr_eis_foresee(t, op->function);
}

static bool euicc_here(struct turn *t, struct euicc **ret)
{
    *ret = kept_copy(t->smsr->kept, t->event->line, t->arena);
    return *ret || smsr_euicc_load(t->rows, t->event->line, ret);
}

/* A registration writes rows of its own: what comes is kept when it is worked on next. */
static void save(struct turn *t, bool was_present)
{
    smsr_euicc_save(t->e, t->w);
    if (was_present && t->w->err == ERR_NONE && t->out->err == ERR_NONE)
        kept_promise(t->smsr->kept, t->e);
}

static enum verdict euicc_turn(struct turn *t)
{
    struct euicc *e;
    bool known = smsr_presence_load(t);
    if (t->event->kind == SMSR_EVENT_CALL)
        smsr_call_foresee(t, t->event->data);
    if (!euicc_here(t, &e) || !known)
        return STEP_NEED_ROWS;
    if (!e)
        return STEP_REFUSED;
    bool was_present = e->present;
    t->e = e;
    foresee_end(t);
    if (t->need_rows)
        return STEP_NEED_ROWS;
    if (!e->present && t->event->kind != SMSR_EVENT_CALL && t->event->kind != SMSR_EVENT_MASTER_DELETE &&
        t->event->kind != SMSR_EVENT_ROTATE_KEYS) {
        outbox_reply(t->out, t->event->reply, reply_to_stranger(t->event), SPAN_NONE);
        return STEP_DONE;
    }
    on_event(t);
    if (!t->need_rows && e->present && !e->gone) {
        smsr_operation_start_next(t);
        smsr_exchange_serve(t);
        if (t->heard)
            smsr_exchange_heard(t);
        set_alarm(t);
    }
    if (t->need_rows)
        return STEP_NEED_ROWS;
    save(t, was_present);
    tell(t);
    return STEP_DONE;
}

/* Answers kept long enough are forgotten. */
static void prune(struct turn *t)
{
    upkeep_prune(t->w, t->now_ms);
    WRITES_ADD(t->w, &SMSR_PREPARED_PRUNE, -1, value_int((int64_t)t->now_ms));
    smsr_presence_prune(t);
    if (store_is_shared(t->env->store))
        smsr_parts_prune(t->w, t->now_ms);
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
    if (event->kind == EVENT_UNDELIVERED)
        log_undelivered(&t);
    if ((event->kind == EVENT_DELIVERED || event->kind == EVENT_UNDELIVERED) && !smsr_peer_awaits(event))
        return STEP_DONE;
    if (*event->line)
        return euicc_turn(&t);
    struct rewrap secrets = smsr_secrets(s);
    if (rewrap_is_for(event)) {
        kept_bar(s->kept);
        return rewrap_step(&secrets, rows, event, writes);
    }
    if (event->kind == EVENT_TIMER)
        prune(&t);
    else if (event->kind == SMSR_EVENT_CALL)
        smsr_call(&t, event->data); /* a function without EID: PLMA, ONC */
    if (t.need_rows)
        return STEP_NEED_ROWS;
    tell(&t);
    return STEP_DONE;
}

/* ---- life */

static uint64_t retry_after_ms(void *role, const struct effect *effect)
{
    static const uint64_t soap_s[] = { 2, 5, 30, 120, 600, 3600 }, sms_s[] = { 1, 2, 5, 10, 20, 30 };
    const uint64_t *pauses = effect->kind == SMSR_EFFECT_SMS ? sms_s : soap_s;
    (void)role;
    return 1000 * pauses[effect->attempt < 6 ? effect->attempt : 5];
}

static void settled(void *role, bool committed)
{
    struct smsr *s = role;
    if (s->kept)
        kept_settle(s->kept, committed);
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
    DEFAULT(cat_tp_script_max, 4096);
    DEFAULT(resend_s, 20);
    DEFAULT(resend_max_s, 600);
    DEFAULT(delivery, SMSR_DELIVERY_UNTIL);
    DEFAULT(now_s, 60);
    DEFAULT(https_tries, 3);
    DEFAULT(hold_ms, 10000);
    DEFAULT(validity_s, SMSR_VALIDITY_DEFAULT_S);
    DEFAULT(doubt_s, 30u * 24 * 3600);
    DEFAULT(prepared_s, 7u * 24 * 3600);
    DEFAULT(change_s, 24u * 3600);
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
    s->link_tick_ms = UINT64_MAX;
    s->reassembly = calloc(SMSR_REASSEMBLIES, sizeof *s->reassembly);
    struct engine_config ec = {
        .env = *env, .step = step, .role = s, .retry_after_ms = retry_after_ms, .settled = settled, .on_fatal = fatal,
        .commit_interval_ms = s->config.commit_interval_ms, .bury = &UNDELIVERED_BURY
    };
    s->seen = wsse_seen_new(env->clock->now_ms(env->clock));
    s->kept = store_is_shared(env->store) ? NULL : kept_new();
    enum err err = ERR_NO_MEMORY;
    if (s->reassembly && s->seen && (s->kept || store_is_shared(env->store)))
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
    smsr_link_close_all(s);
    engine_free(s->engine);
    tls_ctx_free(s->tls);
    free(s->reassembly);
    wsse_seen_free(s->seen);
    kept_free(s->kept);
    free(s);
}

enum err smsr_start(struct smsr *s)
{
    struct rewrap secrets = smsr_secrets(s);
    return upkeep_start(&secrets);
}

void smsr_reload(struct smsr *s, const struct smsr_config *config)
{
    struct smsr_config next = *config;
    defaults(&next);
    next.on_fatal = s->config.on_fatal;
    next.on_fatal_context = s->config.on_fatal_context;
    next.on_drain = s->config.on_drain;
    next.on_drain_context = s->config.on_drain_context;
    s->config = next;
    memset(s->networks, 0, sizeof s->networks);
    struct rewrap secrets = smsr_secrets(s);
    upkeep_reloaded(&secrets);
}

struct engine *smsr_engine(struct smsr *s) { return s->engine; }
struct kept *smsr_kept(struct smsr *s) { return s->kept; }
const char *smsr_url(const struct smsr *s) { return s->config.url; }

void smsr_run(struct smsr *s)
{
    smsr_tick(s);
    smsr_link_tick(s);
    engine_run(s->engine);
}

bool smsr_drained(const struct smsr *s)
{
    return engine_drained(s->engine) && (!store_is_shared(s->env.store) || !smsr_admin_busy(s));
}

struct smsr_counts smsr_counts(const struct smsr *s) { return s->counts; }
