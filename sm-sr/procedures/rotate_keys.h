/* sm-sr/procedures/rotate_keys.h: a new SCP80 key set for an eUICC that is managed here already (ES5.EstablishISDRKeySet under
 * the key set of now; fact book oncard 3.7), begun by an administration request. Card and SM-SR agree on the keys; nobody
 * hears them. From the right receipt on everything goes under the new set, and the old ones are deleted on the card. */
#ifndef OSPREY_SMSR_ROTATE_KEYS_H
#define OSPREY_SMSR_ROTATE_KEYS_H

#include "lib/role/admin_call.h"
#include "procedure.h"

struct turn;
struct rotate_keys_event {
    struct admin_call call;
};
void smsr_rotate_keys(struct turn *t, const struct rotate_keys_event *r);
/* What is left to do after its answer: a set that the card may have, and we do not, goes. */
void smsr_rotate_keys_ended(struct turn *t, const struct operation *op);

#endif
