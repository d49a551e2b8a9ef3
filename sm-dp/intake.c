#include <stdio.h>

#include "lib/codec/hex.h"
#include "lib/crypto/sha256.h"
#include "lib/es/message.h"
#include "lib/role/intake.h"
#include "turn.h"

/* What arrives becomes events. */

struct intake_partner smdp_partner_seen(const struct smdp *s, const struct smdp_partner *p)
{
    return p ? (struct intake_partner){ p, p->name, &p->oid, &s->config.partners[p - s->config.partners].guard }
             : (struct intake_partner){ 0 };
}

static struct intake_partner find(void *role, const char *oid) { return smdp_partner_seen(role, smdp_partner_by_oid(role, oid)); }

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

static enum smdp_event event_of(enum es_kind kind)
{
    return kind == ES_REQUEST ? SMDP_EVENT_CALL : kind == ES_RESPONSE ? SMDP_EVENT_ANSWER : SMDP_EVENT_NOTIFICATION;
}

static bool becomes(void *role, struct event *event, const struct intake_message *m)
{
    struct call_event *c = ARENA_NEW(event->arena, struct call_event);
    (void)role;
    event->kind = event_of(m->message.kind);
    event->data = c;
    line_of(event, m->partner.partner, &m->message);
    if (c) {
        *c = (struct call_event){ .partner = m->partner.partner, .message = m->message, .soap = m->soap };
        memcpy(c->digest, m->digest, sizeof c->digest);
    }
    return m->message.kind != ES_SOAP_FAULT && (m->message.kind != ES_RESPONSE || *event->line);
}

void smdp_soap(struct smdp *s, const struct smdp_partner *partner, struct span body, struct reply_ref reply)
{
    const struct intake in = { &s->env, s->seen, &s->config.oid, s->config.url, s, find };
    intake_take(&in, s->engine, smdp_partner_seen(s, partner), body, reply, becomes);
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
