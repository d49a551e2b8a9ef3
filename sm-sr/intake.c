#include <stdio.h>

#include "channel/parts.h"
#include "lib/role/intake.h"
#include "lib/wire/smpp.h"
#include "lib/wire/sms.h"
#include "es7_client.h"
#include "turn.h"

/* What arrives becomes events: SOAP messages and short messages (administration sessions: channel/admin.c). */

/* ---- SOAP */

struct intake_partner smsr_partner_seen(const struct smsr *s, const struct smsr_partner *p)
{
    return p ? (struct intake_partner){ p, p->name, &p->oid, &s->config.partners[p - s->config.partners].guard }
             : (struct intake_partner){ 0 };
}

static struct intake_partner find(void *role, const char *oid) { return smsr_partner_seen(role, smsr_partner_by_oid(role, oid)); }

/* A response is that of another SM-SR, whose line our own MessageID tells; any other message may name an eUICC. */
static void line_of(struct event *event, const struct es_message *m)
{
    struct eid eid;
    if (m->kind == ES_RESPONSE && smsr_peer_line(m, event->line))
        event->kind = SMSR_EVENT_RESPONSE;
    else if (es_message_eid(m, &eid))
        eid_text(&eid, event->line);
}

static bool becomes(void *role, struct event *event, const struct intake_message *m)
{
    struct call_event *c = ARENA_NEW(event->arena, struct call_event);
    (void)role;
    event->kind = SMSR_EVENT_CALL;
    event->data = c;
    line_of(event, &m->message);
    if (c) {
        *c = (struct call_event){ .partner = m->partner.partner, .message = m->message };
        memcpy(c->digest, m->digest, sizeof c->digest);
    }
    return m->message.kind == ES_REQUEST || event->kind == SMSR_EVENT_RESPONSE;
}

void smsr_soap(struct smsr *s, const struct smsr_partner *partner, struct span body, struct reply_ref reply)
{
    const struct intake in = { &s->env, s->seen, &s->config.oid, s->config.url, s, find };
    intake_take(&in, s->engine, smsr_partner_seen(s, partner), body, reply, becomes);
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
static enum err owners_of(struct smsr *s, const char *number, char ret[OWNERS_MAX][EID_TEXT_SIZE], size_t *ret_count)
{
    _Alignas(max_align_t) uint8_t first[4096];
    struct arena a;
    enum err err = ERR_BUSY;
    arena_init_buffer(&a, first, sizeof first, 1u << 18);
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
    *ret_count = count;
    return err;
}

/* Its keys tell then whether the packet is really from that eUICC. */
static void packet_route(struct smsr *s, const char *from, bool response, struct span packet, struct reply_ref reply)
{
    char owners[OWNERS_MAX][EID_TEXT_SIZE];
    size_t count = 0;
    bool posted = false;
    if (owners_of(s, from, owners, &count) != ERR_NONE) {
        intake_reply(&s->env, reply, SMPP_TEMPORARY_ERROR, SPAN_NONE);
        return;
    }
    for (size_t i = 0; i < count; i++)
        posted |= packet_post(s, owners[i], from, response, packet, posted ? (struct reply_ref){ 0 } : reply);
    if (posted)
        return;
    s->counts.alarms[SMSR_ALARM_FOREIGN_PACKET]++;
    log_fact(s->env.log, LOG_WARN_, NULL, "a packet from %s, which is no eUICC's number: dropped", from);
    intake_reply(&s->env, reply, 0, SPAN_NONE);
}

void smsr_reachable(struct smsr *s, const char *number)
{
    char owners[OWNERS_MAX][EID_TEXT_SIZE];
    number += *number == '+';
    size_t count = 0;
    if (strlen(number) > MSISDN_DIGITS_MAX || owners_of(s, number, owners, &count) != ERR_NONE)
        return;
    for (size_t i = 0; i < count; i++) {
        struct event *event = engine_event(s->engine, SMSR_EVENT_REACHABLE, owners[i]);
        if (event)
            event->data = arena_text(event->arena, span_text(number));
        if (event && engine_post(s->engine, event) != ERR_NONE)
            log_fact(s->env.log, LOG_WARN_, owners[i], "reachable, but there is no room for that: it is called later");
    }
}

/* The parts of one message come to one process, or, when there are several, to any of them. */
static enum err reassemble(struct smsr *s, struct arena *a, const char *from, struct span ud, bool *ret_complete,
                           struct span *ret_packet, uint8_t *ret_iei)
{
    struct sms_reassembly *r = &s->reassembly[span_hash(span_text(from)) % SMSR_REASSEMBLIES];
    if (store_is_shared(s->env.store))
        return smsr_parts_take(&s->env, a, from, ud, ret_complete, ret_packet, ret_iei);
    return sms_reassemble(r, from, s->env.clock->now_ms(s->env.clock), ud, ret_complete, ret_packet, ret_iei);
}

/* The database does not answer: the message must come again. */
static bool is_passing(enum err err) { return err == ERR_CLOSED || err == ERR_IO || err == ERR_CONFLICT || err == ERR_NO_MEMORY; }

void smsr_short_message(struct smsr *s, const char *from, struct span user_data, struct reply_ref reply)
{
    bool complete = false;
    struct span packet;
    struct arena a;
    uint8_t iei = 0;
    if (*from == '+')
        from++;
    s->counts.sms_in++;
    arena_init(&a, 1u << 18);
    enum err err = reassemble(s, &a, from, user_data, &complete, &packet, &iei);
    bool good = err == ERR_NONE && complete && (iei == SMS_IEI_COMMAND || iei == SMS_IEI_RESPONSE);
    if (good)
        packet_route(s, from, iei == SMS_IEI_RESPONSE, packet, reply);
    arena_release(&a);
    if (good)
        return;
    bool foreign = !is_passing(err) && (err != ERR_NONE || complete);
    s->counts.alarms[SMSR_ALARM_FOREIGN_PACKET] += foreign;
    if (foreign)
        log_fact(s->env.log, LOG_WARN_, NULL, "a short message from %s that is no secured packet: dropped", from);
    intake_reply(&s->env, reply, is_passing(err) ? SMPP_TEMPORARY_ERROR : 0, SPAN_NONE);
}
