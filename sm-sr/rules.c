#include "rules.h"

#include "lib/base/mutant.h"
#include "lib/model/unconfirmed.h"
#include "rights.h"

bool smsr_acts_for(const struct turn *t, const struct oid *smdp, const struct oid *mno)
{
    const struct smsr_partner *dp = smsr_partner_by_oid(t->smsr, smdp->text);
    for (size_t i = 0; dp && (dp->kinds & SMSR_SMDP) && i < dp->acts_for_count; i++)
        if (oid_eq(&dp->acts_for[i], mno))
            return true;
    return false;
}

static bool over_es3(enum es_function function) { return es_function_info(function)->number == ES_IF_ES3; }

bool smsr_may_take(struct turn *t, enum es_function function, const char *operation, const struct oid *caller,
                   const struct profile *p)
{
    if (over_es3(function))
        return oid_eq(caller, &p->info.smdp_id) || smsr_acts_for(t, caller, &p->info.mno_id);
    return oid_eq(caller, &p->info.mno_id) || smsr_plma_allows(t, &p->info, caller, operation);
}

bool smsr_may_manage(struct turn *t, enum es_function function, const struct oid *caller, const struct profile *p)
{
    return smsr_may_take(t, function, es_function_info(function)->name, caller, p);
}

bool smsr_may_see(struct turn *t, enum es_function function, const struct oid *caller)
{
    if (over_es3(function))
        return true; /* it must see the card before it brings its first profile */
    if (MUTANT(everybody_sees_every_eis))
        return true;
    for (size_t i = 0; i < t->e->profile_count; i++) {
        const struct profile *p = &t->e->profiles[i];
        if (p->change != ROW_GONE && *p->info.iccid.digits && smsr_may_manage(t, function, caller, p))
            return true;
    }
    return false;
}

bool smsr_iccid_known(struct turn *t, const struct iccid *iccid)
{
    const struct query *q = SMSR_ASK(t, &SMSR_FIND_BY_ICCID, value_text(iccid->digits));
    return q && q->row_count;
}

struct status smsr_rule_profile(struct turn *t, enum es_function function, const struct oid *caller,
                                const struct iccid *iccid, struct profile **ret)
{
    struct profile *p = smsr_profile_by_iccid(t->e, iccid);
    if (!p)
        return smsr_iccid_known(t, iccid)
                   ? status_failed(REASON_ICCID_WRONG_EUICC, iccid->digits, "installed on another eUICC")
                   : status_failed(REASON_ICCID_UNKNOWN, iccid->digits, "no such profile at this SM-SR");
    if (!smsr_may_manage(t, function, caller, p))
        return status_failed(REASON_ICCID_NOT_ALLOWED, iccid->digits, "the profile is not %s's to manage",
                             caller->text);
    *ret = p;
    return status_success();
}

struct status smsr_rule_pol2(const struct profile *p, enum pol2_action action)
{
    if (MUTANT(ignores_pol2_on_deletion) && action == POL2_DELETE)
        return status_success();
    if (MUTANT(ignores_pol2_on_disabling) && action == POL2_DISABLE)
        return status_success();
    if (pol2_has(p->info.pol2, action, POL2_NOT_ALLOWED))
        return status_failed(REASON_POL2_REFUSED, p->info.iccid.digits, "POL2 does not allow to %s it",
                             action == POL2_ENABLE    ? "enable"
                             : action == POL2_DISABLE ? "disable"
                                                      : "delete");
    return status_success();
}

bool smsr_pol2_strict(const struct smsr_partner *partner) { return SMSR_POL2_STRICT && !partner->guard.takes_any_pol2; }

struct status smsr_rule_state(const struct profile *p, enum profile_state wanted)
{
    if (p->info.state == wanted || (MUTANT(enables_what_is_enabled) && wanted == PROFILE_DISABLED))
        return status_success();
    return status_failed(REASON_PROFILE_STATE, p->info.iccid.digits, "the profile is %s, not %s",
                         profile_state_text(p->info.state), profile_state_text(wanted));
}
