#include "eligibility.h"

#include "lib/base/mutant.h"
#include "lib/es/eum_signature.h"
#include "lib/pki/gp_certificate.h"

static const struct x509 *eum_of(const struct turn *t, const struct oid *eum_id)
{
    struct oid oid;
    for (size_t i = 0; i < t->config->eum_count; i++)
        if (x509_oid(t->config->eums[i], &oid) == ERR_NONE && oid_eq(eum_id, &oid))
            return t->config->eums[i];
    return NULL;
}

/* What the EUM signed reached us as it was: capabilities, AIDs and ECASD are its word, not the SM-SR's. */
static struct status check_signature(struct turn *t, const struct eis *eis, const struct x509 *eum)
{
    struct ec_key *key = x509_public_key(eum);
    if (!eis->signature.len && t->config->unsigned_eis)
        return status_success();
    enum err err = !eis->signature.len ? ERR_MISSING : key ? eum_verify_with(eis, key) : ERR_BAD_VALUE;
    return err == ERR_NONE ? status_success()
                           : status_failed(REASON_EIS_SIGNATURE, t->eid, "EUM %s: %s", eis->eum_id.text, err_text(err));
}

/* PK.ECASD.ECKA, once the chain up to a root we trust holds. */
static struct status check_chain(struct turn *t, const struct eis *eis, struct es8_state *s)
{
    struct span certificate = sd_certificate(&eis->ecasd);
    const struct x509 *eum = eum_of(t, &eis->eum_id);
    struct ec_key *key = NULL;
    if (!certificate.len)
        return status_failed(REASON_ECASD_CERT_INVALID, t->eid, "the EIS has no ECASD certificate");
    if (!eum)
        return status_failed(REASON_ECASD_CERT_INVALID, t->eid, "EUM %s is not known here", eis->eum_id.text);
    enum err err = chain_check_euicc(t->config->trust, eum, certificate, eid_span(&eis->eid), t->now_ms, &key);
    if (err != ERR_NONE) {
        bool of_eum = chain_check_eum(t->config->trust, eum, t->now_ms, NULL) == err && err != ERR_VERIFY;
        return status_failed(chain_reason(of_eum ? CHAIN_EUM : CHAIN_ECASD, err), of_eum ? eis->eum_id.text : t->eid, "%s certificate: %s",
                             of_eum ? "EUM" : "ECASD", err_text(err));
    }
    s->curve = (uint8_t)ec_key_curve(key);
    ec_key_point(key, s->pk_ecasd);
    ec_key_free(key);
    return check_signature(t, eis, eum);
}

/* The card has no clock and no lists: what it must not be shown is found here. */
static struct status check_own(const struct turn *t, uint8_t curve)
{
    const struct card_certificate *own = card_certificate_for(&t->config->certificates, curve, t->now_ms);
    if (!own)
        return status_failed(REASON_EUICC_UNSUITABLE, t->eid, "no SM-DP certificate for the curve %s", ec_curve_name((enum ec_curve)curve));
    enum err err = chain_check_own(t->config->trust, (struct span){ own->octets, own->len }, t->now_ms);
    if (err != ERR_NONE)
        return status_failed(chain_reason(CHAIN_DP, err), t->config->oid.text, "our own CERT.DP.ECDSA: %s", err_text(err));
    return status_success();
}

struct status smdp_eligible(struct turn *t, const struct eis *eis, const struct stored_profile *p, struct es8_state *s)
{
    char eid[EID_TEXT_SIZE];
    if (strcmp(eid_text(&eis->eid, eid), t->eid))
        return status_failed(REASON_EXTERNAL_FAILED, t->eid, "the SM-SR answered with another eUICC's EIS");
    struct status st = check_chain(t, eis, s);
    if (!status_ok(&st))
        return st;
    st = check_own(t, s->curve);
    if (!status_ok(&st))
        return st;
    const struct profile_info *same = eis_profile_by_iccid(eis, &p->iccid);
    if (same && same->state != PROFILE_CREATED)
        return status_failed(REASON_ICCID_IN_USE, p->iccid.digits, "it is on this eUICC already");
    if (eis->remaining_memory < p->memory && !smdp_left_over(t, eis) && !MUTANT(believes_any_memory_claim))
        return status_failed(REASON_EUICC_MEMORY, t->eid, "%u octets are needed, %llu are free", p->memory,
                             (unsigned long long)eis->remaining_memory);
    return status_success();
}

const struct profile_info *smdp_left_over(struct turn *t, const struct eis *eis)
{
    for (size_t i = 0; i < eis->profile_count && !MUTANT(cleans_nothing_up); i++)
        if (eis->profiles[i].state == PROFILE_CREATED && oid_eq(&eis->profiles[i].smdp_id, &t->config->oid))
            return &eis->profiles[i];
    return NULL;
}
