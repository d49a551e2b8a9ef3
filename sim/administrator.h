/* sim/administrator.h: what SGP.02 gives no function for and the administration of the servers is asked for instead, through
 * their own routes: new keys for an eUICC, changes inside an installed profile, Master Delete. These calls stand among the
 * operator's (operator.h): asked again while there is no answer, looked after until they are done, repeated by the judge. */
#ifndef OSPREY_SIM_ADMINISTRATOR_H
#define OSPREY_SIM_ADMINISTRATOR_H

#include "operator.h"

#define ADMINISTRATOR_OID "2.999.13"

extern const char *const administration_names[ADMINISTRATION_COUNT];

/* Their nodes in the world: the administrator, and the operator as the owner of profiles. */
void administrator_join(struct ecosystem *e);
/* Something that may be asked for that card now. */
struct question administrator_chooses(struct ecosystem *e, unsigned card);
/* Makes the first request of a call. */
void administrator_write(struct sim_call *c);
/* Sends what the call has come to: its request, or the question what became of it. */
void administrator_post(struct sim_call *c);
/* The whole request once more, as if nothing had been answered. */
void administrator_repeat(struct sim_call *c);
/* What came back over HTTP; status 0: nothing. */
void administrator_hears(struct sim_call *c, int status, struct span body);

#endif
