#include "es7_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "answer.h"
#include "lib/codec/hex.h"
#include "lib/model/unconfirmed.h"
#include "procedures/change.h"

#define REQUEST    "/request/" /* in the ref of the effect */
#define UNIQUE_LEN (SMSR_ASKED_MAX / 2)

/* The other one shall be ready, and we shall know, before our own time is over. */
static uint32_t remaining_s(const struct turn *t, const struct operation *op)
{
    uint64_t s = op->deadline_ms > t->now_ms ? (op->deadline_ms - t->now_ms) / 1000 : 0;
    s -= s / 10;
    return s < SMSR_VALIDITY_MIN_S ? SMSR_VALIDITY_MIN_S : s > SMSR_VALIDITY_MAX_S ? SMSR_VALIDITY_MAX_S : (uint32_t)s;
}

enum err smsr_peer_ask(struct turn *t, struct operation *op, enum es_function function, struct es_request *body)
{
    uint8_t unique[UNIQUE_LEN];
    const struct smsr_partner *peer = smsr_partner_by_oid(t->smsr, op->peer.text);
    if (!peer || !*peer->es7_url)
        return ERR_NOT_FOUND;
    t->env->rng->fill(t->env->rng, unique, sizeof unique);
    const char *random = hex_arena(t->arena, SPAN_OF(unique));
    const char *name = random ? arena_printf(t->arena, "%s-%u-%s", t->e->eid_text, op->n, random) : NULL;
    if (!name)
        return ERR_NO_SPACE;
    snprintf(op->asked, sizeof op->asked, "%s", random);
    smsr_operation_changed(op);
    body->call_id = span_text(name);
    body->validity_s = remaining_s(t, op);
    struct outgoing o = { .function = function,
                          .kind = ES_REQUEST,
                          .body = body,
                          .to = peer,
                          .url = peer->es7_url,
                          .what = "request",
                          .name = random,
                          .unique = name,
                          .give_up_ms = op->deadline_ms };
    return smsr_post(t, &o) ? ERR_NONE : ERR_NO_SPACE;
}

/* ---- the name of a request */

struct name {
    char eid[EID_TEXT_SIZE], asked[SMSR_ASKED_MAX + 1];
    uint32_t n;
};

static bool name_read(struct span text, struct name *ret)
{
    char copy[128], *n, *asked;
    const uint8_t *query = memchr(text.ptr, '?', text.len);
    size_t len = query ? (size_t)(query - text.ptr) : text.len, from = len;
    while (from && text.ptr[from - 1] != '/')
        from--;
    if (len - from >= sizeof copy)
        return false;
    memcpy(copy, text.ptr + from, len - from);
    copy[len - from] = '\0';
    if (!(n = strchr(copy, '-')) || !(asked = strchr(n + 1, '-')))
        return false;
    *n++ = *asked++ = '\0';
    if (strlen(copy) >= sizeof ret->eid || strlen(asked) != SMSR_ASKED_MAX)
        return false;
    *ret = (struct name){ .n = (uint32_t)strtoul(n, NULL, 10) };
    snprintf(ret->eid, sizeof ret->eid, "%s", copy);
    snprintf(ret->asked, sizeof ret->asked, "%s", asked);
    return true;
}

/* RelatesTo; some partners leave it out, but copy the TransactionId. */
static bool name_of(const struct es_message *m, struct name *ret)
{
    return m->wsa.relates_to.len ? name_read(m->wsa.relates_to, ret) : name_read(m->wsa.message_id.transaction_id, ret);
}

bool smsr_peer_line(const struct es_message *response, char line[ENGINE_LINE_MAX + 1])
{
    struct name name;
    struct eid eid;
    if (!name_of(response, &name) || eid_from_text(span_text(name.eid), &eid) != ERR_NONE)
        return false;
    eid_text(&eid, line);
    return true;
}

/* ---- what came back */

static void tell(struct turn *t, struct operation *op, const struct es_response *response)
{
    op->asked[0] = '\0';
    smsr_operation_changed(op);
    int next = op->step->told ? op->step->told(t, op, response) : NEXT_STAY;
    if (next != NEXT_STAY)
        smsr_operation_go(t, op, next);
}

static void stray(struct turn *t, enum log_level level, const char *who)
{
    t->counts.alarms[SMSR_ALARM_STRAY_ANSWER]++;
    turn_log(t, level, "an answer of %s that nothing waits for: dropped", who);
}

static void answered(struct turn *t, const struct smsr_partner *from, const struct es_message *m)
{
    struct name name;
    bool named = name_of(m, &name);
    struct operation *op = named ? smsr_operation_by_n(t->e, name.n) : NULL;
    const struct es_response *response = es_response_of(m);
    if (!from || !response)
        return;
    if (op && !strcmp(op->asked, name.asked) && oid_eq(&op->peer, &from->oid))
        tell(t, op, response);
    else if (!op && named && m->function == ES7_HANDOVER_EUICC)
        smsr_change_late(t, from, name.asked, &response->status);
    else
        stray(t, LOG_DEBUG_, from->name);
}

void smsr_peer_answered(struct turn *t, const struct call_event *c)
{
    bool known = c->partner && oid_eq(&c->message.wsa.from.entity_id, &c->partner->oid);
    if (known)
        answered(t, c->partner, &c->message);
    else
        stray(t, LOG_WARN_, "a stranger");
    outbox_reply(t->out, t->event->reply, known ? 202 : 403, SPAN_NONE);
}

bool smsr_peer_awaits(const struct event *event)
{
    return event->effect_kind == SMSR_EFFECT_SOAP && *event->line && strstr(event->name, REQUEST) &&
           (event->kind == EVENT_UNDELIVERED || event->body.len);
}

static struct operation *asker(struct turn *t)
{
    const char *asked = strstr(t->event->name, REQUEST);
    for (size_t i = 0; i < t->e->operation_count; i++) {
        struct operation *op = &t->e->operations[i];
        if (op->n && op->change != ROW_GONE && *op->asked && !strcmp(op->asked, asked + strlen(REQUEST)))
            return op;
    }
    return NULL;
}

/* An answer in the same HTTP exchange, or none at all. */
void smsr_peer_delivered(struct turn *t)
{
    struct operation *op = asker(t);
    struct es_message *m = ARENA_NEW(t->arena, struct es_message);
    struct es_fault fault;
    if (!op || !m)
        return;
    if (t->event->kind == EVENT_DELIVERED && es_decode(t->event->body, t->arena, m, &fault) == ERR_NONE &&
        m->kind == ES_RESPONSE) {
        es_codes_take(m, smsr_codes(t->smsr, &m->wsa.from.entity_id));
        tell(t, op, es_response_of(m));
    } else {
        tell(t, op, NULL);
    }
}
