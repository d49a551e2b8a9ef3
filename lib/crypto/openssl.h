/* lib/crypto/openssl.h: OpenSSL's headers beside ours: its types.h has a type named ERR_STATE, which is one of our
 * errors. Include this one instead of <openssl/…>, and before any foreign header that includes OpenSSL itself. */
#ifndef OSPREY_CRYPTO_OPENSSL_H
#define OSPREY_CRYPTO_OPENSSL_H

#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#endif
