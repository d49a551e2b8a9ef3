#include "take_in.h"

#include "lib/base/mutant.h"
#include "lib/es/eum_signature.h"
#include "lib/pki/chain.h"
#include "rules.h"
#include "trail.h"

static struct status eis_invalid(const struct turn *t, const char *detail)
{
    return status_failed(REASON_EIS_INVALID, t->e->eid_text, "%s", detail);
}

/* The key of the certificate is kept with it; one on no curve of ours (RSA) is read anew. */
static enum err signature_check(struct turn *t, const struct x509 *eum, const struct eis *eis)
{
    struct ec_key *key = x509_public_key(eum);
    if (key)
        return eum_verify_with(eis, key);
    struct writer der = wr_arena(t->arena, X509_DER_MAX);
    x509_der(eum, &der);
    return eum_verify(eis, wr_span(&der));
}

static struct status check(struct turn *t, const struct smsr_partner *partner, const struct eis *eis, struct ec_key **ret_ecasd)
{
    const struct x509 *eum = partner ? partner->eum_certificate : NULL;
    enum err err = eum ? chain_check_eum(t->config->trust, eum, t->now_ms, NULL) : ERR_NOT_FOUND;
    if (err != ERR_NONE)
        return status_failed(chain_reason(CHAIN_EUM, err), eis->eum_id.text, "EUM certificate against the CI: %s", err_text(err));
    err = signature_check(t, eum, eis);
    if (err != ERR_NONE && !MUTANT(takes_any_eum_signature))
        return status_failed(REASON_EIS_SIGNATURE, t->e->eid_text, "EumSignature: %s", err_text(err));
    err = chain_check_euicc(t->config->trust, eum, sd_certificate(&eis->ecasd), eid_span(&eis->eid), t->now_ms,
                            ret_ecasd);
    if (err != ERR_NONE && !(MUTANT(takes_expired_ecasd) && err == ERR_EXPIRED))
        return status_failed(chain_reason(CHAIN_ECASD, err), t->e->eid_text, "ECASD certificate: %s", err_text(err));
    return status_success();
}

struct status smsr_take_in_signatures(struct turn *t, const struct smsr_partner *partner, const struct eis *eis,
                                      struct ec_key **ret_ecasd)
{
    struct status s = check(t, partner, eis, ret_ecasd);
    t->counts.alarms[SMSR_ALARM_CERTIFICATE] += !status_ok(&s);
    return s;
}

static struct status check_profile(struct turn *t, const struct eis *eis, size_t i)
{
    const struct profile_info *p = &eis->profiles[i];
    if (!*p->iccid.digits || !aid_is_isdp(&p->isdp_aid) || !*p->mno_id.text)
        return eis_invalid(t, "a profile without ICCID, ISD-P or owner");
    for (size_t k = 0; k < i; k++)
        if (iccid_eq(&p->iccid, &eis->profiles[k].iccid) || aid_eq(&p->isdp_aid, &eis->profiles[k].isdp_aid))
            return eis_invalid(t, "two profiles have the same ICCID or ISD-P");
    if (smsr_iccid_known(t, &p->iccid))
        return status_failed(REASON_ICCID_IN_USE, p->iccid.digits, "already on another eUICC");
    return status_success();
}

struct status smsr_take_in_profiles(struct turn *t, const struct eis *eis)
{
    size_t enabled = 0, fallback = 0;
    if (eis->profile_count > SMSR_TAKE_IN_PROFILES_MAX)
        return eis_invalid(t, "too many profiles");
    for (size_t i = 0; i < eis->profile_count; i++) {
        struct status s = check_profile(t, eis, i);
        if (!status_ok(&s))
            return s;
        enabled += eis->profiles[i].state == PROFILE_ENABLED;
        fallback += eis->profiles[i].fallback;
    }
    if (enabled != 1)
        return eis_invalid(t, "exactly one profile must be enabled");
    if (fallback != 1 && !MUTANT(takes_any_number_of_fallbacks))
        return eis_invalid(t, "exactly one profile must have the fall-back attribute");
    if (eis->remaining_memory > eis->available_memory)
        return eis_invalid(t, "more memory remains than there is");
    return status_success();
}

static void keep_profiles(struct turn *t, const struct eis *eis)
{
    if (!smsr_profile_room(t->e, eis->profile_count, t->arena))
        t->w->err = ERR_NO_SPACE;
    for (size_t i = 0; i < eis->profile_count; i++) {
        struct profile *p = smsr_profile_add(t->e);
        if (p)
            p->info = eis->profiles[i];
    }
}

static void keep_document(struct turn *t, const struct eis *eis, bool https)
{
    struct writes *w = t->w;
    const char *eid = t->e->eid_text;
    struct span trail = eis->audit_count ? trail_lines(t->arena, eis->audit, eis->audit_count) : SPAN_NONE;
    WRITES_ADD(w, &SMSR_EUICC_ADD, 1, value_text(eid), value_text(eis->eum_id.text),
               value_int((int64_t)eis->remaining_memory), value_int((int64_t)eis->available_memory), value_int(https),
               value_int(eis->capabilities.cat_tp));
    WRITES_ADD(w, &SMSR_DOCUMENT_ADD, 1, value_text(eid), value_blob(eis->signed_info), value_blob(eis->signature),
               value_blob(aid_span(&eis->isdr.aid)), value_blob(eis->isdr.sin), value_blob(eis->isdr.sdin),
               value_blob(aid_span(&eis->isdp_loadfile_aid)), value_blob(aid_span(&eis->isdp_module_aid)),
               value_int((int64_t)t->now_ms), trail.len ? value_blob(trail) : value_null());
    for (size_t i = 0; i < eis->property_count && i < SMSR_TAKE_IN_PROPERTIES_MAX; i++)
        WRITES_ADD(w, &SMSR_PROPERTY_PUT, 1, value_text(eid), value_span_text(eis->properties[i].key),
                   value_span_text(eis->properties[i].value));
}

void smsr_take_in_keep(struct turn *t, const struct eis *eis, bool https)
{
    keep_document(t, eis, https && eis->capabilities.http);
    keep_profiles(t, eis);
}
