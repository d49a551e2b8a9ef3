/* lib/es/es7.h: ES7, between two SM-SRs (SGP.02 §5.6). */
#ifndef OSPREY_ES_ES7_H
#define OSPREY_ES_ES7_H

#include "bodies.h"

enum ecc_key_length { ECC_256, ECC_384, ECC_512, ECC_521, ECC_KEY_LENGTH_COUNT };

struct es7_create_additional_keyset {
    struct es_request base;
    struct eid eid;
    uint8_t key_version;
    uint64_t initial_counter;
    enum ecc_key_length ecc_key_length;
    uint8_t scenario_parameter;
    struct span host_id, ephemeral_public_key, signature;
};
struct es7_create_additional_keyset_response {
    struct es_response base;
    struct span derivation_random, receipt; /* may be empty when FAILED */
};
struct es7_handover_euicc {
    struct es_request base;
    struct eis *eis; /* whole */
};
struct es7_authenticate_smsr {
    struct es_request base;
    bool has_eid;
    struct eid eid;               /* what we send; */
    struct eis *eis;              /* some partners send the EIS instead: one of the two is there */
    struct span smsr_certificate; /* the GlobalPlatform certificate, tag 7F21 included */
};
struct es7_authenticate_smsr_response {
    struct es_response base;
    struct span random_challenge; /* may be empty when FAILED */
};

#endif
