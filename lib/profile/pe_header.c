#include "pe_header.h"

static const struct der_field header_fields[] = {
    DER_NULL(struct pe_header, mandated, "mandated", 0x80),
    DER_NUM(struct pe_header, identification, "identification", 0x81, 0, PE_ID_MAX),
};
const struct der_type pe_header_type = DER_TYPE(struct pe_header, "PEHeader", header_fields);

#define SERVICE(number, label)                                                                                         \
    {                                                                                                                  \
        .name = label, .tag = 0x80 + (number), .kind = DER_FLAG, .optional = true,                                     \
        .offset = DER_AT(struct services, has) + (number) * sizeof(bool)                                               \
    }
static const struct der_field service_fields[] = {
    SERVICE(SERVICE_CONTACTLESS, "contactless"),
    SERVICE(SERVICE_USIM, "usim"),
    SERVICE(SERVICE_ISIM, "isim"),
    SERVICE(SERVICE_CSIM, "csim"),
    SERVICE(SERVICE_MILENAGE, "milenage"),
    SERVICE(SERVICE_TUAK128, "tuak128"),
    SERVICE(SERVICE_CAVE, "cave"),
    SERVICE(SERVICE_GBA_USIM, "gba-usim"),
    SERVICE(SERVICE_GBA_ISIM, "gba-isim"),
    SERVICE(SERVICE_MBMS, "mbms"),
    SERVICE(SERVICE_EAP, "eap"),
    SERVICE(SERVICE_JAVACARD, "javacard"),
    SERVICE(SERVICE_MULTOS, "multos"),
    SERVICE(SERVICE_MULTIPLE_USIM, "multiple-usim"),
    SERVICE(SERVICE_MULTIPLE_ISIM, "multiple-isim"),
    SERVICE(SERVICE_MULTIPLE_CSIM, "multiple-csim"),
    SERVICE(SERVICE_TUAK256, "tuak256"),
    SERVICE(SERVICE_TEST_ALGORITHM, "usim-test-algorithm"),
    SERVICE(SERVICE_BER_TLV, "ber-tlv"),
    SERVICE(SERVICE_DF_LINK, "dfLink"),
    SERVICE(SERVICE_CAT_TP, "cat-tp"),
    SERVICE(SERVICE_GET_IDENTITY, "get-identity"),
    SERVICE(SERVICE_PROFILE_A, "profile-a-x25519"),
    SERVICE(SERVICE_PROFILE_B, "profile-b-p256"),
    SERVICE(SERVICE_SUCI_API, "suciCalculatorApi"),
    SERVICE(SERVICE_DNS, "dns-resolution"),
    SERVICE(SERVICE_SCP11AC, "scp11ac"),
    SERVICE(SERVICE_SCP11C_AUTH, "scp11c-authorization-mechanism"),
    SERVICE(SERVICE_S16_MODE, "s16mode"),
    SERVICE(SERVICE_EAKA, "eaka"),
};
_Static_assert(ARRAY_LEN(service_fields) == SERVICE_COUNT, "a row for every service");
static const struct der_type services_type = DER_TYPE(struct services, "ServicesList", service_fields);

static const struct der_field library_fields[] = {
    DER_OCT(struct library_aid, aid, "aid", 0x80, 5, 16),
    DER_OCT(struct library_aid, version, "version", 0x81, 2, 2),
};
static const struct der_type library_type = DER_TYPE(struct library_aid, "eUICC-Mandatory-AIDs", library_fields);

static const struct der_field iot_fields[] = { DER_OCT(struct iot_options, pix, "pix", 0x80, 7, 11) };
static const struct der_type iot_type = DER_TYPE(struct iot_options, "IotOptions", iot_fields);

static const struct der_field profile_header_fields[] = {
    DER_NUM(struct profile_header, major_version, "major-version", 0x80, 0, 255),
    DER_NUM(struct profile_header, minor_version, "minor-version", 0x81, 0, 255),
    DER_OCT_OPT(struct profile_header, profile_type, "profileType", 0x82, 1, PROFILE_TYPE_MAX),
    DER_OCT(struct profile_header, iccid, "iccid", 0x83, PROFILE_ICCID_LEN, PROFILE_ICCID_LEN),
    DER_OCT_OPT(struct profile_header, pol, "pol", 0x84, 0, 16),
    DER_SEQ(struct profile_header, services, "eUICC-Mandatory-services", 0xA5, &services_type),
    DER_MANY(struct profile_header, templates, "eUICC-Mandatory-GFSTEList", 0xA6, 0, 256, 0x06, NULL),
    DER_OCT_OPT(struct profile_header, connectivity, "connectivityParameters", 0x87, 0, 4096),
    DER_MANY_OPT(struct profile_header, libraries, "eUICC-Mandatory-AIDs", 0xA8, 0, 256, 0x30, &library_type),
    DER_SEQ_OPT(struct profile_header, iot, "iotOptions", 0xA9, &iot_type),
};
const struct der_type profile_header_type = DER_TYPE(struct profile_header, "ProfileHeader", profile_header_fields);

uint32_t services_bits(const struct services *s)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < SERVICE_COUNT; i++)
        if (s->has[i])
            bits |= SERVICE_BIT(i);
    return bits;
}

const char *service_name(enum service service) { return service_fields[service].name; }

bool service_find(struct span name, enum service *ret)
{
    for (unsigned i = 0; i < SERVICE_COUNT; i++)
        if (span_eq(name, span_text(service_fields[i].name))) {
            *ret = (enum service)i;
            return true;
        }
    return false;
}
