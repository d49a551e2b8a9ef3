/* lib/profile/pe_aka.h: PE-AKAParameter and PE-CDMAParameter, for the network application created last before them. */
#ifndef OSPREY_PROFILE_PE_AKA_H
#define OSPREY_PROFILE_PE_AKA_H

#include "pe_header.h"

enum algorithm_id { ALGORITHM_MILENAGE = 1, ALGORITHM_TUAK = 2, ALGORITHM_TEST = 3 };
#define SQN_INIT_COUNT 32u

struct aka_mapping {
    struct span options; /* 1 octet */
    struct span source;  /* AID of the application whose parameters are used */
};

struct aka_algo {
    uint32_t algorithm;
    struct span options;        /* 1 octet */
    struct span key;            /* 16 octets, 32 for TUAK with a long key */
    struct span opc;            /* OPc (16) or TOPc (32) */
    struct span rotations;      /* r1 … r5 in bits */
    struct span constants;      /* c1 … c5, 16 octets each; the standard ones when absent */
    struct span auth_count_max; /* 3 octets; unlimited when absent */
    uint32_t keccak_count;
};

struct aka_configuration {
    struct aka_mapping *mapping;
    struct aka_algo *algo;
};

struct pe_aka {
    struct pe_header header;
    struct aka_configuration *configuration;
    struct span sqn_options;              /* 1 octet */
    struct span sqn_delta, sqn_age_limit; /* 6 octets: sequence numbers without index */
    DER_LIST_OF(struct span) sqn_init;    /* 32 of 6 octets; all zero when absent */
};

struct pe_cdma {
    struct pe_header header;
    struct span authentication_key; /* A-key, 8 octets */
    struct span ssd, hrpd, simple_ip, mobile_ip;
};

extern const struct der_type pe_aka_type, pe_cdma_type;

#endif
