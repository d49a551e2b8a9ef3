/* eum/authority.h: who signs: the CI (root) and the EUM, and the certificates they give out (SGP.02 §2.3; oncard fact
 * book 2). What shall be wrong in a test is asked for openly: another signing key, another role, other dates. */
#ifndef OSPREY_EUM_AUTHORITY_H
#define OSPREY_EUM_AUTHORITY_H

#include "lib/pki/chain.h"

struct eum_validity {
    uint64_t from_ms, to_ms;
};

/* A certificate and the private key behind it. Both are borrowed from whoever loaded or made them. */
struct eum_authority {
    const struct x509 *certificate;
    struct ec_key *key;
};

/* A self-signed CI. The caller frees *ret. */
MUST_USE enum err eum_ci_certificate(const char *name, const char *oid, struct ec_key *key,
                                     struct eum_validity validity, struct rng *rng, struct x509 **ret);

/* CERT.DP.ECDSA, CERT.SR.ECDSA: what a server shows to the card. C9 is the issuer's subject key identifier. */
struct eum_card_request {
    struct eum_authority issuer;
    struct oid subject;
    enum gp_role role;
    struct ec_key *subject_key;
    struct eum_validity validity;
    struct rng *rng;
};
MUST_USE enum err eum_card_certificate(const struct eum_card_request *request, struct writer *out);

/* CERT.ECASD.ECKA: the subject is the EID, the image number its second half. signer NULL: the EUM's own key. */
struct eum_ecasd_request {
    struct eum_authority eum;
    struct ec_key *signer;
    struct span eid; /* 16 octets */
    struct ec_key *subject_key;
    struct eum_validity validity;
    struct rng *rng;
};
MUST_USE enum err eum_ecasd_certificate(const struct eum_ecasd_request *request, struct writer *out);

#endif
