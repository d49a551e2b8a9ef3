/* lib/es/dsig.h: the little of XML signature that SGP.02 needs, for the EUM's signature (eum_signature.c) and for
 * WS-Security (wsse.c): references to elements as a whole, canonical XML (exclusive also with a
 * PrefixList), SHA-2, ECDSA or RSA. What is not in the tables of the .c is refused. Only lib/es looks in here. */
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
#define DSIG_REFERENCES_MAX  12u

struct dsig_algorithm;

/* A canonical form: with exclusive ones its PrefixList (xml_canonical.h), which may be empty. */
struct dsig_form {
    const struct dsig_algorithm *method;
    struct span prefixes;
};
struct dsig_reference {
    struct span uri; /* empty: it has none */
    struct dsig_form transform;
    const struct dsig_algorithm *digest;
    uint8_t digest_value[64];
    size_t digest_len;
};
struct dsig {
    struct dsig_form canonical; /* of SignedInfo */
    const struct dsig_algorithm *method;
    uint8_t value[DSIG_VALUE_MAX];
    size_t value_len;
    struct dsig_reference references[DSIG_REFERENCES_MAX];
    size_t reference_count; /* 1 at least, when read */
    struct eum_key_info key;
    enum err err;
    const char *wrong; /* with err: what, for people */
};

/* A signature element. Spans of *ret are its own or the arena's. ERR_MISSING, ERR_UNSUPPORTED (an algorithm, transform, too
 * many references, a PrefixList that does not belong there), ERR_BAD_VALUE, ERR_TOO_LONG; ret->wrong says what then. */
MUST_USE enum err dsig_read(struct span signature, struct arena *a, struct dsig *ret);
/* Is the digest that of the element in `xml` (path NULL), or of the one with that path in it (xml_canonical.h)? ERR_VERIFY. */
MUST_USE enum err dsig_check_digest(const struct dsig_reference *r, struct span xml, const char *path);
/* Is the value of d that of SignedInfo in `signature`? ERR_VERIFY. */
MUST_USE enum err dsig_check_value(const struct dsig *d, struct span signature, struct evp_pkey_st *key);
/* The same with a key of ours, which verifies faster. */
MUST_USE enum err dsig_check_value_ec(const struct dsig *d, struct span signature, struct ec_key *key);
/* The key of an X.509 certificate; the caller frees it. NULL: it is none. */
struct evp_pkey_st *dsig_key_of(struct span cert_der);

/* Chooses the method for this kind of key, and exclusive C14N. ERR_UNSUPPORTED. */
MUST_USE enum err dsig_prepare(struct dsig *d, struct evp_pkey_st *key);
/* Adds a reference with the digest (SHA-256) of an element as above; uri may be empty, and must stay. ERR_NO_SPACE. */
MUST_USE enum err dsig_add(struct dsig *d, struct span uri, struct span xml, const char *path);
/* SignedInfo and SignatureValue (empty in the first round). */
void dsig_write(struct writer *w, const struct dsig *d);
/* Signs SignedInfo of `draft`, an element with what dsig_write wrote: into d->value. */
MUST_USE enum err dsig_sign(struct dsig *d, struct span draft, struct evp_pkey_st *key);

/* Base64 with white space; ERR_BAD_VALUE, ERR_TOO_LONG. */
MUST_USE enum err dsig_base64_read(struct span text, uint8_t *out, size_t cap, size_t *ret_len);
void dsig_base64_write(struct writer *w, struct span octets);

#endif
