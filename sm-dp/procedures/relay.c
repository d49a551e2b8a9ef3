/* Functions that the SM-DP only passes on for the profile's owner (offcard book 8.7). */
#include "lib/es/es2.h"
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

/* What the operator may see: its own profiles. */
static void filter(struct eis *eis, const struct oid *owner)
{
    size_t kept = 0;
    for (size_t i = 0; i < eis->profile_count; i++)
        if (oid_eq(&eis->profiles[i].mno_id, owner))
            eis->profiles[kept++] = eis->profiles[i];
    eis->profile_count = kept;
    eis->has_audit_trail = false;
    eis->audit_count = 0;
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
    size_t size = es_body_size(j->function, ES_RESPONSE);
    j->status = a->status;
    if (a->response && size == sizeof(struct es_eis_response)) {
        t->eis = ((const struct es_eis_response *)a->response)->eis;
        if (t->eis)
            filter(t->eis, &j->requester);
    }
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

static struct status check(struct turn *t, struct job *j, const struct es_message *m)
{
    switch (j->function) {
    case ES2_GET_EIS:
        return status_success();
    case ES2_AUDIT_EIS:
        return check_audit(t, j, m->body);
    case ES2_UPDATE_POLICY_RULES: {
        const struct es_pol2_request *r = m->body;
        j->iccid = r->iccid;
        if (r->has_pol2 && !pol2_meaningful(r->pol2, true))
            return status_failed(REASON_POL2_INVALID, r->iccid.digits,
                                 "a rule without meaning, or two that contradict");
        break;
    }
    case ES2_UPDATE_SUBSCRIPTION_ADDRESS:
        j->iccid = ((const struct es_address_request *)m->body)->iccid;
        break;
    default:
        j->iccid = ((const struct es_profile_request *)m->body)->iccid;
        break;
    }
    return may_manage(t, j, &j->iccid);
}

const struct procedure SMDP_RELAY = { .name = "relay", .steps = steps, .step_count = STEPS, .check = check };
