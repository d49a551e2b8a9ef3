/* The elements of bodies that several interfaces share, in the order of the schema. */
#include "field.h"

#define T(name, owner) const struct xml_table es_table_##name = XML_TABLE(name##_fields, owner)
#define F(owner, member, element, kind, presence) XML_FIELD(struct owner, member, element, kind, presence)

static const struct xml_field none_fields[] = { ES_RESPONSE_FIELDS };
T(none, struct es_response);

static const struct xml_field address_fields[] = {
    { .name = "Imsi", .offset = 0, .type = XML_IMSI, .flags = OPTIONAL },
    { .name = "Msisdn", .offset = 0, .type = XML_MSISDN, .flags = OPTIONAL },
};
T(address, struct subscription_address);

static const struct xml_field eid_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_eid_request, eid, "Eid", XML_EID, REQUIRED),
};
T(eid, struct es_eid_request);

static const struct xml_field eid_es2_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_eid_request, eid, "Eid", XML_EID, REQUIRED),
    F(es_eid_request, smsr_id, "Smsr-id", XML_OID, REQUIRED),
};
T(eid_es2, struct es_eid_request);

static const struct xml_field audit_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_audit_request, eid, "Eid", XML_EID, REQUIRED),
    XML_MANY(struct es_audit_request, iccids, iccid_count, "Iccid", XML_ICCID, OPTIONAL, ES_ICCIDS_MAX, ),
};
T(audit, struct es_audit_request);

static const struct xml_field audit_es2_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_audit_request, eid, "Eid", XML_EID, REQUIRED),
    F(es_audit_request, smsr_id, "Smsr-id", XML_OID, REQUIRED),
    XML_MANY(struct es_audit_request, iccids, iccid_count, "Iccid", XML_ICCID, OPTIONAL, ES_ICCIDS_MAX, ),
};
T(audit_es2, struct es_audit_request);

static const struct xml_field eis_response_fields[] = {
    ES_RESPONSE_FIELDS,
    XML_FIELD_X(struct es_eis_response, eis, "Eis", XML_STRUCT, OPTIONAL | POINTER, .table = &es_table_eis),
};
T(eis_response, struct es_eis_response);

static const struct xml_field profile_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_profile_request, eid, "Eid", XML_EID, REQUIRED),
    F(es_profile_request, iccid, "Iccid", XML_ICCID, REQUIRED),
};
T(profile, struct es_profile_request);

static const struct xml_field profile_es2_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_profile_request, eid, "Eid", XML_EID, REQUIRED),
    F(es_profile_request, smsr_id, "Smsr-id", XML_OID, REQUIRED),
    F(es_profile_request, iccid, "Iccid", XML_ICCID, REQUIRED),
};
T(profile_es2, struct es_profile_request);

static const struct xml_field card_fields[] = {
    ES_RESPONSE_FIELDS,
    F(es_card_response, euicc_response, "EuiccResponseData", XML_HEX, OPTIONAL),
};
T(card, struct es_card_response);

static const struct xml_field address_request_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_address_request, eid, "Eid", XML_EID, REQUIRED),
    F(es_address_request, iccid, "Iccid", XML_ICCID, REQUIRED),
    XML_FIELD_X(struct es_address_request, address, "newSubscriptionAddress", XML_STRUCT, REQUIRED,
                .table = &es_table_address),
};
T(address_request, struct es_address_request);

static const struct xml_field address_request_es2_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_address_request, eid, "Eid", XML_EID, REQUIRED),
    F(es_address_request, smsr_id, "Smsr-id", XML_OID, REQUIRED),
    F(es_address_request, iccid, "Iccid", XML_ICCID, REQUIRED),
    XML_FIELD_X(struct es_address_request, address, "newSubscriptionAddress", XML_STRUCT, REQUIRED,
                .table = &es_table_address),
};
T(address_request_es2, struct es_address_request);

/* --- notifications --------------------------------------------------------------------------------------------- */

static const struct xml_field profile_changed_fields[] = {
    F(es_profile_notification, eid, "Eid", XML_EID, REQUIRED),
    F(es_profile_notification, iccid, "Iccid", XML_ICCID, REQUIRED),
    F(es_profile_notification, completed_ms, "CompletionTimestamp", XML_TIME, REQUIRED),
};
T(profile_changed, struct es_profile_notification);

static const struct xml_field profile_changed_es3_fields[] = {
    F(es_profile_notification, eid, "Eid", XML_EID, REQUIRED),
    F(es_profile_notification, iccid, "Iccid", XML_ICCID, REQUIRED),
    F(es_profile_notification, mno_id, "Mno-id", XML_OID, REQUIRED),
    F(es_profile_notification, completed_ms, "CompletionTimestamp", XML_TIME, REQUIRED),
};
T(profile_changed_es3, struct es_profile_notification);

static const struct xml_field profile_downloaded_fields[] = {
    F(es_profile_notification, eid, "Eid", XML_EID, REQUIRED),
    F(es_profile_notification, iccid, "Iccid", XML_ICCID, REQUIRED),
    XML_FIELD_X(struct es_profile_notification, profile_type, "ProfileType", XML_TEXT, OPTIONAL, .max = EIS_TEXT_MAX),
    F(es_profile_notification, completed_ms, "CompletionTimestamp", XML_TIME, REQUIRED),
};
T(profile_downloaded, struct es_profile_notification);

static const struct xml_field profile_downloaded_es3_fields[] = {
    F(es_profile_notification, eid, "Eid", XML_EID, REQUIRED),
    F(es_profile_notification, iccid, "Iccid", XML_ICCID, REQUIRED),
    F(es_profile_notification, mno_id, "Mno-id", XML_OID, REQUIRED),
    XML_FIELD_X(struct es_profile_notification, profile_type, "ProfileType", XML_TEXT, OPTIONAL, .max = EIS_TEXT_MAX),
    F(es_profile_notification, completed_ms, "CompletionTimestamp", XML_TIME, REQUIRED),
};
T(profile_downloaded_es3, struct es_profile_notification);

static const struct xml_field profile_pol2_updated_fields[] = {
    F(es_profile_notification, eid, "Eid", XML_EID, REQUIRED),
    F(es_profile_notification, iccid, "Iccid", XML_ICCID, REQUIRED),
    F(es_profile_notification, pol2, "pol2", XML_POL2, REQUIRED),
    F(es_profile_notification, completed_ms, "CompletionTimestamp", XML_TIME, REQUIRED),
};
T(profile_pol2_updated, struct es_profile_notification);

static const struct xml_field profile_pol2_updated_es3_fields[] = {
    F(es_profile_notification, eid, "Eid", XML_EID, REQUIRED),
    F(es_profile_notification, iccid, "Iccid", XML_ICCID, REQUIRED),
    F(es_profile_notification, mno_id, "Mno-id", XML_OID, REQUIRED),
    F(es_profile_notification, pol2, "pol2", XML_POL2, REQUIRED),
    F(es_profile_notification, completed_ms, "CompletionTimestamp", XML_TIME, REQUIRED),
};
T(profile_pol2_updated_es3, struct es_profile_notification);

/* --- PLMA and ONC: shapes not confirmed (fact book §12, 6) ----------------------------------------------------- */

static const struct xml_field plma_entry_fields[] = {
    F(es_plma, mno_id, "Mno-id", XML_OID, REQUIRED),
    XML_FIELD_X(struct es_plma, profile_type, "ProfileType", XML_TEXT, REQUIRED, .max = EIS_TEXT_MAX),
    F(es_plma, m2m_sp_id, "M2m-sp-id", XML_OID, REQUIRED),
    XML_MANY(struct es_plma, operations, operation_count, "AuthorisedOperation", XML_TEXT, OPTIONAL,
             ES_OPERATIONS_MAX, ),
};
T(plma_entry, struct es_plma);

static const struct xml_field onc_entry_fields[] = {
    F(es_onc, mno_id, "Mno-id", XML_OID, REQUIRED),
    XML_FIELD_X(struct es_onc, profile_type, "ProfileType", XML_TEXT, REQUIRED, .max = EIS_TEXT_MAX),
    XML_MANY(struct es_onc, discarded, discarded_count, "DiscardedNotification", XML_TEXT, OPTIONAL,
             ES_OPERATIONS_MAX, ),
};
T(onc_entry, struct es_onc);

static const struct xml_field set_plma_fields[] = {
    ES_REQUEST_FIELDS,
    XML_FIELD_X(struct es_set_plma_request, plma, "Plma", XML_STRUCT, REQUIRED, .table = &es_table_plma_entry),
};
T(set_plma, struct es_set_plma_request);

static const struct xml_field set_plma_es2_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_set_plma_request, smsr_id, "Smsr-id", XML_OID, REQUIRED),
    XML_FIELD_X(struct es_set_plma_request, plma, "Plma", XML_STRUCT, REQUIRED, .table = &es_table_plma_entry),
};
T(set_plma_es2, struct es_set_plma_request);

#define GET_PLMA_FIELDS                                                                                               \
    XML_FIELD_X(struct es_get_plma_request, profile_type, "ProfileType", XML_TEXT, OPTIONAL, .max = EIS_TEXT_MAX),    \
        F(es_get_plma_request, m2m_sp_id, "M2m-sp-id", XML_OID, OPTIONAL),                                            \
        F(es_get_plma_request, iccid, "Iccid", XML_ICCID, OPTIONAL)

static const struct xml_field get_plma_fields[] = { ES_REQUEST_FIELDS, GET_PLMA_FIELDS };
T(get_plma, struct es_get_plma_request);

static const struct xml_field get_plma_es2_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_get_plma_request, smsr_id, "Smsr-id", XML_OID, REQUIRED),
    GET_PLMA_FIELDS,
};
T(get_plma_es2, struct es_get_plma_request);

static const struct xml_field plma_fields[] = {
    ES_RESPONSE_FIELDS,
    XML_MANY(struct es_plma_response, plma, plma_count, "Plma", XML_STRUCT, OPTIONAL, ES_ENTRIES_MAX,
             .table = &es_table_plma_entry),
};
T(plma, struct es_plma_response);

static const struct xml_field plma_set_fields[] = {
    XML_FIELD_X(struct es_plma_notification, plma, "Plma", XML_STRUCT, REQUIRED, .table = &es_table_plma_entry),
    F(es_plma_notification, completed_ms, "CompletionTimestamp", XML_TIME, REQUIRED),
};
T(plma_set, struct es_plma_notification);

static const struct xml_field plma_set_es3_fields[] = {
    XML_FIELD_X(struct es_plma_notification, plma, "Plma", XML_STRUCT, REQUIRED, .table = &es_table_plma_entry),
    F(es_plma_notification, mno_id, "Mno-id", XML_OID, REQUIRED),
    F(es_plma_notification, completed_ms, "CompletionTimestamp", XML_TIME, REQUIRED),
};
T(plma_set_es3, struct es_plma_notification);

static const struct xml_field set_onc_fields[] = {
    ES_REQUEST_FIELDS,
    XML_FIELD_X(struct es_set_onc_request, onc, "Onc", XML_STRUCT, REQUIRED, .table = &es_table_onc_entry),
};
T(set_onc, struct es_set_onc_request);

static const struct xml_field set_onc_es2_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_set_onc_request, smsr_id, "Smsr-id", XML_OID, REQUIRED),
    XML_FIELD_X(struct es_set_onc_request, onc, "Onc", XML_STRUCT, REQUIRED, .table = &es_table_onc_entry),
};
T(set_onc_es2, struct es_set_onc_request);

static const struct xml_field get_onc_fields[] = {
    ES_REQUEST_FIELDS,
    XML_FIELD_X(struct es_get_onc_request, profile_type, "ProfileType", XML_TEXT, OPTIONAL, .max = EIS_TEXT_MAX),
};
T(get_onc, struct es_get_onc_request);

static const struct xml_field get_onc_es2_fields[] = {
    ES_REQUEST_FIELDS,
    F(es_get_onc_request, smsr_id, "Smsr-id", XML_OID, REQUIRED),
    XML_FIELD_X(struct es_get_onc_request, profile_type, "ProfileType", XML_TEXT, OPTIONAL, .max = EIS_TEXT_MAX),
};
T(get_onc_es2, struct es_get_onc_request);

static const struct xml_field onc_fields[] = {
    ES_RESPONSE_FIELDS,
    XML_MANY(struct es_onc_response, onc, onc_count, "Onc", XML_STRUCT, OPTIONAL, ES_ENTRIES_MAX,
             .table = &es_table_onc_entry),
};
T(onc, struct es_onc_response);
