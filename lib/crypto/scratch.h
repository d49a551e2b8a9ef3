/* lib/crypto/scratch.h: inside lib/crypto only. The algorithms, fetched once per process and never changed, and the
 * contexts each thread keeps and re-keys. They carry nothing from call to call but schedules of the last keys. */
#ifndef OSPREY_CRYPTO_SCRATCH_H
#define OSPREY_CRYPTO_SCRATCH_H

#include "lib/base/err.h"
#include "lib/base/span.h"
#include "openssl.h"

enum cipher_mode { MODE_ECB, MODE_CBC, MODE_CTR, MODE_GCM, MODE_COUNT };
enum digest_kind { DIGEST_SHA1, DIGEST_SHA256, DIGEST_COUNT };

/* The AES cipher of that mode and key length; NULL when there is none. */
const EVP_CIPHER *algorithm_aes(enum cipher_mode mode, size_t key_len);
const EVP_CIPHER *algorithm_des3(size_t key_len);
const EVP_MD *algorithm_digest(enum digest_kind kind);

/* One keyed AES context of this thread. The last few keys of each mode and direction stay scheduled, so that a sender
 * that takes turns with an encryption and a MAC key sets up neither anew. */
struct aes_slot {
    EVP_CIPHER_CTX *context;
    uint8_t key[32];
    uint32_t used; /* when: the least lately used slot is re-keyed */
    bool keyed;
    bool chained; /* CBC encryption: the context would go on from `chain` */
    uint8_t chain[16];
    bool has_subkeys; /* of CMAC, made by cmac.c */
    uint8_t k1[16], k2[16];
};

/* The slot, ready with key and iv (NULL: for ECB, or to be set by the caller); NULL when the library fails or the key
 * has no AES length. Valid until the next call of this function. */
struct aes_slot *scratch_aes(enum cipher_mode mode, bool encrypts, struct span key, const uint8_t *iv);
EVP_MD_CTX *scratch_digest(enum digest_kind kind); /* begun */
void scratch_forget(void);

/* CBC-MAC step for cmac.c: chain = last block of CBC(key, iv = chain, in); in a whole number of blocks, not empty. */
enum err aes_cbc_mac(struct span key, uint8_t chain[16], struct span in);

#endif
