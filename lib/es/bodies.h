/* lib/es/bodies.h: the bodies of messages that several interfaces share. Which function has which: functions.def; which
 * elements on which interface, and in what order: es1.c … es7.c. A field that an interface does not have stays zero.
 * Empty means absent: span of length 0, iccid without digits, aid of length 0, oid without text, number 0. */
#ifndef OSPREY_ES_BODIES_H
#define OSPREY_ES_BODIES_H

#include "lib/model/eis.h"

#define ES_CALL_ID_MAX    256u
#define ES_ICCIDS_MAX     EIS_PROFILES_MAX
#define ES_VALIDITY_MAX   0x7FFFFFFFu
#define ES_OPERATIONS_MAX 32u
#define ES_ENTRIES_MAX    256u /* PLMA or ONC entries of one answer */

/* Every request starts with this (§5.1.3). */
struct es_request {
    struct span call_id; /* FunctionCallIdentifier, 1 … ES_CALL_ID_MAX octets */
    uint32_t validity_s; /* ValidityPeriod; 0: not given */
};
/* Every response starts with this (§5.1.4). */
struct es_response {
    uint64_t start_ms, end_ms;      /* ProcessingStart, ProcessingEnd; 0: not given */
    uint32_t acceptable_validity_s; /* AcceptableValidityPeriod; 0: not given */
    struct status status;           /* FunctionExecutionStatus */
};

/* GetEIS; ES4.PrepareSMSRChange (smsr_id: the current one); ES4.SMSRChange (smsr_id: the target) */
struct es_eid_request {
    struct es_request base;
    struct eid eid;
    struct oid smsr_id; /* ES2 and the two above */
};
/* AuditEIS */
struct es_audit_request {
    struct es_request base;
    struct eid eid;
    struct oid smsr_id; /* ES2 */
    struct iccid *iccids;
    size_t iccid_count; /* 0: all the caller may see */
};
/* Answer of GetEIS and AuditEIS */
struct es_eis_response {
    struct es_response base;
    struct eis *eis; /* NULL: none */
};
/* EnableProfile, DisableProfile, DeleteProfile, ES3.DeleteISDP, SetFallBackAttribute, SetEmergencyProfileAttribute */
struct es_profile_request {
    struct es_request base;
    struct eid eid;
    struct oid smsr_id; /* ES2 */
    struct iccid iccid;
};
/* Their answers, and those of ES3.SendData and ES3.UpdateConnectivityParameters, ES2.DownloadProfile (iccid) and
 * ES3.CreateISDP (isdp_aid) */
struct es_card_response {
    struct es_response base;
    struct iccid iccid;
    struct aid isdp_aid;
    struct span euicc_response; /* EuiccResponseData: what the card said; over ES2 only toward v4 partners */
};
/* UpdatePolicyRules */
struct es_pol2_request {
    struct es_request base;
    struct eid eid;
    struct iccid iccid;
    struct oid smsr_id; /* ES2 */
    bool has_pol2;      /* false: as if it were empty */
    struct pol2 pol2;
};
/* UpdateSubscriptionAddress */
struct es_address_request {
    struct es_request base;
    struct eid eid;
    struct oid smsr_id; /* ES2 */
    struct iccid iccid;
    struct subscription_address address;
};

/* HandleProfile…Notification, HandleEmergency…Notification */
struct es_profile_notification {
    struct eid eid;
    struct iccid iccid;
    struct oid mno_id;        /* ES3: the operator it is for */
    struct span profile_type; /* downloaded */
    struct pol2 pol2;         /* POL2 updated */
    uint64_t completed_ms;    /* CompletionTimestamp */
};
/* HandleSMSRChangeNotification */
struct es_smsr_notification {
    struct eis *eis;
    struct oid mno_id; /* ES3 */
    uint64_t completed_ms;
};

/* PLMA and ONC (v3.2 and later; names and shapes not confirmed, fact book 4.6 and 4.7) */
struct es_plma {
    struct oid mno_id;
    struct span profile_type;
    struct oid m2m_sp_id;
    struct span *operations; /* names of functions */
    size_t operation_count;
};
struct es_onc {
    struct oid mno_id;
    struct span profile_type;
    struct span *discarded; /* names of notifications */
    size_t discarded_count;
};
struct es_set_plma_request {
    struct es_request base;
    struct oid smsr_id;
    struct es_plma plma;
};
struct es_get_plma_request {
    struct es_request base;
    struct oid smsr_id;
    struct span profile_type;
    struct oid m2m_sp_id;
    struct iccid iccid;
};
struct es_plma_response {
    struct es_response base;
    struct es_plma *plma;
    size_t plma_count;
};
struct es_plma_notification {
    struct es_plma plma;
    struct oid mno_id; /* ES3 */
    uint64_t completed_ms;
};
struct es_set_onc_request {
    struct es_request base;
    struct oid smsr_id;
    struct es_onc onc;
};
struct es_get_onc_request {
    struct es_request base;
    struct oid smsr_id;
    struct span profile_type;
};
struct es_onc_response {
    struct es_response base;
    struct es_onc *onc;
    size_t onc_count;
};

#endif
