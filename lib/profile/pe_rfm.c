#include "pe_rfm.h"

#define ACCESS_DOMAIN_MAX 32u

static const struct der_field adf_fields[] = {
    DER_OCT(struct rfm_adf, aid, "adfAID", 0x80, 5, 16),
    DER_OCT(struct rfm_adf, access_domain, "adfAccessDomain", 0x81, 1, ACCESS_DOMAIN_MAX),
    DER_OCT(struct rfm_adf, admin_access_domain, "adfAdminAccessDomain", 0x82, 1, ACCESS_DOMAIN_MAX),
};
static const struct der_type adf_type = DER_TYPE(struct rfm_adf, "ADFRFMAccess", adf_fields);

static enum err check_rfm(const void *value)
{
    const struct pe_rfm *rfm = value;
    for (size_t i = 0; i < rfm->tars.count; i++)
        if (rfm->tars.items[i].len != 3)
            return ERR_BAD_LENGTH;
    return ERR_NONE;
}

/* Two A0 and two 4F: told apart by their order. */
static const struct der_field rfm_fields[] = {
    DER_IN(struct pe_rfm, header, "rfm-header", 0xA0, &pe_header_type),
    DER_OCT(struct pe_rfm, instance_aid, "instanceAID", 0x4F, 5, 16),
    DER_OCT_OPT(struct pe_rfm, security_domain_aid, "securityDomainAID", 0x4F, 5, 16),
    DER_MANY_OPT(struct pe_rfm, tars, "tarList", 0xA0, 0, RFM_TARS_MAX, 0x04, NULL),
    DER_OCT(struct pe_rfm, minimum_security, "minimumSecurityLevel", 0x81, 1, 1),
    DER_OCT(struct pe_rfm, access_domain, "uiccAccessDomain", 0x04, 1, ACCESS_DOMAIN_MAX),
    DER_OCT(struct pe_rfm, admin_access_domain, "uiccAdminAccessDomain", 0x04, 1, ACCESS_DOMAIN_MAX),
    DER_SEQ_OPT(struct pe_rfm, adf, "adfRFMAccess", 0x30, &adf_type),
};
const struct der_type pe_rfm_type = DER_TYPE_WITH(struct pe_rfm, "PE-RFM", rfm_fields, .check = check_rfm);

static const struct der_field non_standard_fields[] = {
    DER_IN(struct pe_non_standard, header, "nonStandard-header", 0xA0, &pe_header_type),
    DER_OCT(struct pe_non_standard, issuer, "issuerID", 0x81, 1, 64),
    DER_OCT(struct pe_non_standard, content, "content", 0x82, 0, UINT32_MAX),
};
const struct der_type pe_non_standard_type = DER_TYPE(struct pe_non_standard, "PE-NonStandard", non_standard_fields);

static const struct der_field end_fields[] = { DER_IN(struct pe_end, header, "end-header", 0xA0, &pe_header_type) };
const struct der_type pe_end_type = DER_TYPE(struct pe_end, "PE-End", end_fields);
