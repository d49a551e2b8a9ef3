/* lib/profile/pe_rfm.h: PE-RFM (remote file management), PE-NonStandard, PE-End. */
#ifndef OSPREY_PROFILE_PE_RFM_H
#define OSPREY_PROFILE_PE_RFM_H

#include "pe_header.h"

#define RFM_TARS_MAX 32u

struct rfm_adf {
    struct span aid, access_domain, admin_access_domain;
};

struct pe_rfm {
    struct pe_header header;
    struct span instance_aid;
    struct span security_domain_aid;                /* absent: the MNO-SD */
    DER_LIST_OF(struct span) tars;                  /* 3 octets each; absent: octets 13 to 15 of the instance AID */
    struct span minimum_security;                   /* SPI1 coding */
    struct span access_domain, admin_access_domain; /* MF and shared files */
    struct rfm_adf *adf;                            /* this ADF is selected when a script begins */
};

struct pe_non_standard {
    struct pe_header header;
    struct span issuer, content;
};

struct pe_end {
    struct pe_header header;
};

extern const struct der_type pe_rfm_type, pe_non_standard_type, pe_end_type;

#endif
