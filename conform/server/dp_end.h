/* conform/server/dp_end.h: the runner's SM-DP towards a card: key establishment with an ISD-P over ES3.SendData, and an
 * SCP03 session with it. */
#ifndef OSPREY_CONFORM_SERVER_DP_END_H
#define OSPREY_CONFORM_SERVER_DP_END_H

#include "lib/scp/scp03.h"
#include "stage.h"

struct dp_end {
    const char *eid, *aid; /* hex */
    struct scp03_keys keys;
    struct scp03_session session;
};
/* Agrees keys with the ISD-P; skips the case when the runner's SM-DP has no certificate for cards. */
void dp_agree(struct stage *s, struct dp_end *d);
/* INITIALIZE UPDATE, by SendData with more to come. */
void dp_initialize(struct stage *s, struct dp_end *d);
/* EXTERNAL AUTHENTICATE and the command in that session, as hex. */
const char *dp_commands(struct stage *s, struct dp_end *d, struct span capdu);

#endif
