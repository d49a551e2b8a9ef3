/* operator/call.h: one function call to a partner, from the request to its answer, wherever that arrives. */
#ifndef OSPREY_OPERATOR_CALL_H
#define OSPREY_OPERATOR_CALL_H

#include "session.h"

#define OP_CALL_TRIES 3u /* the same octets each time: the partner recognises a repeat */

struct op_call {
    const struct op_partner *partner;
    enum es_function function;
    void *body;      /* struct es_request first; call identifier and validity are filled in when empty */
    uint32_t wait_s; /* for the answer; 0: validity period and half a minute */
    bool no_wait;    /* the acknowledgement is enough */
    bool dry_run;    /* the message is made and nothing leaves */
    bool repeat;     /* the call identifier was used before: its answer may be in the inbox already */
};
struct op_result {
    enum op_exit exit;
    bool has_answer;
    struct es_message answer; /* in the session's arena */
    struct span call_id, message_id;
    struct span soap; /* the request */
    const char *url;
    uint64_t took_ms;
    char text[OP_DETAIL_MAX]; /* what went wrong when there is no answer */
};
/* Notices (messages that are not the answer) go to op_show_message while it waits. */
void op_call_run(struct op_session *s, const struct op_call *call, struct op_result *ret);

/* The same, several at a time: each in a session of its own that shares loop, client, endpoint and inbox (`shared`).
 * What arrives at the endpoint must be offered; a turn is due after each round of the loop. call and *ret live as long
 * as the call; it and its memory are in the arena of s. NULL: no memory. */
struct op_running;
struct op_running *op_call_start(struct op_session *s, const struct op_call *call, struct op_result *ret);
bool op_call_offer(struct op_running *r, const struct es_message *m, struct span soap); /* true: its answer */
bool op_call_turn(struct op_running *r); /* true: *ret is filled in, and nothing touches the call any more */

/* "https://host:port" gets the service's path; a URL with a path is taken as it is. NULL: no memory. */
const char *op_service_url(struct op_session *s, const char *base, enum es_function function, enum es_role at);

#endif
