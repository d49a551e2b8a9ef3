/* lib/pki/gp_certificate.h: GlobalPlatform's certificate TLV 7F21 as SGP.02 uses it on the card: CERT.DP.ECDSA,
 * CERT.SR.ECDSA (oncard book 2.2) and CERT.ECASD.ECKA (2.3). */
#ifndef OSPREY_PKI_GP_CERTIFICATE_H
#define OSPREY_PKI_GP_CERTIFICATE_H

#include "lib/codec/writer.h"
#include "lib/crypto/ec.h"

#define GP_CERTIFICATE_MAX    1024u
#define GP_CERTIFICATE_ID_MAX 16u
#define GP_SKI_LEN            20u

/* Discretionary data C8. */
enum gp_role { GP_ROLE_NONE = 0, GP_ROLE_SM_DP = 1, GP_ROLE_SM_SR = 2 };

/* Key usage qualifier 95. */
enum { GP_USAGE_VERIFY = 0x82, GP_USAGE_VERIFY_OLD = 0x88, GP_USAGE_AGREEMENT = 0x0080 };

struct gp_certificate {           /* spans point into the decoded bytes, or to what the issuer fills in */
    struct span serial;           /* 93, 1 … 16 octets */
    struct span ca_id;            /* 42, 1 … 16: value octets of the issuer's OID, opaque */
    struct span subject_id;       /* 5F20, 1 … 16: OID octets, or the EID */
    uint16_t key_usage;           /* 95 */
    uint8_t key_usage_len;        /* 1 (off-card) or 2 (ECASD) */
    bool has_effective;           /* 5F25 */
    uint8_t effective[4];         /* YYYYMMDD, BCD */
    uint8_t expiration[4];        /* 5F24; the certificate is good up to the end of that day, UTC */
    struct span image_number;     /* 45, CIN; empty when absent */
    struct span discretionary;    /* 73, decoded: the raw value. Issuing: further TLVs after C8 and C9 */
    enum gp_role role;            /* C8 in 73 */
    struct span authority_key_id; /* C9 in 73; empty when absent */
    enum ec_curve curve;          /* 7F49: F0 */
    struct span point;            /* 7F49: B0 */
    struct span signature;        /* 5F37, exactly as it stands (64 octets when right) */
    struct span signed_part;      /* 93 … 7F49 */
    struct span raw;              /* the whole 7F21 */
};

/* `in` is one 7F21 and nothing behind. Unknown TLVs of the discretionary data are passed over. The signature's length
 * is not judged here (a card answers 6982, not 6A80, to a wrong one): verify does. ERR_MISSING, ERR_BAD_TAG,
 * ERR_BAD_LENGTH, ERR_BAD_VALUE, ERR_TRUNCATED, ERR_TOO_LONG, ERR_UNSUPPORTED (curve). */
MUST_USE enum err gp_certificate_decode(struct span in, struct gp_certificate *ret);

/* Signature by the issuer's public key. ERR_VERIFY. */
MUST_USE enum err gp_certificate_verify(const struct gp_certificate *c, struct ec_key *issuer);
/* Validity at a time. ERR_EXPIRED: over, or not begun. A card has no clock and does not ask. */
MUST_USE enum err gp_certificate_valid_at(const struct gp_certificate *c, uint64_t now_ms);
/* The certificate is for signing and of that role; ERR_BAD_VALUE if not. */
MUST_USE enum err gp_certificate_is_for(const struct gp_certificate *c, enum gp_role role);
/* Its public key, on its curve. ERR_BAD_LENGTH, ERR_BAD_VALUE. */
MUST_USE enum err gp_certificate_key(const struct gp_certificate *c, struct ec_key **ret);

/* Writes and signs the fields of c (signature, signed_part, raw are ignored). ERR_BAD_LENGTH, ERR_BAD_VALUE for fields
 * out of their bounds. */
MUST_USE enum err gp_certificate_issue(const struct gp_certificate *c, struct ec_key *issuer, struct writer *out);
/* The same in two steps, for keys behind a handle: what is to be signed, then the certificate with its signature. */
MUST_USE enum err gp_certificate_to_sign(const struct gp_certificate *c, struct writer *out);
void gp_certificate_close(struct span to_sign, struct span signature, struct writer *out);

/* Dates: milliseconds since 1970 to BCD YYYYMMDD (UTC). */
void gp_date(uint64_t at_ms, uint8_t ret_bcd[4]);

/* Subject key identifier of a public key: SHA-1 of the point 04 || X || Y (RFC 5280 4.2.1.2 method 1), the C9 of what
 * it signs. */
MUST_USE enum err gp_ski(const struct ec_key *key, uint8_t ret_ski[GP_SKI_LEN]);

#endif
