/* sm-sr/procedures/master_delete.h: Master Delete (SGP.02 §3.10), begun by an administration request. */
#ifndef OSPREY_SMSR_MASTER_DELETE_H
#define OSPREY_SMSR_MASTER_DELETE_H

#include "lib/role/admin_call.h"
#include "procedure.h"

struct turn;
struct master_delete_event {
    struct admin_call call;
    struct iccid iccid;
    struct es5_delete command; /* with its token; spans in the event's arena */
};
void smsr_master_delete(struct turn *t, const struct master_delete_event *m);

#endif
