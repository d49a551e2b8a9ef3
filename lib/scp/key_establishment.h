/* lib/scp/key_establishment.h: ES8.EstablishISDPKeySet and ES5.EstablishISDRKeySet: GlobalPlatform Amendment E,
 * scenario #3 (ECKA-EG), both ends. SGP.02 §4.1.1.9, §4.1.3.1; the exact octets: fact book oncard §3.
 *
 *   off-card: ka_certificate_dgi_write (3A01) -> RC -> ka_begin (draws nothing: the ephemeral pair is given),
 *             ka_to_be_signed, ka_command_write (3A02 7F49 5F37) -> answer -> ka_finish_host: keys, receipt verified
 *   card:     ka_command_parse, verify the signature over ka_to_be_signed_write, ka_finish_card: keys, answer
 * Pure; keys come in as values. struct ka_host holds everything the off-card side must keep between the steps, in a
 * plain struct: store it wrapped, it contains the ephemeral private key. */
#ifndef OSPREY_SCP_KEY_ESTABLISHMENT_H
#define OSPREY_SCP_KEY_ESTABLISHMENT_H

#include "lib/codec/ber_tlv.h"
#include "lib/crypto/ec.h"

#define KA_DGI_CERTIFICATE 0x3A01u
#define KA_DGI_PARAMETERS  0x3A02u
#define KA_CHALLENGE_MAX   32u /* RC and DR: 16, 32 accepted */
#define KA_ID_MAX          16u /* Host ID, SIN, SDIN */
#define KA_CRT_MAX         96u
#define KA_KEY_LEN         16u
#define KA_KEYS_MAX        3u
#define KA_POINT_LEN       65u /* 04 X Y */
#define KA_SIGNATURE_LEN   64u
#define KA_COMMAND_MAX     320u /* the octets of 3A02 7F49 5F37 */

/* Scenario parameters: second octet of 90. */
enum { KA_DELETE_OLD_KEYS = 0x01, KA_WITH_DR = 0x02, KA_WITH_HOST_ID = 0x04, KA_CERTIFICATE_FIRST = 0x08 };
enum { KA_USAGE_THREE_KEYS = 0x10, KA_USAGE_BASE_KEY = 0x5C };

struct ka_id {
    uint8_t len;
    uint8_t value[KA_ID_MAX];
};

struct ka_parameters {
    uint8_t parameters;     /* KA_… flags */
    uint8_t usage;          /* 95 */
    uint8_t key_type;       /* 80: 88 AES, 85 PSK-TLS */
    uint8_t key_len;        /* 81: 16 */
    uint8_t kid, kvn;       /* 82, 83 */
    uint64_t counter;       /* 91: initial sequence counter; 0 is written as 91 00 */
    struct ka_id host_id;   /* 84: only with KA_WITH_HOST_ID */
    struct ka_id sin, sdin; /* of the security domain: parts of SharedInfo with KA_WITH_HOST_ID. The card fills in
                             * its own after parsing, unless sdin_in_crt */
    bool sdin_in_crt;       /* 45 stands in the CRT */
};

/* Inner part of A6 … the whole TLV with its tag. */
void ka_crt_write(struct writer *w, const struct ka_parameters *p);
/* ERR_BAD_TAG, ERR_BAD_LENGTH, ERR_BAD_VALUE (scenario, usage, type, length), ERR_MISSING. */
MUST_USE enum err ka_crt_parse(struct span a6_tlv, struct ka_parameters *ret);

void ka_certificate_dgi_write(struct writer *w, struct span certificate_7f21);
void ka_public_key_write(struct writer *w, struct span point, uint8_t curve); /* 7F49 46 B0 41 … F0 01 … */

/* 3A02 LL A6.. || 7F49 .. || 0085 LL RC: what 5F37 signs. crt and public_key are whole TLVs as sent. */
void ka_to_be_signed_write(struct writer *w, struct span crt, struct span public_key, struct span rc);

/* DGIs 3A02, 7F49 and 5F37 as they stand in STORE DATA. */
struct ka_command {
    struct span crt;        /* A6 TLV with its tag */
    struct span public_key; /* 7F49 TLV with its tag */
    struct span point;      /* 65 octets 04 X Y */
    int curve;              /* enum ec_curve; -1: a naked point without F0 */
    struct span signature;  /* value of 5F37; may have a wrong length (the card says 6982 then) */
    bool point_length_ok;
};
void ka_command_write(struct writer *w, struct span crt, struct span public_key, struct span signature);
MUST_USE enum err ka_command_parse(struct span dgis, struct ka_command *ret);

struct ka_keys { /* wipe after use */
    uint8_t receipt_key[KA_KEY_LEN];
    uint8_t keys[KA_KEYS_MAX][KA_KEY_LEN]; /* KID, KID+1, KID+2 */
    size_t count;
};
void ka_shared_info_write(struct writer *w, const struct ka_parameters *p, struct span dr);
/* shs: x coordinate of the shared point, 32 octets. dr empty when not KA_WITH_DR. */
MUST_USE enum err ka_derive(struct span shs, const struct ka_parameters *p, struct span dr, struct ka_keys *ret);
MUST_USE enum err ka_receipt(const struct ka_keys *k, struct span crt, struct span dr, uint8_t ret[16]);

/* Answer to 3A01: 85 LL RC. Answer to 3A02: [85 LL DR] 86 10 receipt. */
void ka_challenge_write(struct writer *w, struct span rc);
MUST_USE enum err ka_challenge_parse(struct span data, struct span *ret_rc);
void ka_answer_write(struct writer *w, struct span dr, const uint8_t receipt[16]);
MUST_USE enum err ka_answer_parse(struct span data, struct span *ret_dr, struct span *ret_receipt);

/* ---- off-card, between the steps */
struct ka_host {
    uint8_t curve; /* enum ec_curve */
    uint8_t crt_len;
    uint8_t crt[KA_CRT_MAX]; /* as sent: the receipt is over these octets */
    struct ka_id sin, sdin;
    uint8_t private_key[32]; /* ephemeral */
    uint8_t point[KA_POINT_LEN];
};
#define KA_HOST_STORED_MAX 256u
MUST_USE enum err ka_host_init(const struct ka_parameters *p, uint8_t curve, const uint8_t private_key[32],
                               const uint8_t point[KA_POINT_LEN], struct ka_host *ret);
void ka_host_write(struct writer *w, const struct ka_host *h);
MUST_USE enum err ka_host_read(struct span stored, struct ka_host *ret);
/* Octets to sign with SK.DP or SK.SR, then the DGIs with that signature. */
void ka_host_to_be_signed(struct writer *w, const struct ka_host *h, struct span rc);
void ka_host_command(struct writer *w, const struct ka_host *h, struct span signature);
/* ECDH with PK.ECASD.ECKA, derivation, receipt: ERR_VERIFY when the receipt is wrong (do not use the keys). */
MUST_USE enum err ka_host_finish(const struct ka_host *h, struct span pk_ecasd, struct span answer,
                                 struct ka_keys *ret);

/* ---- card: the signature of `c` has been verified by the caller. dr: 16 fresh octets when the parameters ask for it,
 * else empty. sk_ecasd: 32 octets. Writes the answer data. ERR_BAD_VALUE: point not on the curve. */
MUST_USE enum err ka_card_finish(const struct ka_command *c, const struct ka_parameters *p, uint8_t curve,
                                 struct span sk_ecasd, struct span dr, struct ka_keys *ret, struct writer *answer);

#endif
