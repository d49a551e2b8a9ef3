#include <stdio.h>

#include "lib/crypto/sha256.h"
#include "lib/role/refusal.h"
#include "lib/wire/sms.h"
#include "es7_client.h"
#include "turn.h"

/* What arrives becomes events: SOAP messages and short messages (administration sessions: channel/admin.c). */

/* ---- SOAP */

static void reply_now(struct smsr *s, struct reply_ref reply, int status, struct span body)
{
    struct effect effect = { .kind = EFFECT_REPLY, .reply = reply, .status = status, .body = body };
    s->env.net->send(s->env.net, &effect);
}

static void reply_fault(struct smsr *s, struct arena *a, struct es_message *m, const struct es_fault *fault,
                        struct reply_ref reply)
{
    struct refusal_self self = { &s->config.oid, s->config.url, &s->env };
    struct span soap;
    m->dialect.codes = smsr_codes(s, &m->wsa.from.entity_id);
    int status = refusal_write(&self, m, fault, a, &soap);
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

/* ---- who are you, and how much may you */

static bool refuse(struct es_fault *fault, struct status status)
{
    *fault = (struct es_fault){ .kind = ES_FAULT_INVALID_BODY, .status = status };
    snprintf(fault->text, sizeof fault->text, "%s", status.detail);
    return false;
}

/* The message is of the partner of the connection, or of one for whom that may speak; anybody else is turned away later. */
static bool let_in(struct smsr *s, struct call_event *c, struct span soap, struct es_fault *fault)
{
    const struct es_message *m = &c->message;
    struct smsr_partner *by = c->partner ? &s->config.partners[c->partner - s->config.partners] : NULL;
    bool own = by && oid_eq(&m->wsa.from.entity_id, &by->oid);
    if (!by || (!own && !guard_speaks_for(&by->guard, &m->wsa.from.entity_id)))
        return true;
    uint64_t now_ms = s->env.clock->now_ms(s->env.clock);
    if (!guard_admit(&by->guard, by->name, s->seen, m, soap, now_ms, s->env.log, fault))
        return false;
    const struct smsr_partner *speaker = own ? NULL : smsr_partner_by_oid(s, m->wsa.from.entity_id.text);
    if (speaker && m->kind == ES_REQUEST && !guard_may(&speaker->guard, m->function))
        return refuse(fault, status_failed(REASON_REQUESTER_NOT_ALLOWED, "", "%s may not call this function", speaker->name));
    if (speaker)
        c->partner = speaker;
    return true;
}

static enum err call_event_of(struct smsr *s, struct event *event, const struct smsr_partner *partner, struct span soap,
                              struct es_fault *fault, struct es_message *ret_message)
{
    struct call_event *c = ARENA_NEW(event->arena, struct call_event);
    struct span copy = arena_copy(event->arena, soap);
    struct eid eid;
    if (!c || copy.len != soap.len) {
        *fault = (struct es_fault){ .kind = ES_FAULT_NO_MEMORY, .text = "no memory" };
        return ERR_NO_MEMORY;
    }
    c->partner = partner;
    enum err err = es_decode(copy, event->arena, &c->message, fault);
    *ret_message = c->message;
    if (err == ERR_NONE && !let_in(s, c, copy, fault))
        err = ERR_DENIED;
    if (err != ERR_NONE)
        return err;
    event->data = c;
    es_codes_take(&c->message, smsr_codes(s, &c->message.wsa.from.entity_id));
    if (c->message.kind == ES_RESPONSE && smsr_peer_line(&c->message, event->line)) {
        event->kind = SMSR_EVENT_RESPONSE;
        return ERR_NONE;
    }
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
    } else if (m.kind != ES_REQUEST && event->kind != SMSR_EVENT_RESPONSE) {
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

const struct smsr_partner *smsr_partner_by_url(const struct smsr *s, const char *url)
{
    for (size_t i = 0; i < s->config.partner_count; i++) {
        const struct smsr_partner *p = &s->config.partners[i];
        if (!strcmp(p->es3_url, url) || !strcmp(p->es4_url, url) || !strcmp(p->es7_url, url))
            return p;
    }
    return NULL;
}

const struct codes *smsr_codes(const struct smsr *s, const struct oid *entity)
{
    const struct smsr_partner *p = smsr_partner_by_oid(s, entity->text);
    return p ? &p->guard.codes : NULL;
}

struct es_dialect smsr_dialect(const struct smsr_partner *partner)
{
    struct es_dialect d = partner->guard.dialect;
    d.ampersand |= partner->ampersand;
    return d;
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

/* A number may be that of the profile and the one it was last seen with. */
static bool is_twice(const struct query *q, size_t row)
{
    for (size_t i = 0; i < row; i++)
        if (span_eq(row_bytes(&q->rows[i], 0), row_bytes(&q->rows[row], 0)))
            return true;
    return false;
}

#define OWNERS_MAX 16u /* eUICCs that may have the same number */

/* Whose number is it? */
static size_t owners_of(struct smsr *s, const char *number, char ret[OWNERS_MAX][EID_TEXT_SIZE])
{
    struct arena a;
    enum err err = ERR_BUSY;
    arena_init(&a, 1u << 18);
    struct rowset *rows = ARENA_NEW(&a, struct rowset);
    const struct query *q = NULL;
    if (rows) {
        *rows = (struct rowset){ .arena = &a };
        q = ROWSET_WANT(rows, &SMSR_FIND_BY_MSISDN, value_text(number));
        s->env.store->load(s->env.store, rows, note, &err);
    }
    size_t count = 0;
    for (size_t i = 0; q && err == ERR_NONE && i < q->row_count && count < OWNERS_MAX; i++)
        if (!is_twice(q, i))
            row_text(&q->rows[i], 0, ret[count++], EID_TEXT_SIZE);
    arena_release(&a);
    return count;
}

/* Its keys tell then whether the packet is really from that eUICC. */
static void packet_route(struct smsr *s, const char *from, bool response, struct span packet, struct reply_ref reply)
{
    char owners[OWNERS_MAX][EID_TEXT_SIZE];
    size_t count = owners_of(s, from, owners);
    bool posted = false;
    for (size_t i = 0; i < count; i++)
        posted |= packet_post(s, owners[i], from, response, packet, posted ? (struct reply_ref){ 0 } : reply);
    if (posted)
        return;
    log_fact(s->env.log, LOG_WARN_, NULL, "a packet from %s, which is no eUICC's number: dropped", from);
    reply_now(s, reply, 0, SPAN_NONE);
}

void smsr_reachable(struct smsr *s, const char *number)
{
    char owners[OWNERS_MAX][EID_TEXT_SIZE];
    number += *number == '+';
    size_t count = strlen(number) <= MSISDN_DIGITS_MAX ? owners_of(s, number, owners) : 0;
    for (size_t i = 0; i < count; i++) {
        struct event *event = engine_event(s->engine, SMSR_EVENT_REACHABLE, owners[i]);
        if (event)
            event->data = arena_text(event->arena, span_text(number));
        if (event && engine_post(s->engine, event) != ERR_NONE)
            log_fact(s->env.log, LOG_WARN_, owners[i], "reachable, but there is no room for that: it is called later");
    }
}

void smsr_short_message(struct smsr *s, const char *from, struct span user_data, struct reply_ref reply)
{
    bool complete = false;
    struct span packet;
    uint8_t iei = 0;
    if (*from == '+')
        from++;
    s->counts.sms_in++;
    struct sms_reassembly *r = &s->reassembly[span_hash(span_text(from)) % SMSR_REASSEMBLIES];
    enum err err = sms_reassemble(r, from, s->env.clock->now_ms(s->env.clock), user_data, &complete, &packet, &iei);
    if (err == ERR_NONE && complete && (iei == SMS_IEI_COMMAND || iei == SMS_IEI_RESPONSE)) {
        packet_route(s, from, iei == SMS_IEI_RESPONSE, packet, reply);
        return;
    }
    if (err != ERR_NONE || complete)
        log_fact(s->env.log, LOG_WARN_, NULL, "a short message from %s that is no secured packet: dropped", from);
    reply_now(s, reply, 0, SPAN_NONE);
}
