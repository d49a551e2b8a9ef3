#include "admin_call.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/codec/hex.h"
#include "lib/crypto/sha256.h"
#include "lib/engine/call.h"

#define LOAD_RAM_MAX (4u << 20)

/* ---- reading */

static bool is_call_id(const char *text)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t len = strlen(text);
    return len > 0 && len <= ADMIN_CALL_ID_MAX && strspn(text, good) == len;
}

static bool read_validity(const json_t *value, uint32_t *ret)
{
    json_int_t s = json_integer_value(value);
    *ret = value ? (uint32_t)s : ADMIN_CALL_VALIDITY_S;
    return !value || (json_is_integer(value) && s >= 1 && s <= ADMIN_CALL_MAX_S);
}

bool admin_call_read(const struct admin_request *r, const json_t *body, struct rng *rng, struct admin_call *ret,
                     const char **ret_wrong)
{
    const json_t *id = json_object_get(body, "call_id");
    *ret = (struct admin_call){ .requester = *r->oid, .all = r->all };
    *ret_wrong = "validity_s";
    if (!read_validity(json_object_get(body, "validity_s"), &ret->validity_s))
        return false;
    *ret_wrong = "call_id";
    if (id) {
        const char *text = json_string_value(id);
        if (!text || !is_call_id(text))
            return false;
        snprintf(ret->call_id, sizeof ret->call_id, "%s", text);
    } else {
        uint8_t unique[16];
        rng->fill(rng, unique, sizeof unique);
        hex_text(SPAN_OF(unique), ret->call_id, sizeof ret->call_id);
    }
    *ret_wrong = "body";
    return sha256(r->body, ret->digest) == ERR_NONE;
}

/* ---- repeats */

static void note(void *context, enum err err) { *(enum err *)context = err; }

static enum err find(const struct env *env, struct arena *a, const char *requester, const char *id, struct call *ret)
{
    struct rowset *rows = ARENA_NEW(a, struct rowset);
    enum err err = ERR_BUSY;
    if (!rows)
        return ERR_NO_MEMORY;
    *rows = (struct rowset){ .arena = a };
    if (call_load(rows, requester, id, ret))
        return ERR_NONE;
    env->store->load(env->store, rows, note, &err);
    return err != ERR_NONE ? err : call_load(rows, requester, id, ret) ? ERR_NONE : ERR_BUSY;
}

#define OTHER_REQUEST "this call_id was used for another request"

int admin_call_repeated(const struct env *env, const struct admin_call *c, json_t **ret)
{
    struct arena a;
    struct call call = { .state = CALL_UNKNOWN };
    int status = 0;
    arena_init(&a, LOAD_RAM_MAX);
    if (find(env, &a, c->requester.text, c->call_id, &call) == ERR_NONE && call.state != CALL_UNKNOWN)
        status = span_eq(call.digest, SPAN_OF(c->digest)) ? 202 : admin_refuse(ret, 409, OTHER_REQUEST);
    if (status == 202)
        *ret = json_pack("{s:s}", "call_id", c->call_id);
    arena_release(&a);
    return status;
}

/* ---- in the turn */

static void reply(struct outbox *out, const struct event *event, int status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    outbox_reply(out, event->reply, text ? status : 500, arena_copy(event->arena, span_text(text ? text : "{}")));
    free(text);
    json_decref(json);
}

void admin_call_refuse(struct outbox *out, const struct event *event, int status, const char *why)
{
    reply(out, event, status, json_pack("{s:s}", "error", why));
}

bool admin_call_begin(struct rowset *rows, struct writes *w, struct outbox *out, const struct event *event,
                      const struct admin_call *c, uint64_t deadline_ms, bool *ret_need_rows)
{
    struct call call;
    if (!call_load(rows, c->requester.text, c->call_id, &call)) {
        *ret_need_rows = true;
        return false;
    }
    if (call.state != CALL_UNKNOWN && !span_eq(call.digest, SPAN_OF(c->digest))) {
        admin_call_refuse(out, event, 409, OTHER_REQUEST);
        return false;
    }
    reply(out, event, 202, json_pack("{s:s}", "call_id", c->call_id));
    if (call.state == CALL_UNKNOWN)
        call_open(w, c->requester.text, c->call_id, event->line, SPAN_OF(c->digest), SPAN_NONE, event->now_ms, deadline_ms);
    return call.state == CALL_UNKNOWN;
}

void admin_call_end(struct writes *w, const struct oid *requester, const char *call_id, const struct status *s)
{
    json_t *json = json_pack("{s:s, s:s, s:s}", "call_id", call_id, "state", "done", "status", exec_status_xml(s->exec));
    if (s->exec != EXECUTED_SUCCESS) {
        json_object_set_new(json, "subject", json_string(s->subject));
        json_object_set_new(json, "reason", json_string(s->code));
        json_object_set_new(json, "message", json_string(s->detail));
    }
    char *text = json_dumps(json, JSON_COMPACT);
    call_answer(w, requester->text, call_id, 200, arena_copy(w->arena, span_text(text ? text : "{}")));
    free(text);
    json_decref(json);
}

/* ---- asking */

static int show(void *role, const struct admin_request *r, json_t **ret)
{
    const struct admin_calls *c = role;
    const char *id = admin_text(r, r->parts[0]);
    struct arena a;
    struct call call = { .state = CALL_UNKNOWN };
    arena_init(&a, LOAD_RAM_MAX);
    enum err err = find(c->env, &a, r->oid->text, id, &call);
    if (call.state == CALL_RUNNING)
        *ret = json_pack("{s:s, s:s}", "call_id", id, "state", "running");
    else if (call.state == CALL_ANSWERED && call.answer.len && call.answer.ptr[0] == '{')
        *ret = json_loadb((const char *)call.answer.ptr, call.answer.len, 0, NULL);
    arena_release(&a);
    return *ret ? 200 : admin_refuse(ret, err == ERR_NONE ? 404 : 503, err == ERR_NONE ? "no such call of yours" : err_text(err));
}

struct admin_set admin_call_routes(struct admin_calls *c)
{
    static const struct admin_route routes[] = { { "GET", "calls/{call_id}", "what became of a call of the caller's", ~0u, show } };
    return (struct admin_set){ routes, ARRAY_LEN(routes), c };
}
