/* lib/crypto/ec.h: elliptic-curve keys as SGP.02 has them: P-256 and brainpoolP256r1, raw points and scalars, plain
 * signatures r || s (BSI TR-03111). A key is parsed and checked once, when it is made; its contexts are kept. A key is
 * for one thread at a time. */
#ifndef OSPREY_CRYPTO_EC_H
#define OSPREY_CRYPTO_EC_H

#include "lib/base/env.h"

#define EC_FIELD_LEN     32u
#define EC_POINT_LEN     65u /* 04 || X || Y, left-padded */
#define EC_SIGNATURE_LEN 64u /* r || s, left-padded */
#define EC_DIGEST_LEN    32u

/* The values are GlobalPlatform's key parameter reference (tag F0). */
enum ec_curve { EC_P256 = 0x00, EC_BRAINPOOL_P256R1 = 0x03 };

bool ec_curve_known(uint8_t reference);
const char *ec_curve_name(enum ec_curve curve);                        /* "P-256", "brainpoolP256r1" */
MUST_USE enum err ec_curve_read(const char *name, enum ec_curve *ret); /* also prime256v1, secp256r1; ERR_UNSUPPORTED */

struct ec_key;
struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* point: 04 || X || Y. ERR_BAD_LENGTH, ERR_BAD_VALUE (not uncompressed, not on the curve). */
MUST_USE enum err ec_public_new(enum ec_curve curve, struct span point, struct ec_key **ret);
/* scalar: up to 32 octets, 1 … n-1; the point is computed. ERR_BAD_LENGTH, ERR_BAD_VALUE. */
MUST_USE enum err ec_private_new(enum ec_curve curve, struct span scalar, struct ec_key **ret);
/* A fresh pair. rng NULL: OpenSSL's own generator. */
MUST_USE enum err ec_generate(enum ec_curve curve, struct rng *rng, struct ec_key **ret);
void ec_key_free(struct ec_key *key); /* wipes; NULL is fine */

enum ec_curve ec_key_curve(const struct ec_key *key);
bool ec_key_is_private(const struct ec_key *key);
void ec_key_point(const struct ec_key *key, uint8_t ret_point[EC_POINT_LEN]);
/* The caller wipes it. ERR_MISSING for a public key. */
MUST_USE enum err ec_key_scalar(const struct ec_key *key, uint8_t ret_scalar[EC_FIELD_LEN]);

/* ECDSA with SHA-256 over the message, or over a digest made before. ERR_MISSING: not a private key. */
MUST_USE enum err ec_sign(struct ec_key *key, struct span message, uint8_t ret_signature[EC_SIGNATURE_LEN]);
MUST_USE enum err ec_sign_digest(struct ec_key *key, const uint8_t digest[EC_DIGEST_LEN],
                                 uint8_t ret_signature[EC_SIGNATURE_LEN]);
/* ERR_VERIFY also when the signature is not exactly 64 octets. */
MUST_USE enum err ec_verify(struct ec_key *key, struct span message, struct span signature);
MUST_USE enum err ec_verify_digest(struct ec_key *key, const uint8_t digest[EC_DIGEST_LEN], struct span signature);

/* ECKA: the x-coordinate of the product, not hashed; the caller wipes it. ERR_BAD_VALUE: different curves. */
MUST_USE enum err ec_shared_x(struct ec_key *own, struct ec_key *peer, uint8_t ret_x[EC_FIELD_LEN]);

/* The same with a number and an uncompressed point: nothing is made of either but the product. ERR_BAD_LENGTH;
 * ERR_BAD_VALUE: out of range, or not on the curve. */
MUST_USE enum err ec_scalar_shared_x(enum ec_curve curve, struct span scalar, struct span peer,
                                     uint8_t ret_x[EC_FIELD_LEN]);

/* PEM text (PKCS#8 or SEC1, not encrypted) into a private key, and out again as PKCS#8: *ret_pem is NUL-terminated, to
 * be released with ec_pem_free, which wipes. ERR_BAD_VALUE, ERR_UNSUPPORTED (another curve or algorithm). */
MUST_USE enum err ec_private_read_pem(struct span pem, struct ec_key **ret);
MUST_USE enum err ec_private_pem(const struct ec_key *key, char **ret_pem);
void ec_pem_free(char *pem);

/* For the X.509 and TLS parts of this project only: the OpenSSL key behind it, borrowed; and the other way round,
 * taking a reference of its own. */
struct evp_pkey_st *ec_key_openssl(const struct ec_key *key);
MUST_USE enum err ec_key_from_openssl(struct evp_pkey_st *pkey, struct ec_key **ret);

#endif
