/* lib/engine/call.h: answers are remembered before they leave. A call is named by (requester OID,
 * FunctionCallIdentifier), SGP.02 §5.1.1; a repeat while it runs is acknowledged and not run twice, a repeat after it
 * ended gets the same answer (the same bytes when it is the same message), the same identifier for another content is refused. Table in ENGINE_SCHEMA. */
#ifndef OSPREY_ENGINE_CALL_H
#define OSPREY_ENGINE_CALL_H

#include "engine.h"

#define CALL_DIGEST_LEN 32u

enum call_state { CALL_UNKNOWN, CALL_RUNNING, CALL_ANSWERED };

struct call {
    enum call_state state;
    struct span digest;    /* of what was asked */
    struct span context;   /* the role's own note: how to answer (reply address, MessageID …), opaque */
    struct span answer;    /* CALL_ANSWERED */
    int answer_status;     /* HTTP status of the stored answer */
    uint64_t deadline_ms;
};

/* Asks for the call; false while it is not loaded (return STEP_NEED_ROWS then). */
bool call_load(struct rowset *rows, const char *requester, const char *call_id, struct call *ret);
/* How many calls of this requester run; false while it is not loaded. */
bool call_running(struct rowset *rows, const char *requester, size_t *ret_count);
void call_open(struct writes *w, const char *requester, const char *call_id, const char *line, struct span digest,
               struct span context, uint64_t now_ms, uint64_t deadline_ms);
void call_answer(struct writes *w, const char *requester, const char *call_id, int status, struct span answer);
/* Forgets answered calls older than before_ms. */
void call_prune(struct writes *w, uint64_t before_ms);

#endif
