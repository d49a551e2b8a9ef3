/* lib/es/eum_signature.h: the EUM's XML signature over EumSignedInfo (SGP.02 annex C; fact book §6): one ds:Reference
 * without URI that means the sibling EumSignedInfo, exclusive C14N, SHA-256, ECDSA (or RSA).
 *
 * On our own canonical XML and OpenSSL: XML signature libraries take a Reference without URI for the whole document, and
 * allow far more (transforms, remote references) than is wanted here. What is not in the tables of the .c is refused.
 */
#ifndef OSPREY_ES_EUM_SIGNATURE_H
#define OSPREY_ES_EUM_SIGNATURE_H

#include "lib/base/arena.h"
#include "lib/model/eis.h"

/* Makes eis->signed_info (from the typed fields) and eis->signature, both in the arena.
 *   key_pem    the EUM's private key, EC or RSA, PEM without passphrase; not kept
 *   cert_der   the EUM's X.509 certificate: its SubjectKeyIdentifier and subject name go into KeyInfo, or empty
 * ERR_MISSING (an empty mandatory field), ERR_BAD_VALUE (no such key), ERR_UNSUPPORTED (kind of key), ERR_CRYPTO,
 * ERR_NO_SPACE. eis is untouched on failure. */
MUST_USE enum err eum_sign(struct eis *eis, struct span key_pem, struct span cert_der, struct arena *a);

/* Is eis->signature the signature of eis->signed_info by the key of that certificate? The certificate itself (chain,
 * validity, owner) is the caller's to check. ERR_MISSING (no signature), ERR_VERIFY (digest or signature wrong),
 * ERR_UNSUPPORTED (an algorithm, transform or reference that is not allowed here; SHA-1), ERR_BAD_VALUE. */
MUST_USE enum err eum_verify(const struct eis *eis, struct span cert_der);
/* The same with a key that is kept (x509_public_key). */
struct ec_key;
MUST_USE enum err eum_verify_with(const struct eis *eis, struct ec_key *key);

/* What KeyInfo says about the signer's certificate, to find it: each may be empty. Borrows from the arena. */
struct eum_key_info {
    struct span ski;         /* X509SKI, octets */
    struct span subject;     /* X509SubjectName, text */
    struct span certificate; /* X509Certificate, DER */
};
MUST_USE enum err eum_key_info(const struct eis *eis, struct arena *a, struct eum_key_info *ret);

#endif
