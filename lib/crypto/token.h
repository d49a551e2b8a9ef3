/* lib/crypto/token.h: keys in a PKCS#11 token (an HSM, a smart card, softhsm2), named by a URI of RFC 7512:
 *
 *   pkcs11:token=servers;object=sm-dp-tls?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/osprey/pin
 *
 *   token, serial, manufacturer, model    which token; exactly one must be there
 *   object, id                            which key in it; exactly one must be there
 *   module-path                           the token's driver; without it those that p11-kit knows
 *   pin-source                            a file with the PIN, which group and others must not read; without it nobody
 *                                         logs in. pin-value is refused: a PIN has no place in a configuration
 *
 * Private keys are EC keys on a curve of ec.h, with CKA_SIGN, and their public key beside them under the same id. A lost
 * session is opened again at the next signature; a PIN that was refused is not tried again, so no token is locked.
 * Without p11-kit at build time everything here says ERR_UNSUPPORTED. For one thread at a time. */
#ifndef OSPREY_CRYPTO_TOKEN_H
#define OSPREY_CRYPTO_TOKEN_H

#include "ec.h"
#include "gcm.h"

#define TOKEN_URI_MAX    1024u
#define TOKEN_SECRET_MAX 256u
#define TOKEN_DETAIL_MAX 300u

bool token_uri_is(const char *text); /* begins with "pkcs11:" */

/* ret_detail (TOKEN_DETAIL_MAX octets, may be NULL): what was wrong, for people, when it fails; never a PIN.
 * ERR_BAD_VALUE: the URI; ERR_NOT_FOUND: no driver, token or key; ERR_EXISTS: more than one; ERR_DENIED: the PIN or its
 * file; ERR_UNSUPPORTED: another kind of key; ERR_IO: the token. */

/* The private key to sign with (ec_device.h); ec_key_free gives its session back. */
MUST_USE enum err token_private_key(const char *uri, struct ec_key **ret, char *ret_detail);

/* AES-GCM by an AES key that the token keeps (CKM_AES_GCM, with CKA_ENCRYPT and CKA_DECRYPT): out is plain.len +
 * GCM_TAG_LEN octets, its tag at the end. Once, at the start of a program; not for every row. */
MUST_USE enum err token_seal(const char *uri, const uint8_t nonce[GCM_NONCE_LEN], struct span aad, struct span plain,
                             uint8_t *out, char *ret_detail);
MUST_USE enum err token_open(const char *uri, const uint8_t nonce[GCM_NONCE_LEN], struct span aad, struct span sealed,
                             uint8_t *out, char *ret_detail);

#endif
