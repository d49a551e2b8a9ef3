/* lib/profile/profile_element.h: one profile element, typed. eUICC profile package: ProfileElement. */
#ifndef OSPREY_PROFILE_PROFILE_ELEMENT_H
#define OSPREY_PROFILE_PROFILE_ELEMENT_H

#include "pe_aka.h"
#include "pe_filesystem.h"
#include "pe_header.h"
#include "pe_pin.h"
#include "pe_rfm.h"
#include "pe_securitydomain.h"

/* The number of the alternative in the CHOICE ProfileElement. */
enum pe_kind {
    PE_HEADER = 0,
    PE_GENERIC_FILE_MANAGEMENT,
    PE_PIN_CODES,
    PE_PUK_CODES,
    PE_AKA_PARAMETER,
    PE_CDMA_PARAMETER,
    PE_SECURITY_DOMAIN,
    PE_RFM,
    PE_APPLICATION,
    PE_NON_STANDARD,
    PE_END,
    PE_RFU1,
    PE_RFU2,
    PE_RFU3,
    PE_RFU4,
    PE_RFU5,
    PE_MF,
    PE_CD,
    PE_TELECOM,
    PE_USIM,
    PE_OPT_USIM,
    PE_ISIM,
    PE_OPT_ISIM,
    PE_PHONEBOOK,
    PE_GSM_ACCESS,
    PE_CSIM,
    PE_OPT_CSIM,
    PE_EAP,
    PE_DF_5GS,
    PE_DF_SAIP,
    PE_DF_SNPN,
    PE_DF_5GPROSE,
    PE_IOT,
    PE_OPT_IOT,
    PE_KIND_COUNT
};
#define PE_FIRST_FILESYSTEM PE_MF
#define PE_ENCODED_MAX      0x20000u /* octets of an element that we encode */

struct profile_element {
    enum pe_kind kind;
    union {
        const void *any;
        struct profile_header *header;
        struct pe_generic_file_management *gfm;
        struct pe_pin_codes *pins;
        struct pe_puk_codes *puks;
        struct pe_aka *aka;
        struct pe_cdma *cdma;
        struct pe_security_domain *sd;
        struct pe_rfm *rfm;
        struct pe_application *application;
        struct pe_non_standard *non_standard;
        struct pe_end *end;
        struct pe_filesystem *files; /* all kinds from PE_MF on */
    } as;
};

const char *pe_name(enum pe_kind kind);           /* the ASN.1 name: "header", "opt-usim" */
bool pe_kind_of(uint32_t tag, enum pe_kind *ret); /* false: no element we know, or one reserved for future use */
uint32_t pe_tag(enum pe_kind kind);
const struct der_type *pe_type(enum pe_kind kind); /* NULL for the reserved ones */
/* The ASN.1 name of a member of a template element ("ef-imsi"), or NULL. */
const char *pe_member_name(enum pe_kind kind, uint32_t tag);
uint32_t pe_member_by_name(enum pe_kind kind, struct span name); /* its tag, or 0 */
uint32_t pe_member_tag(unsigned number);                         /* A2, …, BE, BF1F, … */
unsigned pe_member_number(uint32_t tag);                         /* 2 …, or 0 for a tag no member has */

/* Decodes one whole element, tag and length included; everything lies in d->arena, spans point into raw.
 * On failure d says where. Errors: ERR_UNSUPPORTED for a tag we do not know; as the bytes are; ERR_NO_SPACE. */
MUST_USE enum err pe_decode(struct der *d, struct span raw, struct profile_element *ret);
/* Appends the element, canonical. */
void pe_encode(struct writer *w, const struct profile_element *pe);
/* The same values (by their canonical encoding). scratch is only used during the call. */
bool pe_equal(const struct profile_element *a, const struct profile_element *b, struct arena *scratch);
/* The common header, also of an element that does not decode otherwise; false when there is none (ProfileHeader). */
bool pe_peek(struct span raw, struct pe_header *ret);
const struct pe_header *pe_header_of(const struct profile_element *pe); /* NULL for the ProfileHeader */

#endif
