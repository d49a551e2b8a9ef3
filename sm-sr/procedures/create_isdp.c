#include "lib/base/mutant.h"
#include "sm-sr/answer.h"
#include "sm-sr/rules.h"
#include "sm-sr/turn.h"
#include "switch.h"

/* ES3.CreateISDP: SGP.02 §5.4.3 (fact book 7.6): the entry stands as In-Creation while the card works on it. */

enum { WAITING, CREATE, LOOK, STEPS };

static int create(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, 256);
    struct profile *p = smsr_profile_by_iccid(t->e, &op->iccid);
    if (!p && !(p = smsr_profile_add(t->e)))
        return smsr_operation_fail(op, REASON_EUICC_MEMORY, op->iccid.digits, "too many profiles");
    p->info.iccid = op->iccid;
    p->info.isdp_aid = op->isdp;
    p->info.mno_id = op->mno;
    p->info.smdp_id = op->requester;
    p->info.state = PROFILE_IN_CREATION;
    p->info.allocated_memory = op->memory;
    smsr_profile_changed(p);
    struct es5_create_isdp c = { .isdp = op->isdp, .memory = (uint32_t)op->memory };
    es5_create_isdp_write(&capdu, &c);
    int next = smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), op->flags & OPERATION_MORE_TO_DO);
    if (next == NEXT_END)
        smsr_profile_remove(p);
    return next;
}

static int created_ok(struct turn *t, struct operation *op)
{
    struct profile *p = smsr_profile_by_iccid(t->e, &op->iccid);
    p->info.state = PROFILE_CREATED;
    smsr_profile_changed(p);
    t->e->remaining_memory -= op->memory < t->e->remaining_memory ? op->memory : t->e->remaining_memory;
    op->status = status_success();
    return NEXT_END;
}

static int create_failed(struct turn *t, struct operation *op, const struct card_answer *a)
{
    smsr_card_failed(t, op, a);
    if (!(op->flags & OPERATION_UNSURE)) /* else the audit decides about the entry */
        smsr_profile_remove(smsr_profile_by_iccid(t->e, &op->iccid));
    return NEXT_END;
}

static int created(struct turn *t, struct operation *op, const struct card_answer *a)
{
    bool said = a->outcome == CARD_SAID && !a->broken && a->count;
    if (a->outcome == CARD_UNSURE || (said && a->last.sw == SW_CONDITIONS && a->repeated))
        return LOOK;
    if (said && a->last.sw == SW_OK)
        return created_ok(t, op);
    return create_failed(t, op, a);
}

static int look(struct turn *t, struct operation *op) { return smsr_send_get_status(t, op, &op->isdp); }

static int looked(struct turn *t, struct operation *op, const struct card_answer *a)
{
    uint8_t state;
    if (!smsr_life_cycle_of(a, &op->isdp, &state))
        return create_failed(t, op, a);
    return state ? created_ok(t, op) : CREATE;
}

static const struct step steps[STEPS] = {
    [WAITING] = PROCEDURE_WAITS,
    [CREATE] = { "create", create, created, NULL, TO(LOOK) },
    [LOOK] = { "look", look, looked, NULL, TO(CREATE) },
};

/* An EIS that was offered to another SM-SR is with it as it was then: an ISD-P that comes now would be unknown to who may have
 * the eUICC already. */
static struct status check(struct turn *t, struct operation *op)
{
    if (*t->e->left_to.text)
        return status_failed(REASON_EUICC_BUSY, t->e->eid_text, "offered to SM-SR %s, whose answer is awaited", t->e->left_to.text);
    if (!smsr_acts_for(t, &op->requester, &op->mno))
        return status_failed(REASON_CREATE_NOT_ALLOWED, op->mno.text, "%s does not act for this operator here",
                             op->requester.text);
    if (smsr_profile_by_iccid(t->e, &op->iccid) || smsr_iccid_known(t, &op->iccid))
        return status_failed(REASON_ICCID_IN_USE, op->iccid.digits, "already allocated to another profile");
    bool too_much = (op->memory > t->e->remaining_memory && !MUTANT(believes_any_memory_claim)) || op->memory > UINT32_MAX;
    t->counts.alarms[SMSR_ALARM_MEMORY_CLAIM] += too_much;
    if (too_much)
        return status_failed(REASON_EUICC_MEMORY, t->e->eid_text, "%llu octets are free",
                             (unsigned long long)t->e->remaining_memory);
    if (!smsr_isdp_free(t->e, &op->isdp))
        return status_failed(REASON_EUICC_MEMORY, t->e->eid_text, "no ISD-P AID is free");
    return status_success();
}

const struct procedure SMSR_CREATE_ISDP = { "create-isdp", steps, STEPS, check, AUDIT_CREATE_ISDP };
