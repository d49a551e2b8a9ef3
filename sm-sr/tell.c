#include "answer.h"
#include "eis.h"
#include "lib/base/mutant.h"
#include "lib/model/unconfirmed.h"
#include "rights.h"

/* Notifications (SGP.02 §3, fact book 9): who hears of what, and by which way. */

#define TELL(name)                                                                                                     \
    {                                                                                                                  \
        ES4_##name##_NOTIFICATION, ES3_##name##_NOTIFICATION                                                           \
    }
static const struct {
    enum es_function es4, es3;
} tells[] = {
    [SMSR_TELL_ENABLED] = TELL(PROFILE_ENABLED),
    [SMSR_TELL_DISABLED] = TELL(PROFILE_DISABLED),
    [SMSR_TELL_DELETED] = TELL(PROFILE_DELETED),
    [SMSR_TELL_FALLBACK_SET] = TELL(PROFILE_FALLBACK_ATTRIBUTE_SET),
    [SMSR_TELL_FALLBACK_UNSET] = TELL(PROFILE_FALLBACK_ATTRIBUTE_UNSET),
    [SMSR_TELL_EMERGENCY_SET] = TELL(EMERGENCY_PROFILE_ATTRIBUTE_SET),
    [SMSR_TELL_EMERGENCY_UNSET] = TELL(EMERGENCY_PROFILE_ATTRIBUTE_UNSET),
    [SMSR_TELL_DOWNLOADED] = TELL(PROFILE_DOWNLOADED),
    [SMSR_TELL_POL2] = TELL(PROFILE_POL2_UPDATED),
};

/* The SM-DP through which an operator without endpoint is told: the profile's own, else one that acts for it. */
static const struct smsr_partner *relay_of(const struct turn *t, const struct oid *to, const struct profile *p)
{
    const struct smsr_partner *own =
        p && oid_eq(to, &p->info.mno_id) ? smsr_partner_by_oid(t->smsr, p->info.smdp_id.text) : NULL;
    if (own && *own->es3_url)
        return own;
    for (size_t i = 0; i < t->config->partner_count; i++) {
        const struct smsr_partner *dp = &t->config->partners[i];
        for (size_t k = 0; *dp->es3_url && k < dp->acts_for_count; k++)
            if (oid_eq(&dp->acts_for[k], to))
                return dp;
    }
    return NULL;
}

/* The SM-DP that loaded a profile; only it can finish, take away or forget what it had there. NULL: it cannot be told. */
static const struct smsr_partner *loader_of(const struct turn *t, const struct profile *p)
{
    const struct smsr_partner *dp = smsr_partner_by_oid(t->smsr, p->info.smdp_id.text);
    return SMSR_TELLS_LOADERS && dp && *dp->es3_url && !MUTANT(tells_no_loader) ? dp : NULL;
}

/* Over ES4, or over ES3 through an SM-DP; an SM-DP is told itself over ES3. Mno-id names who is meant. false: there is no way to it. */
static bool way_to(const struct turn *t, const struct oid *to, const struct profile *p, struct outgoing *ret)
{
    const struct smsr_partner *partner = smsr_partner_by_oid(t->smsr, to->text);
    bool direct = partner && *partner->es4_url;
    ret->kind = ES_NOTIFICATION;
    ret->what = "notification";
    ret->to = direct || (partner && *partner->es3_url) ? partner : relay_of(t, to, p);
    ret->url = !ret->to ? NULL : direct ? ret->to->es4_url : ret->to->es3_url;
    ret->relayed = !direct;
    return ret->to != NULL;
}

static void tell_one(struct turn *t, enum smsr_tell what, const struct profile *p, const struct oid *to)
{
    struct outgoing o = { .name = p->info.iccid.digits };
    if (!way_to(t, to, p, &o)) {
        turn_log(t, LOG_WARN_, "nobody to tell about profile %s: %s has no endpoint and no SM-DP here",
                 p->info.iccid.digits, to->text);
        return;
    }
    struct es_profile_notification body = { .eid = t->e->eid,
                                            .iccid = p->info.iccid,
                                            .profile_type = p->info.profile_type,
                                            .pol2 = p->info.pol2,
                                            .completed_ms = t->now_ms };
    if (o.relayed)
        body.mno_id = *to;
    o.function = o.relayed ? tells[what].es3 : tells[what].es4;
    o.body = &body;
    smsr_post(t, &o);
}

void smsr_tell_listeners(struct turn *t, enum smsr_tell what, const struct profile *p, const struct oid *but)
{
    const char *name = es_function_info(tells[what].es4)->name;
    struct oid sp;
    for (size_t i = 0; smsr_plma_listener(t, &p->info, name, i, &sp); i++)
        if (!but || !oid_eq(&sp, but))
            tell_one(t, what, p, &sp);
}

static void tell_owner(struct turn *t, enum smsr_tell what, const struct profile *p)
{
    if (!smsr_onc_discards(t, &p->info, es_function_info(tells[what].es4)->name) && !MUTANT(tells_no_owner))
        tell_one(t, what, p, &p->info.mno_id);
}

void smsr_tell(struct turn *t, enum smsr_tell what, const struct profile *p)
{
    tell_owner(t, what, p);
    smsr_tell_listeners(t, what, p, NULL);
}

static const struct operation *asked_operation(const struct turn *t)
{
    const struct operation *op = smsr_operation_head(t->e);
    return op && op->function != ES_FUNCTION_NONE ? op : NULL;
}

/* Who asked gets the answer; an owner whose SM-DP asked knows it from there. */
static bool owner_asked(const struct operation *op, const struct profile *p)
{
    return op && (es_function_info(op->function)->number == ES_IF_ES3 || oid_eq(&op->requester, &p->info.mno_id));
}

void smsr_tell_others(struct turn *t, enum smsr_tell what, const struct profile *p)
{
    const struct operation *op = asked_operation(t);
    if (!owner_asked(op, p) || MUTANT(tells_the_caller_too))
        tell_owner(t, what, p);
    smsr_tell_listeners(t, what, p, op ? &op->requester : NULL);
}

void smsr_tell_asker(struct turn *t, enum smsr_tell what, const struct profile *p)
{
    const struct operation *op = asked_operation(t);
    if (owner_asked(op, p))
        tell_owner(t, what, p);
    else if (op)
        tell_one(t, what, p, &op->requester);
}

void smsr_tell_plma(struct turn *t, const struct es_plma *plma)
{
    struct outgoing o = { .name = plma->m2m_sp_id.text };
    if (!way_to(t, &plma->m2m_sp_id, NULL, &o))
        return;
    struct es_plma_notification body = { .plma = *plma, .completed_ms = t->now_ms };
    if (o.relayed)
        body.mno_id = plma->m2m_sp_id;
    o.function = o.relayed ? ES3_SET_PLMA_NOTIFICATION : ES4_SET_PLMA_NOTIFICATION;
    o.body = &body;
    smsr_post(t, &o);
}

/* ---- the SM-SR changed: every owner is told once, and every M2M SP whose PLMA says so, each of what it may see; the SM-DPs too */

#define TOLD_MAX 64u
struct told_list {
    struct oid oid[TOLD_MAX];
    size_t count;
};

static bool told_before(struct told_list *l, const struct oid *to)
{
    for (size_t i = 0; i < l->count; i++)
        if (oid_eq(&l->oid[i], to))
            return true;
    if (l->count < TOLD_MAX)
        l->oid[l->count++] = *to;
    return false;
}

static void tell_of_change(struct turn *t, struct told_list *told, const struct oid *to, const struct profile *p)
{
    struct outgoing o = { .name = to->text };
    if (told_before(told, to))
        return;
    if (!way_to(t, to, p, &o)) {
        turn_log(t, LOG_WARN_, "nobody to tell %s of the SM-SR change", to->text);
        return;
    }
    bool itself = o.relayed && oid_eq(&o.to->oid, to);
    struct es_smsr_notification body = {
        .eis = smsr_eis_for(t, itself ? ES3_SMSR_CHANGE_NOTIFICATION : ES4_SMSR_CHANGE_NOTIFICATION, to), .completed_ms = t->now_ms
    };
    if (!body.eis)
        return;
    if (o.relayed)
        body.mno_id = *to;
    o.function = o.relayed ? ES3_SMSR_CHANGE_NOTIFICATION : ES4_SMSR_CHANGE_NOTIFICATION;
    o.body = &body;
    smsr_post(t, &o);
}

void smsr_tell_change(struct turn *t)
{
    const char *name = es_function_info(ES4_SMSR_CHANGE_NOTIFICATION)->name;
    struct told_list told = { .count = 0 };
    for (size_t i = 0; i < t->e->profile_count; i++) {
        const struct profile *p = &t->e->profiles[i];
        struct oid sp;
        if (p->change == ROW_GONE || !*p->info.iccid.digits)
            continue;
        const struct smsr_partner *dp = loader_of(t, p);
        if (dp)
            tell_of_change(t, &told, &dp->oid, p);
        if (!smsr_onc_discards(t, &p->info, name))
            tell_of_change(t, &told, &p->info.mno_id, p);
        for (size_t k = 0; smsr_plma_listener(t, &p->info, name, k, &sp); k++)
            tell_of_change(t, &told, &sp, NULL);
    }
}

/* Unless it asked for the deletion, or the owner hears of it through this SM-DP. */
static void tell_loader(struct turn *t, const struct profile *p, const struct operation *op)
{
    const struct smsr_partner *dp = loader_of(t, p);
    struct outgoing o = { .to = NULL };
    if (!dp || (op && oid_eq(&op->requester, &dp->oid)))
        return;
    bool owner_hears = !owner_asked(op, p) && !smsr_onc_discards(t, &p->info, es_function_info(ES4_PROFILE_DELETED_NOTIFICATION)->name);
    if (!owner_hears || !way_to(t, &p->info.mno_id, p, &o) || o.to != dp)
        tell_one(t, SMSR_TELL_DELETED, p, &dp->oid);
}

void smsr_profile_deleted(struct turn *t, struct profile *p, bool asked)
{
    uint64_t free_now = t->e->remaining_memory + p->info.allocated_memory;
    t->e->remaining_memory = free_now < t->e->available_memory ? free_now : t->e->available_memory;
    turn_log(t, LOG_INFO_, "profile %s is deleted", p->info.iccid.digits);
    bool loaded = p->info.state != PROFILE_IN_CREATION && p->info.state != PROFILE_CREATED;
    if (loaded && asked)
        smsr_tell_others(t, SMSR_TELL_DELETED, p);
    else if (loaded)
        smsr_tell(t, SMSR_TELL_DELETED, p);
    if (loaded)
        tell_loader(t, p, asked ? asked_operation(t) : NULL);
    smsr_profile_remove(p);
}
