/* lib/crypto/aes.h: AES-128/192/256 with raw keys. The functions share one prepared context per thread that is re-keyed
 * when the key is none of the last few, so there is nothing to open or close and keys stay plain values in their
 * owner's struct. No padding here: SCP80 pads with zeroes, SCP03 with 80 00…, each in its own layer. */
#ifndef OSPREY_CRYPTO_AES_H
#define OSPREY_CRYPTO_AES_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define AES_BLOCK   16u
#define AES_KEY_MAX 32u

/* key    16, 24 or 32 octets, else ERR_BAD_LENGTH
 * iv     16 octets, or NULL for zeroes; not changed
 * in     a whole number of blocks (ECB, CBC), else ERR_BAD_LENGTH; empty is fine; any length for CTR
 * out    in.len octets; may be in.ptr itself, must not overlap otherwise */
MUST_USE enum err aes_cbc_encrypt(struct span key, const uint8_t *iv, struct span in, uint8_t *out);
MUST_USE enum err aes_cbc_decrypt(struct span key, const uint8_t *iv, struct span in, uint8_t *out);
MUST_USE enum err aes_ecb_encrypt(struct span key, struct span in, uint8_t *out);
MUST_USE enum err aes_ecb_decrypt(struct span key, struct span in, uint8_t *out);
MUST_USE enum err aes_ctr(struct span key, const uint8_t *counter, struct span in, uint8_t *out);

/* Key check value of an AES key: the first 3 octets of AES-ECB(key, 16 x 01) (GlobalPlatform, oncard book 4.5). */
#define KCV_LEN 3u
MUST_USE enum err aes_kcv(struct span key, uint8_t ret_kcv[KCV_LEN]);

/* A context of one's own, for a long run under one key and direction that others would re-key in between. */
struct aes_cbc {
    void *context;
    bool encrypts;
};
MUST_USE enum err aes_cbc_init(struct aes_cbc *c, bool encrypts);
MUST_USE enum err aes_cbc_key(struct aes_cbc *c, struct span key); /* again and again */
MUST_USE enum err aes_cbc_run(struct aes_cbc *c, const uint8_t *iv, struct span in, uint8_t *out);
void aes_cbc_done(struct aes_cbc *c);

/* Wipes what this thread's shared contexts still hold of the last keys. */
void aes_forget(void);

#endif
