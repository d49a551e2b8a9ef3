/* lib/pki/x509.h: X.509 certificates of CI, EUM and the servers (oncard book 2.5, offcard book 4.9): read, look into,
 * check against their issuers, and issue. */
#ifndef OSPREY_PKI_X509_H
#define OSPREY_PKI_X509_H

#include "lib/codec/writer.h"
#include "lib/crypto/ec.h"
#include "lib/model/oid.h"

#define X509_DER_MAX       8192u
#define X509_PEM_MAX       12288u
#define X509_NAME_TEXT_MAX 256u
#define X509_SKI_LEN       20u
#define X509_SERIAL_MAX    32u

struct x509;
struct x509_st; /* OpenSSL's X509 */

/* One certificate from DER, or the first of a PEM text. ERR_BAD_VALUE, ERR_TOO_LONG. */
MUST_USE enum err x509_read(struct span der_or_pem, struct x509 **ret);
MUST_USE enum err x509_load(const char *path, struct x509 **ret); /* ERR_IO too */
void x509_free(struct x509 *x);
void x509_der(const struct x509 *x, struct writer *out);
void x509_pem(const struct x509 *x, struct writer *out);
struct x509_st *x509_openssl(const struct x509 *x); /* borrowed */

/* Subject OID: subjectAltName registeredID, else an OID as subject serialNumber or CN. ERR_MISSING. */
MUST_USE enum err x509_oid(const struct x509 *x, struct oid *ret);
void x509_subject(const struct x509 *x, char *out, size_t cap);                  /* RFC 2253 text */
MUST_USE enum err x509_ski(const struct x509 *x, uint8_t ret_ski[X509_SKI_LEN]); /* ERR_MISSING */
/* The public key, read once and kept, borrowed; NULL when it is none of our curves. */
struct ec_key *x509_public_key(const struct x509 *x);
/* The public key; ERR_UNSUPPORTED when it is none of our curves. The caller frees it. */
MUST_USE enum err x509_key(const struct x509 *x, struct ec_key **ret);
bool x509_is_ca(const struct x509 *x);
MUST_USE enum err x509_valid_at(const struct x509 *x, uint64_t now_ms); /* ERR_EXPIRED: over, or not begun */
void x509_serial(const struct x509 *x, struct writer *out); /* its octets */
void x509_validity(const struct x509 *x, uint64_t *ret_from_ms, uint64_t *ret_to_ms);

/* x is signed by issuer, issuer may sign certificates, names and key identifiers fit, both are valid at now_ms.
 * ERR_VERIFY, ERR_EXPIRED, ERR_BAD_VALUE (the issuer is no CA). */
MUST_USE enum err x509_issued_by(const struct x509 *x, const struct x509 *issuer, uint64_t now_ms);

enum x509_kind {
    X509_CI,  /* root: CA, keyCertSign + cRLSign, self-signed */
    X509_EUM, /* CA with path length 0, keyCertSign + digitalSignature; signs ECASD certificates and the EIS */
    X509_TLS  /* server and client: digitalSignature, serverAuth + clientAuth */
};

struct x509_request {
    enum x509_kind kind;
    const char *organisation; /* O, may be NULL */
    const char *common_name;  /* CN */
    const char *oid;          /* subjectAltName registeredID */
    const char *dns_names[4]; /* X509_TLS: further names; "127.0.0.1" forms become IP addresses */
    uint64_t from_ms, to_ms;
    struct ec_key *subject;    /* its public part is certified */
    const struct x509 *issuer; /* NULL: self-signed */
    struct ec_key *issuer_key; /* the signing key (subject's own for a root) */
    struct rng *rng;           /* for the serial number; NULL: OpenSSL's */
};
MUST_USE enum err x509_issue(const struct x509_request *request, struct x509 **ret);

#endif
