#include "sm-sr/rules.h"
#include "sm-sr/turn.h"
#include "switch.h"

/* Enable: SGP.02 §3.2, §3.3, functions 5.4.8 and 5.5.5 (fact book 7.11, 8.4). */

static int begin(struct turn *t, struct operation *op)
{
    (void)t;
    (void)op;
    return SWITCH_ASK;
}

static const struct step steps[SWITCH_STEPS] = {
    [SWITCH_WAITING] = PROCEDURE_WAITS,
    [SWITCH_BEGIN] = { "begin", begin, NULL, NULL, TO(SWITCH_ASK) },
    SWITCH_STEPS_COMMON,
};

static struct status check(struct turn *t, struct operation *op)
{
    struct profile *p = NULL, *enabled = smsr_profile_enabled(t->e);
    struct status s = smsr_rule_profile(t, op->function, &op->requester, &op->iccid, &p);
    if (status_ok(&s))
        s = smsr_rule_state(p, PROFILE_DISABLED);
    if (status_ok(&s) && p->info.emergency)
        s = status_failed(REASON_EMERGENCY_REFUSED, op->iccid.digits, "an emergency profile is the device's to switch");
    if (status_ok(&s) && enabled)
        s = smsr_rule_pol2(enabled, POL2_DISABLE);
    if (status_ok(&s))
        s = smsr_rule_pol2(p, POL2_ENABLE);
    if (!status_ok(&s))
        return s;
    op->isdp = p->info.isdp_aid;
    op->other = enabled ? enabled->info.isdp_aid : (struct aid){ 0 };
    return s;
}

const struct procedure SMSR_ENABLE_PROFILE = { "enable-profile", steps, SWITCH_STEPS, check, AUDIT_ENABLE_PROFILE };
