/* lib/model/eis.h: the eUICC Information Set (SGP.02 §5.1.1.3, annex E; EISType): what is known about one eUICC.
 * Lists and texts live in the arena (or in the message the EIS was read from): borrowed, never freed here.
 * A partial EIS (answers, notifications) leaves out anything but the EID: empty means "not given". */
#ifndef OSPREY_MODEL_EIS_H
#define OSPREY_MODEL_EIS_H

#include "aid.h"
#include "eid.h"
#include "iccid.h"
#include "oid.h"
#include "pol2.h"
#include "profile_state.h"
#include "status.h"
#include "subscription_address.h"

#define EIS_PROFILES_MAX       64u
#define EIS_KEYSETS_MAX        127u
#define EIS_KEYS_MAX           128u /* keys, and certificates, of one key set */
#define EIS_KEY_COMPONENTS_MAX 8u
#define EIS_TARS_MAX           16u
#define EIS_AUDIT_RECORDS_MAX  4096u
#define EIS_PROPERTIES_MAX     256u
#define EIS_TEXT_MAX           100u /* String100: platform type, profile type */
#define EIS_VERSION_MAX        31u

enum sd_role { SD_ROLE_NONE, SD_ROLE_ISDR, SD_ROLE_ECASD, SD_ROLE_COUNT };
enum keyset_usage {
    KEYSET_USAGE_NONE, /* not given */
    KEYSET_SCP03,
    KEYSET_SCP80,
    KEYSET_SCP81,
    KEYSET_TOKEN_GENERATION,
    KEYSET_RECEIPT_VERIFICATION,
    KEYSET_CA,
    KEYSET_USAGE_COUNT
};
extern const char *const sd_role_names[SD_ROLE_COUNT];            /* as in XML */
extern const char *const keyset_usage_names[KEYSET_USAGE_COUNT];  /* as in XML */

struct eis_version {
    char text[EIS_VERSION_MAX + 1]; /* "3.2.0"; empty: none */
};
/* -1, 0, 1 by numbers; an empty one is the lowest. */
int eis_version_compare(const struct eis_version *a, const struct eis_version *b);
MUST_USE enum err eis_version_from_text(struct span text, struct eis_version *ret);

struct eis_key_component {
    uint8_t type;      /* GlobalPlatform key type coding: 88 AES, 85 PSK TLS, B0 ECC public … */
    struct span value; /* as the message has it: at ES1 and ES7 encrypted with a transport key */
};
struct eis_key {
    uint8_t index;
    struct span kcv;
    struct eis_key_component *components;
    size_t component_count;
};
struct eis_certificate {
    uint8_t index;     /* of the private key it belongs to */
    struct oid ca_id;  /* who issued it */
    struct span value; /* the whole GlobalPlatform certificate, tag 7F21 included */
};
struct eis_keyset {
    uint8_t version;         /* 1 … 127 */
    enum keyset_usage usage;
    uint64_t counter;        /* 0 when not given */
    struct eis_key *keys;
    size_t key_count;
    struct eis_certificate *certificates;
    size_t certificate_count;
};
struct eis_tar {
    uint8_t octets[TAR_LEN];
};
struct security_domain {
    struct aid aid;
    struct eis_tar *tars; /* none: octets 13 to 15 of the AID */
    size_t tar_count;
    struct span sin, sdin; /* issuer's and own identification number, at most 16 octets */
    enum sd_role role;
    struct eis_keyset *keysets;
    size_t keyset_count;
};

struct euicc_capabilities {
    bool cat_tp, http;
    struct eis_version cat_tp_version, http_version; /* only with support */
    struct eis_version secure_packet_version, remote_provisioning_version;
};

struct profile_info {
    struct iccid iccid;
    struct aid isdp_aid;
    struct oid mno_id; /* the owner, for life */
    bool fallback;
    struct subscription_address address;
    enum profile_state state;
    struct oid smdp_id;       /* empty for a profile of the factory */
    struct span profile_type; /* at most EIS_TEXT_MAX */
    uint64_t allocated_memory;
    uint64_t free_memory;
    bool has_free_memory;
    struct pol2 pol2;
    bool emergency; /* on the wire only toward v4 partners */
};

/* What an audit record is about: the high octet is the operation, the low one the notification type. */
enum audit_operation {
    AUDIT_FIRST_ATTACH = 0x0001,
    AUDIT_CHANGE_SUCCEEDED = 0x0002,
    AUDIT_CHANGE_FAILED = 0x0003,
    AUDIT_CHANGE_FALLBACK = 0x0005,
    AUDIT_CREATE_ISDP = 0x0100,
    AUDIT_ENABLE_PROFILE = 0x0200,
    AUDIT_DISABLE_PROFILE = 0x0300,
    AUDIT_DELETE_PROFILE = 0x0400,
    AUDIT_CAPABILITY_AUDIT = 0x0500,
    AUDIT_MASTER_DELETE = 0x0600,
    AUDIT_SET_FALLBACK = 0x0700,
    AUDIT_ESTABLISH_ISDR_KEYSET = 0x0800,
    AUDIT_FINALISE_ISDR_HANDOVER = 0x0900,
};
struct audit_record {
    struct eid eid;
    struct oid smsr_id;
    uint64_t date_ms;
    uint16_t operation;      /* enum audit_operation, or a number of a later version */
    struct oid requester_id; /* empty for a notification */
    bool has_status;
    struct status status;
    struct aid isdp_aid;
    struct iccid iccid;
    struct span imei, meid;  /* coded as in TS 102 223 */
};

struct eis_property {
    struct span key, value;
};

struct eis {
    /* What the EUM signed. signed_info is the element EumSignedInfo octet for octet, with its namespace declarations:
     * it is stored and sent on as it is; the typed fields below say the same and are used when it is empty. */
    struct span signed_info;
    struct span signature; /* the element EumSignature, likewise */
    struct eid eid;
    struct oid eum_id;
    uint64_t production_ms;
    struct span platform_type; /* at most EIS_TEXT_MAX */
    struct eis_version platform_version;
    struct aid isdp_loadfile_aid, isdp_module_aid;
    struct security_domain ecasd;
    struct euicc_capabilities capabilities;

    /* What changes in the eUICC's life. */
    uint64_t remaining_memory, available_memory; /* octets free now; octets free without any profile */
    uint64_t last_audit_ms;                      /* 0: never */
    struct oid smsr_id;
    struct profile_info *profiles;
    size_t profile_count;
    struct security_domain isdr;
    bool has_audit_trail;
    struct audit_record *audit;
    size_t audit_count;
    struct eis_property *properties;
    size_t property_count;

    bool partial; /* may leave out everything but the EID */
};

struct profile_info *eis_profile_by_iccid(const struct eis *eis, const struct iccid *iccid); /* NULL: none */
struct profile_info *eis_profile_by_aid(const struct eis *eis, const struct aid *isdp_aid);
struct profile_info *eis_enabled_profile(const struct eis *eis);
struct profile_info *eis_fallback_profile(const struct eis *eis);
/* First key set of that use, or NULL; first certificate of a domain's CA key set, or an empty span. */
struct eis_keyset *sd_keyset(const struct security_domain *sd, enum keyset_usage usage);
struct span sd_certificate(const struct security_domain *sd);

#endif
