/* lib/crypto/gcm.h: AES-256-GCM for wrapping keys at rest. */
#ifndef OSPREY_CRYPTO_GCM_H
#define OSPREY_CRYPTO_GCM_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define GCM_KEY_LEN   32u
#define GCM_NONCE_LEN 12u
#define GCM_TAG_LEN   16u

/* out: plain.len octets, may be plain.ptr. A nonce is for one message only. */
MUST_USE enum err gcm_seal(const uint8_t key[GCM_KEY_LEN], const uint8_t nonce[GCM_NONCE_LEN], struct span aad,
                           struct span plain, uint8_t *out, uint8_t ret_tag[GCM_TAG_LEN]);
/* ERR_VERIFY: wrong key, aad, nonce or bytes; out is then zeroed. */
MUST_USE enum err gcm_open(const uint8_t key[GCM_KEY_LEN], const uint8_t nonce[GCM_NONCE_LEN], struct span aad,
                           struct span cipher, const uint8_t tag[GCM_TAG_LEN], uint8_t *out);

#endif
