/* lib/es/field.h: messages as tables: one row for each child element, walked by decode and by encode, so that the two
 * cannot drift apart. Only lib/es and its tests look in here. */
#ifndef OSPREY_ES_FIELD_H
#define OSPREY_ES_FIELD_H

#include <stddef.h>

#include "lib/codec/xml.h"
#include "message.h"

enum field_type {
    /* simple: the element's text                    C type */
    XML_TEXT,    /* xs:string                       struct span */
    XML_HEX,     /* xs:hexBinary                    struct span, octets */
    XML_EID,     /*                                 struct eid */
    XML_ICCID,   /*                                 struct iccid */
    XML_OID,     /*                                 struct oid */
    XML_AID,     /*                                 struct aid */
    XML_TAR,     /*                                 struct eis_tar */
    XML_BOOL,    /*                                 bool */
    XML_U8,      /* decimal; min and max apply      uint8_t */
    XML_U32,     /*                                 uint32_t */
    XML_U64,     /*                                 uint64_t */
    XML_HEX8,    /* two hexadecimal digits          uint8_t */
    XML_HEX16,   /* four hexadecimal digits         uint16_t */
    XML_TIME,    /* xs:dateTime                     uint64_t, ms */
    XML_VERSION, /* ThreeDigitVersion               struct eis_version */
    XML_STATE,   /*                                 enum profile_state */
    XML_IMSI,    /*                                 struct subscription_address */
    XML_MSISDN,  /*                                 struct subscription_address */
    XML_ENUM,    /* one of names[0 … max-1]         int-sized enum */
    /* with children */
    XML_POL2,   /* POL2Type                        struct pol2 */
    XML_STATUS, /* ExecutionStatusType             struct status */
    XML_STRUCT, /* of table                        the table's struct */
    XML_GROUP,  /* of table, but the fields are in the same struct (offset 0) */
    XML_SIGNED, /* EumSignedInfo: octets and typed struct eis (offset 0) */
    XML_RAW,    /* the element octet for octet     struct span */
};

enum field_flag {
    OPTIONAL = 0,
    REQUIRED = 1, /* always */
    FULL = 2,     /* unless the message is partial */
    REPEATED = 4, /* the member is a pointer to items, `aux` the offset of their size_t count; max is their ceiling */
    POINTER = 8,  /* the member is a pointer to the struct */
    ATTRIBUTE = 16,
    HAS = 32,          /* aux: offset of a bool that says whether it is there */
    COUNTED = 64,      /* group: there if the size_t at aux is not 0 */
    ONLY_V4 = 128,     /* taken always, sent only to v4 partners */
    ZERO_FILLED = 256, /* an AID the schema wants even when there is none: sent as 16 zeroes, taken as none */
};

struct xml_table;
struct xml_field {
    const char *name;
    const struct xml_table *table;
    const char *const *names;
    uint16_t offset, aux, flags;
    uint8_t type;
    uint32_t min, max; /* octets or characters of a span, value of a number; max 0: the type's own */
};
struct xml_table {
    const char *name; /* of the array of fields: types of the schema are called after it */
    const struct xml_field *fields;
    uint8_t count; /* at most 64 */
    bool lax;      /* unknown elements are skipped */
    uint16_t size; /* of the struct */
};

#define XML_FIELD(owner, member, element, kind, presence)                                                              \
    {                                                                                                                  \
        .name = (element), .offset = offsetof(owner, member), .type = (kind), .flags = (presence)                      \
    }
/* … , XML_FIELD_X(…, .max = 100) */
#define XML_FIELD_X(owner, member, element, kind, presence, ...)                                                       \
    {                                                                                                                  \
        .name = (element), .offset = offsetof(owner, member), .type = (kind), .flags = (presence), __VA_ARGS__         \
    }
#define XML_MANY(owner, member, counter, element, kind, presence, ceiling, ...)                                        \
    {                                                                                                                  \
        .name = (element), .offset = offsetof(owner, member), .type = (kind), .flags = (presence) | REPEATED,          \
        .aux = offsetof(owner, counter), .max = (ceiling), __VA_ARGS__                                                 \
    }
#define XML_TABLE(of_fields, of_struct)                                                                                \
    {                                                                                                                  \
        .name = #of_fields, .fields = (of_fields), .count = ARRAY_LEN(of_fields), .size = sizeof(of_struct)                                \
    }
#define XML_LAX_TABLE(of_fields, of_struct)                                                                            \
    {                                                                                                                  \
        .name = #of_fields, .fields = (of_fields), .count = ARRAY_LEN(of_fields), .size = sizeof(of_struct), .lax = true                   \
    }

#define ES_REQUEST_FIELDS                                                                                              \
    XML_FIELD_X(struct es_request, call_id, "FunctionCallIdentifier", XML_TEXT, REQUIRED, .min = 1,                    \
                .max = ES_CALL_ID_MAX),                                                                                \
        XML_FIELD_X(struct es_request, validity_s, "ValidityPeriod", XML_U32, OPTIONAL, .min = 1,                      \
                    .max = ES_VALIDITY_MAX)
#define ES_RESPONSE_FIELDS                                                                                             \
    XML_FIELD(struct es_response, start_ms, "ProcessingStart", XML_TIME, OPTIONAL),                                    \
        XML_FIELD(struct es_response, end_ms, "ProcessingEnd", XML_TIME, OPTIONAL),                                    \
        XML_FIELD_X(struct es_response, acceptable_validity_s, "AcceptableValidityPeriod", XML_U32, OPTIONAL,          \
                    .min = 1, .max = ES_VALIDITY_MAX),                                                                 \
        XML_FIELD(struct es_response, status, "FunctionExecutionStatus", XML_STATUS, REQUIRED)

/* POL2Type and ExecutionStatusType as they are on the wire. */
struct wire_rule {
    struct span subject, action, qualification;
};
struct wire_pol2 {
    struct wire_rule *rules;
    size_t count;
};
struct wire_code {
    struct span subject, reason, subject_id, message;
};
struct wire_status {
    struct span status;
    bool has_code;
    struct wire_code code;
};
extern const struct xml_table es_table_wire_pol2, es_table_wire_status;

/* The element that is current in r, by its table, into *out (zeroed). false: *fault says why. */
struct field_reader {
    struct xml_reader *r;
    struct arena *a;
    struct es_fault *fault;
    bool partial;  /* what is FULL may be absent */
    bool left_out; /* … and was */
    struct span ns; /* the namespace seen last; start with none */
};
bool fields_decode(struct field_reader *d, const struct xml_table *table, void *out);

/* The children of an element. Errors stick in w->err: ERR_MISSING, ERR_BAD_VALUE, ERR_NO_SPACE. */
struct field_writer {
    struct writer *w;
    struct es_dialect dialect;
    bool partial;        /* what is FULL and empty is left out */
    const char *missing; /* the mandatory element that was empty, or NULL */
};
void fields_encode(struct field_writer *e, const struct xml_table *table, const void *in);

/* Octets of one value of that type; 0 for XML_STRUCT (see its table). */
size_t field_size(const struct xml_field *field);

/* Writes "<rps:name" … */
#define ES_PREFIX "rps"
extern const char *const es_namespaces[ES_NAMESPACE_COUNT];
/* One of es_namespaces? ret may be NULL. */
bool es_namespace_find(struct span uri, enum es_namespace *ret);

void es_fault_set(struct es_fault *fault, enum es_fault_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void es_fault_body(struct es_fault *fault, enum reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* From what the XML reader found. */
void es_fault_xml(struct es_fault *fault, const struct xml_reader *r);

extern const struct xml_table es_table_eis, es_table_signed_info, es_table_properties, es_table_address, es_table_none,
    es_table_plma_entry, es_table_onc_entry;
/* Named in functions.def. */
extern const struct xml_table es_table_es1_register, es_table_es1_properties, es_table_eid, es_table_eid_es2,
    es_table_audit, es_table_audit_es2, es_table_eis_response, es_table_card, es_table_es2_card, es_table_profile,
    es_table_profile_es2, es_table_es2_enable, es_table_es2_delete, es_table_es2_download,
    es_table_es2_download_response, es_table_es2_pol2, es_table_es3_pol2, es_table_es4_pol2, es_table_address_request,
    es_table_address_request_es2, es_table_es3_create_isdp, es_table_es3_create_isdp_response, es_table_es3_send_data,
    es_table_es3_download_completed, es_table_es3_connectivity, es_table_es4_prepare_smsr_change,
    es_table_es4_smsr_change, es_table_profile_changed, es_table_profile_changed_es3, es_table_es2_profile_enabled,
    es_table_profile_downloaded, es_table_profile_downloaded_es3, es_table_profile_pol2_updated,
    es_table_profile_pol2_updated_es3, es_table_es2_smsr_changed, es_table_es3_smsr_changed, es_table_es4_smsr_changed,
    es_table_es7_create_keyset, es_table_es7_create_keyset_response, es_table_es7_handover,
    es_table_es7_authenticate_smsr, es_table_es7_authenticate_smsr_response, es_table_set_plma, es_table_set_plma_es2,
    es_table_get_plma, es_table_get_plma_es2, es_table_plma, es_table_set_onc, es_table_set_onc_es2, es_table_get_onc,
    es_table_get_onc_es2, es_table_onc, es_table_plma_set, es_table_plma_set_es3;
/* The table of a function's request (or notification) or response; NULL: it has none. */
const struct xml_table *es_table(enum es_function function, enum es_kind kind);

#endif
