#include "intake.h"

#include <stdio.h>

#include "lib/crypto/sha256.h"
#include "refusal.h"

void intake_reply(const struct env *env, struct reply_ref reply, int status, struct span body)
{
    struct effect effect = { .kind = EFFECT_REPLY, .reply = reply, .status = status, .body = body };
    env->net->send(env->net, &effect);
}

/* The numbers that this entity gets for statuses. */
static const struct codes *codes_of(const struct intake *in, const struct es_message *m)
{
    struct intake_partner p = in->find(in->role, m->wsa.from.entity_id.text);
    return p.partner ? &p.guard->codes : NULL;
}

static void answer_refusal(const struct intake *in, struct arena *a, struct intake_message *m, const struct es_fault *fault,
                           struct reply_ref reply)
{
    struct refusal_self self = { in->oid, in->url, in->env };
    struct span soap;
    m->message.dialect.codes = codes_of(in, &m->message);
    int status = refusal_write(&self, &m->message, fault, a, &soap);
    intake_reply(in->env, reply, status, soap);
}

/* From its first tag to its last: <s:Body …>, </s:Body>. */
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

static enum err refuse(struct es_fault *fault, struct status status)
{
    *fault = (struct es_fault){ .kind = ES_FAULT_INVALID_BODY, .status = status };
    snprintf(fault->text, sizeof fault->text, "%s", status.detail);
    return ERR_DENIED;
}

static enum err let_in(const struct intake *in, struct intake_partner by, struct intake_message *m, struct es_fault *fault)
{
    const struct oid *from = &m->message.wsa.from.entity_id;
    bool own = by.partner && oid_eq(from, by.oid);
    m->partner = by;
    if (!by.partner || (!own && !guard_speaks_for(by.guard, from)))
        return ERR_NONE;
    uint64_t now_ms = in->env->clock->now_ms(in->env->clock);
    if (!guard_admit(by.guard, by.name, in->seen, &m->message, m->soap, now_ms, in->env->log, fault))
        return ERR_DENIED;
    struct intake_partner speaker = own ? by : in->find(in->role, from->text);
    if (!speaker.partner || own)
        return ERR_NONE;
    if (m->message.kind == ES_REQUEST && !guard_may(speaker.guard, m->message.function))
        return refuse(fault, status_failed(REASON_REQUESTER_NOT_ALLOWED, "", "%s may not call this function", speaker.name));
    m->partner = speaker;
    return ERR_NONE;
}

/* On an error ret holds what could be read, for answer_refusal. */
static enum err read_in(const struct intake *in, struct intake_partner by, struct span soap, struct arena *a,
                     struct intake_message *ret, struct es_fault *ret_fault)
{
    ret->soap = arena_copy(a, soap);
    if (ret->soap.len != soap.len) {
        *ret_fault = (struct es_fault){ .kind = ES_FAULT_NO_MEMORY, .text = "no memory" };
        return ERR_NO_MEMORY;
    }
    enum err err = es_decode(ret->soap, a, &ret->message, ret_fault);
    if (err == ERR_NONE)
        err = let_in(in, by, ret, ret_fault);
    if (err != ERR_NONE)
        return err;
    es_codes_take(&ret->message, codes_of(in, &ret->message));
    return sha256(body_of(ret->soap), ret->digest);
}

static void take_in(const struct intake *in, struct engine *engine, struct event *event, const struct intake_message *m,
                    intake_becomes *becomes)
{
    struct reply_ref reply = event->reply;
    bool stray = !becomes(in->role, event, m);
    if (stray || !event->data) {
        intake_reply(in->env, reply, stray ? 202 : 503, SPAN_NONE);
        engine_event_free(event);
    } else if (engine_post(engine, event) != ERR_NONE) {
        intake_reply(in->env, reply, 503, SPAN_NONE);
    }
}

void intake_take(const struct intake *in, struct engine *engine, struct intake_partner by, struct span soap, struct reply_ref reply,
                 intake_becomes *becomes)
{
    struct event *event = engine_event(engine, ENGINE_KIND_ROLE, "");
    struct intake_message m = { 0 };
    struct es_fault fault = { 0 };
    if (!event) {
        intake_reply(in->env, reply, 503, SPAN_NONE);
        return;
    }
    event->reply = reply;
    if (read_in(in, by, soap, event->arena, &m, &fault) == ERR_NONE) {
        take_in(in, engine, event, &m, becomes);
        return;
    }
    answer_refusal(in, event->arena, &m, &fault, reply);
    engine_event_free(event);
}
