/* The elements of the EIS (EISType and what is in it), in the order of the schema. What v4 added at the end of
 * ProfileInfo, EuiccCapabilities and Eis is skipped when it is not known. */
#include "field.h"

#define T(name, owner)   static const struct xml_table name##_table = XML_TABLE(name##_fields, owner)
#define LAX(name, owner) static const struct xml_table name##_table = XML_LAX_TABLE(name##_fields, owner)
#define F(owner, member, element, kind, presence) XML_FIELD(struct owner, member, element, kind, presence)

static const struct xml_field component_fields[] = {
    F(eis_key_component, type, "type", XML_HEX8, REQUIRED | ATTRIBUTE),
    F(eis_key_component, value, "value", XML_HEX, REQUIRED | ATTRIBUTE),
};
T(component, struct eis_key_component);

static const struct xml_field key_fields[] = {
    F(eis_key, kcv, "kcv", XML_HEX, REQUIRED | ATTRIBUTE),
    XML_FIELD_X(struct eis_key, index, "Index", XML_U8, REQUIRED, .max = 127),
    XML_MANY(struct eis_key, components, component_count, "KeyComponents", XML_STRUCT, FULL, EIS_KEY_COMPONENTS_MAX,
             .table = &component_table),
};
T(key, struct eis_key);

static const struct xml_field certificate_fields[] = {
    XML_FIELD_X(struct eis_certificate, index, "Index", XML_U8, REQUIRED, .max = 127),
    F(eis_certificate, ca_id, "CaId", XML_OID, REQUIRED),
    F(eis_certificate, value, "Value", XML_HEX, REQUIRED),
};
T(certificate, struct eis_certificate);

static const struct xml_field keyset_fields[] = {
    XML_FIELD_X(struct eis_keyset, version, "Version", XML_U8, REQUIRED, .min = 1, .max = 127),
    XML_FIELD_X(struct eis_keyset, usage, "Type", XML_ENUM, OPTIONAL, .names = keyset_usage_names,
                .max = KEYSET_USAGE_COUNT),
    F(eis_keyset, counter, "Cntr", XML_U64, OPTIONAL),
    XML_MANY(struct eis_keyset, keys, key_count, "Key", XML_STRUCT, OPTIONAL, EIS_KEYS_MAX, .table = &key_table),
    XML_MANY(struct eis_keyset, certificates, certificate_count, "Certificate", XML_STRUCT, OPTIONAL, EIS_KEYS_MAX,
             .table = &certificate_table),
};
T(keyset, struct eis_keyset);

static const struct xml_field domain_fields[] = {
    F(security_domain, aid, "Aid", XML_AID, REQUIRED),
    XML_MANY(struct security_domain, tars, tar_count, "Tar", XML_TAR, OPTIONAL, EIS_TARS_MAX, ),
    XML_FIELD_X(struct security_domain, sin, "Sin", XML_HEX, FULL, .max = 16),
    XML_FIELD_X(struct security_domain, sdin, "Sdin", XML_HEX, FULL, .max = 16),
    XML_FIELD_X(struct security_domain, role, "Role", XML_ENUM, FULL, .names = sd_role_names, .max = SD_ROLE_COUNT),
    XML_MANY(struct security_domain, keysets, keyset_count, "Keyset", XML_STRUCT, FULL, EIS_KEYSETS_MAX,
             .table = &keyset_table),
};
T(domain, struct security_domain);

static const struct xml_field capabilities_fields[] = {
    F(euicc_capabilities, cat_tp, "CattpSupport", XML_BOOL, FULL),
    F(euicc_capabilities, cat_tp_version, "CattpVersion", XML_VERSION, OPTIONAL),
    F(euicc_capabilities, http, "HttpSupport", XML_BOOL, FULL),
    F(euicc_capabilities, http_version, "HttpVersion", XML_VERSION, OPTIONAL),
    F(euicc_capabilities, secure_packet_version, "SecurePacketVersion", XML_VERSION, FULL),
    F(euicc_capabilities, remote_provisioning_version, "RemoteProvisioningVersion", XML_VERSION, FULL),
};
LAX(capabilities, struct euicc_capabilities);

static const struct xml_field signed_info_fields[] = {
    F(eis, eid, "Eid", XML_EID, REQUIRED),
    F(eis, eum_id, "Eum-id", XML_OID, FULL),
    F(eis, production_ms, "ProductionDate", XML_TIME, FULL),
    XML_FIELD_X(struct eis, platform_type, "PlatformType", XML_TEXT, FULL, .max = EIS_TEXT_MAX),
    F(eis, platform_version, "PlatformVersion", XML_VERSION, FULL),
    F(eis, isdp_loadfile_aid, "Isd-p-loadfile-aid", XML_AID, FULL),
    F(eis, isdp_module_aid, "Isd-p-module-aid", XML_AID, FULL),
    XML_FIELD_X(struct eis, ecasd, "Ecasd", XML_STRUCT, FULL, .table = &domain_table),
    XML_FIELD_X(struct eis, capabilities, "EuiccCapabilities", XML_STRUCT, FULL, .table = &capabilities_table),
};
const struct xml_table es_table_signed_info = XML_TABLE(signed_info_fields, struct eis);

static const struct xml_field profile_fields[] = {
    F(profile_info, iccid, "Iccid", XML_ICCID, REQUIRED),
    F(profile_info, isdp_aid, "Isd-p-aid", XML_AID, FULL),
    F(profile_info, mno_id, "Mno-id", XML_OID, FULL),
    F(profile_info, fallback, "FallbackAttribute", XML_BOOL, FULL),
    XML_FIELD_X(struct profile_info, address, "SubscriptionAddress", XML_STRUCT, FULL, .table = &es_table_address),
    F(profile_info, state, "State", XML_STATE, FULL),
    F(profile_info, smdp_id, "Smdp-id", XML_OID, OPTIONAL),
    XML_FIELD_X(struct profile_info, profile_type, "ProfileType", XML_TEXT, OPTIONAL, .max = EIS_TEXT_MAX),
    F(profile_info, allocated_memory, "AllocatedMemory", XML_U64, FULL),
    XML_FIELD_X(struct profile_info, free_memory, "FreeMemory", XML_U64, OPTIONAL | HAS,
                .aux = offsetof(struct profile_info, has_free_memory)),
    F(profile_info, pol2, "pol2", XML_POL2, FULL),
    F(profile_info, emergency, "EmergencyProfileAttribute", XML_BOOL, OPTIONAL | ONLY_V4), /* not confirmed */
};
LAX(profile, struct profile_info);

static const struct xml_field record_fields[] = {
    F(audit_record, eid, "Eid", XML_EID, REQUIRED),
    F(audit_record, smsr_id, "Smsr-id", XML_OID, REQUIRED),
    F(audit_record, date_ms, "OperationDate", XML_TIME, REQUIRED),
    F(audit_record, operation, "OperationType", XML_HEX16, REQUIRED),
    F(audit_record, requester_id, "RequesterId", XML_OID, OPTIONAL),
    XML_FIELD_X(struct audit_record, status, "OperationExecutionStatus", XML_STATUS, OPTIONAL | HAS,
                .aux = offsetof(struct audit_record, has_status)),
    F(audit_record, isdp_aid, "Isd-p-aid", XML_AID, OPTIONAL),
    F(audit_record, iccid, "Iccid", XML_ICCID, OPTIONAL),
    F(audit_record, imei, "Imei", XML_HEX, OPTIONAL),
    F(audit_record, meid, "Meid", XML_HEX, OPTIONAL),
};
T(record, struct audit_record);

static const struct xml_field trail_fields[] = {
    XML_MANY(struct eis, audit, audit_count, "Record", XML_STRUCT, OPTIONAL, EIS_AUDIT_RECORDS_MAX,
             .table = &record_table),
};
T(trail, struct eis);

static const struct xml_field property_fields[] = {
    XML_FIELD_X(struct eis_property, key, "key", XML_TEXT, REQUIRED | ATTRIBUTE, .min = 1),
    F(eis_property, value, "value", XML_TEXT, REQUIRED | ATTRIBUTE),
};
T(property, struct eis_property);

static const struct xml_field properties_fields[] = {
    XML_MANY(struct eis, properties, property_count, "Property", XML_STRUCT, REQUIRED, EIS_PROPERTIES_MAX,
             .table = &property_table),
};
T(properties, struct eis);

static const struct xml_field eis_fields[] = {
    { .name = "EumSignedInfo", .type = XML_SIGNED, .flags = REQUIRED, .table = &es_table_signed_info },
    F(eis, signature, "EumSignature", XML_RAW, FULL),
    F(eis, remaining_memory, "RemainingMemory", XML_U64, FULL),
    F(eis, available_memory, "AvailableMemoryForProfiles", XML_U64, FULL),
    F(eis, last_audit_ms, "LastAuditDate", XML_TIME, OPTIONAL),
    F(eis, smsr_id, "Smsr-id", XML_OID, FULL),
    XML_MANY(struct eis, profiles, profile_count, "ProfileInfo", XML_STRUCT, OPTIONAL, EIS_PROFILES_MAX,
             .table = &profile_table),
    XML_FIELD_X(struct eis, isdr, "Isd-r", XML_STRUCT, FULL, .table = &domain_table),
    { .name = "AuditTrail", .type = XML_GROUP, .flags = OPTIONAL | HAS, .aux = offsetof(struct eis, has_audit_trail),
      .table = &trail_table },
    { .name = "AdditionalProperties", .type = XML_GROUP, .flags = OPTIONAL | COUNTED,
      .aux = offsetof(struct eis, property_count), .table = &properties_table },
};
const struct xml_table es_table_eis = XML_LAX_TABLE(eis_fields, struct eis);
