#include "answer.h"
#include "lib/base/mutant.h"
#include "eis.h"
#include "rules.h"
#include "server.h"

/* What an SM-DP (ES3) and an operator (ES4) ask for alike. */

static struct status unknown_eid(const struct turn *t)
{
    return status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "not registered at this SM-SR");
}

struct status smsr_get_eis(struct turn *t, const struct call_event *c, struct es_response **ret_body)
{
    struct status ok = status_success();
    if (!t->e->known)
        return unknown_eid(t);
    if (!smsr_may_see(t, c->message.function, &c->partner->oid))
        return status_failed(REASON_EIS_NOT_ALLOWED, t->e->eid_text, "no profile of the caller is on it");
    struct eis *eis = smsr_eis_for(t, c->message.function, &c->partner->oid);
    *ret_body = eis ? es_response_new(t->arena, c->message.function, &ok, t->now_ms, t->now_ms) : NULL;
    if (!*ret_body)
        return status_failed(REASON_PROVIDER_ERROR, t->e->eid_text, "the EIS cannot be put together");
    ((struct es_eis_response *)*ret_body)->eis = eis;
    return ok;
}

struct status smsr_update_pol2(struct turn *t, const struct call_event *c, struct es_response **ret_body)
{
    const struct es_pol2_request *r = c->message.body;
    struct profile *p = NULL;
    (void)ret_body;
    if (!t->e->known)
        return unknown_eid(t);
    struct status s = smsr_rule_profile(t, c->message.function, &c->partner->oid, &r->iccid, &p);
    if (status_ok(&s) && !pol2_meaningful(r->pol2, smsr_pol2_strict(c->partner)))
        s = status_failed(REASON_POL2_INVALID, r->iccid.digits, "a rule without meaning, or two that contradict");
    if (status_ok(&s) && p->info.state != PROFILE_DISABLED && p->info.state != PROFILE_ENABLED)
        s = status_failed(REASON_PROFILE_STATE, r->iccid.digits, "the profile is not complete yet");
    if (status_ok(&s)) {
        p->info.pol2 = r->has_pol2 || MUTANT(no_pol2_changes_nothing) ? (r->has_pol2 ? r->pol2 : p->info.pol2) : (struct pol2){ 0 };
        smsr_profile_changed(p);
        smsr_tell_listeners(t, SMSR_TELL_POL2, p, NULL);
    }
    return s;
}

struct status smsr_update_address(struct turn *t, const struct call_event *c, struct es_response **ret_body)
{
    const struct es_address_request *r = c->message.body;
    struct profile *p = NULL;
    (void)ret_body;
    if (!t->e->known)
        return unknown_eid(t);
    struct status s = smsr_rule_profile(t, c->message.function, &c->partner->oid, &r->iccid, &p);
    if (s.reason == REASON_ICCID_NOT_ALLOWED && MUTANT(address_is_anybodys)) {
        p = smsr_profile_by_iccid(t->e, &r->iccid);
        s = status_success();
    }
    if (s.reason == REASON_ICCID_NOT_ALLOWED)
        s = status_failed(REASON_ADDRESS_NOT_ALLOWED, r->iccid.digits, "the profile is not the caller's");
    if (status_ok(&s)) {
        p->info.address = r->address;
        smsr_profile_changed(p);
    }
    return s;
}

struct status smsr_fill_profile(struct turn *t, const struct call_event *c, struct operation *op)
{
    const struct es_profile_request *r = c->message.body;
    (void)t;
    op->iccid = r->iccid;
    return status_success();
}

struct status smsr_fill_audit(struct turn *t, const struct call_event *c, struct operation *op)
{
    const struct es_audit_request *r = c->message.body;
    struct writer w = wr_arena(t->arena, ES_ICCIDS_MAX * ICCID_TEXT_SIZE);
    for (size_t i = 0; i < r->iccid_count; i++) {
        size_t len = strlen(r->iccids[i].digits);
        wr_text(&w, r->iccids[i].digits);
        wr_fill(&w, 0, ICCID_TEXT_SIZE - len);
    }
    op->data = wr_span(&w);
    return w.err == ERR_NONE ? status_success() : status_failed(REASON_FORMAT_INVALID, "", "too many ICCIDs");
}
