/* The administration's request for a new SCP80 key set: JSON becomes an event. */
#include <jansson.h>
#include <stdio.h>

#include "admin.h"
#include "procedures/rotate_keys.h"
#include "turn.h"

static bool read_call(struct smsr *s, const struct admin_request *r, struct admin_call *ret, const char **ret_wrong)
{
    json_error_t error;
    json_t *body = r->body.len ? json_loadb((const char *)r->body.ptr, r->body.len, JSON_REJECT_DUPLICATES, &error)
                               : json_object();
    size_t known = (json_object_get(body, "call_id") != NULL) + (json_object_get(body, "validity_s") != NULL);
    bool good = json_is_object(body) && json_object_size(body) == known;
    *ret_wrong = "body: call_id and validity_s may be given";
    good = good && admin_call_read(r, body, s->env.rng, ret, ret_wrong);
    json_decref(body);
    return good;
}

int smsr_admin_rotate_keys(void *role, const struct admin_request *r, json_t **ret)
{
    struct smsr *s = role;
    struct eid eid;
    struct admin_call call;
    const char *text = admin_text(r, r->parts[0]), *wrong = NULL;
    char why[120];
    if (eid_from_text(span_text(text), &eid) != ERR_NONE)
        return admin_refuse(ret, 400, "that is no EID");
    if (!read_call(s, r, &call, &wrong)) {
        snprintf(why, sizeof why, "%s: not valid", wrong);
        return admin_refuse(ret, 422, why);
    }
    int again = admin_call_repeated(&s->env, &call, ret);
    if (again)
        return again;
    struct event *event = engine_event(s->engine, SMSR_EVENT_ROTATE_KEYS, text);
    struct rotate_keys_event *e = event ? ARENA_NEW(event->arena, struct rotate_keys_event) : NULL;
    if (!e) {
        if (event)
            engine_event_free(event);
        return admin_refuse(ret, 503, "no memory");
    }
    e->call = call;
    event->data = e;
    event->reply = r->reply;
    return engine_post(s->engine, event) == ERR_NONE ? ADMIN_LATER : admin_refuse(ret, 503, "overloaded");
}
