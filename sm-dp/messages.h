/* sm-dp/messages.h: what the SM-DP says: answers and notifications to operators (ES2), requests to SM-SRs (ES3). All
 * are made and stored in the turn that knows them; a MessageID is drawn once. */
#ifndef OSPREY_SMDP_MESSAGES_H
#define OSPREY_SMDP_MESSAGES_H

#include "turn.h"

/* Where the callback of an ES2 function goes: ReplyTo, what is configured, or From. NULL: it names a host that is not
 * the operator's. */
const char *smdp_callback_url(struct turn *t, const struct smdp_partner *partner, const struct es_message *request);

/* An answer in the same HTTP exchange to a request that is not carried out. Empty: it cannot be built. */
struct span smdp_answer_build(struct turn *t, const struct es_message *request, const struct es_response *response);
/* job->status as answer of its function: on its way, and stored for repeats when it is the call's own. */
void smdp_answer_post(struct turn *t, struct job *j, bool own);
/* A stored answer for a message that asks again: with a header of its own, or as it is when it is the same message. */
struct span smdp_answer_again(struct turn *t, const struct es_message *request, struct span stored);
/* An answer that was stored, once more. */
void smdp_callback_post(struct turn *t, const char *url, enum es_function function, const char *call_id,
                        struct span soap);

/* A new MessageID; transaction and context may be empty. */
struct span smdp_message_id(struct turn *t, struct span transaction, struct span context, bool ampersand);
/* One request of ES3 with that MessageID. */
struct span smdp_request_build(struct turn *t, const struct smdp_partner *smsr, enum es_function function,
                               struct span message_id, const void *body);
/* A notification to an operator. */
void smdp_notify(struct turn *t, const struct smdp_partner *operator_, enum es_function function, const void *body,
                 const char *name);
void smdp_soap_post(struct turn *t, const char *url, const char *ref, struct span soap, enum effect_wants wants,
                    uint64_t give_up_ms);

#endif
