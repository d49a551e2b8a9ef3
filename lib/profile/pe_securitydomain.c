#include "pe_securitydomain.h"

#define AID_MIN 5u
#define AID_MAX 16u
#define ANY_MAX 0xFFFFu

static const struct der_field toolkit_fields[] = {
    DER_OCT_OPT(struct toolkit_parameters, toolkit, "uiccToolkitApplicationSpecificParametersField", 0x80, 0, 255),
    DER_OCT_OPT(struct toolkit_parameters, access, "uiccAccessApplicationSpecificParametersField", 0x81, 0, 255),
    DER_OCT_OPT(struct toolkit_parameters, admin_access, "uiccAdministrativeAccessApplicationSpecificParametersField",
                0x82, 0, 255),
};
static const struct der_type toolkit_type =
    DER_TYPE(struct toolkit_parameters, "UICCApplicationParameters", toolkit_fields);

static const struct der_field contactless_fields[] = {
    DER_OCT_OPT(struct contactless_parameters, additional, "contactlessParameters", 0x80, 0, ANY_MAX),
};
static const struct der_type contactless_type =
    DER_TYPE(struct contactless_parameters, "AdditionalContactlessParameters", contactless_fields);

static const struct der_field system_fields[] = {
    DER_OCT_OPT(struct system_parameters, volatile_quota, "volatileMemoryQuotaC7", 0xC7, 0, 8),
    DER_OCT_OPT(struct system_parameters, non_volatile_quota, "nonVolatileMemoryQuotaC8", 0xC8, 0, 8),
    DER_OCT_OPT(struct system_parameters, global_service, "globalServiceParameters", 0xCB, 0, 255),
    DER_OCT_OPT(struct system_parameters, implicit_selection, "implicitSelectionParameter", 0xCF, 0, 255),
    DER_OCT_OPT(struct system_parameters, volatile_reserved, "volatileReservedMemory", 0xD7, 0, 8),
    DER_OCT_OPT(struct system_parameters, non_volatile_reserved, "nonVolatileReservedMemory", 0xD8, 0, 8),
    DER_OCT_OPT(struct system_parameters, sim_access, "ts102226SIMFileAccessToolkitParameter", 0xCA, 0, 255),
    DER_SEQ_OPT(struct system_parameters, contactless, "ts102226AdditionalContactlessParameters", 0xA0,
                &contactless_type),
    DER_OCT_OPT(struct system_parameters, contactless_protocol, "contactlessProtocolParameters", 0xD9, 0, ANY_MAX),
    DER_OCT_OPT(struct system_parameters, user_interaction, "userInteractionContactlessParameters", 0xDA, 0, ANY_MAX),
    DER_OCT_OPT(struct system_parameters, cumulative_volatile, "cumulativeGrantedVolatileMemory", 0x82, 0, 8),
    DER_OCT_OPT(struct system_parameters, cumulative_non_volatile, "cumulativeGrantedNonVolatileMemory", 0x83, 0, 8),
};
static const struct der_type system_type =
    DER_TYPE_WITH(struct system_parameters, "ApplicationSystemParameters", system_fields, .any_order = true);

static const struct der_field control_fields[] = {
    DER_OCT_OPT(struct control_reference, provider, "applicationProviderIdentifier", 0x5F20, 0, 255),
};
static const struct der_type control_type =
    DER_TYPE(struct control_reference, "ControlReferenceTemplate", control_fields);

static enum err check_instance(const void *value)
{
    const struct application_instance *i = value;
    return i->privileges.len == 1 || i->privileges.len == 3 ? ERR_NONE : ERR_BAD_LENGTH;
}

#define INSTANCE struct application_instance
static const struct der_field instance_fields[] = {
    DER_OCT(INSTANCE, load_package_aid, "applicationLoadPackageAID", 0x4F, AID_MIN, AID_MAX),
    DER_OCT(INSTANCE, class_aid, "classAID", 0x4F, AID_MIN, AID_MAX),
    DER_OCT(INSTANCE, instance_aid, "instanceAID", 0x4F, AID_MIN, AID_MAX),
    DER_OCT_OPT(INSTANCE, extradite_aid, "extraditeSecurityDomainAID", 0x4F, AID_MIN, AID_MAX),
    DER_OCT(INSTANCE, privileges, "applicationPrivileges", 0x82, 1, 3),
    DER_OCT_DEF(INSTANCE, life_cycle, "lifeCycleState", 0x83, 1, 1, "\x07"),
    DER_OCT(INSTANCE, install_parameters, "applicationSpecificParametersC9", 0xC9, 0, ANY_MAX),
    DER_SEQ_OPT(INSTANCE, system, "systemSpecificParameters", 0xEF, &system_type),
    DER_SEQ_OPT(INSTANCE, toolkit, "applicationParameters", 0xEA, &toolkit_type),
    DER_MANY_OPT(INSTANCE, process_data, "processData", 0x30, 0, 256, 0x04, NULL),
    DER_SEQ_OPT(INSTANCE, control, "controlReferenceTemplate", 0xB0, &control_type),
};
const struct der_type application_instance_type =
    DER_TYPE_WITH(INSTANCE, "ApplicationInstance", instance_fields, .check = check_instance);

static const struct der_field component_fields[] = {
    DER_OCT(struct key_component, type, "keyType", 0x80, 1, 1),
    DER_OCT(struct key_component, data, "keyData", 0x86, 0, ANY_MAX),
    DER_NUM_DEF(struct key_component, mac_length, "macLength", 0x87, 0, 255, 8),
};
static const struct der_type component_type = DER_TYPE(struct key_component, "KeyComponent", component_fields);

static const struct der_field key_fields[] = {
    DER_OCT(struct key_object, usage, "keyUsageQualifier", 0x95, 1, 2),
    DER_OCT_DEF(struct key_object, access, "keyAccess", 0x96, 1, 1, "\x00"),
    DER_OCT(struct key_object, identifier, "keyIdentifier", 0x82, 1, 1),
    DER_OCT(struct key_object, version, "keyVersionNumber", 0x83, 1, 1),
    DER_OCT_OPT(struct key_object, counter, "keyCounterValue", 0x85, 0, 16),
    DER_MANY(struct key_object, components, "keyComponents", 0x30, 1, SD_COMPONENTS_MAX, 0x30, &component_type),
};
const struct der_type key_object_type = DER_TYPE(struct key_object, "KeyObject", key_fields);

static const struct der_field open_fields[] = {
    DER_OCT_OPT(struct open_perso_data, restrict_parameter, "restrictParameter", 0xD9, 1, 1),
    DER_OCT_OPT(struct open_perso_data, contactless_parameters, "contactlessProtocolParameters", 0x04, 0, ANY_MAX),
};
static const struct der_type open_type = DER_TYPE(struct open_perso_data, "OpenPersoData", open_fields);

static const struct der_field cat_tp_fields[] = {
    DER_NUM(struct cat_tp_parameters, sdu_size_max, "catTpMaxSduSize", 0x80, 0, 65535),
    DER_NUM(struct cat_tp_parameters, pdu_size_max, "catTpMaxPduSize", 0x81, 0, 65535),
};
static const struct der_type cat_tp_type = DER_TYPE(struct cat_tp_parameters, "CatTpParameters", cat_tp_fields);

#define SD struct pe_security_domain
static const struct der_field sd_fields[] = {
    DER_IN(SD, header, "sd-Header", 0xA0, &pe_header_type),
    DER_SEQ(SD, instance, "instance", 0xA1, &application_instance_type),
    DER_MANY_OPT(SD, keys, "keyList", 0xA2, 0, SD_KEYS_MAX, 0x30, &key_object_type),
    DER_MANY_OPT(SD, perso_data, "sdPersoData", 0xA3, 0, SD_DATA_MAX, 0x04, NULL),
    DER_SEQ_OPT(SD, open_perso_data, "openPersoData", 0xA4, &open_type),
    DER_SEQ_OPT(SD, cat_tp, "catTpParameters", 0xA5, &cat_tp_type),
};
const struct der_type pe_security_domain_type = DER_TYPE(SD, "PE-SecurityDomain", sd_fields);

#define LOAD struct load_package
static const struct der_field load_fields[] = {
    DER_OCT(LOAD, load_package_aid, "loadPackageAID", 0x4F, AID_MIN, AID_MAX),
    DER_OCT_OPT(LOAD, security_domain_aid, "securityDomainAID", 0x4F, AID_MIN, AID_MAX),
    DER_OCT_OPT(LOAD, code_limit, "nonVolatileCodeLimitC6", 0xC6, 0, 8),
    DER_OCT_OPT(LOAD, volatile_limit, "volatileDataLimitC7", 0xC7, 0, 8),
    DER_OCT_OPT(LOAD, data_limit, "nonVolatileDataLimitC8", 0xC8, 0, 8),
    DER_OCT_OPT(LOAD, hash, "hashValue", 0xC1, 0, 64),
    DER_OCT(LOAD, load_block, "loadBlockObject", 0xC4, 0, UINT32_MAX),
};
static const struct der_type load_type = DER_TYPE(LOAD, "ApplicationLoadPackage", load_fields);

static const struct der_field application_fields[] = {
    DER_IN(struct pe_application, header, "app-Header", 0xA0, &pe_header_type),
    DER_SEQ_OPT(struct pe_application, load_package, "loadBlock", 0xA1, &load_type),
    DER_MANY_OPT(struct pe_application, instances, "instanceList", 0xA2, 0, 64, 0x30, &application_instance_type),
};
const struct der_type pe_application_type = DER_TYPE(struct pe_application, "PE-Application", application_fields);
