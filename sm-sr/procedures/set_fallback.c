#include "sm-sr/answer.h"
#include "sm-sr/rules.h"
#include "sm-sr/turn.h"
#include "sm-sr/unconfirmed.h"
#include "switch.h"

/* SetFallBackAttribute: SGP.02 §3.27, §3.28, functions 5.4.26 and 5.5.21 (fact book 7.22, 8.13). Setting it once more
 * does no harm: so an answer that is lost is no doubt, but a reason to ask again. */

enum { WAITING, SET, STEPS };

static int set(struct turn *t, struct operation *op)
{
    WRITER_ON_STACK(capdu, 64);
    const struct profile *p = smsr_profile_by_aid(t->e, &op->isdp);
    if (p && p->info.fallback) { /* it has it already */
        op->status = status_success();
        return NEXT_END;
    }
    es5_profile_command_write(&capdu, ES5_SET_FALLBACK_ATTRIBUTE, &op->isdp);
    return smsr_send_capdu(t, op, EXCHANGE_COMMAND, wr_span(&capdu), false);
}

static int moved(struct turn *t, struct operation *op)
{
    struct profile *former = smsr_profile_fallback(t->e), *p = smsr_profile_by_aid(t->e, &op->isdp);
    if (former) {
        former->info.fallback = false;
        smsr_profile_changed(former);
        if (!smsr_may_manage(t, op->function, &op->requester, former))
            smsr_tell(t, SMSR_TELL_FALLBACK_UNSET, former);
    }
    p->info.fallback = true;
    smsr_profile_changed(p);
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

static struct status check(struct turn *t, struct operation *op)
{
    struct profile *p = NULL, *former = smsr_profile_fallback(t->e);
    struct status s = smsr_rule_profile(t, op->function, &op->requester, &op->iccid, &p);
    if (status_ok(&s) && p->info.state != PROFILE_DISABLED && p->info.state != PROFILE_ENABLED)
        s = status_failed(SMSR_REASON_STATE, op->iccid.digits, "the profile is not complete yet");
    if (status_ok(&s) && former && !smsr_may_manage(t, op->function, &op->requester, former))
        s = status_failed(REASON_FALLBACK_NOT_ALLOWED, former->info.iccid.digits, "another operator's profile has it");
    if (status_ok(&s))
        op->isdp = p->info.isdp_aid;
    return s;
}

const struct procedure SMSR_SET_FALLBACK = { "set-fallback", steps, STEPS, check, AUDIT_SET_FALLBACK };
