/* lib/es/dsig.h: the little of XML signature that SGP.02 needs, for the EUM's signature (eum_signature.c) and for
 * WS-Security (wsse.c): one reference, canonical XML, SHA-2, ECDSA or RSA. What is not in the tables of the .c is refused.
 * Only lib/es looks in here. */
#ifndef OSPREY_ES_DSIG_H
#define OSPREY_ES_DSIG_H

#include "eum_signature.h"
#include "lib/codec/writer.h"
#include "lib/crypto/ec.h"

#define DSIG_NS              "http://www.w3.org/2000/09/xmldsig#"
#define DSIG_EXCLUSIVE       "http://www.w3.org/2001/10/xml-exc-c14n#"
#define DSIG_VALUE_MAX       1024u /* octets of a signature value */
#define DSIG_CERTIFICATE_MAX 8192u
#define DSIG_XML_MAX         16384u
#define DSIG_ID_MAX          128u

struct dsig_algorithm;

struct dsig {
    const struct dsig_algorithm *canonical, *transform, *method, *digest;
    uint8_t digest_value[64], value[DSIG_VALUE_MAX];
    size_t digest_len, value_len;
    size_t references;
    struct span uri; /* of the reference; empty: it has none */
    struct eum_key_info key;
    enum err err;
};

/* A signature element. ERR_MISSING, ERR_UNSUPPORTED (an algorithm, transform, more than one reference), ERR_BAD_VALUE. */
MUST_USE enum err dsig_read(struct span signature, struct arena *a, struct dsig *ret);
/* Is the digest of d that of the element in `xml` (child NULL), or of its root's child of that name? ERR_VERIFY. */
MUST_USE enum err dsig_check_digest(const struct dsig *d, struct span xml, const char *child);
/* Is the value of d that of SignedInfo in `signature`? ERR_VERIFY. */
MUST_USE enum err dsig_check_value(const struct dsig *d, struct span signature, struct evp_pkey_st *key);
/* The same with a key of ours, which verifies faster. */
MUST_USE enum err dsig_check_value_ec(const struct dsig *d, struct span signature, struct ec_key *key);
/* The key of an X.509 certificate; the caller frees it. NULL: it is none. */
struct evp_pkey_st *dsig_key_of(struct span cert_der);

/* Chooses the method for this kind of key, exclusive C14N and SHA-256, and digests what is to be signed. ERR_UNSUPPORTED. */
MUST_USE enum err dsig_prepare(struct dsig *d, struct evp_pkey_st *key, struct span xml, const char *child);
/* SignedInfo and SignatureValue (empty in the first round); uri may be empty. */
void dsig_write(struct writer *w, const struct dsig *d, struct span uri);
/* Signs SignedInfo of `draft`, an element with what dsig_write wrote: into d->value. */
MUST_USE enum err dsig_sign(struct dsig *d, struct span draft, struct evp_pkey_st *key);

/* Base64 with white space; ERR_BAD_VALUE, ERR_TOO_LONG. */
MUST_USE enum err dsig_base64_read(struct span text, uint8_t *out, size_t cap, size_t *ret_len);
void dsig_base64_write(struct writer *w, struct span octets);

#endif
