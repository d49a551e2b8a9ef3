#include <stdio.h>

#include "lib/codec/hex.h"
#include "lib/crypto/sha256.h"
#include "lib/es/message.h"
#include "lib/role/refusal.h"
#include "turn.h"

/* What arrives becomes events. */

/* ---- SOAP */

static void reply_now(struct smdp *s, struct reply_ref reply, int status, struct span body)
{
    struct effect effect = { .kind = EFFECT_REPLY, .reply = reply, .status = status, .body = body };
    s->env.net->send(s->env.net, &effect);
}

static void reply_fault(struct smdp *s, struct arena *a, struct es_message *m, const struct es_fault *fault,
                        struct reply_ref reply)
{
    struct refusal_self self = { &s->config.oid, s->config.url, &s->env };
    struct span soap;
    m->dialect.codes = smdp_codes(s, &m->wsa.from.entity_id);
    int status = refusal_write(&self, m, fault, a, &soap);
    reply_now(s, reply, status, soap);
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

/* ---- who are you, and how much may you */

static bool refuse(struct es_fault *fault, struct status status)
{
    *fault = (struct es_fault){ .kind = ES_FAULT_INVALID_BODY, .status = status };
    snprintf(fault->text, sizeof fault->text, "%s", status.detail);
    return false;
}

/* The message is of the partner of the connection, or of one for whom that may speak; anybody else is turned away later. */
static bool let_in(struct smdp *s, struct call_event *c, struct span soap, struct es_fault *fault)
{
    const struct es_message *m = &c->message;
    struct smdp_partner *by = c->partner ? &s->config.partners[c->partner - s->config.partners] : NULL;
    bool own = by && oid_eq(&m->wsa.from.entity_id, &by->oid);
    if (!by || (!own && !guard_speaks_for(&by->guard, &m->wsa.from.entity_id)))
        return true;
    uint64_t now_ms = s->env.clock->now_ms(s->env.clock);
    if (!guard_admit(&by->guard, by->name, s->seen, m, soap, now_ms, s->env.log, fault))
        return false;
    const struct smdp_partner *speaker = own ? NULL : smdp_partner_by_oid(s, m->wsa.from.entity_id.text);
    if (speaker && m->kind == ES_REQUEST && !guard_may(&speaker->guard, m->function))
        return refuse(fault, status_failed(REASON_REQUESTER_NOT_ALLOWED, "", "%s may not call this function", speaker->name));
    if (speaker)
        c->partner = speaker;
    return true;
}

/* ---- which line */

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

static enum err fill_event(struct smdp *s, struct event *event, const struct smdp_partner *partner, struct span soap,
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
    if (err == ERR_NONE && !let_in(s, c, copy, fault))
        err = ERR_DENIED;
    if (err != ERR_NONE)
        return err;
    es_codes_take(&c->message, smdp_codes(s, &c->message.wsa.from.entity_id));
    line_of(event, c->partner, &c->message);
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
    enum err err = fill_event(s, event, partner, body, &fault, &m);
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

const struct smdp_partner *smdp_partner_by_url(const struct smdp *s, const char *url)
{
    for (size_t i = 0; i < s->config.partner_count; i++)
        if (!strcmp(s->config.partners[i].url, url))
            return &s->config.partners[i];
    return NULL;
}

const struct codes *smdp_codes(const struct smdp *s, const struct oid *entity)
{
    const struct smdp_partner *p = smdp_partner_by_oid(s, entity->text);
    return p ? &p->guard.codes : NULL;
}

struct es_dialect smdp_dialect(const struct smdp_partner *partner)
{
    struct es_dialect d = partner->guard.dialect;
    d.ampersand |= partner->ampersand;
    return d;
}

const struct smdp_partner *smdp_partner_by_name(const struct smdp *s, const char *common_name)
{
    for (size_t i = 0; *common_name && i < s->config.partner_count; i++)
        if (!strcmp(s->config.partners[i].common_name, common_name))
            return &s->config.partners[i];
    return NULL;
}
