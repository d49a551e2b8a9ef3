/* lib/scp/scp03t.h: SCP03t, the secure channel that carries a profile to its ISD-P: SGP.02 §4.1.3.3, on the session
 * of scp03.h. Commands 84 INITIALIZE UPDATE, 85 EXTERNAL AUTHENTICATE, 86 profile data, 87 replace session keys; errors
 * 9F44 … 9F47. Pure: no I/O, clock or allocation. Whole TLVs go in and come out. */
#ifndef OSPREY_SCP_SCP03T_H
#define OSPREY_SCP_SCP03T_H

#include "scp03.h"

enum scp03t_tag {
    SCP03T_INITIALIZE_UPDATE = 0x84,
    SCP03T_EXTERNAL_AUTHENTICATE = 0x85,
    SCP03T_DATA = 0x86,
    SCP03T_REPLACE_KEYS = 0x87
};
enum scp03t_error { SCP03T_ERROR_LENGTH = 1, SCP03T_ERROR_SECURITY = 2, SCP03T_ERROR_NOT_FOUND = 3 };

#define SCP03T_PLAIN_MAX          1007u /* what a server sends: the 86 TLV has 1020 octets then */
#define SCP03T_PLAIN_ACCEPTED_MAX 1039u /* what a card takes: 86 82 0418 */
#define SCP03T_TLV_MAX            1056u
#define SCP03T_OVERHEAD_MAX       28u
#define SCP03T_RESPONSE_PLAIN_MAX 1007u

/* ---- off-card */
void scp03t_initialize_update_write(struct writer *w, uint8_t kvn, const uint8_t host_challenge[8]);
/* 84 answer: as scp03_open_host. value: of the 84 TLV. */
MUST_USE enum err scp03t_open_host(const struct scp03_keys *k, const uint8_t host_challenge[8], struct span value,
                                   struct span aid, struct scp03_session *ret);
MUST_USE enum err scp03t_external_authenticate_write(struct scp03_session *s, struct writer *w);
/* Wraps 1 … SCP03T_PLAIN_ACCEPTED_MAX octets (a server stays below SCP03T_PLAIN_MAX) into the next 86. Counter and
 * chain advance only on success. ERR_TOO_LONG, ERR_NO_SPACE, ERR_CLOSED. */
MUST_USE enum err scp03t_wrap(struct scp03_session *s, struct span plain, struct writer *w);
/* Answer to the last 86: value of its TLV; empty gives empty. Deciphered into plain. ERR_VERIFY. */
MUST_USE enum err scp03t_response_unwrap(struct scp03_session *s, struct span value, struct writer *plain,
                                         struct span *ret);

/* New session keys, made beforehand (the profile was encrypted before the card was known). has_chain false: the
 * chaining value stays. */
struct scp03t_replacement {
    bool has_chain;
    uint8_t chain[16], enc[16], mac[16], rmac[16];
};
MUST_USE enum err scp03t_replace_keys_write(struct scp03_session *s, const struct scp03t_replacement *r,
                                            struct writer *w);

/* ---- card */
/* 84: value of the TLV. ERR_BAD_LENGTH -> 9F44 01; the caller chose keys by scp03t_initialize_update_parse. */
struct scp03t_initialize_update {
    uint8_t kvn, kid;
    uint8_t host_challenge[8];
};
MUST_USE enum err scp03t_initialize_update_parse(struct span value, struct scp03t_initialize_update *ret);
MUST_USE enum err scp03t_open_card(const struct scp03_keys *k, uint32_t sequence_counter, struct span aid,
                                   const uint8_t host_challenge[8], struct scp03_session *ret, struct writer *w);
/* 85, whole TLV. ERR_BAD_LENGTH, ERR_VERIFY (wrong level too), ERR_STATE. Closed unless ERR_NONE. */
MUST_USE enum err scp03t_external_authenticate_check(struct scp03_session *s, struct span tlv);
/* 86 or 87, whole TLV; *ret points into plain. ERR_CLOSED: no channel; ERR_BAD_LENGTH; ERR_VERIFY; every fault closes.
 */
MUST_USE enum err scp03t_unwrap(struct scp03_session *s, struct span tlv, struct writer *plain, struct span *ret);
/* The plain text of an 87: puts the new keys in force. ERR_BAD_LENGTH. */
MUST_USE enum err scp03t_replace_keys(struct scp03_session *s, struct span plain);
/* Whole TLV `86 LL renc rmac`, or `86 00` for no data. */
MUST_USE enum err scp03t_response_wrap(struct scp03_session *s, struct span plain, struct writer *w);
/* 9F44 01 xx for 84 … : err of one of the functions above as the card says it. */
void scp03t_error_write(struct writer *w, uint8_t tag, enum err err);

#endif
