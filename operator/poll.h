/* operator/poll.h: without an endpoint of our own: what partners say to us is fetched (WS-MakeConnection, fact book 5.8).
 * Each message takes the same way as one that arrives at the endpoint: checked, kept in the inbox once, shown. */
#ifndef OSPREY_OPERATOR_POLL_H
#define OSPREY_OPERATOR_POLL_H

#include "session.h"

#define POLL_URI_MAX 240u

struct poller;
/* partner NULL: all that are fetched from ([partner …] poll). NULL without memory. every_ms 0: their poll_s. It lives as
 * long as the session. */
struct poller *poller_new(struct op_session *s, const struct op_partner *partner, uint32_t every_ms);
size_t poller_count(const struct poller *p); /* of partners */
/* Call it in each round of the loop. ERR_IO: the inbox takes nothing any more; detail says so. */
MUST_USE enum err poller_tick(struct poller *p);
/* Tells the partners what we have received, before we leave. NULL is fine. */
void poller_last(struct poller *p);

/* The anonymous URI by which this partner knows us. */
struct span poll_uri(struct op_session *s, const struct op_partner *partner);

#endif
