/* lib/scp/scp03_internal.h: what SCP03 and SCP03t share: keys, ICV, padding, MAC chain. GP Amendment D §6.2. */
#ifndef OSPREY_SCP_SCP03_INTERNAL_H
#define OSPREY_SCP_SCP03_INTERNAL_H

#include "scp03.h"

enum { SCP03_COMMAND = 0x00, SCP03_RESPONSE = 0x80 }; /* first octet of the counter block */

static inline struct span scp03_s_enc(const struct scp03_session *s) { return (struct span){ s->s_enc, s->key_len }; }
static inline struct span scp03_s_mac(const struct scp03_session *s) { return (struct span){ s->s_mac, s->key_len }; }
static inline struct span scp03_s_rmac(const struct scp03_session *s) { return (struct span){ s->s_rmac, s->key_len }; }

static inline size_t scp03_padded_len(size_t len) { return (len / 16 + 1) * 16; }

/* Appends data || 80 00… in CBC under the ICV of `counter`. */
enum err scp03_encrypt(const struct scp03_session *s, uint8_t direction, uint64_t counter, struct span data,
                       struct writer *w);
/* Deciphers into plain and cuts the padding. ERR_BAD_LENGTH: no whole blocks; ERR_VERIFY: no padding. */
enum err scp03_decrypt(const struct scp03_session *s, uint8_t direction, uint64_t counter, struct span enc,
                       struct writer *plain, struct span *ret);
/* CMAC(key, chain || head || body). */
enum err scp03_mac(const struct scp03_session *s, struct span key, struct span head, struct span body, uint8_t ret[16]);

#endif
