#include "sm-sr/rules.h"
#include "lib/base/mutant.h"
#include "sm-sr/turn.h"
#include "switch.h"

/* Delete: SGP.02 §3.6, §3.7, functions 5.4.10 and 5.5.7 (fact book 7.13, 8.6). An enabled profile is disabled first. */

static int begin(struct turn *t, struct operation *op)
{
    const struct profile *p = smsr_profile_by_aid(t->e, &op->isdp);
    return p && p->info.state == PROFILE_ENABLED ? SWITCH_ASK : SWITCH_DELETE;
}

static const struct step steps[SWITCH_STEPS] = {
    [SWITCH_WAITING] = PROCEDURE_WAITS,
    [SWITCH_BEGIN] = { "begin", begin, NULL, NULL, TO(SWITCH_ASK) | TO(SWITCH_DELETE) },
    SWITCH_STEPS_COMMON,
};

static struct status check_state(const struct profile *p, enum es_function function)
{
    bool es3 = es_function_info(function)->number == ES_IF_ES3;
    if (p->info.state == PROFILE_CREATED && !es3) /* a download of an SM-DP: its to clean up */
        return status_failed(REASON_PROFILE_STATE, p->info.iccid.digits, "the profile is being downloaded");
    if (p->info.state == PROFILE_IN_CREATION)
        return status_failed(REASON_PROFILE_STATE, p->info.iccid.digits, "the ISD-P is being made");
    return status_success();
}

static struct status check(struct turn *t, struct operation *op)
{
    struct profile *p = NULL, *fallback = smsr_profile_fallback(t->e);
    struct status s = smsr_rule_profile(t, op->function, &op->requester, &op->iccid, &p);
    if (status_ok(&s))
        s = check_state(p, op->function);
    if (status_ok(&s) && p == fallback && !MUTANT(deletes_the_fallback))
        s = status_failed(REASON_DELETE_FALLBACK, op->iccid.digits, "it has the fall-back attribute");
    if (status_ok(&s))
        s = smsr_rule_pol2(p, POL2_DELETE);
    if (status_ok(&s) && p->info.state == PROFILE_ENABLED)
        s = smsr_rule_pol2(p, POL2_DISABLE);
    if (!status_ok(&s))
        return s;
    op->isdp = p->info.isdp_aid;
    op->other = fallback ? fallback->info.isdp_aid : (struct aid){ 0 };
    return s;
}

const struct procedure SMSR_DELETE_PROFILE = { "delete-profile", steps, SWITCH_STEPS, check, AUDIT_DELETE_PROFILE };
