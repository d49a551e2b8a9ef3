#include "sm-sr/rules.h"
#include "lib/base/mutant.h"
#include "sm-sr/turn.h"
#include "switch.h"

/* Disable: SGP.02 §3.4, §3.5, functions 5.4.9 and 5.5.6 (fact book 7.12, 8.5). The profile with the fall-back attribute
 * takes over. */

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
    struct profile *p = NULL, *fallback = smsr_profile_fallback(t->e);
    struct status s = smsr_rule_profile(t, op->function, &op->requester, &op->iccid, &p);
    if (status_ok(&s))
        s = smsr_rule_state(p, PROFILE_ENABLED);
    if (status_ok(&s) && p == fallback && !MUTANT(disables_the_fallback))
        s = status_failed(REASON_EUICC_REFUSED, op->iccid.digits,
                          "the profile with the fall-back attribute stays enabled");
    if (status_ok(&s))
        s = smsr_rule_pol2(p, POL2_DISABLE);
    if (status_ok(&s) && !fallback)
        s = status_failed(REASON_EUICC_REFUSED, op->iccid.digits,
                          "no profile has the fall-back attribute to take over");
    if (!status_ok(&s))
        return s;
    op->isdp = p->info.isdp_aid;
    op->other = fallback->info.isdp_aid;
    return s;
}

const struct procedure SMSR_DISABLE_PROFILE = { "disable-profile", steps, SWITCH_STEPS, check, AUDIT_DISABLE_PROFILE };
