#include "lib/base/mutant.h"
#include "lib/es/es3.h"
#include "lib/ota/es6.h"
#include "lib/gp/store_data.h"
#include "procedures/send_data.h"
#include "answer.h"
#include "rights.h"
#include "rules.h"
#include "server.h"

/* ES3, SM-DP to SM-SR (SGP.02 §5.4). */

static struct status fill_create(struct turn *t, const struct call_event *c, struct operation *op)
{
    const struct es3_create_isdp *r = c->message.body;
    (void)t;
    op->iccid = r->iccid;
    op->mno = r->mno_id;
    op->memory = r->required_memory;
    if (r->more_to_do)
        op->flags |= OPERATION_MORE_TO_DO;
    return status_success();
}

static struct status fill_data(struct turn *t, struct operation *op, struct span data, bool more)
{
    bool apdus;
    if (smsr_items_of(data, t->arena, &op->data, &apdus) != ERR_NONE)
        return status_failed(REASON_FORMAT_INVALID, "", "Data is neither a list of command TLVs nor of APDUs");
    op->data_changed = true;
    op->flags |= (more ? OPERATION_MORE_TO_DO : 0) | (apdus ? OPERATION_APDUS : 0);
    return status_success();
}

static struct status fill_send(struct turn *t, const struct call_event *c, struct operation *op)
{
    const struct es3_send_data *r = c->message.body;
    op->isdp = r->sd_aid;
    return fill_data(t, op, r->data, r->more_to_do);
}

/* The parameters are commands for the ISD-P already (SCP03), or the content of its STORE DATA. */
static struct status fill_connectivity(struct turn *t, const struct call_event *c, struct operation *op)
{
    const struct es3_update_connectivity_parameters *r = c->message.body;
    struct profile *p = NULL;
    struct status s = smsr_rule_profile(t, op->function, &op->requester, &r->iccid, &p);
    if (status_ok(&s) && p->info.state != PROFILE_DISABLED && p->info.state != PROFILE_ENABLED)
        s = status_failed(REASON_PROFILE_STATE, r->iccid.digits, "the profile is not complete yet");
    if (!status_ok(&s))
        return s;
    op->isdp = p->info.isdp_aid;
    if (r->parameters.len > 2 && r->parameters.ptr[0] == 0x3A && r->parameters.ptr[1] == 0x07) {
        struct writer w = wr_arena(t->arena, r->parameters.len + 16);
        store_data_block_write(&w, r->parameters, 0, 0, true, false, 0);
        return fill_data(t, op, wr_span(&w), false);
    }
    return fill_data(t, op, r->parameters, false);
}

static struct status completed(struct turn *t, const struct call_event *c, struct es_response **ret_body)
{
    const struct es3_profile_download_completed *r = c->message.body;
    struct profile *p = NULL;
    (void)ret_body;
    if (!t->e->known)
        return status_failed(REASON_EID_UNKNOWN, t->e->eid_text, "not registered at this SM-SR");
    struct status s = smsr_rule_profile(t, c->message.function, &c->partner->oid, &r->iccid, &p);
    if (status_ok(&s) && !oid_eq(&p->info.smdp_id, &c->partner->oid))
        s = status_failed(REASON_ICCID_NOT_ALLOWED, r->iccid.digits, "another SM-DP brought it");
    if (status_ok(&s) && p->info.state != PROFILE_CREATED && p->info.state != PROFILE_DISABLED)
        s = smsr_rule_state(p, PROFILE_CREATED);
    if (status_ok(&s) && r->has_pol2 && !MUTANT(completes_with_any_pol2) && !pol2_meaningful(r->pol2, smsr_pol2_strict(c->partner)))
        s = status_failed(REASON_POL2_INVALID, r->iccid.digits, "a rule without meaning, or two that contradict");
    if (!status_ok(&s))
        return s;
    p->info.state = PROFILE_DISABLED;
    if (r->profile_type.len)
        p->info.profile_type = r->profile_type;
    t->typed = true;
    if (r->has_address)
        p->info.address = r->address;
    p->info.pol2 = r->has_pol2 ? r->pol2 : (struct pol2){ 0 };
    smsr_profile_changed(p);
    smsr_tell_listeners(t, SMSR_TELL_DOWNLOADED, p, NULL);
    turn_log(t, LOG_INFO_, "profile %s is complete", r->iccid.digits);
    return s;
}

static const struct server_row rows[] = {
    { ES3_GET_EIS, smsr_get_eis, NULL, NULL, true },
    { ES3_AUDIT_EIS, NULL, &SMSR_AUDIT, smsr_fill_audit, false },
    { ES3_CREATE_ISDP, NULL, &SMSR_CREATE_ISDP, fill_create, false },
    { ES3_SEND_DATA, NULL, &SMSR_SEND_DATA, fill_send, false },
    { ES3_PROFILE_DOWNLOAD_COMPLETED, completed, NULL, NULL, false },
    { ES3_UPDATE_POLICY_RULES, smsr_update_pol2, NULL, NULL, false },
    { ES3_UPDATE_SUBSCRIPTION_ADDRESS, smsr_update_address, NULL, NULL, false },
    { ES3_ENABLE_PROFILE, NULL, &SMSR_ENABLE_PROFILE, smsr_fill_profile, false },
    { ES3_SET_FALLBACK_ATTRIBUTE, NULL, &SMSR_SET_FALLBACK, smsr_fill_profile, false },
    { ES3_SET_EMERGENCY_PROFILE_ATTRIBUTE, NULL, &SMSR_SET_EMERGENCY, smsr_fill_profile, false },
    { ES3_SET_PLMA, smsr_set_plma, NULL, NULL, false },
    { ES3_GET_PLMA, smsr_get_plma, NULL, NULL, true },
    { ES3_SET_ONC, smsr_set_onc, NULL, NULL, false },
    { ES3_GET_ONC, smsr_get_onc, NULL, NULL, true },
    { ES3_DISABLE_PROFILE, NULL, &SMSR_DISABLE_PROFILE, smsr_fill_profile, false },
    { ES3_DELETE_ISDP, NULL, &SMSR_DELETE_PROFILE, smsr_fill_profile, false },
    { ES3_UPDATE_CONNECTIVITY_PARAMETERS, NULL, &SMSR_SEND_DATA, fill_connectivity, false },
};

const struct server smsr_es3_server = { ES_IF_ES3, SMSR_SMDP, rows, ARRAY_LEN(rows) };
