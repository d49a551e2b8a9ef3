/* lib/profile/pe_header.h: what every profile element begins with, and the profile header itself.
 * eUICC profile package: interoperable format, PEHeader and ProfileHeader. */
#ifndef OSPREY_PROFILE_PE_HEADER_H
#define OSPREY_PROFILE_PE_HEADER_H

#include "lib/codec/der.h"

#define PE_ID_MAX 32767u

struct pe_header {
    bool mandated;           /* installation aborts when the element cannot be processed */
    uint32_t identification; /* unique in the package; 0 … PE_ID_MAX */
};

/* One bit per member of ServicesList, bit number = member number. */
enum service {
    SERVICE_CONTACTLESS,
    SERVICE_USIM,
    SERVICE_ISIM,
    SERVICE_CSIM,
    SERVICE_MILENAGE,
    SERVICE_TUAK128,
    SERVICE_CAVE,
    SERVICE_GBA_USIM,
    SERVICE_GBA_ISIM,
    SERVICE_MBMS,
    SERVICE_EAP,
    SERVICE_JAVACARD,
    SERVICE_MULTOS,
    SERVICE_MULTIPLE_USIM,
    SERVICE_MULTIPLE_ISIM,
    SERVICE_MULTIPLE_CSIM,
    SERVICE_TUAK256,
    SERVICE_TEST_ALGORITHM,
    SERVICE_BER_TLV,
    SERVICE_DF_LINK,
    SERVICE_CAT_TP,
    SERVICE_GET_IDENTITY,
    SERVICE_PROFILE_A,
    SERVICE_PROFILE_B,
    SERVICE_SUCI_API,
    SERVICE_DNS,
    SERVICE_SCP11AC,
    SERVICE_SCP11C_AUTH,
    SERVICE_S16_MODE,
    SERVICE_EAKA,
    SERVICE_COUNT
};
#define SERVICE_BIT(service) (1u << (service))

struct services {
    bool has[SERVICE_COUNT];
};
uint32_t services_bits(const struct services *s);
const char *service_name(enum service service); /* the ASN.1 name */
bool service_find(struct span name, enum service *ret);

struct library_aid {
    struct span aid;     /* 5 … 16 octets */
    struct span version; /* major, minor */
};

struct iot_options {
    struct span pix; /* 7 … 11 octets */
};

#define PROFILE_TYPE_MAX  100u
#define PROFILE_ICCID_LEN 10u

struct profile_header {
    uint32_t major_version, minor_version;
    struct span profile_type; /* UTF-8; may be absent */
    struct span iccid;        /* 10 octets, digits in reading order, filled with F */
    struct span pol;          /* POL1 of SGP.02, one octet; may be absent */
    struct services *services;
    DER_LIST_OF(struct span) templates; /* OIDs of the templates the eUICC must know */
    struct span connectivity;           /* connectivity parameters of SGP.02 (A0, A1, A2); may be absent */
    DER_LIST_OF(struct library_aid) libraries;
    struct iot_options *iot;
};

extern const struct der_type pe_header_type, profile_header_type;

#endif
