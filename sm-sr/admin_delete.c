/* The administration's request for a Master Delete: JSON becomes an event. */
#include <jansson.h>
#include <stdio.h>

#include "admin.h"
#include "lib/codec/hex.h"
#include "procedures/master_delete.h"
#include "turn.h"

#define TOKEN_FIELD_MAX 16u

struct reading {
    const json_t *body;
    struct arena *a;
    const char *wrong; /* the first member that will not do */
};

static const char *text_of(struct reading *r, const char *name)
{
    const char *text = json_string_value(json_object_get(r->body, name));
    if (!text && !r->wrong)
        r->wrong = name;
    return text ? text : "";
}

static struct span octets_of(struct reading *r, const char *name)
{
    enum err err = ERR_NONE;
    struct span s = hex_to_arena(r->a, span_text(text_of(r, name)), &err);
    if ((err != ERR_NONE || !s.len || s.len > TOKEN_FIELD_MAX) && !r->wrong)
        r->wrong = name;
    return s;
}

static void read_token(struct reading *r, struct es5_delete *d)
{
    struct span isdp = octets_of(r, "isdp_aid");
    d->kind = ES5_DELETE_MASTER;
    d->master.sin = octets_of(r, "sin");
    d->master.sdin = octets_of(r, "sdin");
    d->master.provider = octets_of(r, "provider");
    d->master.token_id = octets_of(r, "token_id");
    d->master.token = octets_of(r, "token");
    if (!aid_set(&d->isdp, isdp) && !r->wrong)
        r->wrong = "isdp_aid";
    if (d->master.token.len != 16 && !r->wrong)
        r->wrong = "token";
}

static void read_names(struct reading *r)
{
    static const char *const known[] = { "iccid", "isdp_aid", "sin", "sdin", "provider", "token_id", "token", "call_id", "validity_s" };
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)r->body, name, value) {
        bool found = false;
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            found |= !strcmp(known[i], name);
        if (!found && !r->wrong)
            r->wrong = "a member that is not known";
    }
}

static bool read_body(struct smsr *s, const struct admin_request *r, struct arena *a, struct master_delete_event *m, const char **ret_wrong)
{
    json_error_t error;
    json_t *body = json_loadb((const char *)r->body.ptr, r->body.len, JSON_REJECT_DUPLICATES, &error);
    struct reading reading = { .body = body, .a = a };
    if (!json_is_object(body))
        reading.wrong = "body";
    else if (!admin_call_read(r, body, s->env.rng, &m->call, ret_wrong))
        reading.wrong = *ret_wrong;
    if (!reading.wrong) {
        read_names(&reading);
        if (iccid_from_text(span_text(text_of(&reading, "iccid")), &m->iccid) != ERR_NONE && !reading.wrong)
            reading.wrong = "iccid";
        read_token(&reading, &m->command);
    }
    json_decref(body);
    *ret_wrong = reading.wrong;
    return !reading.wrong;
}

int smsr_admin_master_delete(void *role, const struct admin_request *r, json_t **ret)
{
    struct smsr *s = role;
    struct eid eid;
    const char *text = admin_text(r, r->parts[0]), *wrong = NULL;
    char why[120];
    if (eid_from_text(span_text(text), &eid) != ERR_NONE)
        return admin_refuse(ret, 400, "that is no EID");
    struct event *event = engine_event(s->engine, SMSR_EVENT_MASTER_DELETE, text);
    struct master_delete_event *m = event ? ARENA_NEW(event->arena, struct master_delete_event) : NULL;
    bool good = m && read_body(s, r, event->arena, m, &wrong);
    int again = good ? admin_call_repeated(&s->env, &m->call, ret) : 0;
    if (!good || again) {
        if (event)
            engine_event_free(event);
        if (again)
            return again;
        snprintf(why, sizeof why, "%s: not valid", wrong ? wrong : "");
        return m ? admin_refuse(ret, 422, why) : admin_refuse(ret, 503, "no memory");
    }
    event->data = m;
    event->reply = r->reply;
    return engine_post(s->engine, event) == ERR_NONE ? ADMIN_LATER : admin_refuse(ret, 503, "overloaded");
}
