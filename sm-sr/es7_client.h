/* sm-sr/es7_client.h: what this SM-SR asks another one, and what comes back (SGP.02 §5.6). A request is named
 * EID-operation-random, in MessageID, TransactionId and FunctionCallIdentifier: so its answer finds the way back. */
#ifndef OSPREY_SMSR_ES7_CLIENT_H
#define OSPREY_SMSR_ES7_CLIENT_H

#include "turn.h"

/* Asks op->peer; body's call identifier and validity (what remains of the operation's time, less a margin) are filled
 * in. op->step->told gets the answer. ERR_NOT_FOUND: no such partner, or it has no address. */
MUST_USE enum err smsr_peer_ask(struct turn *t, struct operation *op, enum es_function function,
                                struct es_request *body);

/* Is it an answer to a request of ours? Then the line it belongs to. */
bool smsr_peer_line(const struct es_message *response, char line[ENGINE_LINE_MAX + 1]);
void smsr_peer_answered(struct turn *t, const struct call_event *c);
/* EVENT_DELIVERED and EVENT_UNDELIVERED: does an operation want to know? Then it is told. */
bool smsr_peer_awaits(const struct event *event);
void smsr_peer_delivered(struct turn *t);

#endif
