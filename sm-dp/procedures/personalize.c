#include "personalize.h"

#include <jansson.h>
#include <stdio.h>

#include "download.h"
#include "lib/codec/hex.h"
#include "lib/ota/es6.h"
#include "sm-dp/es8_client.h"

/* ---- in the turn */

/* The steps behind an installation, by themselves. */
const struct procedure SMDP_PERSONALIZE = {
    .name = "personalize", .steps = smdp_download_steps, .step_count = DL_COUNT, .alone = true, .first = DL_CHANNEL
};

/* The ISD-P's keys, as the download left them. */
static enum err keys_load(struct turn *t, struct job *j, const struct stored_profile *p)
{
    struct es8_state s = { .keys = { .key_len = KA_KEY_LEN } };
    uint8_t plain[1 + 3 * KA_KEY_LEN];
    char aad[SMDP_AAD_SIZE];
    if (p->keys.len != sizeof plain + KEYS_WRAP_OVERHEAD)
        return ERR_NOT_FOUND;
    enum err err = t->env->keys->unwrap(t->env->keys, smdp_keys_aad(p->iccid.digits, aad), p->keys, plain, sizeof plain);
    s.keys.kvn = plain[0];
    memcpy(s.keys.enc, plain + 1, KA_KEY_LEN);
    memcpy(s.keys.mac, plain + 1 + KA_KEY_LEN, KA_KEY_LEN);
    memcpy(s.keys.dek, plain + 1 + 2 * KA_KEY_LEN, KA_KEY_LEN);
    wipe(plain, sizeof plain);
    if (err == ERR_NONE)
        err = es8_state_save(t, j, &s);
    wipe(&s, sizeof s);
    return err;
}

static struct job *job_of(struct turn *t, const struct personalize_event *e, const struct stored_profile *p)
{
    uint8_t unique[8];
    char text[2 * sizeof unique + 1];
    if (t->job_count == t->job_room)
        return NULL;
    struct job *j = &t->jobs[t->job_count++];
    t->env->rng->fill(t->env->rng, unique, sizeof unique);
    *j = (struct job){ .fresh = true,
                       .requester = e->call.requester,
                       .request = SPAN_LIT("-"), /* none of SOAP */
                       .smsr = p->smsr,
                       .started_ms = t->now_ms,
                       .deadline_ms = t->now_ms + 1000ull * e->call.validity_s,
                       .procedure = &SMDP_PERSONALIZE,
                       .iccid = p->iccid,
                       .isdp = p->isdp,
                       .flags = (e->token ? JOB_TOKEN : 0) | (e->connectivity.len ? JOB_PARAMETERS : 0),
                       .status = status_success() };
    snprintf(j->id, sizeof j->id, "%s-%s", t->eid, hex_text(SPAN_OF(unique), text, sizeof text));
    snprintf(j->call_id, sizeof j->call_id, "%s", e->call.call_id);
    return j;
}

static void begin(struct turn *t, const struct personalize_event *e, const struct stored_profile *p)
{
    struct job *j = job_of(t, e, p);
    struct status status = status_failed(REASON_EUICC_BUSY, t->eid, "too many functions wait already");
    if (!j) {
        admin_call_end(t->w, &e->call.requester, e->call.call_id, &status);
        return;
    }
    enum err err = keys_load(t, j, p);
    if (err != ERR_NONE) {
        j->status = status_failed(REASON_PROVIDER_ERROR, p->iccid.digits, "the keys of its ISD-P are not here");
        smdp_job_end(t, j);
    } else if (e->connectivity.len) {
        WRITES_ADD(t->w, &SMDP_PROFILE_CONNECTIVITY, 1, value_text(p->iccid.digits), value_blob(e->connectivity));
    }
}

void smdp_personalize(struct turn *t, const struct personalize_event *e)
{
    struct stored_profile p;
    uint64_t deadline_ms = t->now_ms + 1000ull * e->call.validity_s;
    if (!smdp_profile_load(t, &e->iccid, &p))
        return;
    if (p.state != SMDP_PROFILE_INSTALLED || strcmp(p.eid, t->eid) != 0)
        admin_call_refuse(t->out, t->event, 409, "the profile is not installed any more");
    else if (admin_call_begin(t->rows, t->w, t->out, t->event, &e->call, deadline_ms, &t->need_rows))
        begin(t, e, &p);
}

/* ---- requests */

static void note(void *context, enum err err) { *(enum err *)context = err; }

int smdp_admin_profile(struct smdp *s, const struct admin_request *r, struct arena *a, struct stored_profile *p, json_t **ret)
{
    struct iccid iccid;
    struct rowset *rows = ARENA_NEW(a, struct rowset);
    enum err err = ERR_BUSY;
    if (iccid_from_text(r->parts[0], &iccid) != ERR_NONE)
        return admin_refuse(ret, 400, "that is no ICCID");
    if (!rows)
        return admin_refuse(ret, 503, "no memory");
    *rows = (struct rowset){ .arena = a };
    const struct query *q = ROWSET_WANT(rows, &SMDP_PROFILE_LOAD, value_text(iccid.digits));
    s->env.store->load(s->env.store, rows, note, &err);
    if (!q || err != ERR_NONE)
        return admin_refuse(ret, 503, err_text(err));
    smdp_profile_read(q, p);
    if (!p->known || (!r->all && !oid_eq(&p->owner, r->oid)))
        return admin_refuse(ret, 404, "no such profile of yours");
    return p->state == SMDP_PROFILE_INSTALLED ? 200 : admin_refuse(ret, 409, "the profile is not installed");
}

static const char *read_members(json_t *body, struct arena *a, struct personalize_event *e)
{
    const char *name;
    json_t *value;
    struct es6_connectivity unused;
    enum err err = ERR_NONE;
    json_object_foreach(body, name, value) {
        if (!strcmp(name, "token") && json_is_boolean(value))
            e->token = json_is_true(value);
        else if (!strcmp(name, "connectivity") && json_is_string(value))
            e->connectivity = hex_to_arena(a, span_text(json_string_value(value)), &err);
        else if (strcmp(name, "call_id") != 0 && strcmp(name, "validity_s") != 0)
            return name;
    }
    if (err != ERR_NONE || e->connectivity.len > SMDP_CONNECTIVITY_MAX ||
        (e->connectivity.len && es6_connectivity_parse(e->connectivity, &unused) != ERR_NONE))
        return "connectivity";
    return e->token || e->connectivity.len ? NULL : "token or connectivity";
}

static const char *read_body(struct smdp *s, const struct admin_request *r, struct arena *a, struct personalize_event *e)
{
    json_error_t error;
    json_t *body = json_loadb((const char *)r->body.ptr, r->body.len, JSON_REJECT_DUPLICATES, &error);
    const char *wrong = "body", *kept;
    if (json_is_object(body) && admin_call_read(r, body, s->env.rng, &e->call, &wrong))
        wrong = read_members(body, a, e);
    kept = wrong ? admin_text(r, span_text(wrong)) : NULL;
    json_decref(body);
    return kept;
}

/* Before anything else: the profile of a repeat may have gone. */
static int repeated(struct smdp *s, const struct admin_request *r, json_t **ret)
{
    struct admin_call call;
    const char *wrong;
    json_t *body = json_loadb((const char *)r->body.ptr, r->body.len, JSON_REJECT_DUPLICATES, NULL);
    bool named = json_object_get(body, "call_id") && admin_call_read(r, body, s->env.rng, &call, &wrong);
    json_decref(body);
    return named ? admin_call_repeated(&s->env, &call, ret) : 0;
}

int personalize_admin(void *role, const struct admin_request *r, json_t **ret)
{
    struct smdp *s = role;
    struct stored_profile p;
    int status = repeated(s, r, ret);
    if (!status)
        status = smdp_admin_profile(s, r, r->a, &p, ret);
    if (status != 200)
        return status;
    struct event *event = engine_event(s->engine, SMDP_EVENT_PERSONALIZE, p.eid);
    struct personalize_event *e = event ? ARENA_NEW(event->arena, struct personalize_event) : NULL;
    const char *wrong = e ? read_body(s, r, event->arena, e) : "";
    if (wrong) {
        char why[160];
        if (event)
            engine_event_free(event);
        snprintf(why, sizeof why, "%s: not valid", wrong);
        return e ? admin_refuse(ret, 422, why) : admin_refuse(ret, 503, "no memory");
    }
    e->iccid = p.iccid;
    event->data = e;
    event->reply = r->reply;
    return engine_post(s->engine, event) == ERR_NONE ? ADMIN_LATER : admin_refuse(ret, 503, "overloaded");
}
