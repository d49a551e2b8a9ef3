#include "sm-sr/answer.h"
#include "sm-sr/rules.h"
#include "sm-sr/turn.h"
#include "switch.h"

/* SetFallBackAttribute: SGP.02 §3.27–§3.29, functions 5.4.26 and 5.5.21 (fact book 7.22, 8.13).
 * SetEmergencyProfileAttribute: §3.25, functions 5.4.23 and 5.5.18 (fact book 7.23, 8.16).
 * One profile has it; setting it takes it from the former one. Setting it once more does no harm: so an answer that is
 * lost is no doubt, but a reason to ask again. */

struct attribute {
    enum es5_dgi command;
    const char *take; /* PLMA: what the former owner must have allowed */
    enum smsr_tell set, unset;
    enum reason not_allowed;
};

static const struct attribute fallback = { ES5_SET_FALLBACK_ATTRIBUTE, "UnsetFallBackAttribute", SMSR_TELL_FALLBACK_SET,
                                           SMSR_TELL_FALLBACK_UNSET, REASON_FALLBACK_NOT_ALLOWED };
static const struct attribute emergency = { ES5_SET_EMERGENCY_ATTRIBUTE, "UnsetEmergencyProfileAttribute",
                                            SMSR_TELL_EMERGENCY_SET, SMSR_TELL_EMERGENCY_UNSET,
                                            REASON_EMERGENCY_NOT_ALLOWED };

static const struct attribute *attribute_of(const struct operation *op)
{
    return op->procedure == &SMSR_SET_FALLBACK ? &fallback : &emergency;
}

static bool *flag_of(const struct attribute *a, struct profile *p)
{
    return a == &fallback ? &p->info.fallback : &p->info.emergency;
}

static struct profile *holder(struct turn *t, const struct attribute *a)
{
    for (size_t i = 0; i < t->e->profile_count; i++)
        if (t->e->profiles[i].change != ROW_GONE && *flag_of(a, &t->e->profiles[i]))
            return &t->e->profiles[i];
    return NULL;
}

enum { WAITING, SET, STEPS };

static int set(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, 64);
    struct profile *p = smsr_profile_by_aid(t->e, &op->isdp);
    if (p && *flag_of(attribute_of(op), p)) { /* it has it already */
        op->status = status_success();
        return NEXT_END;
    }
    es5_profile_command_write(&capdu, attribute_of(op)->command, &op->isdp);
    return smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), false);
}

static int moved(struct turn *t, struct operation *op)
{
    const struct attribute *a = attribute_of(op);
    struct profile *former = holder(t, a), *p = smsr_profile_by_aid(t->e, &op->isdp);
    if (former) {
        *flag_of(a, former) = false;
        smsr_profile_changed(former);
        smsr_tell_others(t, a->unset, former);
    }
    if (!p) /* POL1 deleted it before the card's answer got here */
        return smsr_operation_fail(op, REASON_ICCID_UNKNOWN, op->iccid.digits, "the profile is gone meanwhile");
    *flag_of(a, p) = true;
    smsr_profile_changed(p);
    smsr_tell_others(t, a->set, p);
    op->status = status_success();
    return NEXT_END;
}

static int answered(struct turn *t, struct operation *op, const struct card_answer *a)
{
    if (a->outcome == CARD_UNSURE)
        return SET;
    if (a->outcome == CARD_SAID && !a->broken && a->count && a->last.sw == SW_OK)
        return moved(t, op);
    return smsr_card_failed(t, op, a);
}

static const struct step steps[STEPS] = {
    [WAITING] = PROCEDURE_WAITS,
    [SET] = { "set", set, answered, NULL, TO(SET) },
};

static struct status check_fallback(const struct operation *op, const struct profile *p)
{
    if (p->info.state != PROFILE_DISABLED && p->info.state != PROFILE_ENABLED)
        return status_failed(REASON_PROFILE_STATE, op->iccid.digits, "the profile is not complete yet");
    if (p->info.emergency)
        return status_failed(REASON_FALLBACK_REFUSED, op->iccid.digits, "it is the emergency profile");
    return status_success();
}

static struct status check_emergency(const struct operation *op, const struct profile *p)
{
    if (p->info.fallback)
        return status_failed(REASON_EMERGENCY_REFUSED, op->iccid.digits, "it has the fall-back attribute");
    return smsr_rule_state(p, PROFILE_DISABLED);
}

static struct status check(struct turn *t, struct operation *op)
{
    const struct attribute *a = attribute_of(op);
    struct profile *p = NULL, *former = holder(t, a);
    struct status s = smsr_rule_profile(t, op->function, &op->requester, &op->iccid, &p);
    if (status_ok(&s))
        s = a == &fallback ? check_fallback(op, p) : check_emergency(op, p);
    if (status_ok(&s) && former && former != p && !smsr_may_take(t, op->function, a->take, &op->requester, former))
        s = status_failed(a->not_allowed, former->info.iccid.digits, "another operator's profile has it");
    if (status_ok(&s))
        op->isdp = p->info.isdp_aid;
    return s;
}

const struct procedure SMSR_SET_FALLBACK = { "set-fallback", steps, STEPS, check, AUDIT_SET_FALLBACK };
const struct procedure SMSR_SET_EMERGENCY = { "set-emergency", steps, STEPS, check, 0 };
