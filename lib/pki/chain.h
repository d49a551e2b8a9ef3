/* lib/pki/chain.h: who signed whom (oncard book 2.1): CI -> EUM -> eUICC, CI -> SM-DP, CI -> SM-SR.
 * Everywhere: ERR_VERIFY wrong signature or issuer; ERR_EXPIRED at that time; ERR_BAD_VALUE wrong role or subject; ERR_REVOKED on a
 * list of its issuer; ERR_UNLISTED the CI has no list that is valid then, and one is required of it (an EUM need not have one). */
#ifndef OSPREY_PKI_CHAIN_H
#define OSPREY_PKI_CHAIN_H

#include "gp_certificate.h"
#include "lib/model/status.h"
#include "revocation.h"
#include "x509.h"

#define CHAIN_ROOTS_MAX 8u

/* The roots one trusts. */
struct trust {
    struct x509 *roots[CHAIN_ROOTS_MAX];
    size_t count;
    struct revocation *lists; /* NULL: none */
    bool lists_required;      /* of the roots */
};
/* All certificates of a PEM file; ERR_IO, ERR_BAD_VALUE, ERR_NO_SPACE. */
MUST_USE enum err trust_load(struct trust *t, const char *path);
MUST_USE enum err trust_add(struct trust *t, struct x509 *root); /* owned afterwards */
/* The revocation lists of a PEM file, once; path NULL: none. ERR_MISSING: none, and required. Else as revocation_load. */
MUST_USE enum err trust_load_lists(struct trust *t, const char *path, bool required);
void trust_done(struct trust *t);

/* An EUM certificate against the roots: signed by one of them, a CA, valid. ret_root (may be NULL) tells which. */
MUST_USE enum err chain_check_eum(const struct trust *t, const struct x509 *eum, uint64_t now_ms,
                                  const struct x509 **ret_root);

/* The eUICC's CERT.ECASD.ECKA: signed by the EUM's key, valid, its subject is the EID (16 octets), its issuer is the
 * OID of the EUM's certificate (when that has one), and that certificate holds against the roots.
 * ret_key (may be NULL): PK.ECASD.ECKA, the caller's to free. */
MUST_USE enum err chain_check_euicc(const struct trust *t, const struct x509 *eum, struct span ecasd_certificate,
                                    struct span eid, uint64_t now_ms, struct ec_key **ret_key);

/* CERT.DP.ECDSA or CERT.SR.ECDSA against the roots: authority key identifier (when present), signature, role, validity.
 * ret_key (may be NULL): its public key, the caller's to free. */
MUST_USE enum err chain_check_server(const struct trust *t, struct span certificate, enum gp_role role, uint64_t now_ms,
                                     struct ec_key **ret_key);

/* One's own CERT.DP.ECDSA or CERT.SR.ECDSA, which a partner or a card shall be shown: is it valid now, and on no list? */
MUST_USE enum err chain_check_own(const struct trust *t, struct span certificate, uint64_t now_ms);

/* What to answer a partner whose certificate of that kind did not hold (fact book 3.3: 8.5.x). */
enum chain_kind { CHAIN_EUM, CHAIN_ECASD, CHAIN_SR, CHAIN_DP };
enum reason chain_reason(enum chain_kind kind, enum err err);

#endif
