/* lib/es/wsmc.h: WS-MakeConnection 1.1 (fact book 5.8): a partner without an endpoint of its own names an anonymous URI
 * as ReplyTo, and fetches what was said to it by asking for that URI. */
#ifndef OSPREY_ES_WSMC_H
#define OSPREY_ES_WSMC_H

#include "message.h"

#define WSMC_NS        "http://docs.oasis-open.org/ws-rx/wsmc/200702"
#define WSMC_ANONYMOUS WSA_POLLED /* and the identifier */
#define WSMC_ACTION    WSMC_NS "/MakeConnection"
#define WSMC_ID_MAX    128u
#define WSMC_POLL_MAX  16384u /* octets of a request to fetch */

/* An anonymous URI with an identifier of 1 … WSMC_ID_MAX octets: no blank, no separator of parameters. */
bool wsmc_is_anonymous(struct span uri);

#define WSMC_DESTINATION "wsmc " /* how they begin; they end with the URI */
/* What the outbox keeps as destination: "wsmc OID URI". The owner is the one who may fetch it. NULL: no memory. */
const char *wsmc_destination(struct arena *a, const struct oid *owner, struct span uri);
/* false: a destination of another kind. */
bool wsmc_destination_read(const char *to, struct span *ret_owner, struct span *ret_uri);

/* One request to fetch. */
struct wsmc_poll {
    struct span address;             /* the anonymous URI */
    struct span to;                  /* wsa:To; empty when decoded without */
    struct span message_id;          /* wsa:MessageID; likewise */
    struct span received;            /* wsa:RelatesTo: MessageID of the last message that was received; may be empty */
};
/* A look at the octets that costs nothing: could this be one? */
bool wsmc_maybe_poll(struct span soap);
/* Borrows from soap and the arena. Errors as es_decode. */
MUST_USE enum err wsmc_poll_decode(struct span soap, struct arena *a, struct wsmc_poll *ret, struct es_fault *ret_fault);
MUST_USE enum err wsmc_poll_encode(const struct wsmc_poll *poll, struct arena *a, struct span *ret);

/* A stored message of ours with the header MessagePending: are there more? ERR_BAD_VALUE: not one of ours. */
MUST_USE enum err wsmc_deliver(struct span soap, bool pending, struct arena *a, struct span *ret);
/* What MessagePending of a fetched message says; false also when it is not there. */
bool wsmc_pending(struct span soap, struct arena *a);

#endif
