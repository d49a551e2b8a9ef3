/* conform/server/eum_oracle.h: the EUM's signature of an EIS in an answer, judged by libxml2's canonical form and OpenSSL
 * alone (fact book, chapter 6). */
#ifndef OSPREY_CONFORM_SERVER_EUM_ORACLE_H
#define OSPREY_CONFORM_SERVER_EUM_ORACLE_H

#include "stage.h"

/* Fails the case when m's Eis/EumSignature is not that of Eis/EumSignedInfo by the target's EUM. */
void need_eum_signature(struct stage *s, const struct message *m);

#endif
