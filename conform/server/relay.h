/* conform/server/relay.h: the runner as an SM-SR towards an SM-DP (or towards another SM-SR): with answers of its own, or
 * handing everything on to the true SM-SR, as an SM-DP towards that one, with a hand on what passes. */
#ifndef OSPREY_CONFORM_SERVER_RELAY_H
#define OSPREY_CONFORM_SERVER_RELAY_H

#include "stage.h"

#define RELAY_LOG_MAX 64u

/* A response to a request that came to a role: the text of the whole message. status: "EXECUTED_SUCCESS", or "FAILED" with
 * subject and reason ("8.4/4.2"; NULL: none). children: those of the function's own. */
char *response_text(struct stage *s, const struct message *request, const char *status, const char *codes,
                    const char *children);
/* The same with this body. */
char *answer_text(struct stage *s, const struct message *request, const char *body);
/* Answers a request with callback: 202, then the callback to whoever asked. */
void role_calls_back(struct stage *s, struct message *request, const char *text);
/* "ES3-SendData" of a request. */
const char *function_of(struct stage *s, const struct message *request);

/* What passes: requests of the SM-DP. Each hook may be NULL. instead: the text of an answer, so that the request does not
 * go on; NULL: it goes on. change: the answer as the SM-DP shall get it; NULL: it gets none. */
struct relay {
    char *(*instead)(struct stage *s, struct message *request, const char *function);
    char *(*change)(struct stage *s, struct message *request, const char *function, char *answer);
    struct message *seen[RELAY_LOG_MAX]; /* requests, in order */
    size_t seen_count;
};
/* Role SR relays to the SM-SR from now on, to the end of the case. */
void relay_begin(struct stage *s, struct relay *r);
/* Place of the nth request of that function among those seen; SIZE_MAX: there was none. iccid: NULL any. */
size_t relay_place(struct stage *s, const struct relay *r, const char *function, const char *iccid, size_t nth);

#endif
