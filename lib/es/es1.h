/* lib/es/es1.h: ES1, EUM to SM-SR (SGP.02 §5.2). */
#ifndef OSPREY_ES_ES1_H
#define OSPREY_ES_ES1_H

#include "bodies.h"

struct es1_register_eis { /* ES1.RegisterEIS; the answer has no more than struct es_response */
    struct es_request base;
    struct eis *eis;
};
struct es1_update_additional_properties { /* ES1.UpdateEISAdditionalProperties */
    struct es_request base;
    struct eid eid;
    struct eis_property *properties;
    size_t property_count;
};

#endif
