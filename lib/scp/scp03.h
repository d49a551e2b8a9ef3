/* lib/scp/scp03.h: SCP03 with i = 70 (GlobalPlatform Amendment D), both ends, APDU form. The session is a plain
 * struct without pointers: it may be stored (wrapped: it holds keys), reloaded and goes on. AES-128; 192 and 256 are
 * there because the algorithm is the same. scp03t.h puts the TLV form on the same session. */
#ifndef OSPREY_SCP_SCP03_H
#define OSPREY_SCP_SCP03_H

#include "lib/gp/apdu.h"

#define SCP03_KEY_MAX                        32u
#define SCP03_CHALLENGE_LEN                  8u
#define SCP03_MAC_LEN                        8u
#define SCP03_I_PARAMETER                    0x70u
#define SCP03_LEVEL_FULL                     0x33u /* C-MAC 01, C-ENC 02, R-MAC 10, R-ENC 20 */
#define SCP03_INITIALIZE_UPDATE_RESPONSE_MAX 32u
#define SCP03_OVERHEAD_MAX                   24u /* padding and MAC that a wrapped command or response gains */
enum { SCP03_C_MAC = 0x01, SCP03_C_ENC = 0x02, SCP03_R_MAC = 0x10, SCP03_R_ENC = 0x20 };

/* Static keys of a security domain. Wipe after use. */
struct scp03_keys {
    uint8_t kvn;
    uint8_t key_len; /* 16, 24, 32 */
    uint8_t enc[SCP03_KEY_MAX], mac[SCP03_KEY_MAX], dek[SCP03_KEY_MAX];
};

enum scp03_state { SCP03_CLOSED, SCP03_INITIALIZED, SCP03_OPEN };

struct scp03_session {
    uint8_t state; /* enum scp03_state */
    uint8_t level, kvn, key_len;
    uint8_t s_enc[SCP03_KEY_MAX], s_mac[SCP03_KEY_MAX], s_rmac[SCP03_KEY_MAX], dek[SCP03_KEY_MAX];
    uint8_t chain[16]; /* MAC chaining value: the last C-MAC in full */
    uint64_t counter;  /* encryption counter of the last command */
    uint8_t host_challenge[SCP03_CHALLENGE_LEN], card_challenge[SCP03_CHALLENGE_LEN];
    uint8_t card_cryptogram[8], host_cryptogram[8];
};

/* Answer to INITIALIZE UPDATE. */
struct scp03_initiation {
    uint8_t diversification[10];
    uint8_t kvn, scp, i;
    uint8_t card_challenge[SCP03_CHALLENGE_LEN], card_cryptogram[8];
    uint32_t sequence_counter; /* 24 bits */
    bool has_sequence_counter;
};

void scp03_session_close(struct scp03_session *s); /* wipes it; state CLOSED */
#define SCP03_SESSION_STORED_MAX 220u
void scp03_session_write(struct writer *w, const struct scp03_session *s);
MUST_USE enum err scp03_session_read(struct span stored, struct scp03_session *ret);

/* The pseudo-random card challenge: known beforehand to who knows the counter. aid: of the SD, 16 octets. */
MUST_USE enum err scp03_card_challenge(const struct scp03_keys *k, uint32_t sequence_counter, struct span aid,
                                       uint8_t ret[SCP03_CHALLENGE_LEN]);
/* Session keys and both cryptograms; state INITIALIZED, counter 0, chain 0. */
MUST_USE enum err scp03_session_derive(const struct scp03_keys *k, const uint8_t host_challenge[8],
                                       const uint8_t card_challenge[8], struct scp03_session *ret);

MUST_USE enum err scp03_initiation_parse(struct span data, struct scp03_initiation *ret);
void scp03_initiation_write(struct writer *w, const struct scp03_initiation *i);

/* ---- off-card */
void scp03_initialize_update_write(struct writer *w, uint8_t kvn, const uint8_t host_challenge[8]);
/* Derives and verifies: ERR_VERIFY when the card cryptogram (or, aid given, the challenge) is wrong; ERR_UNSUPPORTED
 * when it is not SCP03 with i = 70. data: answer to INITIALIZE UPDATE without SW. */
MUST_USE enum err scp03_open_host(const struct scp03_keys *k, const uint8_t host_challenge[8], struct span data,
                                  struct span aid, struct scp03_session *ret);
/* EXTERNAL AUTHENTICATE; the session is OPEN behind it (the answer must be 9000). */
MUST_USE enum err scp03_external_authenticate_write(struct scp03_session *s, uint8_t level, struct writer *w);
MUST_USE enum err scp03_wrap(struct scp03_session *s, const struct capdu *plain, struct writer *w);
/* *ret_rapdu->data points into `plain`, or into rapdu when nothing was ciphered. Error words come without MAC. */
MUST_USE enum err scp03_response_unwrap(struct scp03_session *s, struct span rapdu, struct writer *plain,
                                        struct rapdu *ret);

/* ---- card */
/* Begins a session on INITIALIZE UPDATE (the keys were chosen by P1; the caller has advanced and stored the counter)
 * and writes the answer data (no SW). */
MUST_USE enum err scp03_open_card(const struct scp03_keys *k, uint32_t sequence_counter, struct span aid,
                                  struct span host_challenge, struct scp03_session *ret, struct writer *w);
/* ERR_STATE: no INITIALIZE UPDATE before it; ERR_VERIFY: cryptogram or MAC; the session is closed unless ERR_NONE. */
MUST_USE enum err scp03_external_authenticate_check(struct scp03_session *s, const struct capdu *c);
/* Verifies and deciphers a command of CLA 84; ret has CLA 80, its data point into plain. ERR_STATE: no channel;
 * ERR_VERIFY closes it. */
MUST_USE enum err scp03_unwrap(struct scp03_session *s, const struct capdu *c, struct writer *plain, struct capdu *ret);
MUST_USE enum err scp03_response_wrap(struct scp03_session *s, const struct rapdu *r, struct writer *w);

/* Keys of PUT KEY and STORE DATA: AES-CBC under the DEK with IV 0, no padding (len a multiple of 16).
 * The check value is aes_kcv of lib/crypto/aes.h. */
MUST_USE enum err scp03_dek_encrypt(const struct scp03_session *s, struct span key, uint8_t *out);
MUST_USE enum err scp03_dek_decrypt(const struct scp03_session *s, struct span wrapped, uint8_t *out);
#endif
