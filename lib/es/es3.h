/* lib/es/es3.h: ES3, SM-DP to SM-SR (SGP.02 §5.4); callbacks and notifications the other way. What is not here is in
 * bodies.h. */
#ifndef OSPREY_ES_ES3_H
#define OSPREY_ES_ES3_H

#include "bodies.h"

struct es3_create_isdp { /* answered by struct es_card_response (isdp_aid) */
    struct es_request base;
    struct eid eid;
    struct iccid iccid;
    struct oid mno_id;
    uint64_t required_memory; /* octets */
    bool more_to_do;          /* keep the session with the card open */
};
struct es3_send_data { /* answered by struct es_card_response (euicc_response) */
    struct es_request base;
    struct eid eid;
    struct aid sd_aid;
    struct span data; /* command APDUs or SCP03t TLVs */
    bool more_to_do;
};
struct es3_profile_download_completed {
    struct es_request base;
    struct eid eid;
    struct iccid iccid;
    struct span profile_type;
    bool has_address, has_pol2;
    struct subscription_address address;
    struct pol2 pol2;
};
struct es3_update_connectivity_parameters { /* answered by struct es_card_response (euicc_response) */
    struct es_request base;
    struct eid eid;
    struct iccid iccid;
    struct span parameters;
};

#endif
