#include "procedure.h"

#include <assert.h>
#include <stdio.h>

#include "lib/base/mutant.h"
#include "lib/role/admin_call.h"
#include "sm-sr/answer.h"
#include "sm-sr/record.h"
#include "change.h"
#include "rotate_keys.h"
#include "switch.h"

const struct procedure *const smsr_procedures[SMSR_PROCEDURES_MAX] = { &SMSR_CREATE_ISDP,    &SMSR_SEND_DATA,
                                                                       &SMSR_ENABLE_PROFILE, &SMSR_DISABLE_PROFILE,
                                                                       &SMSR_DELETE_PROFILE, &SMSR_AUDIT,
                                                                       &SMSR_SET_FALLBACK,   &SMSR_PREPARE,
                                                                       &SMSR_CHANGE,         &SMSR_AUTHENTICATE,
                                                                       &SMSR_CREATE_KEYSET,  &SMSR_HANDOVER,
                                                                       &SMSR_SET_EMERGENCY,  &SMSR_DELETE_KEYSET,
                                                                       &SMSR_MASTER_DELETE,  &SMSR_ROTATE_KEYS };

const struct procedure *smsr_procedure_by_name(const char *name)
{
    for (size_t i = 0; i < SMSR_PROCEDURES_MAX; i++)
        if (!strcmp(smsr_procedures[i]->name, name))
            return smsr_procedures[i];
    return NULL;
}

const struct step *smsr_step_by_name(const struct procedure *p, const char *name)
{
    for (size_t i = 0; i < p->step_count; i++)
        if (!strcmp(p->steps[i].name, name))
            return &p->steps[i];
    return NULL;
}

int smsr_operation_fail(struct operation *op, enum reason reason, const char *subject_id, const char *detail)
{
    op->status = status_failed(reason, subject_id, "%s", detail);
    return NEXT_END;
}

static void forget_exchanges(struct turn *t, const struct operation *op)
{
    for (size_t i = 0; i < t->e->exchange_count; i++) {
        struct exchange *x = &t->e->exchanges[i];
        if (x->n && x->change != ROW_GONE && x->operation == op->n)
            smsr_exchange_remove(x);
    }
}

void smsr_operation_go(struct turn *t, struct operation *op, int next)
{
    while (next >= 0) {
        assert((size_t)next < op->procedure->step_count && (op->step->may_go_to & TO(next)));
        forget_exchanges(t, op);
        op->step = &op->procedure->steps[next];
        smsr_operation_changed(op);
        next = op->step->enter(t, op);
    }
    if (next == NEXT_END)
        smsr_operation_end(t, op);
}

static void log_end(struct turn *t, const struct operation *op)
{
    const struct status *s = &op->status;
    turn_log(t, s->exec == EXECUTED_SUCCESS ? LOG_INFO_ : LOG_WARN_, "%s %s for %s%s%s: %s%s%s%s%s %s",
             op->procedure->name, op->iccid.digits, *op->requester.text ? op->requester.text : "ourselves",
             *op->call_id ? ", call " : "", op->call_id, exec_status_xml(s->exec), *s->subject ? " " : "", s->subject,
             *s->code ? "/" : "", s->code, s->detail);
}

/* Its first script has not left: it waited for the card to be heard of. */
static bool has_not_begun(const struct turn *t, const struct operation *op)
{
    const struct exchange *x = smsr_exchange_of(t->e, op, EXCHANGE_COMMAND);
    bool first = op->step == &op->procedure->steps[1] && op->procedure != &SMSR_CREATE_ISDP; /* its entry: the audit decides */
    return x && first && x->state == EXCHANGE_HELD;
}

/* What was sent and not answered leaves the card's state open; of keys alone, it may mean that the card is not where we ask:
 * it fell back, and told the SM-SR that it knew then. */
static bool is_unsure(const struct turn *t, const struct operation *op)
{
    bool of_card = !op->procedure->only_keys || op->step->answered;
    return !MUTANT(never_in_doubt) && op->procedure != &SMSR_AUDIT && smsr_operation_runs(op) && !has_not_begun(t, op) &&
           ((op->status.exec == EXECUTED_EXPIRED && of_card) ||
            ((op->flags & OPERATION_UNSURE) && op->status.exec != EXECUTED_SUCCESS));
}

/* The EIS came when the change was offered; what the card did until now was told to the former SM-SR. */
static bool has_come(const struct turn *t, const struct operation *op)
{
    return op->procedure == &SMSR_HANDOVER && smsr_operation_runs(op) && t->e->known && op->status.exec != EXECUTED_FAILED;
}

/* The enabled profile changed, and then the operation failed: "failed" or "expired" does not tell that. What the card has
 * changed back since has been told already, and is no more so. */
static void tell_of_switch(struct turn *t, const struct operation *op)
{
    const struct profile *p = smsr_profile_by_aid(t->e, &op->isdp);
    bool unsaid = op->status.exec == EXECUTED_FAILED || op->status.exec == EXECUTED_EXPIRED;
    bool enables = op->procedure == &SMSR_ENABLE_PROFILE, still = p && (p->info.state == PROFILE_ENABLED) == enables;
    if ((op->flags & OPERATION_SWITCHED) && unsaid && still && !MUTANT(says_no_more_than_expired))
        smsr_tell_asker(t, enables ? SMSR_TELL_ENABLED : SMSR_TELL_DISABLED, p);
}

static struct operation *own_audit(struct euicc *e)
{
    for (size_t i = 0; i < e->operation_count; i++) {
        struct operation *op = &e->operations[i];
        if (op->n && op->change != ROW_GONE && op->function == ES_FUNCTION_NONE && op->procedure == &SMSR_AUDIT)
            return op;
    }
    return NULL;
}

/* suspect: the profile that the card may have enabled; the audit asks at its number too (channel/address.h). */
static void doubt_about(struct turn *t, const struct aid *suspect)
{
    smsr_operation_doubt(t);
    struct operation *audit = suspect->len ? own_audit(t->e) : NULL;
    if (!audit)
        return;
    audit->other = *suspect;
    smsr_operation_changed(audit);
}

void smsr_operation_end(struct turn *t, struct operation *op)
{
    smsr_change_ending(t, op);
    bool unsure = is_unsure(t, op) || has_come(t, op);
    if (op->status.exec == EXECUTED_EXPIRED && smsr_operation_switches(op) && !has_not_begun(t, op))
        t->e->expired_isdp = smsr_switch_target(op);
    bool more = (op->flags & OPERATION_MORE_TO_DO) && op->status.exec == EXECUTED_SUCCESS;
    t->hold |= more;
    t->release |= !more && (op->procedure->chains || op->procedure == &SMSR_CREATE_ISDP);
    log_end(t, op);
    tell_of_switch(t, op);
    if (op->procedure->audit && t->e->present)
        smsr_record_operation(t, op);
    if (op->status.exec != EXECUTED_EXPIRED || !MUTANT(expired_calls_are_not_answered))
        smsr_operation_answer(t, op);
    smsr_change_ended(t, op);
    smsr_rotate_keys_ended(t, op);
    forget_exchanges(t, op);
    struct aid suspect = smsr_operation_switches(op) ? smsr_switch_target(op) : (struct aid){ .len = 0 };
    smsr_operation_remove(op);
    t->counts.operations++;
    if (unsure)
        doubt_about(t, &suspect);
}

struct operation *smsr_operation_asked(struct turn *t, const struct procedure *p, const struct admin_call *call, uint64_t deadline_ms)
{
    struct operation *op = smsr_operation_add(t->e);
    struct status status = status_failed(REASON_EUICC_BUSY, t->e->eid_text, "too many operations wait already");
    if (!op) {
        admin_call_end(t->w, &call->requester, call->call_id, &status);
        return NULL;
    }
    op->procedure = p;
    op->step = &p->steps[0];
    op->requester = call->requester;
    snprintf(op->call_id, sizeof op->call_id, "%s", call->call_id);
    op->started_ms = t->now_ms;
    op->deadline_ms = deadline_ms;
    op->status = status_success();
    return op;
}

void smsr_operation_start_next(struct turn *t)
{
    struct operation *op;
    while ((op = smsr_operation_head(t->e)) && !smsr_operation_runs(op)) {
        op->status = op->procedure->check(t, op);
        if (t->need_rows)
            return;
        if (op->status.exec == EXECUTED_SUCCESS)
            smsr_operation_go(t, op, 1);
        else
            smsr_operation_end(t, op);
    }
}

void smsr_operation_expire(struct turn *t)
{
    size_t count = t->e->operation_count; /* those added now are not overdue */
    for (size_t i = 0; i < count; i++) {
        struct operation *op = &t->e->operations[i];
        if (!op->n || op->change == ROW_GONE || op->deadline_ms > t->now_ms || MUTANT(nothing_expires))
            continue;
        op->status = status_expired();
        smsr_operation_end(t, op);
    }
}

void smsr_operation_doubt(struct turn *t)
{
    struct operation *op = own_audit(t->e) ? NULL : smsr_operation_add(t->e); /* it is being looked at already */
    if (!op)
        return;
    op->procedure = &SMSR_AUDIT;
    op->step = &SMSR_AUDIT.steps[0];
    op->started_ms = t->now_ms;
    op->deadline_ms = t->now_ms + 1000ull * t->config->doubt_s;
    turn_log(t, LOG_WARN_, "in doubt: an audit comes before anything else");
}
