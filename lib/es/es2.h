/* lib/es/es2.h: ES2, operator to SM-DP (SGP.02 §5.3); callbacks and notifications the other way. What is not here is in
 * bodies.h. */
#ifndef OSPREY_ES_ES2_H
#define OSPREY_ES_ES2_H

#include "bodies.h"

struct es2_download_profile { /* ES2.DownloadProfile; answered by struct es_card_response (iccid) */
    struct es_request base;
    struct eid eid;
    struct oid smsr_id;
    struct span profile_type; /* this or iccid, or both */
    struct iccid iccid;
    bool enable;
};

#endif
