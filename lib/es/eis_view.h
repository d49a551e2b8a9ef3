/* lib/es/eis_view.h: an EIS as an operator, an M2M SP or the receiver of HandleSMSRChangeNotification may see it (SGP.02
 * annex E; fact book 4.8). The schema has most of what goes away as mandatory, and so do some readers: whether a partner
 * gets this form is for its configuration to say. Profiles have been chosen before. */
#ifndef OSPREY_ES_EIS_VIEW_H
#define OSPREY_ES_EIS_VIEW_H

#include "lib/base/arena.h"
#include "lib/model/eis.h"

enum eis_view {
    EIS_VIEW_OPERATOR, /* no ECASD, no ISD-R, no load file, no audit trail; without those no EumSignature either */
    EIS_VIEW_CHANGE    /* EID, SM-SR, and which profiles */
};
/* signed_info gives way to its typed fields, which are read from it. ERR_NO_MEMORY, or it cannot be read. */
MUST_USE enum err eis_reduce(struct eis *eis, enum eis_view view, struct arena *a);

#endif
