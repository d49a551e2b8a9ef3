#include "notification.h"

#include "lib/es/eis_view.h"
#include "messages.h"
#include "procedures/move.h"

static enum es_function twin_of(enum es_function es3)
{
    static const struct {
        enum es_function es3, es2;
    } twins[] = {
        { ES3_PROFILE_DISABLED_NOTIFICATION, ES2_PROFILE_DISABLED_NOTIFICATION },
        { ES3_PROFILE_ENABLED_NOTIFICATION, ES2_PROFILE_ENABLED_NOTIFICATION },
        { ES3_PROFILE_DELETED_NOTIFICATION, ES2_PROFILE_DELETED_NOTIFICATION },
        { ES3_SMSR_CHANGE_NOTIFICATION, ES2_SMSR_CHANGE_NOTIFICATION },
        { ES3_PROFILE_DOWNLOADED_NOTIFICATION, ES2_PROFILE_DOWNLOADED_NOTIFICATION },
        { ES3_PROFILE_POL2_UPDATED_NOTIFICATION, ES2_PROFILE_POL2_UPDATED_NOTIFICATION },
        { ES3_SET_PLMA_NOTIFICATION, ES2_SET_PLMA_NOTIFICATION },
        { ES3_EMERGENCY_PROFILE_ATTRIBUTE_SET_NOTIFICATION, ES2_EMERGENCY_PROFILE_ATTRIBUTE_SET_NOTIFICATION },
        { ES3_EMERGENCY_PROFILE_ATTRIBUTE_UNSET_NOTIFICATION, ES2_EMERGENCY_PROFILE_ATTRIBUTE_UNSET_NOTIFICATION },
        { ES3_PROFILE_FALLBACK_ATTRIBUTE_SET_NOTIFICATION, ES2_PROFILE_FALLBACK_ATTRIBUTE_SET_NOTIFICATION },
        { ES3_PROFILE_FALLBACK_ATTRIBUTE_UNSET_NOTIFICATION, ES2_PROFILE_FALLBACK_ATTRIBUTE_UNSET_NOTIFICATION },
    };
    for (size_t i = 0; i < ARRAY_LEN(twins); i++)
        if (twins[i].es3 == es3)
            return twins[i].es2;
    return ES_FUNCTION_NONE;
}

static bool is_profile_notification(enum es_function f)
{
    return es_body_size(f, ES_NOTIFICATION) == sizeof(struct es_profile_notification);
}

/* The operator it names; one without name is its profile's owner. */
static struct oid owner_of(struct turn *t, const struct es_message *m)
{
    struct stored_profile p;
    if (m->function == ES3_SET_PLMA_NOTIFICATION)
        return ((const struct es_plma_notification *)m->body)->mno_id;
    if (!is_profile_notification(m->function))
        return ((const struct es_smsr_notification *)m->body)->mno_id;
    const struct es_profile_notification *n = m->body;
    if (*n->mno_id.text || !smdp_profile_load(t, &n->iccid, &p) || !p.known)
        return n->mno_id;
    return p.owner;
}

static void relay(struct turn *t, const struct es_message *m, enum es_function es2)
{
    struct oid owner = owner_of(t, m);
    const struct smdp_partner *to = t->need_rows ? NULL : smdp_partner_by_oid(t->smdp, owner.text);
    if (t->need_rows || oid_eq(&owner, &t->config->oid)) /* for the SM-DP itself */
        return;
    if (!to || !(to->kinds & SMDP_OPERATOR) || !*to->url) {
        turn_log(t, LOG_WARN_, "%s for operator %s, who cannot be told", es_function_info(m->function)->name,
                 owner.text);
        return;
    }
    if (m->function == ES3_SMSR_CHANGE_NOTIFICATION && to->reduced_eis &&
        eis_reduce(((const struct es_smsr_notification *)m->body)->eis, EIS_VIEW_CHANGE, t->arena) != ERR_NONE)
        return;
    const char *name =
        is_profile_notification(m->function) ? ((const struct es_profile_notification *)m->body)->iccid.digits : "";
    smdp_notify(t, to, es2, m->body, name);
    t->smdp->counts.notifications++;
}

static bool is_being_loaded(const struct turn *t, const struct iccid *iccid)
{
    for (size_t i = 0; i < t->job_count; i++)
        if (!t->jobs[i].gone && (t->jobs[i].flags & JOB_RESERVED) && iccid_eq(&t->jobs[i].iccid, iccid))
            return true;
    return false;
}

/* The profile may be loaded again. One deletion is told to owner and SM-DP once, to others too: theirs may come when the profile
 * is on its way back. */
static void forget(struct turn *t, const struct es_profile_notification *n)
{
    struct stored_profile p;
    if (!smdp_profile_load(t, &n->iccid, &p) || !p.known || is_being_loaded(t, &n->iccid))
        return;
    if (!*n->mno_id.text || oid_eq(&n->mno_id, &t->config->oid) || oid_eq(&n->mno_id, &p.owner))
        WRITES_ADD(t->w, &SMDP_PROFILE_FREE_AGAIN, -1, value_text(n->iccid.digits), value_text(t->eid));
}

/* The eUICC has another SM-SR: whom to ask from now on. */
static void follow(struct turn *t, const struct oid *smsr, const struct es_smsr_notification *n)
{
    if (*n->eis->smsr_id.text && !oid_eq(&n->eis->smsr_id, smsr)) {
        turn_log(t, LOG_WARN_, "SM-SR %s tells that %s manages the eUICC: only that one may", smsr->text, n->eis->smsr_id.text);
        return;
    }
    for (size_t i = 0; i < n->eis->profile_count; i++)
        WRITES_ADD(t->w, &SMDP_PROFILE_MOVED, -1, value_text(n->eis->profiles[i].iccid.digits), value_text(t->eid), value_text(smsr->text));
    smdp_jobs_moved(t, smsr, n->completed_ms);
}

void smdp_notification(struct turn *t, const struct call_event *c)
{
    const struct es_message *m = &c->message;
    enum es_function es2 = twin_of(m->function);
    bool known = c->partner && (c->partner->kinds & SMDP_SMSR) && oid_eq(&c->partner->oid, &m->wsa.from.entity_id);
    if (!known || es2 == ES_FUNCTION_NONE) {
        turn_log(t, LOG_WARN_, "a notification that is not for us, or from a stranger: dropped");
        outbox_reply(t->out, t->event->reply, known ? 202 : 403, SPAN_NONE);
        return;
    }
    const struct query *seen = SMDP_ASK(t, &SMDP_SEEN_LOAD, value_blob(m->wsa.message_id.raw));
    if (!seen)
        return;
    outbox_reply(t->out, t->event->reply, 202, SPAN_NONE);
    if (seen->row_count)
        return;
    relay(t, m, es2);
    if (m->function == ES3_SMSR_CHANGE_NOTIFICATION)
        follow(t, &c->partner->oid, m->body);
    WRITES_ADD(t->w, &SMDP_SEEN_ADD, 1, value_blob(m->wsa.message_id.raw), value_int((int64_t)t->now_ms));
    if (m->function == ES3_PROFILE_DELETED_NOTIFICATION)
        forget(t, m->body);
}
