/* sm-dp/es3_client.h: the SM-DP asks an SM-SR (SGP.02 §5.4): one function under way for each job. A call leaves with
 * the same FunctionCallIdentifier and MessageID until it is answered or its time is over. */
#ifndef OSPREY_SMDP_ES3_CLIENT_H
#define OSPREY_SMDP_ES3_CLIENT_H

#include "procedures/procedure.h"
#include "turn.h"

/* Fills in body->base and sends it. Returns NEXT_STAY, or NEXT_END with job->status. body: the function's struct. */
int smdp_call(struct turn *t, struct job *j, enum es_function function, void *body);
/* Nothing is under way any more. */
void smdp_call_forget(struct turn *t, struct job *j);

/* A response of a partner: a callback, or the body of an HTTP answer. True: it was the one that a job waits for. */
bool smdp_es3_response(struct turn *t, const struct smdp_partner *from, const struct es_message *m);
/* What became of the HTTP request (EVENT_DELIVERED, EVENT_UNDELIVERED). */
void smdp_es3_delivered(struct turn *t);
void smdp_es3_undelivered(struct turn *t);

/* The ES3 twin of an ES2 function that is only passed on; ES_FUNCTION_NONE. */
enum es_function smdp_relay_of(enum es_function function);

#endif
