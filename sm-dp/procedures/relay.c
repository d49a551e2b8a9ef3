/* Functions that the SM-DP only passes on for the profile's owner (offcard book 8.7). */
#include "lib/es/eis_view.h"
#include "lib/es/es2.h"
#include "lib/model/unconfirmed.h"
#include "sm-dp/es3_client.h"
#include "sm-dp/turn.h"

enum { PASS_ON, STEPS };

/* ES2 and ES3 share the structs; the SM-SR's OID has no element in ES3. */
static int pass_on(struct turn *t, struct job *j)
{
    struct es_message request;
    struct es_fault fault;
    size_t size = es_body_size(j->function, ES_REQUEST);
    void *body = arena_alloc(t->arena, size);
    if (!body || es_decode(j->request, t->arena, &request, &fault) != ERR_NONE)
        return smdp_job_fail(j, REASON_PROVIDER_ERROR, "", "the request cannot be passed on");
    memcpy(body, request.body, size);
    return smdp_call(t, j, smdp_relay_of(j->function), body);
}

/* What the operator may see: its own profiles, and not our view of the rest. */
static enum err filter(struct turn *t, struct eis *eis, const struct oid *owner)
{
    const struct smdp_partner *partner = smdp_partner_by_oid(t->smdp, owner->text);
    size_t kept = 0;
    for (size_t i = 0; i < eis->profile_count; i++)
        if (oid_eq(&eis->profiles[i].mno_id, owner))
            eis->profiles[kept++] = eis->profiles[i];
    eis->profile_count = kept;
    eis->has_audit_trail = false;
    eis->audit_count = 0;
    return partner && partner->reduced_eis ? eis_reduce(eis, EIS_VIEW_OPERATOR, t->arena) : ERR_NONE;
}

/* Of other operators' authorisations and configurations nobody learns anything. */
static void filter_plma(struct es_plma_response *r, const struct oid *owner)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->plma_count; i++)
        if (oid_eq(&r->plma[i].mno_id, owner))
            r->plma[kept++] = r->plma[i];
    r->plma_count = kept;
}

static void filter_onc(struct es_onc_response *r, const struct oid *owner)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->onc_count; i++)
        if (oid_eq(&r->onc[i].mno_id, owner))
            r->onc[kept++] = r->onc[i];
    r->onc_count = kept;
}

/* The answer of the SM-SR as this operator may see it: a copy in the arena; NULL: the status is all. */
static const struct es_response *visible(struct turn *t, const struct job *j, const struct es_response *response)
{
    size_t size = es_body_size(j->function, ES_RESPONSE);
    struct es_response *copy = arena_alloc(t->arena, size);
    if (!copy)
        return NULL;
    memcpy(copy, response, size);
    switch (j->function) {
    case ES2_GET_EIS:
    case ES2_AUDIT_EIS: {
        struct es_eis_response *r = (struct es_eis_response *)copy;
        return !r->eis || filter(t, r->eis, &j->requester) == ERR_NONE ? copy : NULL;
    }
    case ES2_GET_PLMA:
        filter_plma((struct es_plma_response *)copy, &j->requester);
        return copy;
    case ES2_GET_ONC:
        filter_onc((struct es_onc_response *)copy, &j->requester);
        return copy;
    default:
        return NULL;
    }
}

static void keep_book(struct turn *t, const struct job *j)
{
    struct es_message request;
    struct es_fault fault;
    if (j->function == ES2_DELETE_PROFILE) {
        WRITES_ADD(t->w, &SMDP_PROFILE_FREE_AGAIN, -1, value_text(j->iccid.digits), value_text(t->eid));
        return;
    }
    if (es_decode(j->request, t->arena, &request, &fault) != ERR_NONE)
        return;
    if (j->function == ES2_UPDATE_POLICY_RULES) {
        const struct es_pol2_request *r = request.body;
        WRITES_ADD(t->w, &SMDP_PROFILE_POL2, -1, value_text(j->iccid.digits),
                   value_int(r->has_pol2 ? r->pol2.rules : 0));
    } else if (j->function == ES2_UPDATE_SUBSCRIPTION_ADDRESS) {
        const struct es_address_request *r = request.body;
        WRITES_ADD(t->w, &SMDP_PROFILE_ADDRESS, -1, value_text(j->iccid.digits), value_text(r->address.imsi),
                   value_text(r->address.msisdn));
    }
}

static int passed_on(struct turn *t, struct job *j, const struct es3_answer *a)
{
    j->status = a->status;
    t->relayed = a->response ? visible(t, j, a->response) : NULL;
    j->euicc_response = a->euicc_response;
    if (a->status.exec == EXECUTED_SUCCESS || a->status.exec == EXECUTED_WITH_WARNING)
        keep_book(t, j);
    return NEXT_END;
}

static const struct step steps[STEPS] = {
    [PASS_ON] = { "pass-on", pass_on, passed_on, 0 },
};

static struct status may_manage(struct turn *t, const struct job *j, const struct iccid *iccid)
{
    struct stored_profile p;
    if (!smdp_profile_load(t, iccid, &p))
        return status_success();
    if (!p.known)
        return status_failed(REASON_ICCID_UNKNOWN, iccid->digits, "not a profile of this SM-DP");
    if (!oid_eq(&p.owner, &j->requester))
        return status_failed(REASON_ICCID_NOT_ALLOWED, iccid->digits, "another operator's profile");
    return status_success();
}

static struct status check_audit(struct turn *t, const struct job *j, const struct es_audit_request *r)
{
    for (size_t i = 0; i < r->iccid_count; i++) {
        struct status s = may_manage(t, j, &r->iccids[i]);
        if (!status_ok(&s))
            return s.reason == REASON_ICCID_NOT_ALLOWED
                       ? status_failed(REASON_PROFILE_NOT_ALLOWED, s.subject_id, "%s", s.detail)
                       : s;
        if (t->need_rows)
            break;
    }
    return status_success();
}

static struct status check_address(struct turn *t, struct job *j, const struct es_address_request *r)
{
    struct status s = may_manage(t, j, &r->iccid);
    j->iccid = r->iccid;
    if (s.reason == REASON_ICCID_NOT_ALLOWED)
        return status_failed(REASON_ADDRESS_NOT_ALLOWED, s.subject_id, "%s", s.detail);
    return s;
}

static struct status is_own(const struct job *j, const struct oid *mno_id, const char *what)
{
    return oid_eq(mno_id, &j->requester)
               ? status_success()
               : status_failed(REASON_REQUESTER_NOT_ALLOWED, mno_id->text, "%s of another operator", what);
}

static struct status check(struct turn *t, struct job *j, const struct es_message *m)
{
    switch (j->function) {
    case ES2_GET_EIS:
    case ES2_GET_PLMA:
    case ES2_GET_ONC:
        return status_success();
    case ES2_SET_PLMA:
        return is_own(j, &((const struct es_set_plma_request *)m->body)->plma.mno_id, "PLMA");
    case ES2_SET_ONC:
        return is_own(j, &((const struct es_set_onc_request *)m->body)->onc.mno_id, "ONC");
    case ES2_AUDIT_EIS:
        return check_audit(t, j, m->body);
    case ES2_UPDATE_POLICY_RULES: {
        const struct es_pol2_request *r = m->body;
        j->iccid = r->iccid;
        const struct smdp_partner *p = smdp_partner_by_oid(t->smdp, j->requester.text);
        if (r->has_pol2 && !pol2_meaningful(r->pol2, SMSR_POL2_STRICT && !(p && p->guard.takes_any_pol2)))
            return status_failed(REASON_POL2_INVALID, r->iccid.digits,
                                 "a rule without meaning, or two that contradict");
        break;
    }
    case ES2_UPDATE_SUBSCRIPTION_ADDRESS:
        return check_address(t, j, m->body);
    default:
        j->iccid = ((const struct es_profile_request *)m->body)->iccid;
        break;
    }
    return may_manage(t, j, &j->iccid);
}

const struct procedure SMDP_RELAY = { .name = "relay", .steps = steps, .step_count = STEPS, .check = check };
