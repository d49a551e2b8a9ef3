/* lib/ota/es5.h: what the SM-SR says to the ISD-R (SGP.02 §4.1.1), and what the ISD-R answers: plain C-APDUs and
 * response data, both directions side by side, no transport. Command writers append one C-APDU; parsers take a parsed
 * C-APDU or the data of an answer (without the status word).
 *
 * Card: look at INS. INSTALL -> es5_create_isdp_parse; STORE DATA -> es5_store_data_parse; DELETE -> es5_delete_parse;
 * GET STATUS -> es5_get_status_parse; GET DATA -> es5_get_data_parse. es5_sw says how a parse error is answered. */
#ifndef OSPREY_OTA_ES5_H
#define OSPREY_OTA_ES5_H

#include "lib/codec/ber_tlv.h"
#include "lib/gp/apdu.h"
#include "lib/model/aid.h"
#include "lib/model/eid.h"

/* 9000 … 6A80, 6A88, 6700: the card's word for an error of the parsers below. */
uint16_t es5_sw(enum err err);

/* ---- 4.1.1.1 CreateISDP: INSTALL [for install and make selectable]; answer 00 (one octet) */
struct es5_create_isdp {
    struct aid isdp;
    uint32_t memory; /* cumulative granted non-volatile memory, octets; 0: not asked for */
};
void es5_create_isdp_write(struct writer *w, const struct es5_create_isdp *c);
/* ERR_NOT_FOUND: load file or module unknown; ERR_BAD_VALUE: privileges, AID outside the ISD-P range; ERR_MISSING: C9
 */
MUST_USE enum err es5_create_isdp_parse(const struct capdu *c, struct es5_create_isdp *ret);

/* ---- functions in one STORE DATA with one DGI */
enum es5_dgi {
    ES5_ENABLE_PROFILE = 0x3A03,
    ES5_DISABLE_PROFILE = 0x3A04,
    ES5_SET_FALLBACK_ATTRIBUTE = 0x3A05,
    ES6_UPDATE_POL1 = 0x3A06,
    ES5_UPDATE_ADDRESSING = 0x3A07, /* A3 A4 A5 to ISD-R; A0 A1 A2 (connectivity) to an ISD-P: see es6.h */
    ES5_NOTIFICATION_CONFIRMATION = 0x3A08,
    ES5_SET_EMERGENCY_ATTRIBUTE = 0x3A09, /* v4 [?] */
    /* ESx (v4), from the device; no value [?] */
    ESX_ENABLE_EMERGENCY = 0x3A0A,
    ESX_DISABLE_EMERGENCY = 0x3A0B,
    ESX_ENABLE_TEST = 0x3A0C,
    ESX_DISABLE_TEST = 0x3A0D,
    ESX_SWITCH = 0x3A0E /* ours: by the enabled profile's own rules */
};

/* A TP-address as TS 23.040 has it: number of digits, type, swapped digits. */
#define TP_ADDRESS_MAX 12u
struct tp_address {
    uint8_t octets[TP_ADDRESS_MAX];
    uint8_t len; /* 0: none */
};
/* digits with or without leading + (international, 91; else 81). ERR_TOO_LONG over 20 digits, ERR_BAD_VALUE. */
MUST_USE enum err tp_address_from_text(const char *text, struct tp_address *ret);
/* "+336…" for an international number; out needs 22 octets. */
MUST_USE enum err tp_address_text(const struct tp_address *a, char *out, size_t cap);

struct es5_addressing {    /* 3A07 to ISD-R; absent parts keep what is there */
    struct tp_address sms; /* A3 { 81 } */
    struct span sms_isdp;  /* A3 { 4F }: for this ISD-P only [?]; empty: the default */
    struct span cat_tp;    /* value of A4 */
    struct span https;     /* value of A5 */
};

/* DGIs 3A03 3A04 3A05 3A09: the ISD-P; 3A08: the sequence number; 3A07: addressing; 3A06: see es6.h. */
struct es5_store_data {
    uint16_t dgi; /* enum es5_dgi; others: ERR_UNSUPPORTED */
    struct aid isdp;
    uint16_t sequence;
    struct es5_addressing addressing;
    struct span value; /* of the DGI, as it stands */
};
void es5_profile_command_write(struct writer *w, enum es5_dgi dgi, const struct aid *isdp);
void es5_update_addressing_write(struct writer *w, const struct es5_addressing *a);
void es5_notification_confirmation_write(struct writer *w, uint16_t sequence);
/* data: of one STORE DATA, or of all blocks together. */
MUST_USE enum err es5_store_data_parse(struct span data, struct es5_store_data *ret);

/* Answer to HandleNotificationConfirmation: the profiles that POL1 made the card delete; empty for none [?]. */
#define ES5_DELETED_MAX 8u
struct es5_deleted {
    struct aid isdp[ES5_DELETED_MAX];
    size_t count;
};
void es5_deleted_write(struct writer *w, const struct es5_deleted *d);
MUST_USE enum err es5_deleted_parse(struct span data, struct es5_deleted *ret);

/* ---- DELETE: DeleteProfile, MasterDelete, FinaliseISDRhandover; answer 00 (one octet) */
#define ES5_KEY_RANGES_MAX 8u
struct es5_key_range {
    uint8_t kvn, first_kid, last_kid; /* [?] third octet: last identifier */
};
struct es5_master { /* the delete token's fields, each 1 … 16 octets */
    struct span sin, sdin, provider, token_id;
    struct span token;       /* 16 octets */
    struct span signed_data; /* parse only: 4F and B6 TLVs; the token is the CMAC over es5_token_input_write of it */
};
struct es5_delete {
    enum es5_delete_kind { ES5_DELETE_PROFILE, ES5_DELETE_MASTER, ES5_DELETE_KEYS } kind;
    struct aid isdp;
    struct es5_master master;
    struct es5_key_range ranges[ES5_KEY_RANGES_MAX];
    size_t range_count;
};
void es5_delete_write(struct writer *w, const struct es5_delete *d);
MUST_USE enum err es5_delete_parse(const struct capdu *c, struct es5_delete *ret);
/* 00 40 LL 4F… B6…: what the token covers, for a request without token (off-card) or a parsed one. */
void es5_token_input_write(struct writer *w, const struct es5_delete *d);

/* ---- eUICCCapabilityAudit: GET STATUS and GET DATA */
#define ES5_TAGS_MAX 12u
struct es5_get_status {
    struct span isdp;            /* AID or its beginning; empty: all */
    bool next;                   /* P2 = 03: the next occurrences */
    uint16_t tags[ES5_TAGS_MAX]; /* of 5C: 4F 9F70 53 8F 91 …; none: 4F and 9F70 */
    size_t tag_count;
    bool le; /* without Le a card answers no data */
};
void es5_get_status_write(struct writer *w, const struct es5_get_status *g);
MUST_USE enum err es5_get_status_parse(const struct capdu *c, struct es5_get_status *ret);

enum isdp_state {
    ISDP_INSTALLED = 0x03,
    ISDP_SELECTABLE = 0x07,
    ISDP_PERSONALIZED = 0x0F,
    ISDP_DISABLED = 0x1F,
    ISDP_ENABLED = 0x3F
};
enum { ISDP_ATTRIBUTE_FALLBACK = 0x01, ISDP_ATTRIBUTE_EMERGENCY = 0x02 /* [?] */ };
struct es5_isdp_status { /* one E3 */
    struct aid aid;
    uint8_t state;
    bool has_attributes, has_memory, has_memory_left;
    uint8_t attributes;           /* 53 */
    uint32_t memory, memory_left; /* 8F granted, 91 remaining non-volatile memory, octets */
};
/* Only the objects that `tags` asks for. */
void es5_isdp_status_write(struct writer *w, const struct es5_isdp_status *s, const struct es5_get_status *asked);
/* A loop over the data of an answer; r->err tells at the end. */
bool es5_isdp_status_next(struct reader *r, struct es5_isdp_status *ret);

struct es5_get_data {
    uint16_t object;             /* FF21, BF30, 5A, 66 … (P1 P2) */
    uint32_t tags[ES5_TAGS_MAX]; /* of 5C: 7F21, 66, 5A, E0 */
    size_t tag_count;
};
void es5_get_data_write(struct writer *w, const struct es5_get_data *g);
MUST_USE enum err es5_get_data_parse(const struct capdu *c, struct es5_get_data *ret);

struct es5_memory {
    uint32_t applications, free_non_volatile, free_volatile;
};
void es5_memory_write(struct writer *w, const struct es5_memory *m);
MUST_USE enum err es5_memory_parse(struct span data, struct es5_memory *ret);

/* BF30 { … } of the ECASD: spans into data, empty when absent. */
struct es5_ecasd {
    struct span certificate /* value of 7F21 with its tag */, recognition, eid, key_information;
};
void es5_ecasd_write(struct writer *w, const struct es5_ecasd *e);
MUST_USE enum err es5_ecasd_parse(struct span data, struct es5_ecasd *ret);

/* ---- 4.1.1.11 default notification: E1 */
enum es5_notification_type {
    ES5_FIRST_ATTACH = 1,
    ES5_CHANGE_SUCCEEDED = 2,
    ES5_CHANGE_ROLLED_BACK = 3,
    ES5_FALLBACK = 5,
    ES5_LOCAL_ENABLE = 6,
    ES5_LOCAL_DISABLE = 7
};
#define ES5_NOTIFICATION_MAX 80u
struct es5_notification {
    struct eid eid;
    uint8_t type;
    uint16_t sequence;
    struct aid isdp; /* of the profile that is enabled now */
    bool has_imei, has_meid;
    uint8_t imei[8]; /* swapped BCD */
    uint8_t meid[7];
};
void es5_notification_write(struct writer *w, const struct es5_notification *n);
/* AID in 2F, AF or 4F; IMEI in 14 or 94; MEID in 6D, ED or 1B. The sequence number may repeat (old cards). */
MUST_USE enum err es5_notification_parse(struct span bytes, struct es5_notification *ret);
const char *es5_notification_text(uint8_t type);

#endif
