/* conform/server/stranger.h: TLS clients that are none of the runner's roles. */
#ifndef OSPREY_CONFORM_SERVER_STRANGER_H
#define OSPREY_CONFORM_SERVER_STRANGER_H

#include "stage.h"

/* POSTs the text to the server with the identity of that name among the target's strangers; NULL: without a certificate.
 * The HTTP status; 0: the handshake is refused, or the connection ends without an answer. Skips the case when the target
 * has no such identity. */
int stranger_post(struct stage *s, const char *name, enum server to, const char *text);

#endif
