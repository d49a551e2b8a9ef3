#include "installation.h"

#define MAJOR_FIRST 2u
#define MAJOR_LAST  3u

/* What this card does. csim and cave: files and parameters are kept, nothing is computed. javacard: accepted as long as
 * no application comes (PE-Application is refused). ECIES profiles: GET IDENTITY (uicc/identity.c). */
#define SUPPORTED_SERVICES                                                                                             \
    (SERVICE_BIT(SERVICE_USIM) | SERVICE_BIT(SERVICE_ISIM) | SERVICE_BIT(SERVICE_CSIM) |                               \
     SERVICE_BIT(SERVICE_MILENAGE) | SERVICE_BIT(SERVICE_TUAK128) | SERVICE_BIT(SERVICE_TUAK256) |                     \
     SERVICE_BIT(SERVICE_TEST_ALGORITHM) | SERVICE_BIT(SERVICE_CAVE) | SERVICE_BIT(SERVICE_JAVACARD) |                 \
     SERVICE_BIT(SERVICE_MULTIPLE_USIM) | SERVICE_BIT(SERVICE_MULTIPLE_ISIM) | SERVICE_BIT(SERVICE_MULTIPLE_CSIM) |    \
     SERVICE_BIT(SERVICE_BER_TLV) | SERVICE_BIT(SERVICE_DF_LINK) | SERVICE_BIT(SERVICE_GET_IDENTITY) |                 \
     SERVICE_BIT(SERVICE_PROFILE_A) | SERVICE_BIT(SERVICE_PROFILE_B) | SERVICE_BIT(SERVICE_DNS))

#define POL1_BITS (POL1_NO_DISABLE | POL1_NO_DELETE | POL1_DELETE_ON_DISABLE)

static enum pe_status_code check_services(struct installation *in, const struct services *services)
{
    uint32_t missing = services_bits(services) & ~(uint32_t)SUPPORTED_SERVICES;
    for (unsigned i = 0; i < SERVICE_COUNT; i++)
        if (missing & SERVICE_BIT(i)) {
            in->additional = i;
            return i == SERVICE_MULTOS ? PE_STATUS_RUNTIME_NOT_SUPPORTED : PE_STATUS_FEATURE_NOT_SUPPORTED;
        }
    return PE_STATUS_OK;
}

static enum pe_status_code check_demands(struct installation *in, const struct profile_header *h)
{
    if (h->major_version < MAJOR_FIRST || h->major_version > MAJOR_LAST)
        return PE_STATUS_UNSUPPORTED_PROFILE_VERSION;
    enum pe_status_code status = check_services(in, h->services);
    if (status != PE_STATUS_OK)
        return status;
    for (size_t i = 0; i < h->templates.count; i++)
        if (!template_find(h->templates.items[i]))
            return PE_STATUS_TEMPLATE_NOT_SUPPORTED;
    return h->libraries.count ? PE_STATUS_LIB_NOT_SUPPORTED : PE_STATUS_OK;
}

enum pe_status_code install_header(struct installation *in, const struct profile_element *pe)
{
    const struct profile_header *h = pe->as.header;
    enum pe_status_code status = check_demands(in, h);
    if (status != PE_STATUS_OK)
        return status;
    if (h->pol.len > 1 || (h->pol.len && h->pol.ptr[0] & ~POL1_BITS))
        return PE_STATUS_BAD_VALUES;
    if (h->connectivity.len > ISDP_CONNECTIVITY_MAX)
        return PE_STATUS_NOT_ENOUGH_MEMORY;

    in->connectivity = keep(in, h->connectivity);
    in->iot_pix = h->iot ? keep(in, h->iot->pix) : SPAN_NONE;
    if ((h->connectivity.len && !in->connectivity.ptr) || (h->iot && !in->iot_pix.ptr))
        return PE_STATUS_NOT_ENOUGH_MEMORY;
    in->pol1 = h->pol.len ? h->pol.ptr[0] : 0;
    memcpy(in->iccid, h->iccid.ptr, sizeof in->iccid);
    in->has_header = true;
    return PE_STATUS_OK;
}
